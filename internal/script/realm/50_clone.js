// structuredClone by the HTML standard's rules, for what a scenario can have.
(function (g, env) {
  'use strict';
  const { construct, defineProperty, getPrototypeOf, getOwnPropertyDescriptor } = Reflect;
  const { Map, Set, Date, RegExp, Error, ArrayBuffer, Object, Array, Symbol, String, Number, Boolean, BigInt, DOMException, TypeError } = g;
  const uncurry = (f) => g.Function.prototype.call.bind(f), getter = (o, k) => uncurry(getOwnPropertyDescriptor(o, k).get);
  const isArray = Array.isArray, isView = ArrayBuffer.isView, objectProto = Object.prototype, keysOf = Object.keys;
  const seenGet = uncurry(Map.prototype.get), seenHas = uncurry(Map.prototype.has), remember = uncurry(Map.prototype.set);
  const eachPair = uncurry(Map.prototype.forEach), eachValue = uncurry(Set.prototype.forEach), addTo = uncurry(Set.prototype.add);
  const timeOf = uncurry(Date.prototype.getTime), source = getter(RegExp.prototype, 'source'), flags = getter(RegExp.prototype, 'flags');
  const slice = uncurry(ArrayBuffer.prototype.slice), transferred = uncurry(ArrayBuffer.prototype.transfer), size = getter(ArrayBuffer.prototype, 'byteLength');
  const kind = getter(getPrototypeOf(g.Uint8Array.prototype), Symbol.toStringTag), describe = uncurry(objectProto.toString);
  const boxes = [[Number, uncurry(Number.prototype.valueOf)], [String, uncurry(String.prototype.valueOf)], [Boolean, uncurry(Boolean.prototype.valueOf)], [BigInt, uncurry(BigInt.prototype.valueOf)]];
  const errors = { __proto__: null, Error, EvalError: g.EvalError, RangeError: g.RangeError, ReferenceError: g.ReferenceError, SyntaxError: g.SyntaxError, TypeError, URIError: g.URIError };
  const views = { __proto__: null };
  for (const name of ['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float16', 'Float32', 'Float64', 'BigInt64', 'BigUint64']) if (g[name + 'Array']) views[name + 'Array'] = g[name + 'Array'];
  const refuse = (what) => new DOMException(what + ' could not be cloned.', 'DataCloneError');
  const put = (o, k, v) => defineProperty(o, k, { value: v, writable: true, enumerable: true, configurable: true });

  function clone(value, seen) {
    if (typeof value === 'symbol') throw refuse(String(value));
    if (typeof value === 'function') throw refuse('function ' + value.name);
    if (typeof value !== 'object' || value === null) return value;
    if (seenHas(seen, value)) return seenGet(seen, value);
    const proto = getPrototypeOf(value);
    if (proto !== objectProto && proto !== null && !isArray(value)) {
      const special = platform(value, seen);
      if (special !== undefined) return special;
    }
    const copy = isArray(value) ? new Array(value.length) : {}, keys = keysOf(value);
    remember(seen, value, copy);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i], part = clone(value[key], seen);
      if (key in objectProto) put(copy, key, part);
      else copy[key] = part;
    }
    return copy;
  }

  // platform copies an object with inner slots; undefined means it has none.
  function platform(value, seen) {
    const keep = (copy) => { remember(seen, value, copy); return copy; };
    if (isView(value)) return view(value, seen);
    try {
      if (value instanceof Date) return keep(new Date(timeOf(value)));
      if (value instanceof RegExp) return keep(new RegExp(source(value), flags(value)));
      if (value instanceof ArrayBuffer) return keep(slice(value, 0, size(value)));
      for (const [Box, unbox] of boxes) if (value instanceof Box) return keep(Object(unbox(value)));
    } catch (e) {
      if (!(e instanceof TypeError)) throw e; // only inherits from it
    }
    if (value instanceof Map && describe(value) === '[object Map]') return map(value, keep(new Map()), seen);
    if (value instanceof Set && describe(value) === '[object Set]') return set(value, keep(new Set()), seen);
    if (value instanceof Error) return error(value, keep, seen);
    if (value instanceof g.Promise || value instanceof g.WeakMap || value instanceof g.WeakSet) throw refuse(describe(value));
    return undefined;
  }
  // The entries are taken before the first of them is cloned: a getter in one may change the collection.
  function map(value, copy, seen) {
    const entries = [];
    eachPair(value, (v, k) => { entries[entries.length] = [k, v]; });
    for (const [k, v] of entries) remember(copy, clone(k, seen), clone(v, seen));
    return copy;
  }
  function set(value, copy, seen) {
    const values = [];
    eachValue(value, (v) => { values[values.length] = v; });
    for (const v of values) addTo(copy, clone(v, seen));
    return copy;
  }
  function view(value, seen) {
    const name = kind(value), buffer = clone(value.buffer, seen);
    const copy = construct(name === undefined ? g.DataView : views[name], [buffer, value.byteOffset, name === undefined ? value.byteLength : value.length]);
    remember(seen, value, copy);
    return copy;
  }
  function error(value, keep, seen) {
    if (value instanceof DOMException) return keep(new DOMException(value.message, value.name));
    const name = value.name === undefined ? 'Error' : String(value.name);
    const copy = keep(construct(Error, [], errors[name] || Error));
    const own = (k, v) => defineProperty(copy, k, { value: v, writable: true, configurable: true });
    const message = getOwnPropertyDescriptor(value, 'message');
    if (message && 'value' in message) own('message', String(message.value));
    if (typeof value.stack === 'string') own('stack', value.stack);
    if (getOwnPropertyDescriptor(value, 'cause')) own('cause', clone(value.cause, seen));
    return copy;
  }

  function structuredClone(value, options) {
    if (arguments.length === 0) throw new TypeError('structuredClone: there is nothing to clone');
    const seen = new Map(), transfer = options && options.transfer;
    if (transfer) {
      const buffers = [];
      for (const buffer of transfer) {
        if (typeof buffer !== 'object' || buffer === null) throw new TypeError('structuredClone: transfer takes ArrayBuffers only');
        if (!(buffer instanceof ArrayBuffer) || seenHas(seen, buffer)) throw refuse('a value in transfer');
        buffers[buffers.length] = buffer;
      }
      for (const buffer of buffers) remember(seen, buffer, transferred(buffer));
    }
    return clone(value, seen);
  }
  defineProperty(structuredClone, 'length', { value: 1, configurable: true });
  defineProperty(g, 'structuredClone', { value: structuredClone, writable: true, configurable: true });
})

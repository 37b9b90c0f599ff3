// The freeze: after it nothing that one run does to the realm can be seen by
// the next. Everything reachable is frozen, the intrinsics without a name by
// an explicit list.
(function (g, roots) {
  'use strict';
  const { getPrototypeOf, getOwnPropertyDescriptor, defineProperty, freeze } = Object;
  const { ownKeys } = Reflect;
  const hasOwn = Object.prototype.hasOwnProperty;
  const call = Function.prototype.call.bind(Function.prototype.call);

  const functions = [function () {}, async function () {}, function* () {}, async function* () {}];
  const generator = getPrototypeOf(functions[2].prototype);
  const asyncGenerator = getPrototypeOf(functions[3].prototype);
  const hidden = [
    ...functions.map(getPrototypeOf),
    generator, asyncGenerator, getPrototypeOf(generator), getPrototypeOf(asyncGenerator),
    getPrototypeOf(Int8Array),
    getPrototypeOf([][Symbol.iterator]()),
    getPrototypeOf(''[Symbol.iterator]()),
    getPrototypeOf(new Map()[Symbol.iterator]()),
    getPrototypeOf(new Set()[Symbol.iterator]()),
    getPrototypeOf(/a/[Symbol.matchAll]('')),
    getPrototypeOf(Iterator.from({ next() {} })),
    getPrototypeOf([].values().map((x) => x)),
    ...(Iterator.concat ? [getPrototypeOf(Iterator.concat([]))] : []),
    getOwnPropertyDescriptor((function () { return arguments; })(), 'callee').get,
  ];

  // A frozen prototype would forbid `error.name = ...` or `Sub.prototype.toString = ...`,
  // which is ordinary code. Where such code exists, data properties become accessors whose
  // setter defines the property on the object that was assigned to. An accessor costs
  // 50 ns a read, so the busiest names stay plain.
  const busy = new Set(['push', 'pop', 'shift', 'slice', 'map', 'filter', 'forEach', 'join', 'indexOf', 'includes',
    'find', 'findIndex', 'some', 'every', 'reduce', 'sort', 'concat', 'splice']);
  const typedArray = getPrototypeOf(Int8Array);
  const assignable = new Map([
    [Object.prototype, () => true],
    [Function.prototype, () => true],
    [Array.prototype, (key) => typeof key === 'string' && !busy.has(key)],
    [typedArray.prototype, (key) => typeof key === 'string'],
    [Promise.prototype, (key) => key !== 'constructor'], // each await reads it
    [RegExp.prototype, (key) => key === 'constructor' || key === 'toString'],
    [Iterator.prototype, () => true],
    [getPrototypeOf(asyncGenerator), () => true],
  ]);
  for (const name of ownKeys(g)) {
    const { value } = getOwnPropertyDescriptor(g, name);
    if (typeof value !== 'function' || typeof value.prototype !== 'object' || value.prototype === null) continue;
    const proto = value.prototype;
    if (proto instanceof Error || proto === Error.prototype || [Map, Set, WeakMap, WeakSet, Date].includes(value)) {
      if (!assignable.has(proto)) assignable.set(proto, (key) => typeof key === 'string');
    } else if (!assignable.has(proto)) {
      assignable.set(proto, (key) => key === 'constructor' || key === 'toString');
    }
  }

  function assignTo(target, key, value) {
    if (call(hasOwn, target, key)) target[key] = value;
    else defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  }

  function makeAssignable(o, key, value, enumerable) {
    const { get, set } = {
      get() { return value; },
      set(replacement) {
        if (this === o) throw new TypeError(`Cannot assign to read only property '${String(key)}'`);
        assignTo(this, key, replacement);
      },
    };
    seen.add(get); seen.add(set);
    defineProperty(o, key, { get, set, enumerable, configurable: false });
  }

  const seen = new Set(), todo = [g, ...hidden, ...roots];
  function visit(value) {
    if (((typeof value === 'object' && value !== null) || typeof value === 'function') && !seen.has(value)) todo.push(value);
  }
  const FunctionPrototype = Function.prototype;
  while (todo.length > 0) {
    const o = todo.pop();
    if (seen.has(o)) continue;
    seen.add(o);
    const proto = getPrototypeOf(o), keys = ownKeys(o);
    // Most objects are functions with a length and a name, behind which there is nothing.
    if (proto === FunctionPrototype && keys.length === 2 && keys[0] === 'length' && keys[1] === 'name') continue;
    if (proto !== null) visit(proto);
    const allowed = assignable.get(o);
    for (const key of keys) {
      const d = getOwnPropertyDescriptor(o, key), value = d.value;
      if (value === undefined) { // an accessor, or nothing
        visit(d.get);
        visit(d.set);
        continue;
      }
      visit(value);
      if (allowed !== undefined && d.configurable && d.writable && allowed(key)) makeAssignable(o, key, value, d.enumerable);
    }
  }
  for (const o of seen) freeze(o);
  return seen.size;
})

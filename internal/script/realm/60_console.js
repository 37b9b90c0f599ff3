// console: each call is one line for env.console(level, text), in a form like
// Node's, always on one line and bounded. Getters are never called.
(function (g, env) {
  'use strict';
  const { defineProperty, getPrototypeOf, ownKeys, getOwnPropertyDescriptor, apply } = Reflect;
  const { Map, Set, Date, RegExp, Error, Promise, Array, Symbol, String, Number, JSON, ArrayBuffer, Object } = g;
  const uncurry = (f) => g.Function.prototype.call.bind(f), getter = (o, k) => uncurry(getOwnPropertyDescriptor(o, k).get);
  const eachPair = uncurry(Map.prototype.forEach), eachValue = uncurry(Set.prototype.forEach), mapSize = getter(Map.prototype, 'size'), setSize = getter(Set.prototype, 'size');
  const timeOf = uncurry(Date.prototype.getTime), iso = uncurry(Date.prototype.toISOString), regex = uncurry(RegExp.prototype.toString), symbol = uncurry(Symbol.prototype.toString);
  const isArray = Array.isArray, isView = ArrayBuffer.isView, byteLength = getter(ArrayBuffer.prototype, 'byteLength');
  const kind = getter(getPrototypeOf(g.Uint8Array.prototype), Symbol.toStringTag);
  const DEPTH = 2, ITEMS = 100, TEXT = 10000, LINE = 16384;

  const cut = (s) => (s.length > TEXT ? s.slice(0, TEXT) + '... ' + (s.length - TEXT) + ' more characters' : s);
  function quote(s) {
    const q = !s.includes("'") ? "'" : !s.includes('"') ? '"' : !s.includes('`') && !s.includes('${') ? '`' : "'";
    let out = '';
    for (const c of s) out += c === '\n' ? '\\n' : c === '\t' ? '\\t' : c === '\r' ? '\\r' : c === '\b' ? '\\b' : c === '\f' ? '\\f' : c === '\v' ? '\\v' : c === '\\' ? '\\\\'
      : c === q && q === "'" ? "\\'" : c < ' ' || (c >= '\x7f' && c <= '\x9f') ? '\\x' + hex(c, 2) : c >= '\ud800' && c <= '\udfff' && c.length === 1 ? '\\u' + hex(c, 4) : c;
    return q + out + q;
  }
  const hex = (c, n) => c.charCodeAt(0).toString(16).toUpperCase().padStart(n, '0');
  const isName = (s) => /^[a-zA-Z_][a-zA-Z_0-9]*$/.test(s);
  const keyText = (k) => (typeof k === 'symbol' ? '[' + symbol(k) + ']' : isName(k) ? k : quote(k));

  function primitive(v) {
    switch (typeof v) {
      case 'string': return v.length > TEXT ? quote(v.slice(0, TEXT)) + '... ' + (v.length - TEXT) + ' more characters' : quote(v);
      case 'number': return Object.is(v, -0) ? '-0' : String(v);
      case 'bigint': return v + 'n';
      case 'symbol': return symbol(v);
      default: return String(v);
    }
  }
  // inspect writes a value. path holds the objects it is inside of and the room that
  // is left on the line: once it is full, values are only hinted at.
  const start = () => ({ seen: [], room: { left: LINE } });
  function inspect(v, path, depth) {
    if (path.room.left <= 0) return '...';
    if ((typeof v !== 'object' && typeof v !== 'function') || v === null) {
      const text = primitive(v);
      path.room.left -= text.length + 2;
      return text;
    }
    path.room.left -= 4;
    if (path.seen.includes(v)) return '[Circular]';
    try { return object(v, path, depth); } catch (e) { return '[unreadable object]'; }
  }
  function className(v) {
    for (let o = v; o !== null; o = getPrototypeOf(o)) {
      const d = getOwnPropertyDescriptor(o, 'constructor'), f = d && ('value' in d ? d.value : typeof d.get === 'function' ? v.constructor : undefined);
      if (typeof f === 'function' && f.name !== '') return f.name;
    }
    return null;
  }
  function object(v, path, depth) {
    const name = className(v), inside = { seen: path.seen.concat([v]), room: path.room }, deep = depth < 0;
    if (typeof v === 'function') {
      const head = /^class\b/.test(String(v)) ? '[class ' + (v.name || '(anonymous)') + ']' : '[' + (name || 'Function') + (v.name ? ': ' + v.name : ' (anonymous)') + ']';
      return braces(head, members(v, inside, depth, true), '{', '}');
    }
    if (isArray(v)) return deep ? '[Array]' : braces(name === 'Array' ? '' : name + '(' + v.length + ')', listed(v, v.length, inside, depth).concat(members(v, inside, depth, true)), '[', ']', true);
    if (isView(v) && kind(v) !== undefined) return deep ? '[' + name + ']' : braces(name + '(' + v.length + ')', listed(v, v.length, inside, depth), '[', ']', true);
    const special = known(v, name, inside, depth);
    if (special !== undefined) return special;
    if (deep) return '[' + (name === null ? 'Object: null prototype' : name) + ']';
    const tag = v[Symbol.toStringTag], prefix = (name === null ? '[Object: null prototype]' : name === 'Object' ? '' : name) + (typeof tag === 'string' && tag !== '' && tag !== name ? (name === 'Object' ? 'Object' : '') + ' [' + tag + ']' : '');
    return braces(prefix, members(v, inside, depth, false), '{', '}', true);
  }
  // known writes what has inner slots; undefined means the object has none.
  function known(v, name, inside, depth) {
    const more = (head) => braces(head, members(v, inside, depth, v instanceof String), '{', '}');
    if (v instanceof Error) return more(failure(v, inside, depth));
    try {
      if (v instanceof Date) { const t = timeOf(v); return more(t !== t ? 'Invalid Date' : iso(v)); }
      if (v instanceof RegExp) return more(regex(v));
      if (v instanceof Promise) return 'Promise {}'; // its state is not for scripts to see
      if (v instanceof Map) return depth < 0 ? '[Map]' : braces('Map(' + mapSize(v) + ')', collected(eachPair, v, (x, k) => inspect(k, inside, depth - 1) + ' => ' + inspect(x, inside, depth - 1)), '{', '}', true);
      if (v instanceof Set) return depth < 0 ? '[Set]' : braces('Set(' + setSize(v) + ')', collected(eachValue, v, (x) => inspect(x, inside, depth - 1)), '{', '}', true);
      if (v instanceof ArrayBuffer) return 'ArrayBuffer { byteLength: ' + byteLength(v) + ' }';
      for (const Box of [Number, String, g.Boolean, g.BigInt, Symbol]) if (v instanceof Box) return more('[' + Box.name + ': ' + primitive(apply(Box.prototype.valueOf, v, [])) + ']');
      if (g.URL && v instanceof g.URL) return 'URL ' + quote(v.href);
      if (g.URLSearchParams && v instanceof g.URLSearchParams) return 'URLSearchParams ' + quote(String(v));
    } catch (e) { /* it only inherits from one: a plain object */ }
    return undefined;
  }
  function failure(v, inside, depth) {
    const name = v.name, message = v.message;
    const head = cut((typeof name === 'string' ? name : 'Error') + (typeof message === 'string' && message !== '' ? ': ' + message : ''));
    const parts = [];
    for (const key of ['cause', 'errors']) {
      const d = getOwnPropertyDescriptor(v, key);
      if (d && 'value' in d && !d.enumerable) parts.push('[' + key + ']: ' + inspect(d.value, inside, depth - 1));
    }
    return braces('[' + head + ']', parts, '{', '}');
  }
  function collected(each, v, write) {
    const parts = [];
    let n = 0;
    each(v, (a, b) => { if (n++ < ITEMS) parts.push(write(a, b)); });
    return rest(parts, n);
  }
  const rest = (parts, n) => { if (n > ITEMS) parts.push('... ' + (n - ITEMS) + ' more item' + (n - ITEMS > 1 ? 's' : '')); return parts; };
  function listed(v, length, inside, depth) {
    const parts = [];
    let holes = 0;
    const flush = () => { if (holes) parts.push('<' + holes + ' empty item' + (holes > 1 ? 's' : '') + '>'); holes = 0; };
    for (let i = 0; i < length && i < ITEMS; i++) {
      const d = getOwnPropertyDescriptor(v, i);
      if (!d) { holes++; continue; }
      flush();
      parts.push('value' in d ? inspect(d.value, inside, depth - 1) : '[Getter]');
    }
    flush();
    return rest(parts, length);
  }
  function members(v, inside, depth, skipIndices) {
    const parts = [];
    let n = 0;
    for (const key of ownKeys(v)) {
      const d = getOwnPropertyDescriptor(v, key);
      if (!d || !d.enumerable || (skipIndices && typeof key === 'string' && /^\d+$/.test(key))) continue;
      if (n++ >= ITEMS) continue;
      parts.push(keyText(key) + ': ' + ('value' in d ? inspect(d.value, inside, depth - 1) : d.get ? (d.set ? '[Getter/Setter]' : '[Getter]') : '[Setter]'));
    }
    return rest(parts, n);
  }
  function braces(head, parts, open, close, always) {
    if (parts.length === 0) return always ? (head ? head + ' ' : '') + open + close : head;
    return (head ? head + ' ' : '') + open + ' ' + parts.join(', ') + ' ' + close;
  }

  // format joins the arguments of one call; %s %d %i %f %j %o %O %c take one each.
  function format(args) {
    let at = 0, out = '';
    if (typeof args[0] === 'string') {
      at = 1;
      out = args[0];
      if (args.length > 1 && out.includes('%')) out = out.replace(/%[sdifjoOc%]/g, (m) => (m === '%%' ? '%' : at >= args.length ? m : placed(m[1], args[at++])));
    }
    const parts = at === 1 || at > 1 ? [cut(out)] : [];
    for (; at < args.length; at++) parts.push(typeof args[at] === 'string' ? cut(args[at]) : inspect(args[at], start(), DEPTH));
    const line = parts.join(' ');
    return line.length > LINE ? line.slice(0, LINE) + '... ' + (line.length - LINE) + ' more characters' : line;
  }
  function placed(form, v) {
    const n = (f) => (typeof v === 'bigint' ? v + 'n' : typeof v === 'symbol' || typeof v === 'object' && v !== null ? 'NaN' : primitive(f(v)));
    switch (form) {
      case 's': return typeof v === 'string' ? v : typeof v === 'object' && v !== null ? inspect(v, start(), 0) : primitive(v);
      case 'd': return n(Number);
      case 'i': return n((x) => g.parseInt(x, 10));
      case 'f': return typeof v === 'symbol' ? 'NaN' : primitive(g.parseFloat(v));
      case 'j': try { return String(JSON.stringify(v)); } catch { return '[Circular]'; }
      case 'c': return '';
      default: return inspect(v, start(), form === 'o' ? 4 : DEPTH);
    }
  }
  // table writes rows and columns as text, or what is no table as log does.
  function table(data, columns) {
    if (typeof data !== 'object' || data === null) return format([data]);
    const entries = data instanceof Map || data instanceof Set ? [...data].map((v, i) => [String(i), v]) : Object.entries(data);
    const names = [];
    let values = false;
    const rows = entries.slice(0, ITEMS).map(([index, row]) => {
      const cells = { __proto__: null, '': index };
      if (typeof row === 'object' && row !== null) for (const k of Object.keys(row)) { if (columns && !columns.includes(k)) continue; if (!names.includes(k)) names.push(k); cells[' ' + k] = inspect(row[k], start(), 0); }
      else { values = true; cells.value = inspect(row, start(), 0); }
      return cells;
    });
    const keys = ['', ...names.map((n) => ' ' + n), ...(values ? ['value'] : [])], heads = ['(index)', ...names, ...(values ? ['Values'] : [])];
    const all = [heads, ...rows.map((r) => keys.map((k) => (k in r ? r[k] : '')))];
    const widths = heads.map((_, i) => Math.max(...all.map((r) => r[i].length)));
    return all.map((r) => r.map((c, i) => c.padEnd(widths[i])).join(' | ').trimEnd()).join('\n').slice(0, LINE);
  }

  const write = (level, text) => { const sink = env.console; if (sink) sink(level, text); };
  const say = (level) => (...args) => { write(level, format(args)); };
  const methods = {
    debug: say('debug'), log: say('info'), info: say('info'), warn: say('warn'), error: say('error'), group: say('info'), groupCollapsed: say('info'),
    trace(...args) { write('debug', 'Trace: ' + format(args)); },
    dir(value) { write('info', inspect(value, start(), DEPTH)); },
    assert(condition, ...args) { if (!condition) write('error', 'Assertion failed' + (args.length ? ': ' + format(args) : '')); },
    table(data, columns) { write('info', table(data, columns)); },
    groupEnd() {},
  };
  const console = {};
  for (const name in methods) { defineProperty(methods[name], 'name', { value: name, configurable: true }); console[name] = methods[name]; }
  defineProperty(console, Symbol.toStringTag, { value: 'console', configurable: true });
  defineProperty(g, 'console', { value: console, writable: true, configurable: true });
})

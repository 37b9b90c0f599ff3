package script

import "testing"

// TestEverythingIsFrozen walks all that a scenario can reach, from outside of
// the freeze's own list: names, prototypes, accessors, results of calls, and
// the intrinsics that have no name.
func TestEverythingIsFrozen(t *testing.T) {
	p := pool(t, Config{Pure: map[string]Pure{"echo": func(args []any) (any, error) { return args[0], nil }}})
	b, diagnostics := Build(t.Context(), BuildOptions{Entry: "walk.js", Sources: map[string]string{"walk.js": frozenWalk}})
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	program, diagnostics := Compile(b)
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	got := answer(t, p, program)
	if got[0] != '0' {
		t.Errorf("not frozen: %s", got)
	}
	t.Log(got)
}

const frozenWalk = `
const J = require('junctor');
module.exports.default = async function () {
  const gp = Object.getPrototypeOf, real = gp(globalThis);
  const roots = { real, J, require, 'this': (function () { return this })() };
  const samples = {
    'function': function () {}, async: async function () {}, generator: function* () {}, asyncGenerator: async function* () {},
    arrow: () => 1, asyncArrow: async () => 1, method: { m() {} }.m, getter: Object.getOwnPropertyDescriptor({ get a() { return 1 } }, 'a').get,
    'class': class {}, derived: class extends Array {}, bound: (function () {}).bind(null),
    generatorObject: (function* () {})(), asyncGeneratorObject: (async function* () {})(),
    arrayIterator: [].values(), stringIterator: ''[Symbol.iterator](), mapIterator: new Map().entries(), setIterator: new Set().entries(),
    regexpIterator: 'a'.matchAll(/a/g), typedIterator: new Uint8Array(1).values(),
    helperMap: [].values().map(x => x), helperTake: [].values().take(1), helperFlat: [].values().flatMap(x => [x]), wrapped: Iterator.from({ next() {} }),
    concat: Iterator.concat ? Iterator.concat([1]) : null, wrappedGenerator: Iterator.from((function* () {})()),
    promise: Promise.resolve(1), resolvers: Promise.withResolvers(), regexp: /a/g, match: /(?<n>a)/.exec('a'), error: new Error('x'), aggregate: new AggregateError([]),
    args: (function () { return arguments })(), strictArgs: (function () { 'use strict'; return arguments })(),
    proxy: Proxy.revocable({}, {}), buffer: new ArrayBuffer(8), view: new DataView(new ArrayBuffer(8)), date: new Date(), symbol: Object(Symbol('x')), bigint: Object(1n),
    fromEval: (0, eval)('(function(){})'), made: Function('return 1'), madeAsync: gp(async function () {}).constructor('return 1'),
    call: J.call('x', '1'), pure: J.pure, json: JSON.parse('{"a":[1]}'), raw: JSON.rawJSON ? JSON.rawJSON('1') : null,
    intl: typeof Intl === 'object' ? [new Intl.NumberFormat('cs'), new Intl.DateTimeFormat('cs'), new Intl.Collator('cs')] : null,
    url: typeof URL === 'function' ? [new URL('http://a/?b=1'), new URL('http://a/?b=1').searchParams, new URLSearchParams('a=1').entries()] : null,
    coders: typeof TextEncoder === 'function' ? [new TextEncoder(), new TextDecoder()] : null,
    typeErrors: [() => null.x, () => { throw new RangeError('') }, () => undefinedName, () => decodeURI('%'), () => 1n + 1, () => new Array(-1), () => (function f() { f() })()].map(f => { try { f() } catch (e) { return e } }),
    rejected: await J.pure.echo && new Promise((_, no) => no(1)).catch(x => x),
  };
  // What a sample owns belongs to this run; what it inherits is shared.
  for (const [name, s] of Object.entries(samples)) {
    if (s === null || (typeof s !== 'object' && typeof s !== 'function')) continue;
    // A generator's own prototype belongs to its function, which is the run's.
    roots['prototype of ' + name] = /generator(Object)?$/i.test(name) && typeof s === 'object' ? gp(gp(s)) : gp(s);
    if (typeof s === 'object') for (const k of Reflect.ownKeys(s)) {
      const d = Object.getOwnPropertyDescriptor(s, k);
      for (const v of [d.value, d.get, d.set]) if (v !== null && (typeof v === 'object' || typeof v === 'function')) roots['prototype of ' + name + '.' + String(k)] = gp(v);
    }
  }
  roots.thrower = Object.getOwnPropertyDescriptor((function () { 'use strict'; return arguments })(), 'callee').get;
  const seen = new Map(), bad = [], todo = Object.entries(roots).map(([k, v]) => [k, v]);
  while (todo.length > 0) {
    const [path, o] = todo.pop();
    if (o === null || (typeof o !== 'object' && typeof o !== 'function') || seen.has(o)) continue;
    seen.set(o, path);
    // A call must not run user-visible effects: only what is reachable without calling.
    if (!Object.isFrozen(o)) bad.push(path);
    todo.push([path + '.__proto__', gp(o)]);
    for (const k of Reflect.ownKeys(o)) {
      const d = Object.getOwnPropertyDescriptor(o, k);
      if (d.configurable || d.writable) bad.push(path + '.' + String(k) + ' configurable');
      for (const part of ['value', 'get', 'set']) if (d[part] !== undefined) todo.push([path + '.' + String(k) + (part === 'value' ? '' : ' ' + part), d[part]]);
      // What an accessor gives is reachable as well.
      if (d.get) { let v; try { v = o[k] } catch { continue } todo.push([path + '.' + String(k) + ' got', v]) }
    }
  }
  return bad.length + ' of ' + seen.size + ': ' + bad.slice(0, 30).join(', ');
};`

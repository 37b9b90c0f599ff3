// Code and patterns made from text. Both are capped in length, since compiling
// them is native work that nothing can interrupt, and code can declare nothing
// outside itself: a global `let` would outlive its run.
(function (g, limits) {
  'use strict';
  const { defineProperty, getPrototypeOf, setPrototypeOf, getOwnPropertyDescriptor, freeze } = Object;
  const { construct, ownKeys } = Reflect;
  const Native = g.Function, nativeEval = g.eval, NativeRegExp = g.RegExp;

  function hide(o, name, value) {
    defineProperty(o, name, { value, writable: true, enumerable: false, configurable: true });
  }

  function capped(text, limit, what) {
    text = `${text}`;
    if (text.length > limit) {
      throw new RangeError(`${what} of ${text.length} characters is too long (at most ${limit})`);
    }
    return text;
  }

  // A direct eval keeps declarations in the scope that calls it. This one is
  // made at the global level, so text sees the global names and nothing of the
  // realm; the native eval is on the stack only, replaced before the text runs.
  const evaluate = freeze(Native('eval', '$text', '$safe',
    'return eval((arguments[0] = $safe, eval = $safe, $text))'));

  function evalText(text) {
    if (typeof text !== 'string') return text;
    return evaluate(nativeEval, capped(text, limits.code, 'code'), safeEval);
  }
  const safeEval = { eval(text) { return evalText(text); } }.eval;
  hide(g, 'eval', safeEval);

  const kinds = [
    [function () {}, 'function'],
    [async function () {}, 'async function'],
    [function* () {}, 'function*'],
    [async function* () {}, 'async function*'],
  ];
  for (const [sample, keyword] of kinds) {
    const proto = getPrototypeOf(sample);
    const name = proto.constructor.name;
    const make = { [name]: function (...parts) {
      const body = parts.length ? `${parts[parts.length - 1]}` : '';
      let params = '';
      for (let i = 0; i < parts.length - 1; i++) params += (i ? ',' : '') + `${parts[i]}`;
      const text = capped(`(${keyword} anonymous(${params}\n) {\n${body}\n})`, limits.code, 'code');
      const made = evaluate(nativeEval, text, safeEval);
      if (new.target !== undefined && new.target !== make) setPrototypeOf(made, new.target.prototype);
      return made;
    } }[name];
    defineProperty(make, 'length', { value: 1 });
    defineProperty(make, 'prototype', { value: proto, writable: false, enumerable: false, configurable: false });
    defineProperty(proto, 'constructor', { value: make, writable: true, enumerable: false, configurable: true });
    if (keyword === 'function') hide(g, 'Function', make);
    else setPrototypeOf(make, g.Function);
  }

  function pattern(value) {
    if (typeof value === 'string') capped(value, limits.pattern, 'a regular expression');
    return value;
  }
  const SafeRegExp = function RegExp(source, flags) {
    const isObject = typeof source === 'object' && source !== null;
    // Called without new, a regular expression comes back as it is.
    if (new.target === undefined && flags === undefined && isObject && source[Symbol.match] !== undefined &&
        source.constructor === SafeRegExp) return source;
    const from = isObject || source === undefined ? source : pattern(`${source}`);
    return construct(NativeRegExp, [from, flags], new.target === undefined || new.target === SafeRegExp ? NativeRegExp : new.target);
  };
  const proto = NativeRegExp.prototype;
  for (const key of ownKeys(NativeRegExp)) {
    if (key === 'prototype') continue;
    const d = getOwnPropertyDescriptor(NativeRegExp, key);
    // The legacy statics ($1, lastMatch) carry a match from one run to the next.
    if (key === 'length' || key === 'name' || typeof key === 'symbol' || typeof d.value === 'function') {
      defineProperty(SafeRegExp, key, d);
    }
  }
  defineProperty(SafeRegExp, 'prototype', { value: proto, writable: false, enumerable: false, configurable: false });
  hide(proto, 'constructor', SafeRegExp);
  delete proto.compile;
  hide(g, 'RegExp', SafeRegExp);

  // These make a pattern of their argument without asking the constructor.
  const { match, matchAll, search } = g.String.prototype;
  const call = g.Function.prototype.call.bind(g.Function.prototype.call);
  hide(g.String.prototype, 'match', { match(re) { return call(match, this, pattern(re)); } }.match);
  hide(g.String.prototype, 'matchAll', { matchAll(re) { return call(matchAll, this, pattern(re)); } }.matchAll);
  hide(g.String.prototype, 'search', { search(re) { return call(search, this, pattern(re)); } }.search);
})

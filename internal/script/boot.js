// Makes a realm of a bare engine: takes out what is not deterministic, puts in
// what scenarios expect, loads the module "junctor" and freezes everything.
(function (g, parts) {
  'use strict';
  for (const name of ['WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics', 'performance', 'navigator']) delete g[name];
  Error.stackTraceLimit = 20; // frozen with all else, the realm's own frames included
  const hide = (o, name, value) => Object.defineProperty(o, name, { value, writable: true, enumerable: false, configurable: true });

  const claim = (names, prefix) => {
    const out = Object.create(null);
    for (const name of names) {
      out[name] = g[prefix + name];
      delete g[prefix + name];
    }
    return out;
  };
  const native = claim(parts.natives, parts.prefix + 'native_');
  const pure = claim(parts.pures, parts.prefix + 'pure_');

  const clock = parts.core();
  hide(g.Math, 'random', { random() { return clock.random(); } }.random);
  parts.code(g, parts.limits);
  const loop = parts.loop(g, clock, parts.limits, pure);
  const env = { now: clock.now, random: clock.random, console: loop.print, zone: parts.zone, native };
  for (const part of parts.realm) part(g, env);

  for (const name of Object.keys(loop.timers)) hide(g, name, loop.timers[name]);
  const module = parts.module(loop.realm);
  loop.use(module);
  parts.lockdown(g, [module, env, loop.realm, loop.require]);
  const handles = [loop.begin, loop.settle, loop.conclude, loop.take, loop.drop, loop.measure, loop.exports];
  return (i) => handles[i];
})

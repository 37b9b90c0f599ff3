// The run loop: one run at a time, from its first line to its last. Go calls
// begin, settle, conclude, take and drop, and drains the job queue in between;
// host calls wait in `run.queue` until Go takes them.
//
// What the module "junctor" gets is `realm` below, and it returns
//   exports: {...}              what `import ... from "junctor"` gives; frozen with all else
//   enter(entry, exports, args) begins the run: calls the scenario, returns its value or promise
//   output(value)               makes that value the run's output, a string
//   error(json, place)          makes the rejection of a host call; place is what the call was given
//   fail(error)                 says something about what ended the run, a string or undefined
//   console(level, text)        optional; without it console writes notices "log" {"level","message"}
(function (g, clock, limits, pure) {
  'use strict';
  const { create } = Object;
  const { stringify } = JSON;
  const { apply } = Reflect;
  const P = Promise, then = P.prototype.then;
  const resolved = P.resolve(), resolve = P.resolve.bind(P);
  const NUL = '\u0000';
  let module, run = null;

  // The description reads the error's properties, which may be getters: it is
  // made while the run can still execute the jobs they leave.
  function fail(mine, error) {
    if (mine.status !== 'P') return;
    mine.status = 'F';
    mine.output = describe(error, mine.origins);
  }

  // over marks a limit as exceeded; the run ends with it whoever catches the error.
  function over(kind, message) {
    run.limit = kind;
    throw new RangeError(message);
  }

  function enqueue(id, name, args) {
    if (typeof name !== 'string' || typeof args !== 'string') throw new TypeError('a host call takes a name and JSON');
    if (name.includes(NUL) || args.includes(NUL)) throw new TypeError(`the arguments of ${name} hold a NUL character`);
    if (args.length > limits.output) throw new RangeError(`the arguments of ${name} are larger than ${limits.output} characters`);
    if (run.made >= limits.calls) over('Calls', `more than ${limits.calls} host calls`);
    run.made++;
    run.count++;
    run.queue += id + NUL + name + NUL + args + NUL;
  }

  const realm = {
    // read, if given, makes the promise's value of the answer's text.
    call(name, args, read, place) {
      const id = run.next;
      enqueue(id, name, args);
      run.next = id + 1;
      const pending = { resolve: undefined, reject: undefined, read, place };
      const promise = new P((ok, no) => { pending.resolve = ok; pending.reject = no; });
      (run.pending ??= new Map()).set(id, pending);
      return promise;
    },
    // last is the number of the last call.
    last() { return run.next - 1; },
    notice(name, args) { enqueue(0, name, args); },
    pure,
    now: clock.now,
    random: clock.random,
    state() { return run.state ??= create(null); },
  };

  // What ends a promise that nobody waits for: a timer's or a microtask's error.
  function unhandled(mine) {
    return (error) => { fail(mine, error); };
  }

  const timers = {
    // A sleep like any other: journalled, and gone through again at a replay.
    setTimeout(callback, delay, ...args) {
      if (typeof callback !== 'function') throw new TypeError('setTimeout takes a function');
      const mine = run, id = mine.timer = (mine.timer ?? 0) + 1, ms = +delay;
      (mine.timers ??= new Set()).add(id);
      const slept = realm.call('sleep', stringify({ ms: ms > 0 ? ms : 0 }));
      const fired = apply(then, slept, [() => { if (mine.timers.delete(id)) apply(callback, undefined, args); }]);
      apply(then, fired, [undefined, unhandled(mine)]);
      return id;
    },
    clearTimeout(id) { run.timers?.delete(id); },
    setInterval() {
      throw new TypeError('setInterval is not available: a scenario ends. Use a loop with sleep() from "junctor", or a schedule');
    },
    queueMicrotask(callback) {
      if (typeof callback !== 'function') throw new TypeError('queueMicrotask takes a function');
      const done = apply(then, resolved, [() => { callback(); }]);
      apply(then, done, [undefined, unhandled(run)]);
    },
  };

  function require(name) {
    if (name === 'junctor') return module.exports;
    throw new TypeError(`require(${stringify(name)}) is not available at run time: use an import, and it is bundled`);
  }

  function start(seedHigh, seedLow, ms) {
    clock.start(ms, seedHigh, seedLow);
    return run = {
      status: 'P', output: '', next: 1, made: 0, count: 0, queue: '', pending: undefined, state: undefined,
      // and, in runs that need them: limit, origins, timer, timers
    };
  }

  // instantiate executes the top level of all modules in a world of their own.
  function instantiate(factory) {
    const view = create(g), scenario = { exports: {} };
    factory(scenario, scenario.exports, require, view, view, view);
    return scenario.exports;
  }

  // measure is the part of begin that an author can do something about.
  function measure(factory) {
    const mine = start(0, 0, 0);
    try {
      instantiate(factory);
      mine.status = 'D';
    } catch (error) {
      fail(mine, error);
    }
  }

  // begin answers the promise that the run ends with. Go looks at it after each
  // turn: that costs less than waiting for it here.
  function begin(factory, seedHigh, seedLow, ms, entry, ...args) {
    const mine = start(seedHigh, seedLow, ms);
    try {
      return resolve(module.enter(entry, instantiate(factory), args));
    } catch (error) {
      fail(mine, error);
    }
  }

  // conclude ends the run with what its promise has come to.
  function conclude(fulfilled, value) {
    const mine = run;
    if (mine.status !== 'P') return;
    if (!fulfilled) { fail(mine, value); return; }
    try {
      const output = module.output(value);
      if (output.length > limits.output) over('Output', `an answer of ${output.length} characters is too large (at most ${limits.output})`);
      mine.status = 'D';
      mine.output = output;
    } catch (error) { fail(mine, error); }
  }

  function settle(id, ok, value, ms) {
    clock.move(ms);
    const pending = run.pending?.get(id);
    if (pending === undefined) throw new TypeError(`no host call ${id} is outstanding`);
    run.pending.delete(id);
    if (ok) {
      try { pending.resolve(pending.read === undefined ? value : pending.read(value)); } catch (error) { pending.reject(error); }
      return;
    }
    const error = module.error(value, pending.place);
    (run.origins ??= new WeakMap()).set(error, id);
    pending.reject(error);
  }

  // take answers STATUS COUNT NUL (ID NUL NAME NUL ARGS NUL)*COUNT and then the
  // output or the failure as JSON. STATUS: D done, F failed, L over a limit,
  // S stalled, P pending.
  function take() {
    const mine = run, calls = mine.count + NUL + mine.queue;
    mine.queue = '';
    mine.count = 0;
    if (mine.limit !== undefined) { run = null; return 'L' + calls + mine.limit; }
    if (mine.status !== 'P') { run = null; return mine.status + calls + mine.output; }
    if (mine.pending === undefined || mine.pending.size === 0) { run = null; return 'S' + calls; }
    return 'P' + calls;
  }

  // drop forgets the run: with its promises' resolvers gone, no job of it can
  // ever be queued again.
  function drop() { run = null; }

  const text = (value, otherwise) => (typeof value === 'string' ? value : otherwise);

  // explain says in words what was thrown, whatever it was.
  function explain(error) {
    const out = { name: 'Error', message: '', stack: '' };
    try {
      if (typeof error === 'object' && error !== null) {
        out.name = text(error.name, 'Error');
        out.message = text(error.message, '') || (error instanceof Error ? '' : text(stringify(error), ''));
        out.stack = text(error.stack, '');
      } else {
        out.message = String(error) + ' was thrown; throw an Error to see where';
      }
    } catch { out.message ||= 'an error that cannot be read was thrown'; }
    return out;
  }

  const deepest = 32;

  // follow visits an error, its causes and the errors it collects.
  function follow(error, visit) {
    const seen = new Set(), todo = [error];
    while (todo.length > 0 && seen.size < deepest) {
      const e = todo.shift();
      if (typeof e !== 'object' || e === null || seen.has(e)) continue;
      seen.add(e);
      visit(e, seen.size);
      try {
        todo.push(e.cause);
        const collected = e.errors;
        if (Array.isArray(collected)) for (let i = 0; i < collected.length && i < deepest; i++) todo.push(collected[i]);
      } catch { /* a getter that throws hides what is behind it */ }
    }
  }

  function describe(error, origins) {
    const out = explain(error);
    const from = new Set();
    follow(error, (e, nth) => {
      const id = origins?.get(e);
      if (id !== undefined) from.add(id);
      if (nth === 1 || nth > 8) return;
      const inner = explain(e);
      out.stack += `\nCaused by: ${inner.name}: ${inner.message}\n${inner.stack}`;
    });
    out.origins = [...from];
    try { out.data = text(module.fail(error), ''); } catch { out.data = ''; }
    return stringify(out);
  }

  // print is where console writes; the module may have its own idea of it.
  function print(level, text) {
    if (run === null) return;
    if (module.console !== undefined) module.console(level, text);
    else realm.notice('log', stringify({ level, message: text }));
  }

  return {
    realm, timers, require, print, begin, settle, conclude, take, drop, measure,
    use(m) { module = m; },
    exports() { return stringify(Object.keys(module.exports)); },
  };
})

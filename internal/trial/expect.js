// expect: what a test wants, and what it says when it does not get it.
(function () {
  'use strict';
  const { stringify } = JSON;
  const isObject = (v) => typeof v === 'object' && v !== null;
  const longest = 400;

  class Expectation extends Error {}
  Object.defineProperty(Expectation.prototype, 'name', { value: 'Expectation', writable: true, configurable: true });

  // show is a value as people write it, on one line.
  function show(value) {
    const text = written(value, []);
    return text.length > longest ? `${text.slice(0, longest)}...` : text;
  }

  function written(value, above) {
    if (typeof value === 'string') return stringify(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'function') return `function ${value.name}`;
    if (Object.is(value, -0)) return '-0';
    if (!isObject(value)) return String(value);
    if (above.includes(value)) return '(itself)';
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (value instanceof RegExp) return String(value);
    const inner = (v) => written(v, [...above, value]);
    if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`;
    if (ArrayBuffer.isView(value)) return `bytes [${[...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)].join(', ')}]`;
    if (value instanceof Map || value instanceof Set) return `${value.constructor.name} ${inner([...value])}`;
    if (typeof value.toJSON === 'function') return `${inner(value.toJSON())}`;
    const members = Object.keys(value).map((key) => `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : stringify(key)}: ${inner(value[key])}`);
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
  }

  const member = (path, key) => (/^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${stringify(key)}]`);

  // difference finds the first place where two values differ; undefined when
  // they are equal. part: members that only `got` has are of no interest.
  function difference(got, want, part, path = '', above = []) {
    if (Object.is(got, want)) return undefined;
    const here = { path, got, want };
    if (!isObject(got) || !isObject(want)) return here;
    if (above.some(([g, w]) => g === got && w === want)) return undefined;
    const deeper = (g, w, at) => difference(g, w, part, at, [...above, [got, want]]);
    if (Array.isArray(got) !== Array.isArray(want) || got instanceof Error !== want instanceof Error) return here;
    if (Array.isArray(got)) {
      for (let i = 0; i < Math.min(got.length, want.length); i++) {
        const found = deeper(got[i], want[i], `${path}[${i}]`);
        if (found !== undefined) return found;
      }
      return got.length === want.length ? undefined : { path: `${path}.length`, got: got.length, want: want.length };
    }
    if (got instanceof Error) return got.name === want.name && got.message === want.message ? undefined : here;
    if (got instanceof RegExp || want instanceof RegExp) return String(got) === String(want) ? undefined : here;
    if (ArrayBuffer.isView(got) || ArrayBuffer.isView(want)) {
      return got.constructor === want.constructor && written(got, []) === written(want, []) ? undefined : here;
    }
    for (const type of [Map, Set]) {
      if (got instanceof type || want instanceof type) {
        return got instanceof type && want instanceof type ? deeper([...got], [...want], path) : here;
      }
    }
    // Dates and decimals keep what they are where no key shows it.
    if (typeof got.toJSON === 'function' || typeof want.toJSON === 'function') {
      if (got.constructor !== want.constructor) return here;
      return deeper(got.toJSON(), want.toJSON(), path) === undefined ? undefined : here;
    }
    const keys = part ? Object.keys(want) : new Set([...Object.keys(want), ...Object.keys(got)]);
    for (const key of keys) {
      const found = deeper(got[key], want[key], member(path, key));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  function equal(got, want, part, what) {
    const found = difference(got, want, part);
    const detail = found === undefined || found.path === '' ? '' : `at ${found.path}: expected ${show(found.want)}, got ${show(found.got)}`;
    return { pass: found === undefined, what: `${what} ${show(want)}`, detail };
  }

  function contains(got, item) {
    if (typeof got === 'string') return got.includes(item);
    if (got === undefined || got === null || typeof got[Symbol.iterator] !== 'function') return false;
    for (const one of got) if (difference(one, item, false) === undefined) return true;
    return false;
  }

  function thrown(f) {
    if (typeof f !== 'function') throw new TypeError('toThrow is for functions: expect(() => ...).toThrow(); for promises expect(promise).rejects.toThrow()');
    let result;
    try { result = f(); } catch (error) { return { error }; }
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new TypeError('the function gave a promise: use expect(promise).rejects.toThrow()');
    }
    return undefined;
  }

  function throwing(caught, want) {
    if (caught === undefined) return { pass: false, what: want === undefined ? 'throw' : `throw ${show(want)}`, plain: 'nothing was thrown' };
    const { error } = caught, message = error instanceof Error ? error.message : String(error);
    let pass = true, what = 'throw';
    if (typeof want === 'string') { pass = message.includes(want); what = `throw an error that contains ${show(want)}`; }
    else if (want instanceof RegExp) { pass = want.test(message); what = `throw an error that matches ${want}`; }
    else if (typeof want === 'function') { pass = error instanceof want; what = `throw a ${want.name}`; }
    else if (want !== undefined) throw new TypeError('toThrow takes a text, a regular expression or a class of errors');
    return { pass, what, plain: `it threw ${show(error)}` };
  }

  const matchers = {
    toBe: (got, want) => ({
      pass: Object.is(got, want), what: `be ${show(want)}`,
      detail: isObject(got) && difference(got, want, false) === undefined ? 'they are equal, but not the same object: use toEqual' : '',
    }),
    toEqual: (got, want) => equal(got, want, false, 'equal'),
    toMatchObject: (got, want) => equal(got, want, true, 'have the members of'),
    toMatch: (got, want) => ({
      pass: typeof got === 'string' && (want instanceof RegExp ? want.test(got) : got.includes(want)), what: `match ${show(want)}`,
    }),
    toContain: (got, item) => ({ pass: contains(got, item), what: `contain ${show(item)}` }),
    toHaveLength: (got, length) => ({ pass: got?.length === length, what: `have the length ${length}`, detail: `its length is ${show(got?.length)}` }),
    toThrow: (got, want) => throwing(thrown(got), want),
    toBeDefined: (got) => ({ pass: got !== undefined, what: 'be defined' }),
    toBeUndefined: (got) => ({ pass: got === undefined, what: 'be undefined' }),
    toBeNull: (got) => ({ pass: got === null, what: 'be null' }),
    toBeTruthy: (got) => ({ pass: Boolean(got), what: 'be truthy' }),
    toBeFalsy: (got) => ({ pass: !got, what: 'be falsy' }),
    toBeGreaterThan: (got, than) => ({ pass: got > than, what: `be greater than ${show(than)}` }),
    toBeLessThan: (got, than) => ({ pass: got < than, what: `be less than ${show(than)}` }),
    toBeInstanceOf: (got, type) => ({ pass: got instanceof type, what: `be a ${type.name}` }),
  };

  // judge throws at `here`, the place in the test, what there is to say.
  function judge(here, got, { pass, what, detail, plain }, not) {
    if (pass !== not) return;
    here.message = `expected ${plain === undefined ? show(got) : 'the function'} ${not ? 'not to' : 'to'} ${what}`;
    if (plain !== undefined) here.message += `; ${plain}`;
    else if (detail && !not) here.message += `\n${detail}`;
    throw here;
  }

  function bound(got, not) {
    const out = {};
    for (const [name, matcher] of Object.entries(matchers)) {
      out[name] = (...wanted) => { judge(new Expectation(), got, matcher(got, ...wanted), not); };
    }
    return out;
  }

  // rejects is for promises; track is told what the test has to wait for.
  function rejects(promise, not, track) {
    return {
      toThrow(want) {
        const here = new Expectation();
        if (typeof promise?.then !== 'function') throw new TypeError('rejects is for promises: expect(promise).rejects.toThrow()');
        return track(promise.then(() => undefined, (error) => ({ error })).then((caught) => { judge(here, promise, throwing(caught, want), not); }));
      },
    };
  }

  function expectation(track) {
    return function expect(got) {
      return {
        ...bound(got, false), rejects: rejects(got, false, track),
        not: { ...bound(got, true), rejects: rejects(got, true, track) },
      };
    };
  }
  return { expectation, Expectation };
})

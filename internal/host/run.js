// run, runs, channel, kv, log, sleep and now.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;
  const state = () => realm.state();

  const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

  // milliseconds reads 250, "30s", "1h30m", "3d".
  shared.milliseconds = function (duration) {
    if (typeof duration === 'number' && duration >= 0 && Number.isFinite(duration)) return duration;
    const text = String(duration);
    let total = 0, rest = text;
    while (rest !== '') {
      const part = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/.exec(rest);
      if (part === null) break;
      total += Number(part[1]) * units[part[2]];
      rest = rest.slice(part[0].length);
    }
    if (text === '' || rest !== '' || !Number.isFinite(total)) throw new TypeError(`${typeof duration === 'number' ? duration : stringify(duration)} is not a duration: write it like "200ms", "30s", "5m", "1h30m" or "3d"`);
    return total;
  };

  // word is a text to find a run by: no database takes a NUL in it.
  const word = (text) => String(text).replaceAll('\0', '\uFFFD');

  const run = {
    get id() { return state().args[2]; },
    get attempt() { return +state().args[3]; },
    get mode() { return state().request?.mode ?? 'production'; },
    subject(text) { realm.notice('subject', word(text)); },
    tag(...tags) { for (const tag of tags) realm.notice('tag', word(tag)); },
  };

  // What the answers of steps are read with.
  const read = (text) => parse(text);
  const present = (text) => (text === '' ? undefined : parse(text));
  const nothing = () => undefined;

  const known = ['subject', 'ordering_key', 'tags'];

  function start(scenario, input = null, options = {}) {
    if (typeof scenario !== 'string' || scenario === '') throw new TypeError('runs takes the name of a scenario');
    for (const key of Object.keys(options)) {
      if (!known.includes(key)) throw new TypeError(`runs knows no option ${stringify(key)}; it knows ${known.join(', ')}`);
    }
    const { subject, ordering_key: key, tags = [] } = options;
    if (!Array.isArray(tags)) throw new TypeError('runs: tags is a list of texts');
    if (stringify(input) === undefined) throw new TypeError('runs: the input is not data');
    return stringify({
      scenario, input, subject: subject === undefined ? undefined : word(subject),
      ordering_key: key === undefined ? undefined : word(key), tags: [...new Set(tags.map(word))],
    });
  }
  const runs = {
    start(scenario, input, options) { return shared.step('runs.start', () => start(scenario, input, options), read, new Error()); },
    call(scenario, input, options) { return shared.step('runs.call', () => start(scenario, input, options), shared.result, new Error()); },
  };

  // result is what a called run returned: its data, or its answer's. A Problem
  // that it answered with is thrown.
  shared.result = function (output) {
    if (output === '' || output === 'null') return undefined;
    const answer = parse(output);
    if ('value' in answer) return answer.value;
    if (answer.status >= 400 && answer.headers?.['content-type'] === 'application/problem+json') {
      throw new shared.exports.Problem(parse(answer.text ?? '{}'));
    }
    return 'json' in answer ? answer.json : answer;
  };

  const channel = {
    get code() { return state().request?.channel?.code; },
    get type() { return state().request?.channel?.type; },
    get comment() { return state().request?.channel?.comment; },
    external: shared.external,
  };

  function name(key) {
    if (typeof key !== 'string' || key === '') throw new TypeError('a kv key is a text that is not empty');
    return key;
  }
  const kv = {
    get(key) { return shared.step('kv.get', () => stringify({ key: name(key) }), present); },
    set(key, value, options = {}) {
      return shared.step('kv.set', () => {
        if (stringify(value) === undefined) throw new TypeError('kv.set takes a value; kv.delete removes one');
        const args = { key: name(key), value };
        if (options.ttl !== undefined) args.ttl = shared.milliseconds(options.ttl);
        return stringify(args);
      }, nothing);
    },
    delete(key) { return shared.step('kv.delete', () => stringify({ key: name(key) }), read); },
    increment(key, by = 1, options = {}) {
      return shared.step('kv.increment', () => {
        if (!Number.isSafeInteger(by)) throw new TypeError('kv.increment adds a whole number');
        const args = { key: name(key), by };
        if (options.ttl !== undefined) args.ttl = shared.milliseconds(options.ttl);
        return stringify(args);
      }, read);
    },
  };

  // shown is a value in a line: a log must not fail its scenario.
  function shown(value) {
    if (typeof value === 'string') return value;
    try { return value instanceof Error ? `${value.name}: ${value.message}` : stringify(value) ?? String(value); } catch { /* not JSON */ }
    try { return String(value); } catch { return 'a value that cannot be shown'; }
  }

  function line(level) {
    return function (...values) { realm.notice('log', stringify({ level, message: values.map(shown).join(' ') })); };
  }
  const log = Object.assign(line('info'), { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') });

  function sleep(duration) { return shared.wait('sleep', () => stringify({ ms: shared.milliseconds(duration) }), nothing); }
  function now() { return shared.step('now', () => '{}', (text) => new Date(parse(text))); }

  return { run, runs, channel, kv, log, sleep, now };
})

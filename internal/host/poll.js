// poll.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;
  const { keys } = Object;

  const options = ['scenario', 'first', 'keep', 'subject', 'ordering_key', 'tags'];
  const members = ['items', 'cursor', 'key'];
  // How often a poll is made, when others of its name are faster, and how long it
  // keeps out of their way before it begins again: up to 100 ms, 200 ms, ... 25 s.
  const most = 10;
  const aside = (n) => ({ ms: Math.ceil(Math.random() * 50 * 2 ** n) });

  function known(what, given, names) {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new TypeError(`${what} is an object with ${names.join(', ')}`);
    for (const name of keys(given)) {
      if (!names.includes(name)) throw new TypeError(`${what} knows no ${stringify(name)}; it knows ${names.join(', ')}`);
    }
    return given;
  }

  // of reads something of an item: by a function, or the name of a member.
  function of(what, how) {
    if (how === undefined) return () => undefined;
    if (typeof how !== 'function' && typeof how !== 'string') throw new TypeError(`poll: ${what} is a function of an item, or the name of a member`);
    return (item, n) => {
      const value = typeof how === 'function' ? how(item, n) : item?.[how];
      if (value === undefined || value === null) return undefined;
      if (!['string', 'number', 'bigint'].includes(typeof value) || typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`poll: the ${what} of item ${n} is a text or a number`);
      return String(value);
    };
  }

  function check(name, fetch, given) {
    if (typeof name !== 'string' || name === '') throw new TypeError('poll: the name is a text that is not empty');
    if (typeof fetch !== 'function') throw new TypeError('poll takes a function of the cursor');
    const { scenario, first = 'start', keep, tags = [] } = known('poll: the options', given, options);
    if (typeof scenario !== 'string' || scenario === '') throw new TypeError('poll: the option scenario names what is started for each item');
    if (first !== 'start' && first !== 'remember') throw new TypeError('poll: first is "start" or "remember"');
    if (!Array.isArray(tags)) throw new TypeError('poll: tags is a list of texts');
    const kept = keep === undefined ? undefined : shared.milliseconds(keep);
    if (kept === 0) throw new TypeError('poll: keep is a time longer than none; without a key nothing is remembered');
    return {
      scenario, first, keep: kept, tags: [...new Set(tags.map(String))],
      subject: of('subject', given.subject), orderingKey: of('ordering_key', given.ordering_key),
    };
  }

  // take is what is done with the items that were found.
  function take(name, at, found, how) {
    const { items, cursor, key } = known('poll: what the function returns', found, members);
    if (!Array.isArray(items)) throw new TypeError('poll: the function returns { items: [...], cursor, key }');
    // NaN, for one, is null in JSON, which would begin again from the start.
    if (cursor !== undefined && cursor !== null && [undefined, 'null'].includes(stringify(cursor))) throw new TypeError('poll: the cursor is not data');
    const keyOf = of('key', key);
    return stringify({
      name, version: at.version, scenario: how.scenario, keep: how.keep, tags: how.tags,
      cursor, remember: at.version === 0 && how.first === 'remember' ? true : undefined,
      items: items.map((item, n) => {
        if (stringify(item) === undefined) throw new TypeError(`poll: item ${n} is not data`);
        const id = keyOf(item, n);
        if (key !== undefined && (id === undefined || id === '')) throw new TypeError(`poll: item ${n} has no key`);
        return { input: item, key: id, subject: how.subject(item, n), ordering_key: how.orderingKey(item, n) };
      }),
    });
  }

  async function poll(name, fetch, given = {}) {
    const how = check(name, fetch, given), place = new Error();
    for (let n = 0; n < most; n++) {
      if (n > 0) await shared.step('sleep', () => stringify(aside(n)), () => undefined, place);
      const at = await shared.step('poll.begin', () => stringify({ name }), parse, place);
      const found = await fetch(at.cursor ?? undefined);
      const taken = await shared.step('poll.take', () => take(name, at, found, how), parse, place);
      if (!taken.stale) return taken;
    }
    throw new Error(`poll: other polls called ${stringify(name)} are made at the same time, again and again`);
  }

  return { poll };
})

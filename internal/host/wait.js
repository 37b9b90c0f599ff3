// waitForEvent, waitForAny and waitForAll.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  const known = ['subject', 'match', 'timeout'];

  function wanted(type, options = {}) {
    if (typeof type !== 'string' || type === '') throw new TypeError('waitForEvent takes the type of an event, such as "order.approved"');
    const args = { type };
    for (const name of Object.keys(shared.options('waitForEvent', options, known))) {
      const value = options[name];
      if (value === undefined) continue;
      if (name === 'timeout') {
        args.timeout = shared.milliseconds(value);
      } else if (name === 'subject' && typeof value === 'number') {
        args.subject = String(value);
      } else if (typeof value !== 'string' || value === '') {
        throw new TypeError(`waitForEvent: ${name} is a text that is not empty`);
      } else {
        args[name] = value;
      }
    }
    return stringify(args);
  }

  function waitForEvent(type, options) { return shared.wait('waitForEvent', () => wanted(type, options), parse, new Error()); }

  // group are the promises of a list or an object, with their names in it, and
  // of a timeout.
  function group(name, waits, options) {
    if (typeof waits !== 'object' || waits === null) throw new TypeError(`${name} takes a list or an object of promises`);
    shared.options(name, options, ['timeout']);
    const list = Array.isArray(waits), entries = Object.entries(list ? [...waits] : waits).map(([key, promise]) => ({ key: list ? +key : key, promise, open: true }));
    if (entries.length === 0) throw new TypeError(`${name} takes one promise at least`);
    const late = { key: undefined, promise: undefined, open: options.timeout !== undefined };
    return { list, entries, late, all: late.open ? [...entries, late] : entries };
  }

  // begin begins the timeout of a group.
  function begin(late, { timeout }) {
    if (late.open) late.promise = shared.exports.sleep(shared.milliseconds(timeout));
  }

  // settled is a promise that notes when it is.
  async function settled(entry) {
    try { entry.value = await entry.promise; } finally { entry.open = false; }
    return entry;
  }

  // end ends the sleeps and waits that are still open: nobody listens to them. Where
  // steps are not possible there are none, and what went wrong there is known already.
  async function end(all) {
    const known = realm.state().waits, calls = [];
    for (const { open, promise } of all) {
      const call = open ? known?.get(promise) : undefined;
      if (call !== undefined) calls.push(call);
    }
    if (calls.length > 0) await shared.step('waits.end', () => stringify({ calls }), parse).catch(() => undefined);
  }

  async function waitForAny(waits, options = {}) {
    const { late, all } = group('waitForAny', waits, options);
    try {
      begin(late, options);
      const first = await Promise.race(all.map(settled));
      return first === late ? null : { key: first.key, value: first.value };
    } finally { await end(all); }
  }

  async function waitForAll(waits, options = {}) {
    const { list, entries, late, all } = group('waitForAll', waits, options);
    try {
      begin(late, options);
      const every = Promise.all(entries.map(settled));
      await (late.open ? Promise.race([every, settled(late)]) : every);
      const results = entries.map(({ key, open, value }) => [key, open ? null : value]);
      return list ? results.map(([, value]) => value) : Object.fromEntries(results);
    } finally { await end(all); }
  }

  return { waitForEvent, waitForAny, waitForAll };
})

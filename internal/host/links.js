// links.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  const day = 86_400_000;

  // text is what people read; a number is one, too.
  shared.words = function (what, value) {
    if (typeof value === 'number' || typeof value === 'bigint') return String(value);
    if (typeof value !== 'string') throw new TypeError(`${what} is a text`);
    return value;
  };

  // ending is when something ends: a span from now, or a Date.
  shared.ending = function (value) {
    if (!(value instanceof Date)) return { after: shared.milliseconds(value) };
    const at = Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString();
    if (at.length !== '2027-01-01T00:00:00.000Z'.length) throw new TypeError(`${at} is not a time at which anything ends here`);
    return { at };
  };

  // options checks the names of what was given.
  shared.options = function (what, given, known) {
    if (given === null || typeof given !== 'object' || Array.isArray(given)) throw new TypeError(`${what} takes an object of options`);
    for (const name of Object.keys(given)) {
      if (!known.includes(name)) throw new TypeError(`${what} knows no option ${stringify(name)}; it knows ${known.join(', ')}`);
    }
    return given;
  };

  const known = ['title', 'text', 'button', 'done', 'expires', 'uses', 'confirm', 'subject'];

  function uses(what, value) {
    if (value === 'unlimited') return 0;
    if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`${what}: uses is a whole number from 1, or "unlimited"`);
    return value;
  }

  function made(what, given, more) {
    const { expires = 7 * day, uses: most = 1, confirm = true, subject, title, text, button, done } = shared.options(what, given, [...known, ...more]);
    if (typeof confirm !== 'boolean') throw new TypeError(`${what}: confirm is true or false`);
    const args = { expires: shared.ending(expires), uses: uses(what, most), confirm };
    for (const [name, value] of Object.entries({ subject, title, text, button, done })) {
      if (value !== undefined) args[name] = shared.words(`${what}: ${name}`, value);
    }
    return args;
  }

  function data(what, value) {
    if (stringify(value) === undefined) throw new TypeError(`${what} is not data`);
    return value;
  }

  function event(type, options = {}) {
    const what = 'links.event', args = made(what, options, ['data']);
    if (options.data !== undefined) args.data = data(`${what}: data`, options.data);
    if (typeof type !== 'string' || type === '') throw new TypeError(`${what}: the type is a text that is not empty`);
    return stringify({ ...args, type });
  }

  function run(scenario, input = null, options = {}) {
    const what = 'links.run', args = made(what, options, ['tags']), { tags = [] } = options;
    if (typeof scenario !== 'string' || scenario === '') throw new TypeError(`${what} takes the name of a scenario`);
    if (!Array.isArray(tags)) throw new TypeError(`${what}: tags is a list of texts`);
    return stringify({ ...args, scenario, input: data(`${what}: the input`, input), tags: [...new Set(tags.map(String))] });
  }

  function revoke(url) {
    if (typeof url !== 'string') throw new TypeError('links.revoke takes the URL of a link');
    return stringify({ url });
  }

  const links = {
    event(type, options) { return shared.step('links.event', () => event(type, options), parse, new Error()); },
    run(scenario, input, options) { return shared.step('links.run', () => run(scenario, input, options), parse, new Error()); },
    revoke(url) { return shared.step('links.revoke', () => revoke(url), parse, new Error()); },
  };

  return { links };
})

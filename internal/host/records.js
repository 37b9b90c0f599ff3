// records: the business data that classes declare.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;
  const { decimal } = shared.exports;
  const { defineProperty, freeze, keys } = Object;

  const plain = (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

  // columns are members as JSON: what has no JSON, and what JSON would silently
  // make null of, is refused.
  function columns(what, given) {
    if (!plain(given)) throw new TypeError(`${what} takes an object of columns`);
    const out = {};
    for (const name of keys(given)) out[name] = single(what, name, given[name]);
    return out;
  }

  function single(what, name, value) {
    switch (typeof value) {
      case 'bigint': return value.toString();
      case 'number':
        if (!Number.isFinite(value)) throw new TypeError(`${what}: ${name} is ${value}`);
        return value;
      case 'function': case 'symbol': throw new TypeError(`${what}: ${name} is no data`);
      case 'object':
        if (value instanceof Date && Number.isNaN(value.getTime())) throw new TypeError(`${what}: ${name} is no time`);
        return value;
      default: return value;
    }
  }

  // which names a record: its id, or an object with the columns of a key.
  function which(what, at) {
    if (typeof at === 'string' && at !== '') return { id: at };
    if (!plain(at) || keys(at).length === 0) throw new TypeError(`${what} takes a record's id, or an object with the columns of a key`);
    return { key: columns(what, at) };
  }

  function known(what, options, names) {
    if (!plain(options)) throw new TypeError(`${what} takes an object of options`);
    for (const name of keys(options)) {
      if (!names.includes(name)) throw new TypeError(`${what} knows no option ${stringify(name)}; it knows ${names.join(', ')}`);
    }
    return options;
  }

  function version(what, options) {
    const { version } = known(what, options, ['version']);
    if (version !== undefined && !Number.isSafeInteger(version)) throw new TypeError(`${what}: the version is a whole number, as a record has it`);
    return version;
  }

  function names(what, given) {
    if (given === undefined) return undefined;
    const list = typeof given === 'string' ? [given] : given;
    if (!Array.isArray(list) || list.some((name) => typeof name !== 'string')) throw new TypeError(`${what} is a list of names`);
    return list;
  }

  function shape(what, { select, expand }) {
    return { select: names(`${what}: select`, select), expand: names(`${what}: expand`, expand) };
  }

  function text(what, given) {
    if (given !== undefined && typeof given !== 'string') throw new TypeError(`${what} is a text`);
    return given;
  }

  function whole(what, given) {
    if (given !== undefined && !(Number.isSafeInteger(given) && given >= 0)) throw new TypeError(`${what} is a whole number`);
    return given;
  }

  const asked = ['filter', 'params', 'orderby', 'top', 'skip', 'select', 'expand'];

  function question(options) {
    const what = 'records.query';
    const { filter, params = {}, orderby, top, skip } = known(what, options, asked);
    const bound = columns(`${what}: params`, params);
    for (const name of keys(bound)) {
      if (bound[name] === undefined) throw new TypeError(`${what}: the parameter ${name} is undefined`);
      if (Array.isArray(bound[name])) bound[name] = bound[name].map((item) => single(what, name, item));
    }
    return {
      filter: text(`${what}: filter`, filter), params: bound, orderby: text(`${what}: orderby`, orderby),
      top: whole(`${what}: top`, top), skip: whole(`${what}: skip`, skip), ...shape(what, options),
    };
  }

  // exact puts values in the place of the texts that a path leads to.
  function exact(record, path, make) {
    const steps = path.split('/'), last = steps.pop();
    let at = record;
    for (const step of steps) at = at?.[step];
    if (plain(at) && typeof at[last] === 'string') at[last] = make(at[last]);
  }

  // revived is a record as scenarios have it: decimals are decimals, and integers
  // that numbers cannot hold are bigints.
  function revived(record) {
    if (!plain(record)) return record;
    const { $decimals, $integers, $result } = record;
    delete record.$decimals;
    delete record.$integers;
    delete record.$result;
    for (const path of $decimals ?? []) exact(record, path, decimal);
    for (const path of $integers ?? []) exact(record, path, BigInt);
    if ($result !== undefined) defineProperty(record, '$result', { value: $result });
    return record;
  }
  shared.revived = revived;

  const one = (answer) => (answer === '' ? null : revived(parse(answer)));
  const all = (answer) => parse(answer === '' ? '[]' : answer).map(revived);
  const flag = (answer) => answer !== '' && parse(answer);

  function records(code) {
    const call = (name, make, read) => shared.step(`records.${name}`, () => {
      if (typeof code !== 'string' || code === '') throw new TypeError('records takes the code of a class');
      return stringify({ class: code, ...make(`records.${name}`) });
    }, read, new Error());
    return freeze({
      find(key, options = {}) {
        return call('find', (what) => {
          if (!plain(key)) throw new TypeError(`${what} takes an object with the columns of a key; records(...).get takes an id`);
          return { ...which(what, key), ...shape(what, known(what, options, ['select', 'expand'])) };
        }, one);
      },
      get(id, options = {}) {
        return call('get', (what) => {
          if (typeof id !== 'string' || id === '') throw new TypeError(`${what} takes the id of a record; records(...).find takes a key`);
          return { id, ...shape(what, known(what, options, ['select', 'expand'])) };
        }, one);
      },
      query(options = {}) { return call('query', () => question(options), all); },
      create(given) { return call('create', (what) => ({ columns: columns(what, given) }), one); },
      update(at, given, options = {}) {
        return call('update', (what) => ({ ...which(what, at), columns: columns(what, given), version: version(what, options) }), one);
      },
      upsert(given, options = {}) {
        return call('upsert', (what) => ({ columns: columns(what, given), version: version(what, options) }), one);
      },
      delete(at, options = {}) {
        return call('delete', (what) => ({ ...which(what, at), version: version(what, options) }), flag);
      },
    });
  }

  return { records };
})

// events.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  const known = ['subject', 'data', 'source', 'time', 'id'];

  function text(name, value) {
    if (typeof value !== 'string' || value === '') throw new TypeError(`events.publish: ${name} is a text that is not empty`);
    return value;
  }

  function event(type, options = {}) {
    const args = { type: text('the type', type) };
    for (const name of Object.keys(options)) {
      if (!known.includes(name)) throw new TypeError(`events.publish knows no option ${stringify(name)}; it knows ${known.join(', ')}`);
      const value = options[name];
      if (value === undefined) continue;
      if (name === 'data') {
        if (stringify(value) === undefined) throw new TypeError('events.publish: the data are not data');
        args.data = value;
      } else if (name === 'time') {
        args.time = value instanceof Date ? value.toISOString() : text(name, value);
      } else {
        args[name] = text(name, name === 'subject' && typeof value === 'number' ? String(value) : value);
      }
    }
    return stringify(args);
  }

  const events = {
    publish(type, options) { return shared.step('events.publish', () => event(type, options), parse, new Error()); },
  };

  return { events };
})

// waitForEvent.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  const known = ['subject', 'match', 'timeout'];

  function wanted(type, options = {}) {
    if (typeof type !== 'string' || type === '') throw new TypeError('waitForEvent takes the type of an event, such as "order.approved"');
    const args = { type };
    for (const name of Object.keys(options)) {
      if (!known.includes(name)) throw new TypeError(`waitForEvent knows no option ${stringify(name)}; it knows ${known.join(', ')}`);
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

  function waitForEvent(type, options) { return shared.step('waitForEvent', () => wanted(type, options), parse, new Error()); }

  return { waitForEvent };
})

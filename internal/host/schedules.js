// schedules.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  function args(what, code, more) {
    if (typeof code !== 'string' || code === '') throw new TypeError(`schedules.${what} takes the code of a schedule`);
    return stringify({ code, ...more });
  }
  const call = (what, code) => shared.step(`schedules.${what}`, () => args(what, code), () => undefined, new Error());
  const times = (text) => parse(text).map((at) => new Date(at));

  function input(value) {
    if (value !== undefined && stringify(value) === undefined) throw new TypeError('schedules.start: the input is not data');
    return value;
  }

  function whole(count) {
    if (!Number.isSafeInteger(count)) throw new TypeError('schedules.next takes a whole number of times');
    return count;
  }

  const schedules = {
    start(code, value) { return shared.step('schedules.start', () => args('start', code, { input: input(value) }), parse, new Error()); },
    pause(code) { return call('pause', code); },
    resume(code) { return call('resume', code); },
    next(code, count = 1) { return shared.step('schedules.next', () => args('next', code, { count: whole(count) }), times, new Error()); },
  };

  return { schedules };
})

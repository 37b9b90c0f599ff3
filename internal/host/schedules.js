// schedules.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  function args(what, code, more) {
    if (typeof code !== 'string' || code === '') throw new TypeError(`schedules.${what} takes the code of a schedule`);
    return stringify({ code, ...more });
  }
  const call = (what, code, more, read = () => undefined) => shared.step(`schedules.${what}`, () => args(what, code, more), read, new Error());
  const times = (text) => parse(text).map((at) => new Date(at));

  function input(value) {
    if (value !== undefined && stringify(value) === undefined) throw new TypeError('schedules.start: the input is not data');
    return value;
  }

  const schedules = {
    start(code, value) { return shared.step('schedules.start', () => args('start', code, { input: input(value) }), parse, new Error()); },
    pause(code) { return call('pause', code); },
    resume(code) { return call('resume', code); },
    next(code, count = 1) { return call('next', code, { count }, times); },
  };

  return { schedules };
})

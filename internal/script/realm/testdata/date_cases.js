// Particular cases of Date: parsing in all its forms, values out of range,
// conversions, subclasses, descriptors.
(() => {
  const out = [];
  const say = (name, f) => { let v; try { v = f(); v = typeof v === 'string' ? v : Object.is(v, -0) ? '-0' : String(v); } catch (e) { v = e.name; } out.push(name + ' => ' + v); };
  for (const s of ['2020', '2020-05', '2020-05-06', '2020-05-06T07:08', '2020-05-06T07:08:09', '2020-05-06T07:08:09.1', '2020-05-06T07:08:09.123456', '2020-05-06T07:08Z', '2020-05-06t07:08z',
    '2020-05-06T07:08:09.123+02:00', '2020-05-06T07:08:09+0200', '2020-05-06T07:08+02', '2020-05-06T24:00', '2020-05-06T24:01', '2020-05-06T25:00', '2020-05-06T07', '2020-05-06T07:08:', '2020-13-01', '2020-02-31', '2020-00-01', '2020-02-31T10:00',
    '+002020-05-06', '-002020-05-06', '-000000-01-01', '+275760-09-13T00:00:00.000Z', '+275760-09-13T00:00:00.001Z', '+12020-01-01', '2020-05-06 07:08', '2020-05-06 07:08:09', '2020-05-06 07:08Z', '2020-05-06 07:08 +0200', '2020-05-06 07:08:09.5', '2020-5-6', '2020-5-6 7:8', '2020/05/06', '2020/5/6 7:08 PM',
    '2020-05-06T07:08:09 GMT', '2020-05-06T07:08 +02:00', ' 2020-05-06', '2020-05-06 ', ' 2020-05-06T07:08 ', '20200506', '20200506T070809Z',
    'Wed, 06 May 2020 07:08:09 GMT', 'Wed, 06 May 2020 07:08:09 +0200', 'Wed, 6 May 2020 07:08:09 EST', '6 May 2020', 'May 6, 2020', 'May 6 2020 07:08', 'May 6', '6 May', 'May 2020', 'Mayonnaise 6, 2020', '5/6/2020', '05/06/20', '5/6/49', '5/6/50', '5/6', '13/6/2020', '6.5.2020', '06.05.2020 10:00', '1. 5. 2020', '31.12.2020',
    'Wed May 06 2020 07:08:09 GMT+0200 (Central European Summer Time)', 'Wed May 06 2020 07:08:09 GMT+0530', 'Wed May 06 2020', 'May 6, 2020 12:00 AM', 'May 6, 2020 12:00 PM', 'May 6, 2020 13:00 PM', 'May 6, 2020 1:30pm', 'May 6, 2020, 1:30:15 PM', 'May 6, 2020 at 1:30 PM', '6-May-2020', '06-May-20 10:00',
    'May 6 2020 10:00 UTC+2', 'May 6 2020 10:00 GMT-8', 'May 6 2020 10:00 +02:30', 'May 6 2020 10:00 (a (nested) comment)', 'May 6 2020 10:00 (open', 'May 6 2020 10:00)', 'May 6 2020 10:00 +123456', 'May 6 2020 10:00 PST', 'May 6 2020 10:00 CEST', 'May 6 2020 24:00', 'May 6 2020 24:00:01', 'May 6 2020 10', 'May 6 2020 10:', 'May 6 2020 10::', '10:00 May 6 2020', '10:00', '1', '12', '32', '99', '100', '0', '-1', '1.5', '2020.5', '1e3',
    '', ' ', 'x', 'hello', 'hello 1', 'hello1', 'Infinity', 'NaN', 'null', 'undefined', 'today', 'Jan', '2020-W10', '2020-123', '2020-05-06T07:08:09,5Z', '2020-05-06T07:08:60', '2020-05-06T07:60', '12345678901-01-01', '2020-05-06T07:08:09.Z', '2020-05-06T07:08:09.1234567890123Z', 'T10:00', '2020-05-06\n07:08', '2020\u00a005', 'čtvrtek 6 May 2020', '6 května 2020',
    'Tue, 31 Nov 2020 10:00:00 Z', '2020-01-01T00:00:00-00:00', '2020-01-01T00:00:00+24:00', '2020-01-01T00:00:00+23:59', 'Jan 1 2020 10:00 +24:00', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Sat, 31 Dec 9999 23:59:59 GMT', 'Jan 1 10000', 'Jan 1 275760', 'Jan 1 275761', 'Jan 1 -5', '0001-01-01', '0000-01-01', '0099-06-01T00:00', '1883-11-18T12:03:57', '1900-01-01T00:00', '1901-12-13 20:45:52'])
    say(JSON.stringify(s), () => Date.parse(s) + ' ' + new Date(s));
  for (const v of [0, -0, 1.9, -1.9, 8.64e15, 8.64e15 + 1, -8.64e15, NaN, Infinity, '5', true, false, null, undefined])
    say('new Date(' + String(v) + ' ' + typeof v + ')', () => { const d = new Date(v); return [+d, d.getHours(), d.getFullYear(), d.toString(), d.toDateString(), d.toTimeString(), Object.is(+d, -0)].join(' '); });
  say('bigint', () => new Date(1n)); say('symbol', () => new Date(Symbol())); say('iso invalid', () => new Date(NaN).toISOString()); say('json', () => JSON.stringify([new Date(0), new Date(NaN)]));
  for (const args of [[2020, 0], [99, 0], [0, 0, 1], [100, 0], [2020, 12], [2020, -1], [2020, 1, 30], [2020, 0, 1, 0, 0, 0, 1500], [NaN, 0], [2020, NaN], [2020, undefined], [275760, 8, 13, 0], [275761, 0], [-271821, 3, 21], [2020, 0, 1, 25, 61], ['2020', '5'], [2020.9, 1.9, 1.9], [1900, 0, 1], [1, 0, 1]])
    say('new Date(' + args + ')', () => { const d = new Date(...args); return +d + ' ' + d + ' ' + Date.UTC(...args); });
  say('UTC()', () => Date.UTC()); say('UTC(2020)', () => Date.UTC(2020)); say('2020', () => new Date(2020).getTime());
  const methods = Object.getOwnPropertyNames(Date.prototype).filter((n) => n.startsWith('set'));
  for (const m of methods.filter((n) => n !== 'setTime').sort()) {
    for (const start of [0, NaN, 1585443600000, 1603587600000, -3000000000000]) for (const args of [[], [1], [0], [50], [-1], [undefined], ['3'], [NaN], [1, 2], [1, 2, 3], [1.7], [null], [{ valueOf() { return 4; } }], [Infinity], [1e9], [99], [2020]])
      say(m + '(' + args.map((a) => typeof a === 'object' && a ? 'object' : String(a)) + ') at ' + start, () => { const d = new Date(start); const v = d[m](...args); return v + ' ' + +d; });
    say(m + ' on {}', () => Date.prototype[m].call({}, 1)); say(m + '.length', () => Date.prototype[m].length);
  }
  for (const m of ['getHours', 'toString', 'getTimezoneOffset', 'toDateString', 'getYear', 'valueOf', 'toISOString']) { say(m + ' on {}', () => Date.prototype[m].call({})); say(m, () => Date.prototype[m].length + Date.prototype[m].name); say('new ' + m, () => new Date.prototype[m]()); }
  say('length', () => Date.length + Date.name + typeof Date.prototype.constructor + (Date.prototype.constructor === Date) + Date.parse.length + Date.UTC.length + Date.now.length);
  say('primitive', () => { const d = new Date(0); return [d + 1, d - 1, `${d}`, d[Symbol.toPrimitive]('number'), d[Symbol.toPrimitive]('string'), d == String(d)].join('|'); });
  say('copy', () => { const d = new Date(2020, 1, 29); d.valueOf = () => 1; d.toString = () => 'x'; return +new Date(d); });
  say('object', () => [{ valueOf() { return 5; } }, { toString() { return '2020-01-01'; } }, { [Symbol.toPrimitive](h) { return h === 'default' ? 7 : 8; } }, [2020], ['2020-05-06T00:00']].map((v) => +new Date(v)).join());
  say('bad object', () => new Date({ valueOf: null, toString: () => ({}) })); say('bad primitive', () => new Date({ [Symbol.toPrimitive]: () => ({}) }));
  say('proxy', () => +new Date(new Proxy(new Date(3), {})));
  class Mine extends Date { constructor(...a) { super(...a); this.mine = 1; } next() { return new this.constructor(+this + 1); } }
  say('subclass', () => { const m = new Mine(5); return [m instanceof Date, m instanceof Mine, +m.next(), m.next() instanceof Mine, m.mine, m.getTime(), Object.prototype.toString.call(m), Mine.parse('1970')].join(); });
  say('Reflect', () => { function F() {} F.prototype = { x: 1 }; const d = Reflect.construct(Date, [9], F); return d.x + ' ' + Date.prototype.getTime.call(d) + ' ' + (d instanceof Date); });
  say('call', () => typeof Date() + typeof Date(0) + (Date(0) === Date()));
  say('enumerable', () => Object.keys(Date).length + Object.keys(Date.prototype).length + JSON.stringify(Object.getOwnPropertyDescriptor(Date, 'prototype')).slice(0, 5));
  say('invalid getters', () => { const d = new Date(NaN); return [d.getDay(), d.getYear(), d.getTimezoneOffset(), d.setHours(1), d.setFullYear(2020), +d].join(); });
  say('setYear', () => [99, 2020, NaN, 0, -1, 100, '5', 1.9].map((y) => new Date(0).setYear(y)).join());
  say('sort', () => [3, 1, 2].map((x) => new Date(x)).sort((a, b) => a - b).map(Number).join());
  return out;
})()

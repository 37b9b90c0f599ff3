// Date over the run's clock and the transition table of the domain's zone.
// The engine's own Date keeps the values and does everything that is in UTC.
(function (g, env) {
  'use strict';
  const Native = g.Date, proto = Native.prototype;
  const { apply, construct, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const { floor } = Math, stringOf = g.String, numberOf = g.Number, TypeErr = g.TypeError, primitive = g.Symbol.toPrimitive;
  const { now: clock, native: { parseDate } } = env;
  const uncurry = (f) => g.Function.prototype.call.bind(f);
  const timeOf = uncurry(proto.getTime), setTimeOf = uncurry(proto.setTime);
  const utc = Native.UTC;
  const DAY = 86400000, MAX = 8.64e15;

  // ---- the zone ----
  const changes = env.zone.transitions, offsets = env.zone.offsets.map((s) => s * 1000), count = changes.length;
  // A bucket is half a year; buckets[i] says how many changes lie before its start.
  const SPAN = 15778476000, first = count ? changes[0] : 0, buckets = [];
  for (let i = 0, start = first; i < count; start += SPAN) {
    while (i < count && changes[i] < start) i++;
    buckets.push(i);
  }
  const last = buckets.length - 1;
  const HORIZON = utc(2100, 0, 1), jan1 = (year) => utc(2000 + (year % 400), 0, 1) + floor(year / 400) * 146097 * DAY - 5 * 146097 * DAY;
  const leap = (year) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const recurs = count > 0 && changes[count - 1] >= utc(2099, 0, 1); // else the last offset stays
  // Rules depend on weekdays only, so a late year borrows one before the horizon
  // that starts on the same weekday and is as long: there are 14 kinds of years.
  const twins = [];
  for (let year = 2099; year >= 2072; year--) twins[floor(jan1(year) / DAY + 4) % 7 + (leap(year) ? 7 : 0)] = jan1(year);
  function early(t) {
    const year = civil(floor(t / DAY))[0], start = jan1(year);
    return twins[floor(start / DAY + 4) % 7 + (leap(year) ? 7 : 0)] + (t - start);
  }
  // localOffset gives milliseconds east of UTC in force at t, milliseconds UTC.
  function localOffset(t) {
    if (count === 0 || t < first) return offsets[0];
    if (t >= HORIZON && recurs) t = early(t);
    const b = floor((t - first) / SPAN);
    let i = buckets[b > last ? last : b];
    while (i < count && changes[i] <= t) i++;
    return offsets[i];
  }
  // toUTC finds the time of a local reading. What occurs twice is the earlier one;
  // what is skipped is read with the offset before the change.
  function toUTC(local) {
    const before = localOffset(local - DAY), after = localOffset(local + DAY), t = local - before;
    if (before === after || localOffset(t) === before) return t;
    return localOffset(local - after) === after ? local - after : t;
  }

  // civil turns days since 1970 into [year, month, day], for every year Date has.
  function civil(days) {
    const z = days + 719468, era = floor(z / 146097), doe = z - era * 146097;
    const yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365);
    const doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100)), mp = floor((5 * doy + 2) / 153);
    const month = mp < 10 ? mp + 2 : mp - 10;
    return [yoe + era * 400 + (month < 2 ? 1 : 0), month, doy - floor((153 * mp + 2) / 5) + 1];
  }
  const part = (local, unit, modulo) => { const n = floor(local / unit) % modulo; return n < 0 ? n + modulo : n; };
  const read = {
    FullYear: (l) => civil(floor(l / DAY))[0],
    Month: (l) => civil(floor(l / DAY))[1],
    Date: (l) => civil(floor(l / DAY))[2],
    Day: (l) => part(l + 4 * DAY, DAY, 7),
    Hours: (l) => part(l, 3600000, 24),
    Minutes: (l) => part(l, 60000, 60),
    Seconds: (l) => part(l, 1000, 60),
    Milliseconds: (l) => part(l, 1, 1000),
  };

  // ---- text ----
  const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
  const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const two = (n) => (n < 10 ? '0' : '') + n;
  function dateText(l) {
    const [year, month, day] = civil(floor(l / DAY)), y = year < 0 ? -year : year;
    return DAYS[read.Day(l)] + ' ' + MONTHS[month] + ' ' + two(day) + (year < 0 ? ' -' : ' ') + (y < 10 ? '000' : y < 100 ? '00' : y < 1000 ? '0' : '') + y;
  }
  function timeText(l, offset) {
    const m = floor((offset < 0 ? -offset : offset) / 60000);
    return two(read.Hours(l)) + ':' + two(read.Minutes(l)) + ':' + two(read.Seconds(l)) + ' GMT' + (offset < 0 ? '-' : '+') + two(floor(m / 60)) + two(m % 60);
  }
  function text(t, date, time) {
    if (t !== t) return 'Invalid Date';
    const offset = localOffset(t), l = t + offset;
    return (date ? dateText(l) : '') + (date && time ? ' ' : '') + (time ? timeText(l, offset) : '');
  }
  // parse takes what V8 takes: the ISO forms and, by the native, the older ones.
  function parse(value) {
    const s = parseDate(stringOf(value));
    if (s === '') return NaN;
    if (s[0] !== 'L') return clip(+s);
    return clip(toUTC(+s.slice(1)));
  }
  const clip = (t) => (t >= -MAX && t <= MAX ? t + 0 : NaN);

  // ---- the constructor ----
  function toPrimitive(value) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return value;
    const own = value[primitive];
    if (own !== undefined && own !== null) {
      const v = apply(own, value, ['default']);
      if ((typeof v !== 'object' && typeof v !== 'function') || v === null) return v;
      throw new TypeErr('Cannot convert object to primitive value');
    }
    for (const name of ['valueOf', 'toString']) {
      const f = value[name];
      if (typeof f !== 'function') continue;
      const v = apply(f, value, []);
      if ((typeof v !== 'object' && typeof v !== 'function') || v === null) return v;
    }
    throw new TypeErr('Cannot convert object to primitive value');
  }
  function single(value) {
    if (typeof value === 'number') return value;
    if (value instanceof Native) { try { return timeOf(value); } catch { /* only looks like one */ } }
    value = toPrimitive(value);
    return typeof value === 'string' ? parse(value) : value;
  }
  function Date(...args) {
    if (new.target === undefined) return text(clock(), true, true);
    const n = args.length;
    return construct(Native, [n === 0 ? clock() : n === 1 ? single(args[0]) : clip(toUTC(apply(utc, undefined, args)))], new.target);
  }

  // ---- set-up ----
  const put = (target, name, value, length) => {
    if (length !== undefined) defineProperty(value, 'length', { value: length, configurable: true });
    defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  };
  defineProperty(Date, 'length', { value: 7, configurable: true });
  defineProperty(Date, 'prototype', { value: proto, writable: false, enumerable: false, configurable: false });
  put(Date, 'UTC', utc);
  put(Date, 'parse', { parse(string) { return parse(string); } }.parse);
  put(Date, 'now', { now() { return clock(); } }.now);
  put(proto, 'constructor', Date);
  put(g, 'Date', Date);

  for (const name in read) {
    const from = read[name], getter = 'get' + name, setter = 'set' + name;
    put(proto, getter, { [getter]() { const t = timeOf(this); return t !== t ? NaN : from(t + localOffset(t)); } }[getter]);
    if (name === 'Day') continue;
    const setUTC = getOwnPropertyDescriptor(proto, 'setUTC' + name).value;
    put(proto, setter, {
      [setter](...args) {
        const t = timeOf(this), l = apply(setUTC, new Native(t + localOffset(t)), args);
        return setTimeOf(this, l !== l ? NaN : clip(toUTC(l)));
      },
    }[setter], setUTC.length);
  }
  const methods = {
    getTimezoneOffset() { const t = timeOf(this); return t !== t ? NaN : 0 - (localOffset(t) / 60000 | 0); },
    toString() { return text(timeOf(this), true, true); },
    toDateString() { return text(timeOf(this), true, false); },
    toTimeString() { return text(timeOf(this), false, true); },
    getYear() { return this.getFullYear() - 1900; },
    setYear(year) {
      timeOf(this);
      const y = numberOf(year), n = y < 0 ? -floor(-y) : floor(y);
      return y !== y ? setTimeOf(this, NaN) : this.setFullYear(n >= 0 && n <= 99 ? 1900 + n : n);
    },
  };
  for (const name in methods) put(proto, name, methods[name]);
})

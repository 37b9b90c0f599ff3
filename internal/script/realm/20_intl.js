// Intl and the toLocale methods. The objects hold their resolved options, as the
// JSON that the natives take; the natives do the rest.
(function (g, env) {
  'use strict';
  const { intlResolve, intlFormat, intlCompare, intlLocales, localeCase } = env.native;
  const { construct, defineProperty } = Reflect;
  const { String: toText, Number: toNumber, Object, TypeError, RangeError, Error, Symbol, Date } = g, { parse, stringify } = g.JSON;
  const uncurry = (f) => g.Function.prototype.call.bind(f);
  const timeOf = uncurry(Date.prototype.getTime), numberOf = uncurry(toNumber.prototype.valueOf), bigOf = uncurry(g.BigInt.prototype.valueOf);
  const wellFormed = uncurry(toText.prototype.toWellFormed), upper = uncurry(toText.prototype.toUpperCase), lower = uncurry(toText.prototype.toLowerCase);
  const { floor } = Math, clock = env.now;

  // checked throws what a native reports as a RangeError.
  function checked(text) {
    if (text[0] === '!') throw new RangeError(text.slice(1));
    return text;
  }
  let isLocale; // set by Locale
  function tags(locales) {
    if (locales === undefined) return '[]';
    if (typeof locales === 'string') return stringify([wellFormed(locales)]);
    if (locales === null) throw new TypeError('Cannot convert undefined or null to object');
    if (isLocale(locales)) return stringify([toText(locales)]);
    const list = [];
    for (let i = 0; i < locales.length; i++) {
      const tag = locales[i];
      if (typeof tag !== 'string' && (typeof tag !== 'object' || tag === null)) throw new TypeError('Incorrect locale information provided');
      list[i] = wellFormed(toText(tag));
    }
    return stringify(list);
  }
  const BOOLEANS = { __proto__: null, hour12: true, ignorePunctuation: true };
  const NUMBERS = { __proto__: null, minimumIntegerDigits: true, minimumFractionDigits: true, maximumFractionDigits: true, minimumSignificantDigits: true, maximumSignificantDigits: true, fractionalSecondDigits: true };
  function read(options, names, kind) {
    if (options === undefined) return '{}';
    if (options === null) throw new TypeError('Cannot convert undefined or null to object');
    const out = {};
    for (const name of names) {
      const v = options[name];
      if (v === undefined) continue;
      out[name] = BOOLEANS[name] || (name === 'numeric' && kind === 'collator') ? !!v : NUMBERS[name] ? toNumber(v) : name === 'useGrouping' && typeof v === 'boolean' ? v : toText(v);
    }
    return stringify(out);
  }
  const DIGITS = ['minimumIntegerDigits', 'minimumFractionDigits', 'maximumFractionDigits', 'minimumSignificantDigits', 'maximumSignificantDigits', 'roundingMode', 'roundingPriority', 'trailingZeroDisplay'];
  const NUMBER = ['style', 'currency', 'currencyDisplay', 'currencySign', 'unit', 'unitDisplay', 'notation', 'compactDisplay', 'useGrouping', 'signDisplay', ...DIGITS];
  const DATE = ['weekday', 'era', 'year', 'month', 'day', 'dayPeriod', 'hour', 'minute', 'second', 'fractionalSecondDigits', 'timeZoneName', 'hour12', 'hourCycle', 'timeZone', 'dateStyle', 'timeStyle'];

  const resolve = (kind, names, locales, options) => checked(intlResolve(kind, tags(locales), read(options, names, kind)));
  const resolveDate = (locales, options, required, defaults) => checked(intlResolve('date', tags(locales), read(options, DATE, 'date'), required, defaults));

  // numeral writes a value as the text of a number.
  function numeral(value) {
    if (typeof value === 'object' && value !== null) value = value[Symbol.toPrimitive] ? value[Symbol.toPrimitive]('number') : value.valueOf();
    if (typeof value === 'bigint') return toText(value);
    if (typeof value === 'string' && /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?\s*$/i.test(value)) return value.trim().replace('+', '').replace(/^(-?)\./, '$10.');
    const n = toNumber(value);
    return n === 0 && 1 / n < 0 ? '-0' : toText(n);
  }
  function instant(date) {
    const t = date === undefined ? clock() : toNumber(date);
    if (!(t >= -8.64e15 && t <= 8.64e15)) throw new RangeError('Invalid time value');
    return toText(floor(t));
  }
  const text = (kind, options, value, unit) => checked(intlFormat(kind, options, value, false, unit));
  const parts = (kind, options, value, unit) => parse(checked(intlFormat(kind, options, value, true, unit)));

  class NumberFormat {
    #options; #format = null;
    constructor(locales, options) { this.#options = resolve('number', NUMBER, locales, options); }
    get format() { const options = this.#options; return (this.#format ??= (value) => text('number', options, numeral(value))); }
    formatToParts(value) { return parts('number', this.#options, numeral(value)); }
    resolvedOptions() { return { ...parse(this.#options), roundingIncrement: 1 }; }
  }
  class DateTimeFormat {
    #options; #format = null;
    constructor(locales, options) { this.#options = resolveDate(locales, options, 'any', 'date'); }
    get format() { const options = this.#options; return (this.#format ??= (date) => text('date', options, instant(date))); }
    formatToParts(date) { return parts('date', this.#options, instant(date)); }
    formatRange(start, end) {
      if (start === undefined || end === undefined) throw new TypeError('Intl.DateTimeFormat.formatRange needs two dates');
      const a = text('date', this.#options, instant(start)), b = text('date', this.#options, instant(end));
      return a === b ? a : a + ' \u2013 ' + b;
    }
    resolvedOptions() { return parse(this.#options); }
  }
  class Collator {
    #options; #compare = null;
    constructor(locales, options) { this.#options = resolve('collator', ['usage', 'sensitivity', 'ignorePunctuation', 'numeric', 'caseFirst'], locales, options); }
    get compare() { const options = this.#options; return (this.#compare ??= (a, b) => intlCompare(options, wellFormed(toText(a)), wellFormed(toText(b)))); }
    resolvedOptions() { return parse(this.#options); }
  }
  class PluralRules {
    #options;
    constructor(locales, options) { this.#options = resolve('plural', ['type', ...DIGITS], locales, options); }
    select(n) { return text('plural', this.#options, numeral(toNumber(n))); }
    resolvedOptions() { return { ...parse(this.#options), roundingIncrement: 1 }; }
  }
  class ListFormat {
    #options;
    constructor(locales, options) { this.#options = resolve('list', ['type', 'style'], locales, options); }
    format(list) { return text('list', this.#options, items(list)); }
    formatToParts(list) { return parts('list', this.#options, items(list)) ?? []; }
    resolvedOptions() { return parse(this.#options); }
  }
  function items(list) {
    const out = [];
    if (list !== undefined) for (const item of list) {
      if (typeof item !== 'string') throw new TypeError('Iterable yielded ' + typeof item + ' which is not a string');
      out[out.length] = wellFormed(item);
    }
    return stringify(out);
  }
  class RelativeTimeFormat {
    #options;
    constructor(locales, options) { this.#options = resolve('relative', ['style', 'numeric'], locales, options); }
    format(value, unit) { return text('relative', this.#options, numeral(toNumber(value)), toText(unit)); }
    formatToParts(value, unit) {
      const name = toText(unit).replace(/s$/, '');
      return parts('relative', this.#options, numeral(toNumber(value)), name).map((p) => (p.type === 'literal' ? p : { ...p, unit: name }));
    }
    resolvedOptions() { return parse(this.#options); }
  }
  class Locale {
    #tag;
    static { isLocale = (v) => typeof v === 'object' && #tag in v; }
    constructor(tag, options) {
      if (typeof tag !== 'string' && (typeof tag !== 'object' || tag === null)) throw new TypeError('First argument to Intl.Locale constructor can\'t be empty or missing');
      this.#tag = parse(checked(intlLocales('canonical', stringify([toText(tag)]))))[0];
      if (options === undefined) return;
      const { language = this.language, script = this.script, region = this.region } = options;
      const wanted = [language, script, region].filter((x) => x !== undefined).join('-') + this.#tag.slice(this.baseName.length);
      this.#tag = parse(checked(intlLocales('canonical', stringify([wanted]))))[0];
    }
    get baseName() { return this.#tag.replace(/-[0-9a-z]-.*$/i, ''); }
    get language() { return this.#tag.split('-')[0]; }
    get script() { return this.baseName.split('-').find((p, i) => i > 0 && /^[a-z]{4}$/i.test(p)); }
    get region() { return this.baseName.split('-').find((p, i) => i > 0 && /^([a-z]{2}|\d{3})$/i.test(p)); }
    toString() { return this.#tag; }
  }

  // ---- set-up ----
  const hidden = (target, name, value) => defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  const lengthless = (f) => { defineProperty(f, 'length', { value: 0, configurable: true }); return f; };
  const Intl = {};
  defineProperty(Intl, Symbol.toStringTag, { value: 'Intl', configurable: true });
  const supportedLocalesOf = { supportedLocalesOf(locales) { return parse(checked(intlLocales('supported', tags(locales)))); } }.supportedLocalesOf;
  const expose = (Class, callable) => {
    const name = Class.name;
    // The old formats may be called without new.
    const F = callable ? function (...args) { return construct(Class, args, new.target ?? F); } : Class;
    defineProperty(F, 'name', { value: name, configurable: true });
    defineProperty(F, 'length', { value: name === 'Locale' ? 1 : 0, configurable: true });
    if (callable) {
      defineProperty(F, 'prototype', { value: Class.prototype, writable: false });
      hidden(Class.prototype, 'constructor', F);
    }
    if (name !== 'Locale') hidden(F, 'supportedLocalesOf', supportedLocalesOf);
    defineProperty(Class.prototype, Symbol.toStringTag, { value: 'Intl.' + name, configurable: true });
    hidden(Intl, name, F);
  };
  for (const Class of [NumberFormat, DateTimeFormat, Collator]) expose(Class, true);
  for (const Class of [PluralRules, ListFormat, RelativeTimeFormat, Locale]) expose(Class, false);
  for (const name of ['DisplayNames', 'Segmenter', 'DurationFormat']) hidden(Intl, name, { [name]: class { constructor() { throw new Error('Intl.' + name + ' is not available in scenarios'); } } }[name]);
  hidden(Intl, 'getCanonicalLocales', { getCanonicalLocales(locales) { return parse(checked(intlLocales('canonical', tags(locales)))); } }.getCanonicalLocales);
  hidden(g, 'Intl', Intl);

  // ---- the toLocale methods ----
  const plainNumber = resolve('number', [], undefined, undefined), plainCollator = resolve('collator', [], undefined, undefined);
  const plainDates = {};
  const number = (locales, options, value) => text('number', locales === undefined && options === undefined ? plainNumber : resolve('number', NUMBER, locales, options), numeral(value));
  const dateMethod = (name, required, defaults) => {
    plainDates[name] = resolveDate(undefined, undefined, required, defaults);
    hidden(Date.prototype, name, lengthless({
      [name](locales, options) {
        const t = timeOf(this);
        if (t !== t) return 'Invalid Date';
        return text('date', locales === undefined && options === undefined ? plainDates[name] : resolveDate(locales, options, required, defaults), toText(t));
      },
    }[name]));
  };
  dateMethod('toLocaleString', 'any', 'all');
  dateMethod('toLocaleDateString', 'date', 'date');
  dateMethod('toLocaleTimeString', 'time', 'time');
  const own = {
    Number: { toLocaleString(locales, options) { return number(locales, options, numberOf(this)); } },
    BigInt: { toLocaleString(locales, options) { return number(locales, options, bigOf(this)); } },
    Array: { toLocaleString(locales, options) { return joined(this, locales, options); } },
    String: {
      localeCompare(that, locales, options) {
        const plain = locales === undefined && options === undefined;
        return intlCompare(plain ? plainCollator : resolve('collator', ['usage', 'sensitivity', 'ignorePunctuation', 'numeric', 'caseFirst'], locales, options), wellFormed(this), wellFormed(toText(that)));
      },
      toLocaleUpperCase(locales) { return cased(this, locales, 'upper', upper); },
      toLocaleLowerCase(locales) { return cased(this, locales, 'lower', lower); },
    },
  };
  function joined(list, locales, options) {
    const out = [];
    for (let i = 0, n = toNumber(list.length) || 0; i < n; i++) out[i] = list[i] === undefined || list[i] === null ? '' : toText(list[i].toLocaleString(locales, options));
    return out.join(',');
  }
  function cased(value, locales, direction, plain) {
    if (locales === undefined) return plain(value);
    const tag = parse(checked(intlLocales('canonical', tags(locales))))[0] ?? 'en';
    return /^(tr|az|lt)\b/.test(tag) ? localeCase(tag, direction, wellFormed(value)) : plain(value);
  }
  for (const name in own) for (const method in own[name]) {
    defineProperty(own[name][method], 'length', { value: method === 'localeCompare' ? 1 : 0, configurable: true });
    hidden(g[name].prototype, method, own[name][method]);
  }
  hidden(Object.getPrototypeOf(g.Uint8Array.prototype), 'toLocaleString', own.Array.toLocaleString);
})

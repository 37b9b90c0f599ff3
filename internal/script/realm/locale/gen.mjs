// Writes data/TAG.json, the facts about a locale, by asking the Intl of the Node
// that runs it: node gen.mjs. Run it again only on purpose: scenarios' output changes.
// The narrow no-break spaces of dates become plain ones, as Node's format writes them.
import { writeFileSync, mkdirSync } from 'node:fs';

const TAGS = ['cs', 'de', 'en', 'en-GB', 'pl', 'ru', 'sk'];
const CURRENCIES = ['AUD', 'BGN', 'BRL', 'BYN', 'CAD', 'CHF', 'CNY', 'CZK', 'DKK', 'EUR', 'GBP', 'HKD', 'HUF', 'ILS', 'INR', 'ISK', 'JPY', 'KRW', 'MXN', 'NOK', 'NZD', 'PLN', 'RON', 'RSD', 'RUB', 'SEK', 'SGD', 'THB', 'TRY', 'TWD', 'UAH', 'USD', 'VND', 'ZAR'];
const UNITS = ['bit', 'byte', 'celsius', 'centimeter', 'day', 'degree', 'fahrenheit', 'gigabyte', 'gram', 'hectare', 'hour', 'inch', 'kilobyte', 'kilogram', 'kilometer', 'kilometer-per-hour', 'liter', 'megabyte', 'meter', 'meter-per-second', 'mile', 'mile-per-hour', 'milliliter', 'millimeter', 'millisecond', 'minute', 'month', 'ounce', 'percent', 'petabyte', 'pound', 'second', 'terabyte', 'week', 'year', 'yard', 'foot', 'kilobit', 'megabit', 'gigabit', 'gallon', 'acre', 'stone'];
const SAMPLES = [0, 1, 2, 3, 5, 11, 21, 22, 100, 1.5];
const FIELDS = { weekday: ['-', 'l', 's', 'n'], year: ['-', 'n', '2'], month: ['-', 'n', '2', 'l', 's', 'x'], day: ['-', 'n', '2'] };
const WIDTH = { l: 'long', s: 'short', n: 'numeric', 2: '2-digit', x: 'narrow' };
const utc = { timeZone: 'UTC' };

function gen(tag) {
  const months = Array.from({ length: 12 }, (_, i) => Date.UTC(2025, i, 5, 14, 7, 8)), days = Array.from({ length: 7 }, (_, i) => Date.UTC(2025, 2, 2 + i));
  const pick = (options, type, times) => times.map((t) => new Intl.DateTimeFormat(tag, { ...options, ...utc }).formatToParts(t).find((p) => p.type === type)?.value ?? '');
  const names = {};
  const keep = (letters, list) => { names[letters] = list; };
  for (const [letters, width] of [['MMM', 'short'], ['MMMM', 'long'], ['MMMMM', 'narrow']]) {
    keep(letters, pick({ month: width, day: 'numeric' }, 'month', months));
    keep(letters.replaceAll('M', 'L'), pick({ month: width }, 'month', months));
  }
  for (const [letters, width] of [['EEE', 'short'], ['EEEE', 'long'], ['EEEEE', 'narrow']]) {
    keep(letters, pick({ weekday: width, day: 'numeric', month: 'long' }, 'weekday', days));
    keep(letters.replaceAll('E', 'c'), pick({ weekday: width }, 'weekday', days));
  }
  const same = (a, b) => a.every((x, i) => x === b[i]);
  const named = (list, letters) => letters.find((l) => same(names[l], list));
  const halves = [3, 15].map((h) => new Intl.DateTimeFormat(tag, { hour: 'numeric', hour12: true, ...utc }).formatToParts(Date.UTC(2025, 0, 1, h)).find((p) => p.type === 'dayPeriod').value);
  const eras = ['long', 'short', 'narrow'].map((era) => [-1e14, 0].map((t) => new Intl.DateTimeFormat(tag, { era, ...utc }).formatToParts(t).find((p) => p.type === 'era').value));

  // pattern finds out how options are written: {d}. {MMMM} {y} and so on.
  function pattern(options, hour24) {
    const f = new Intl.DateTimeFormat(tag, { ...options, ...utc });
    const t = Date.UTC(2025, 2, 5, 5, 7, 8);
    return f.formatToParts(t).map(({ type, value }) => {
      switch (type) {
        case 'literal': return value;
        case 'day': return value === '05' ? '{dd}' : '{d}';
        case 'year': return value === '25' ? '{yy}' : '{y}';
        case 'month': {
          if (value === '3') return '{M}';
          if (value === '03') return '{MM}';
          const list = pick(options, 'month', months), l = named(list, ['MMM', 'LLL', 'MMMM', 'LLLL', 'MMMMM', 'LLLLL']);
          if (!l) throw new Error(tag + ': months ' + list);
          return '{' + l + '}';
        }
        case 'weekday': {
          const list = pick(options, 'weekday', days), l = named(list, ['EEE', 'ccc', 'EEEE', 'cccc', 'EEEEE', 'ccccc']);
          if (!l) throw new Error(tag + ': weekdays ' + list);
          return '{' + l + '}';
        }
        case 'hour': return '{' + (hour24 ? 'H' : 'h').repeat(value.length) + '}';
        case 'minute': return value === '07' ? '{mm}' : '{m}';
        case 'second': return value === '08' ? '{ss}' : '{s}';
        case 'dayPeriod': return '{a}';
        default: throw new Error(tag + ': ' + type);
      }
    }).join('');
  }
  const date = {}, time = {};
  for (const w of FIELDS.weekday) for (const y of FIELDS.year) for (const m of FIELDS.month) for (const d of FIELDS.day) {
    const options = {};
    if (w !== '-') options.weekday = { l: 'long', s: 'short', n: 'narrow' }[w];
    if (y !== '-') options.year = WIDTH[y];
    if (m !== '-') options.month = WIDTH[m];
    if (d !== '-') options.day = WIDTH[d];
    if (w + y + m + d !== '----') date[w + y + m + d] = pattern(options);
  }
  for (const h of ['-', 'n', '2']) for (const m of ['-', 'n', '2']) for (const s of ['-', 'n', '2']) for (const cycle of ['h12', 'h23']) {
    if (h + m + s === '---' || (h === '-' && cycle === 'h12')) continue;
    const options = { hourCycle: cycle };
    if (h !== '-') options.hour = WIDTH[h];
    if (m !== '-') options.minute = WIDTH[m];
    if (s !== '-') options.second = WIDTH[s];
    time[h + m + s + (h === '-' ? '' : cycle.slice(1))] = pattern(options, cycle === 'h23');
  }
  const styles = ['full', 'long', 'medium', 'short'], cycle = new Intl.DateTimeFormat(tag, { hour: 'numeric' }).resolvedOptions().hourCycle;
  const dateStyle = styles.map((dateStyle) => pattern({ dateStyle }));
  const timeStyle = {};
  for (const c of ['h12', 'h23']) timeStyle[c.slice(1)] = styles.map((timeStyle) => new Intl.DateTimeFormat(tag, { timeStyle, hourCycle: c, ...utc }).formatToParts(Date.UTC(2025, 2, 5, 5, 7, 8)).map(({ type, value }) => type === 'literal' ? value : type === 'hour' ? '{' + (c === 'h23' ? 'H' : 'h').repeat(value.length) + '}' : type === 'minute' ? '{mm}' : type === 'second' ? '{ss}' : type === 'dayPeriod' ? '{a}' : type === 'timeZoneName' ? (timeStyle === 'full' ? '{zzzz}' : '{z}') : '?').join(''));
  const glue = (d, t) => { const x = Date.UTC(2025, 2, 5, 5, 7, 8), s = (o) => new Intl.DateTimeFormat(tag, { ...o, ...utc }).format(x); return s({ ...d, ...t }).slice(s(d).length, -s(t).length); };
  const hm = { hour: '2-digit', minute: '2-digit' };
  const glues = { style: styles.map((dateStyle) => glue({ dateStyle }, { timeStyle: 'medium' })), fields: [{ weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }, { year: 'numeric', month: 'long', day: 'numeric' }, { year: 'numeric', month: 'short', day: 'numeric' }, { year: 'numeric', month: 'numeric', day: 'numeric' }].map((d) => glue(d, hm)) };

  // ---- numbers ----
  const parts = (o, n) => new Intl.NumberFormat(tag, o).formatToParts(n), rules = new Intl.PluralRules(tag, { maximumFractionDigits: 3 });
  const sign = (type, n, o = {}) => parts(o, n).find((p) => p.type === type)?.value;
  const shape = (o, n) => parts(o, n).map((p) => (['integer', 'decimal', 'fraction', 'group'].includes(p.type) ? '#' : p.type === 'currency' ? '¤' : p.type === 'percentSign' ? '%' : p.type === 'minusSign' ? '-' : p.value)).join('').replace(/#+/, '#');
  const number = { decimal: sign('decimal', 1.5), group: sign('group', 1234567), minus: sign('minusSign', -1), plus: sign('plusSign', 1, { signDisplay: 'always' }), percent: shape({ style: 'percent' }, 1), nan: sign('nan', NaN), infinity: sign('infinity', Infinity), minimumGrouping: sign('group', 1234) ? 1 : 2,
    currency: shape({ style: 'currency', currency: 'EUR' }, 1), code: shape({ style: 'currency', currency: 'EUR', currencyDisplay: 'code' }, 1), accounting: shape({ style: 'currency', currency: 'EUR', currencySign: 'accounting' }, -1), negative: shape({ style: 'currency', currency: 'EUR' }, -1) };
  const symbols = {}, narrow = {}, currencyNames = {};
  for (const currency of Intl.supportedValuesOf('currency')) {
    const s = sign('currency', 1, { style: 'currency', currency }), n = sign('currency', 1, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
    if (s !== currency) symbols[currency] = s;
    if (n !== s) narrow[currency] = n;
  }
  const forms = (make) => { const out = {}; for (const n of SAMPLES) { const c = rules.select(n); if (!(c in out)) out[c] = make(n); } return out; };
  const squeeze = (f) => (new Set(Object.values(f)).size === 1 ? { other: f.other ?? Object.values(f)[0] } : f);
  for (const currency of CURRENCIES) currencyNames[currency] = squeeze(forms((n) => sign('currency', n, { style: 'currency', currency, currencyDisplay: 'name', minimumFractionDigits: 0 })));
  const nameShape = shape({ style: 'currency', currency: 'EUR', currencyDisplay: 'name' }, 5).replace(currencyNames.EUR.many ?? currencyNames.EUR.other, '¤').replace('¤', '¤');
  const units = {};
  for (const unit of UNITS) for (const unitDisplay of ['long', 'short', 'narrow']) units[unit + ' ' + unitDisplay] = squeeze(forms((n) => parts({ style: 'unit', unit, unitDisplay }, n).map((p) => (['integer', 'decimal', 'fraction', 'group'].includes(p.type) ? '#' : p.value)).join('').replace(/#+/, '#')));
  const compact = {};
  for (const compactDisplay of ['short', 'long']) compact[compactDisplay] = Array.from({ length: 12 }, (_, i) => {
    const size = 10 ** (i + 3), out = {};
    for (const m of [1, 2, 5, 1.5]) {
      const p = parts({ notation: 'compact', compactDisplay }, size * m), value = Number(p.filter((x) => ['integer', 'decimal', 'fraction'].includes(x.type)).map((x) => (x.type === 'decimal' ? '.' : x.value)).join(''));
      out[m] = { shift: Math.round(Math.log10((size * m) / value)), text: p.map((x) => (['integer', 'decimal', 'fraction', 'group'].includes(x.type) ? '#' : x.value)).join('').replace(/#+/, '#'), c: rules.select(value) };
    }
    return { shift: out[1].shift, forms: squeeze(Object.fromEntries(Object.values(out).map((o) => [o.c, o.text]))) };
  });

  // ---- lists and relative times ----
  const lists = {};
  for (const type of ['conjunction', 'disjunction', 'unit']) for (const style of ['long', 'short', 'narrow']) {
    const f = new Intl.ListFormat(tag, { type, style }), cut = (items) => f.formatToParts(items).filter((p) => p.type === 'literal').map((p) => p.value);
    const four = cut(['a', 'b', 'c', 'd']);
    lists[type + ' ' + style] = [cut(['a', 'b'])[0], four[0], four[1], four[2]];
  }
  const relative = {};
  for (const unit of ['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year']) for (const style of ['long', 'short', 'narrow']) {
    const f = new Intl.RelativeTimeFormat(tag, { style, numeric: 'always' }), auto = new Intl.RelativeTimeFormat(tag, { style, numeric: 'auto' });
    const one = (n, s) => f.formatToParts(n * s, unit).map((p) => (p.type === 'literal' ? p.value : '#')).join('').replace(/#+/, '#');
    const words = {};
    for (const n of [-2, -1, 0, 1, 2]) { const s = auto.format(n, unit); if (s !== f.format(n, unit)) words[n] = s; }
    relative[unit + ' ' + style] = { future: squeeze(forms((n) => one(n, 1))), past: squeeze(forms((n) => one(n === 0 ? -0 : n, n === 0 ? 1 : -1))), words };
  }
  const zones = {};
  for (const timeZone of ['UTC', 'Europe/Prague', 'Europe/London', 'Europe/Helsinki', 'Europe/Lisbon', 'Europe/Moscow', 'America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles']) zones[timeZone] = ['short', 'long'].flatMap((timeZoneName) => [0, 6].map((month) => new Intl.DateTimeFormat(tag, { timeZone, timeZoneName }).formatToParts(Date.UTC(2025, month, 5)).find((p) => p.type === 'timeZoneName').value));
  return { tag, zones, cycle, names, halves, eras, date, time, dateStyle, timeStyle, glue: glues, number, symbols, narrow, currencyName: nameShape, currencyNames, units, compact, lists, relative };
}

mkdirSync(new URL('data/', import.meta.url), { recursive: true });
for (const tag of TAGS) writeFileSync(new URL('data/' + tag + '.json', import.meta.url), JSON.stringify(gen(tag)).replaceAll('\u202f', ' ').replace(/("(?:names|date|time|dateStyle|number|symbols|currencyNames|units|compact|lists|relative)":)/g, '\n$1') + '\n');

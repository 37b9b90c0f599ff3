// What of Intl does not depend on the locale.
(() => {
  const out = [];
  const say = (name, f) => { let v; try { v = f(); v = typeof v === 'string' ? v : JSON.stringify(v); } catch (e) { v = e.name; } out.push(name + ' => ' + JSON.stringify(v)); };
  for (const l of ['en', 'EN-us', 'cs-cz', ['de', 'de'], [], undefined, 'x', 'en_US', '', 5, null, [5], 'zz', 'cs-CZ-u-nu-latn', 'a-b', 'en-', 'sr-latn-rs', 'toolonglanguage']) { say('canonical ' + JSON.stringify(l), () => Intl.getCanonicalLocales(l)); say('constructor ' + JSON.stringify(l), () => typeof new Intl.NumberFormat(l).format(1)); }
  for (const C of ['NumberFormat', 'DateTimeFormat', 'Collator', 'PluralRules', 'ListFormat', 'RelativeTimeFormat']) {
    say('supported ' + C, () => Intl[C].supportedLocalesOf(['cs', 'de-DE', 'en-GB', 'sk', 'ru', 'pl-PL']));
    say('call ' + C, () => Object.prototype.toString.call(Intl[C]('en'))); say('tag ' + C, () => Object.prototype.toString.call(new Intl[C]('en')) + Intl[C].name + Intl[C].length + (Intl[C].prototype.constructor === Intl[C]));
    say('null ' + C, () => new Intl[C]('en', null)); say('subclass ' + C, () => { class X extends Intl[C] {} const x = new X('en'); return [x instanceof X, x instanceof Intl[C], x.resolvedOptions().locale]; });
  }
  for (const tag of ['en', 'en-US', 'cs-CZ', 'de']) say('locale ' + tag, () => new Intl.NumberFormat(tag).resolvedOptions().locale);
  say('Locale', () => { const l = new Intl.Locale('sr-latn-RS-u-nu-latn'); return [l.language, l.script, l.region, l.baseName, String(l), new Intl.Locale('en', { region: 'GB' }) + '', new Intl.NumberFormat(new Intl.Locale('cs')).format(1.5)]; });
  say('Locale bad', () => new Intl.Locale('x')); say('Locale none', () => new Intl.Locale());
  for (const [s, l] of [['iI', 'tr'], ['iI', 'en'], ['ß', 'de'], ['ǆ', 'cs'], ['İ', 'tr'], ['ΑΣ', 'el'], ['čŽ', undefined], ['iI', ['az', 'en']]]) say('case ' + s + l, () => [s.toLocaleUpperCase(l), s.toLocaleLowerCase(l)]);
  say('case bad', () => 'x'.toLocaleUpperCase('x-'));
  say('array', () => [[1234.5, null, undefined, 'a', new Date(NaN)].toLocaleString('cs'), [].toLocaleString(), new Uint16Array([1234, 5]).toLocaleString('de')]);
  say('lengths', () => [Number.prototype.toLocaleString.length, Date.prototype.toLocaleString.length, String.prototype.localeCompare.length, Array.prototype.toLocaleString.length]);
  say('receiver', () => Number.prototype.toLocaleString.call('5')); say('receiver date', () => Date.prototype.toLocaleString.call(5));
  say('intl', () => Object.prototype.toString.call(Intl) + Object.keys(Intl).length);
  say('stable getter', () => { const f = new Intl.NumberFormat('en'); return f.format === f.format; });
  return out;
})()

// decimal: exact decimal arithmetic for money and quantities.
(function (realm, shared) {
  'use strict';
  const { pure } = realm, { freeze } = Object;

  const call = (what, f) => shared.call('DecimalError', what, f);

  // textOf takes what a decimal can be made of to text that Go reads.
  function textOf(value, what) {
    if (value instanceof Decimal) return value.toString();
    if (typeof value === 'string') return value.trim();
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw new RangeError(what + ': ' + value + ' is not a number');
      return String(value);
    }
    throw new TypeError(what + ': a decimal, text, number or bigint is expected, not ' + (value === null ? 'null' : typeof value));
  }

  function whole(scale, what) {
    if (!Number.isInteger(scale)) throw new RangeError(what + ': the scale must be a whole number');
    return scale;
  }

  const inner = {}; // marks texts that are a result of Go already

  class Decimal {
    #text;
    constructor(value, mark) {
      const text = mark === inner ? value : textOf(value, 'decimal');
      this.#text = mark === inner ? text : call('decimal', () => pure.decimalRead(text));
      freeze(this);
    }

    plus(x) { return calc('plus', this, x); }
    minus(x) { return calc('minus', this, x); }
    times(x) { return calc('times', this, x); }
    mod(x) { return calc('mod', this, x); }
    div(x, scale, rounding = 'half-up') {
      const y = textOf(x, 'div');
      if (scale !== undefined) whole(scale, 'div');
      return made(call('div', () => pure.decimalDivide(this.#text, y, scale !== undefined, scale ?? 0, rounding)));
    }
    round(scale = 0, rounding = 'half-up') {
      whole(scale, 'round');
      return made(call('round', () => pure.decimalRound(this.#text, scale, rounding)));
    }
    neg() { return calc('times', this, '-1'); }
    abs() { return this.#text[0] === '-' ? made(this.#text.slice(1)) : this; }

    cmp(x) { return compare(this, x, 'cmp'); }
    eq(x) { return compare(this, x, 'eq') === 0; }
    lt(x) { return compare(this, x, 'lt') < 0; }
    lte(x) { return compare(this, x, 'lte') <= 0; }
    gt(x) { return compare(this, x, 'gt') > 0; }
    gte(x) { return compare(this, x, 'gte') >= 0; }
    isZero() { return /^[0.]+$/.test(this.#text); }
    isNegative() { return this.#text[0] === '-'; }

    get scale() {
      const point = this.#text.indexOf('.');
      return point < 0 ? 0 : this.#text.length - point - 1;
    }

    toString() { return this.#text; }
    toFixed(scale = 0, rounding = 'half-up') { return this.round(scale, rounding).toString(); }
    toNumber() { return Number(this.#text); }
    toJSON() { return this.#text; }
    get [Symbol.toStringTag]() { return 'Decimal'; }
    [Symbol.toPrimitive](hint) {
      if (hint === 'string') return this.#text;
      throw new TypeError('decimals have no operators: use plus, minus, times, div, cmp, eq, lt, gt, or toString() and toNumber()');
    }
  }

  const made = (text) => new Decimal(text, inner);
  function calc(operation, x, y) {
    const other = textOf(y, operation);
    return made(call(operation, () => pure.decimalCalc(operation, x.toString(), other)));
  }
  function compare(x, y, what) {
    const other = textOf(y, what);
    return call(what, () => pure.decimalCompare(x.toString(), other));
  }

  function decimal(value) { return value instanceof Decimal ? value : new Decimal(value); }
  decimal.prototype = Decimal.prototype; // for instanceof, and so that it is frozen with the realm
  decimal.sum = function sum(values) {
    const texts = [];
    for (const v of values) {
      const text = textOf(v, 'decimal.sum');
      if (text === '' || /\s/.test(text)) throw new RangeError('decimal.sum: ' + JSON.stringify(v) + ' is not a number');
      texts.push(text);
    }
    return made(call('decimal.sum', () => pure.decimalSum(texts.join(' '))));
  };
  function extreme(name, sign) {
    return function (...values) {
      if (values.length === 0) throw new RangeError('decimal.' + name + ': there is no value');
      return values.map(decimal).reduce((best, v) => (v.cmp(best) * sign > 0 ? v : best));
    };
  }
  decimal.min = extreme('min', -1);
  decimal.max = extreme('max', 1);
  decimal.isValid = function isValid(value) {
    try {
      decimal(value);
      return true;
    } catch {
      return false;
    }
  };

  return { decimal };
})

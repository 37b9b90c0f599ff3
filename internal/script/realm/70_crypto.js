// crypto, performance and queueMicrotask. Everything random comes from the run's
// seed: the same in each replay, and therefore no secret.
(function (g, env) {
  'use strict';
  const { defineProperty, getPrototypeOf, getOwnPropertyDescriptor } = Reflect, { DOMException, TypeError, Uint8Array, Symbol } = g;
  const { random, now } = env, { floor } = Math;
  const uncurry = (f) => g.Function.prototype.call.bind(f);
  const kind = uncurry(getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get);
  const then = uncurry(g.Promise.prototype.then), resolved = g.Promise.resolve.bind(g.Promise);
  const hex = [];
  for (let i = 0; i < 256; i++) hex.push((i < 16 ? '0' : '') + i.toString(16));

  const word = () => floor(random() * 4294967296);
  class Crypto {
    getRandomValues(array) {
      if (!/^(Big)?(Ui|I)nt\d+(Clamped)?Array$/.test(kind(array))) throw new DOMException('crypto.getRandomValues: the argument must be an array of integers, such as a Uint8Array', 'TypeMismatchError');
      if (array.byteLength > 65536) throw new DOMException('crypto.getRandomValues: at most 65536 bytes at once, not ' + array.byteLength, 'QuotaExceededError');
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let i = 0; i < bytes.length;) for (let w = word(), n = 0; n < 4 && i < bytes.length; n++, w >>>= 8) bytes[i++] = w & 255;
      return array;
    }
    randomUUID() {
      const four = () => { const w = word(); return hex[w >>> 24] + hex[(w >>> 16) & 255] + hex[(w >>> 8) & 255] + hex[w & 255]; };
      const s = four() + four() + four() + four();
      return s.slice(0, 8) + '-' + s.slice(8, 12) + '-4' + s.slice(13, 16) + '-' + '89ab'[floor(random() * 4)] + s.slice(17, 20) + '-' + s.slice(20);
    }
    get [Symbol.toStringTag]() { return 'Crypto'; }
  }
  class Performance {
    now() { return now(); }
    get timeOrigin() { return 0; }
    toJSON() { return { timeOrigin: 0 }; }
    get [Symbol.toStringTag]() { return 'Performance'; }
  }
  const values = { crypto: new Crypto(), performance: new Performance() };
  if (!g.queueMicrotask) {
    values.queueMicrotask = function queueMicrotask(callback) {
      if (typeof callback !== 'function') throw new TypeError('queueMicrotask: the argument must be a function');
      then(resolved(), () => { callback(); });
    };
  }
  for (const name in values) defineProperty(g, name, { value: values[name], writable: true, configurable: true });
})

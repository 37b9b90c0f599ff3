// crypto: hashes, signatures with a shared secret, and random values of the run.
(function (realm, shared) {
  'use strict';
  const { pure, random } = realm, { floor } = Math, { call, kind, toBase64, fromBase64 } = shared;

  function isBytes(data, what) {
    if (typeof data === 'string') return false;
    if (data instanceof Uint8Array) return true;
    throw new TypeError(what + ' must be a text or a Uint8Array, not ' + kind(data));
  }
  const wire = (data, bytes) => (bytes ? toBase64(data) : data);

  function output(what, encoding, f) {
    const text = call('TypeError', what, () => f(encoding === 'bytes' ? 'base64' : encoding));
    return encoding === 'bytes' ? fromBase64(text) : text;
  }

  const hex = (n, width) => n.toString(16).padStart(width, '0');
  const bits16 = () => floor(random() * 65536);

  return {
    crypto: {
      hash(algorithm, data, encoding = 'hex') {
        const bytes = isBytes(data, 'crypto.hash: data');
        return output('crypto.hash', encoding, (e) => pure.cryptoHash(algorithm, wire(data, bytes), bytes, e));
      },
      hmac(algorithm, key, data, encoding = 'hex') {
        const k = isBytes(key, 'crypto.hmac: key'), d = isBytes(data, 'crypto.hmac: data');
        return output('crypto.hmac', encoding, (e) => pure.cryptoHmac(algorithm, wire(key, k), k, wire(data, d), d, e));
      },
      timingSafeEqual(a, b) {
        const x = isBytes(a, 'crypto.timingSafeEqual: the first value'), y = isBytes(b, 'crypto.timingSafeEqual: the second value');
        return pure.cryptoEqual(wire(a, x), x, wire(b, y), y);
      },
      randomUUID() {
        const part = () => hex(bits16(), 4);
        return part() + part() + '-' + part() + '-' + hex(0x4000 | (bits16() & 0xfff), 4) + '-' + hex(0x8000 | (bits16() & 0x3fff), 4) + '-' + part() + part() + part();
      },
      randomBytes(size) {
        if (!Number.isInteger(size) || size < 0 || size > 65536) throw new RangeError('crypto.randomBytes: the size must be a whole number from 0 to 65536');
        const bytes = new Uint8Array(size);
        for (let i = 0; i < size; i++) bytes[i] = floor(random() * 256);
        return bytes;
      },
    },
  };
})

// base64: text and bytes to base64 and back, in both alphabets. As the first
// part it also holds what all the pure helpers share.
(function (realm, shared) {
  'use strict';
  const { pure } = realm;
  const toBase64 = Function.prototype.call.bind(Uint8Array.prototype.toBase64);
  const fromBase64 = Uint8Array.fromBase64.bind(Uint8Array);

  // Bytes cross to Go and back as base64, which the engine makes natively.
  shared.toBase64 = toBase64;
  shared.fromBase64 = fromBase64;

  // options checks the names of given options.
  shared.options = function (what, given, known) {
    if (given === undefined) return {};
    if (given === null || typeof given !== 'object') throw new TypeError(what + ': the options must be an object');
    for (const name of Object.keys(given)) {
      if (!known.includes(name)) throw new TypeError(`${what}: unknown option "${name}"; known are ${known.join(', ')}`);
    }
    return given;
  };

  // call runs f and names what Go refuses after the function that was called.
  shared.call = function (name, what, f) {
    try {
      return f();
    } catch (e) {
      const error = new Error(what + ': ' + e.message);
      Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true });
      throw error;
    }
  };

  shared.kind = (value) => (value === null ? 'null' : typeof value);

  function encode(data, what) {
    if (typeof data === 'string') return pure.base64Encode(data);
    if (data instanceof Uint8Array) return toBase64(data);
    throw new TypeError(what + ': a text or a Uint8Array is expected, not ' + shared.kind(data));
  }

  function decode(text, what) {
    if (typeof text !== 'string') throw new TypeError(what + ': a text is expected, not ' + shared.kind(text));
    try {
      return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'));
    } catch {
      throw new SyntaxError(what + ': the text is not base64');
    }
  }

  return {
    base64: {
      encode(data) { return encode(data, 'base64.encode'); },
      encodeUrl(data) {
        const text = encode(data, 'base64.encodeUrl').replaceAll('+', '-').replaceAll('/', '_');
        const padding = text.indexOf('=');
        return padding < 0 ? text : text.slice(0, padding);
      },
      decode(text) { return decode(text, 'base64.decode'); },
      decodeText(text) {
        const bytes = toBase64(decode(text, 'base64.decodeText'));
        try {
          return pure.base64DecodeText(bytes);
        } catch (e) {
          throw new SyntaxError('base64.decodeText: ' + e.message);
        }
      },
    },
  };
})

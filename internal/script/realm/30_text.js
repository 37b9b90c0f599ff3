// TextEncoder, TextDecoder, atob and btoa. The bytes cross to the natives as
// base64, which the engine makes and reads at native speed.
(function (g, env) {
  'use strict';
  const { encodeUTF8, charset, decode, incomplete, atob, btoa } = env.native;
  const { defineProperty } = Reflect, { String: toText, Uint8Array, ArrayBuffer, TypeError, RangeError, DOMException } = g;
  const uncurry = (f) => g.Function.prototype.call.bind(f);
  const isView = ArrayBuffer.isView, fromBase64 = Uint8Array.fromBase64.bind(Uint8Array), toBase64 = uncurry(Uint8Array.prototype.toBase64);
  const wellFormed = uncurry(g.String.prototype.toWellFormed), setBytes = uncurry(Uint8Array.prototype.set), part = uncurry(Uint8Array.prototype.subarray);
  const isBuffer = uncurry(Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength').get);
  const text = (value) => wellFormed(toText(value));

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(input = '') { return fromBase64(encodeUTF8(text(input))); }
    encodeInto(source, destination) {
      if (!(destination instanceof Uint8Array)) throw new TypeError('TextEncoder.encodeInto: the destination must be a Uint8Array');
      const s = text(source), room = destination.length;
      let read = s.length, bytes = fromBase64(encodeUTF8(room * 1 < read ? wellFormed(s.slice(0, read = room)) : s));
      if (bytes.length > room || read < s.length) {
        // What does not fit goes character by character: count how far it does.
        let size = 0;
        read = 0;
        for (const c of s) {
          const code = c.codePointAt(0), n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
          if (size + n > room) break;
          size += n;
          read += c.length;
        }
        bytes = fromBase64(encodeUTF8(s.slice(0, read)));
      }
      setBytes(destination, bytes);
      return { read, written: bytes.length };
    }
    get [g.Symbol.toStringTag]() { return 'TextEncoder'; }
  }

  function bytesOf(input) {
    if (input === undefined) return new Uint8Array(0);
    if (isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    try { isBuffer(input); } catch { throw new TypeError('TextDecoder.decode: the input must be an ArrayBuffer or a view of one'); }
    return new Uint8Array(input);
  }

  class TextDecoder {
    #charset; #fatal; #ignoreBOM;
    #rest = null; // the bytes of an unfinished character, while streaming
    #started = false; // whether a byte order mark can no longer come
    constructor(label = 'utf-8', options = {}) {
      const name = charset(text(label));
      if (name === '') throw new RangeError('TextDecoder: the encoding "' + toText(label) + '" is not supported');
      options = options === null ? {} : options;
      this.#charset = name;
      this.#fatal = !!options.fatal;
      this.#ignoreBOM = !!options.ignoreBOM;
    }
    get encoding() { return this.#charset; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBOM; }
    decode(input, options) {
      const stream = !!(options && options.stream);
      let bytes = bytesOf(input);
      if (this.#rest !== null) {
        const rest = this.#rest, joined = new Uint8Array(rest.length + bytes.length);
        setBytes(joined, rest);
        setBytes(joined, bytes, rest.length);
        bytes = joined;
        this.#rest = null;
      }
      if (stream) {
        const tail = incomplete(this.#charset, toBase64(part(bytes, bytes.length > 5 ? (bytes.length - 4) & ~1 : 0)));
        if (tail > 0) this.#rest = new Uint8Array(part(bytes, bytes.length - tail));
        bytes = part(bytes, 0, bytes.length - tail);
      }
      const mark = !this.#ignoreBOM && !this.#started;
      this.#started = stream && (this.#started || bytes.length > 0);
      const result = decode(this.#charset, toBase64(bytes), this.#fatal, mark);
      if (result === null || result === undefined) {
        this.#started = false;
        this.#rest = null;
        throw new TypeError('TextDecoder.decode: the bytes are not ' + this.#charset);
      }
      return result;
    }
    get [g.Symbol.toStringTag]() { return 'TextDecoder'; }
  }

  const invalid = (message) => new DOMException(message, 'InvalidCharacterError');
  const functions = {
    atob(data) {
      const result = atob(text(data));
      if (result === null || result === undefined) throw invalid('atob: the text is not base64');
      return result;
    },
    btoa(data) {
      const result = btoa(text(data));
      if (result === null || result === undefined) throw invalid('btoa: the text has characters above U+00FF; encode it first, by TextEncoder for example');
      return result;
    },
    TextEncoder, TextDecoder,
  };
  for (const name in functions) defineProperty(g, name, { value: functions[name], writable: true, configurable: true });
})

// encoding: text in windows-1250, ISO-8859-2, UTF-16 and others.
(function (realm, shared) {
  'use strict';
  const { pure } = realm, { call, options, kind, toBase64, fromBase64 } = shared;

  return {
    encoding: {
      decode(bytes, label, given) {
        const { replace } = options('encoding.decode', given, ['replace']);
        if (!(bytes instanceof Uint8Array)) throw new TypeError('encoding.decode: a Uint8Array is expected, not ' + kind(bytes) + '; request.body is one');
        return call('EncodingError', 'encoding.decode', () => pure.encodingDecode(toBase64(bytes), String(label), !!replace));
      },
      encode(text, label, given) {
        const { replace, bom } = options('encoding.encode', given, ['replace', 'bom']);
        if (typeof text !== 'string') throw new TypeError('encoding.encode: a text is expected, not ' + kind(text));
        return fromBase64(call('EncodingError', 'encoding.encode', () => pure.encodingEncode(text, String(label), !!replace, !!bom)));
      },
    },
  };
})

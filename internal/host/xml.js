// xml: documents to plain objects and back. The mapping is described at the
// declaration of `xml` in junctor.d.ts.
(function (realm, shared) {
  'use strict';
  const { pure } = realm, { parse, stringify } = JSON, { call, options, kind, toBase64, fromBase64 } = shared;

  // write is what stringify and encode have in common.
  function write(what, value, given, go) {
    const o = { ...options(what, given, ['declaration', 'encoding', 'indent', 'ordered']) };
    if (typeof o.indent === 'number') o.indent = ' '.repeat(Math.min(Math.max(0, o.indent), 17));
    if (o.indent === true) o.indent = '  ';
    if (o.indent === false) o.indent = '';
    if (value === null || typeof value !== 'object') throw new TypeError(what + ': an object is expected, as in {order: {...}}, not ' + kind(value));
    const json = stringify(value);
    return call('XmlError', what, () => go(json, stringify(o), o.encoding ?? 'utf-8'));
  }

  const readOptions = ['array', 'ordered', 'prefixes', 'trim'];

  // readXML parses a message's content as it came, which its byte order mark, its
  // Content-Type or its declaration says the encoding of.
  shared.readXML = function (what, content, type, given) {
    const o = options(what, given, readOptions), binary = content.base64 !== undefined;
    return parse(call('XmlError', what, () => pure.xmlRead(binary ? content.base64 : content.text ?? '', binary, stringify(o), type)));
  };

  return {
    xml: {
      parse(document, given) {
        const o = options('xml.parse', given, readOptions);
        const bytes = document instanceof Uint8Array;
        if (!bytes && typeof document !== 'string') throw new TypeError('xml.parse: a text or a Uint8Array is expected, not ' + kind(document));
        return parse(call('XmlError', 'xml.parse', () => pure.xmlParse(bytes ? toBase64(document) : document, bytes, stringify(o))));
      },
      stringify(value, given) { return write('xml.stringify', value, given, (json, o) => pure.xmlStringify(json, o)); },
      encode(value, given) { return fromBase64(write('xml.encode', value, given, (json, o, encoding) => pure.xmlEncode(json, o, encoding))); },
    },
  };
})

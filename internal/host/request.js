// What a scenario is called with.
(function (realm, shared) {
  'use strict';
  const { parse } = JSON;

  // text of a message's content, which is kept as text, or as base64 when it was
  // not UTF-8. The encoding is the one that the Content-Type names. UTF-16 is
  // believed even where the bytes could be UTF-8, and a byte order mark is none
  // of the text.
  shared.text = function (content, type) {
    const label = charset(type);
    const wide = /^utf-?16/i.test(label);
    if (content.base64 === undefined && !wide) {
      const text = content.text ?? '';
      return text.startsWith('\uFEFF') ? text.slice(1) : text;
    }
    return decoder(label).decode(shared.bytes(content));
  };
  shared.bytes = function (content) {
    if (content.base64 !== undefined) return shared.exports.base64.decode(content.base64);
    return new TextEncoder().encode(content.text ?? '');
  };

  // asBytes takes bytes in any of their forms, undefined for what is none.
  shared.asBytes = function (data) {
    if (data instanceof Uint8Array) return data;
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return undefined;
  };

  function charset(type) {
    const found = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type ?? '');
    return found === null ? 'utf-8' : found[1];
  }

  function decoder(label) {
    try { return new TextDecoder(label); } catch { return new TextDecoder(); }
  }

  function pairs(list, name) {
    const out = Object.create(null);
    for (const [key, value] of list) name(out, key, value);
    return out;
  }
  const first = (out, key, value) => { if (!(key in out)) out[key] = value; };
  const all = (out, key, value) => { (out[key] ??= []).push(value); };
  const joined = (out, key, value) => { out[key] = key in out ? `${out[key]}, ${value}` : value; };

  // Request is read lazily: most scenarios want the body only. All it holds is
  // in one private field, since each costs every run.
  class Request {
    #in;
    // args are enter's; what is read of them is kept with them.
    constructor(args) { this.#in = { source: args[0], body: args[1], binary: args[4] === 'base64' }; }
    static #meta(of) { return (of.#in.meta ??= parse(of.#in.source)); }
    static #content(of) { return of.#in.binary ? { base64: of.#in.body } : { text: of.#in.body }; }
    get channel() { return Request.#meta(this).channel; }
    get method() { return Request.#meta(this).method; }
    get url() { return Request.#meta(this).url; }
    get path() { return Request.#meta(this).path; }
    get query() { return pairs(Request.#meta(this).query, first); }
    get queryAll() { return pairs(Request.#meta(this).query, all); }
    get headers() { return (this.#in.headers ??= pairs(Request.#meta(this).headers, joined)); }
    header(name) { return this.headers[String(name).toLowerCase()]; }
    headerValues(name) {
      const wanted = String(name).toLowerCase();
      return Request.#meta(this).headers.filter(([key]) => key === wanted).map(([, value]) => value);
    }
    get remoteAddress() { return Request.#meta(this).remote_address; }
    get protocol() { return Request.#meta(this).protocol; }
    get clientCertificate() { return Request.#meta(this).client_certificate; }
    get mode() { return Request.#meta(this).mode; }
    get body() { return shared.bytes(Request.#content(this)); }
    text() {
      const { body, binary } = this.#in;
      if (!binary) return body.charCodeAt(0) === 0xFEFF ? body.slice(1) : body; // UTF-8, and not said to be anything else
      return (this.#in.text ??= shared.text(Request.#content(this), this.header('content-type')));
    }
    json() {
      const text = this.text();
      try { return parse(text); } catch (error) {
        throw new shared.exports.Problem({ status: 400, title: 'The body is not valid JSON', detail: text === '' ? 'The body is empty.' : error.message });
      }
    }
    form() {
      const out = Object.create(null);
      for (const [key, value] of new URLSearchParams(this.text())) first(out, key, value);
      return out;
    }
    xml(options) {
      const { Problem, xml } = shared.exports;
      try { return xml.parse(this.text(), options); } catch (error) {
        throw new Problem({ status: 400, title: 'The body is not valid XML', detail: error.message });
      }
    }
    startparam(n) {
      switch (n) {
        case 1: return this.channel;
        case 2: return this.method;
        case 3: return this.url;
        case 4: return this.text();
        case 5: return Request.#meta(this).headers.map(([key, value]) => [key, value]);
        case 6: return this.remoteAddress;
        case 7: return this.protocol;
        default: throw new RangeError(`startparam takes a number from 1 to 7, not ${String(n)}`);
      }
    }
    toJSON() { return { ...Request.#meta(this), body: this.text() }; }
  }
  shared.Request = Request;
  return {};
})

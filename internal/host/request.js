// What a scenario is called with.
(function (realm, shared) {
  'use strict';
  const { pure } = realm, { parse } = JSON;

  // text of a message's content, which is kept as text, or as base64 when it was
  // not UTF-8 or said not to be. The encoding is the one that the Content-Type
  // names, and a byte order mark is none of the text.
  const named = /charset\s*=\s*"?(?!utf-?8"?\s*(?:;|$))/i;
  shared.text = function (content, type) {
    const binary = content.base64 !== undefined;
    if (binary || named.test(type ?? '')) return pure.contentText(binary ? content.base64 : content.text ?? '', binary, type ?? '');
    const text = content.text ?? '';
    return text.startsWith('\uFEFF') ? text.slice(1) : text;
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

  function pairs(list, name) {
    const out = Object.create(null);
    for (const [key, value] of list) name(out, key, value);
    return out;
  }
  const first = (out, key, value) => { if (!(key in out)) out[key] = value; };
  const all = (out, key, value) => { (out[key] ??= []).push(value); };
  const joined = (out, key, value) => { out[key] = key in out ? `${out[key]}, ${value}` : value; };

  // refused makes the caller's mistake of what a parser did not like, and leaves
  // the scenario's own, such as an option that is none, as it is.
  function refused(what, name, error) {
    if (error.name !== name) return error;
    return new shared.exports.Problem({ status: 400, title: `The body is not valid ${what}`, detail: error.message });
  }

  // Part is one part of a multipart body.
  class Part {
    #content;
    constructor(part) {
      this.#content = part.content;
      this.name = part.name;
      this.filename = part.filename;
      this.type = part.type;
      this.headers = pairs(part.headers, joined);
    }
    header(name) { return this.headers[String(name).toLowerCase()]; }
    get body() { return shared.bytes(this.#content); }
    text() { return shared.text(this.#content, this.type); }
  }
  shared.Part = Part; // for the freeze

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
    get function() { return Request.#meta(this).function; }
    get account() { return Request.#meta(this).account; }
    // params are the content of a function's call; each access reads them anew.
    get params() { return this.function === undefined ? undefined : parse(this.#in.body); }
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
    // fields are the pairs of a form of either kind.
    static #fields(of) {
      const type = of.header('content-type') ?? '', { body, binary } = of.#in;
      if (/^\s*multipart\//i.test(type)) return of.parts().filter((part) => part.filename === undefined).map((part) => [part.name, part.text()]);
      if (binary) return parse(pure.formParse(body, type));
      try { return new URLSearchParams(of.text()); } catch (error) {
        throw new shared.exports.Problem({ status: 400, title: 'The body is not a form that can be read', detail: error.message });
      }
    }
    form() {
      const out = Object.create(null);
      for (const [key, value] of Request.#fields(this)) first(out, key, value);
      return out;
    }
    parts() {
      const { body, binary } = this.#in;
      try {
        const parts = shared.call('MultipartError', 'request.parts', () => pure.multipartParse(body, binary, this.header('content-type') ?? ''));
        return parse(parts).map((part) => new Part(part));
      } catch (error) { throw refused('multipart', 'MultipartError', error); }
    }
    xml(options) {
      try { return shared.readXML('request.xml', Request.#content(this), this.header('content-type') ?? '', options); } catch (error) { throw refused('XML', 'XmlError', error); }
    }
    csv(options) {
      const text = this.text();
      try { return shared.exports.csv.parse(text, options); } catch (error) { throw refused('CSV', 'CsvError', error); }
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

  // SocketMessage is one that came on a websocket.
  class SocketMessage {
    #in;
    constructor(args) { this.#in = { source: args[0], body: args[1], binary: args[4] === 'base64' }; }
    static #meta(of) { return (of.#in.meta ??= parse(of.#in.source)); }
    get channel() { return SocketMessage.#meta(this).channel; }
    get connection() { return SocketMessage.#meta(this).connection; }
    get path() { return SocketMessage.#meta(this).path; }
    get query() { return pairs(SocketMessage.#meta(this).query, first); }
    get remoteAddress() { return SocketMessage.#meta(this).remote_address; }
    get mode() { return SocketMessage.#meta(this).mode; }
    get role() { return SocketMessage.#meta(this).role; }
    // data are as they were sent: a text, or bytes.
    get data() { return this.#in.binary ? this.body : this.#in.body; }
    get body() { return shared.bytes(this.#in.binary ? { base64: this.#in.body } : { text: this.#in.body }); }
    text() { return this.#in.binary ? (this.#in.text ??= shared.text({ base64: this.#in.body })) : this.#in.body; }
    json() {
      const text = this.text();
      try { return parse(text); } catch (error) {
        throw new shared.exports.Problem({ status: 400, title: 'The message is not valid JSON', detail: text === '' ? 'The message is empty.' : error.message });
      }
    }
    startparam(n) {
      switch (n) {
        case 1: return this.channel.code;
        case 2: return this.text();
        default: throw new RangeError(`startparam of a websocket's message takes 1 or 2, not ${String(n)}`);
      }
    }
    toJSON() { return { ...SocketMessage.#meta(this), body: this.text() }; }
  }
  shared.SocketMessage = SocketMessage;
  return {};
})

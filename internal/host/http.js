// http: requests through a connection, or through the channel's outgoing URL.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  class Response {
    #answer;
    constructor(answer) {
      this.#answer = answer;
      this.status = answer.status;
      this.headers = answer.headers;
    }
    get ok() { return this.status < 400; }
    header(name) { return this.headers[String(name).toLowerCase()]; }
    get body() { return shared.bytes(this.#answer); }
    text() { return shared.text(this.#answer, this.headers['content-type']); }
    json() {
      const text = this.text();
      try { return parse(text); } catch (error) { throw new SyntaxError(`the answer (status ${this.status}) is not JSON: ${error.message}`); }
    }
    // Bytes without a charset say by their mark or declaration what they are.
    xml(options) {
      const told = this.#answer.base64 === undefined || /;\s*charset\s*=/i.test(this.headers['content-type'] ?? '');
      return shared.exports.xml.parse(told ? this.text() : this.body, options);
    }
  }

  function setBody(args, options) {
    const { json, text, body, form, xml } = options;
    if (json !== undefined) {
      args.text = stringify(json);
      args.type = 'application/json';
    } else if (form !== undefined) {
      args.text = new URLSearchParams(form).toString();
      args.type = 'application/x-www-form-urlencoded';
    } else if (xml !== undefined) {
      args.text = typeof xml === 'string' ? xml : shared.exports.xml.stringify(xml);
      args.type = 'application/xml; charset=utf-8';
    } else if (text !== undefined) {
      args.text = String(text);
      args.type = 'text/plain; charset=utf-8';
    } else if (typeof body === 'string') {
      args.text = body;
    } else if (body !== undefined && body !== null) {
      const bytes = shared.asBytes(body);
      if (bytes === undefined) throw new TypeError('http takes a text or bytes as body, and any value as json');
      args.base64 = shared.toBase64(bytes);
    }
  }

  shared.Response = Response; // for the freeze
  const known = new Set(['json', 'text', 'body', 'form', 'xml', 'query', 'headers', 'timeout', 'throw']);

  function request(method, target, path, options = {}) {
    if (typeof path === 'object' && path !== null) { options = path; path = ''; }
    for (const key of Object.keys(options)) {
      if (!known.has(key)) throw new TypeError(`http knows no option ${stringify(key)}; it knows ${[...known].join(', ')}`);
    }
    const args = { connection: '', method: String(method).toUpperCase(), path: path === undefined ? '' : String(path) };
    if (target === shared.external) delete args.connection;
    else if (typeof target === 'string' && target !== '') args.connection = target;
    else throw new TypeError('http takes the code of a connection, or channel.external');
    setBody(args, options);
    if (options.query !== undefined) args.query = [...new URLSearchParams(options.query)];
    if (options.headers !== undefined) args.headers = Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
    if (options.timeout !== undefined) args.timeout = shared.milliseconds(options.timeout);
    if (options.throw === false) args.throw = false;
    return stringify(args);
  }

  const response = (text) => new Response(parse(text));

  function step(make) { return shared.step('http.request', make, response, new Error()); }
  function send(method, target, path, options) { return step(() => request(method, target, path, options)); }

  const verbs = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'];
  function requestOf(target, path, { method = 'GET', ...rest } = {}) { return request(method, target, path, rest); }
  const http = {
    request(target, path, options) { return step(() => requestOf(target, path, options)); },
  };
  for (const verb of verbs) http[verb] = { [verb]: (target, path, options) => send(verb, target, path, options) }[verb];

  // The channel's own way out; its tokens are put in by the host, so that they
  // are in no journal.
  const external = { request: (method, path, options) => send(method, external, path, options) };
  for (const verb of verbs) external[verb] = { [verb]: (path, options) => send(verb, external, path, options) }[verb];
  // The word that only this run knows keeps a message that the run passes on
  // from pulling a token out.
  const standIn = (name) => ({ enumerable: true, get: () => `{{${name} ${realm.state().args[5]}}}` });
  Object.defineProperties(external, { primaryToken: standIn('primary_token'), secondaryToken: standIn('secondary_token') });
  shared.external = external;
  return { http };
})

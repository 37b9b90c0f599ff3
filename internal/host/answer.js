// What a scenario returns or hands to respond(), as one JSON text:
// {"status","headers", and "json", "text", "base64" or nothing; "raw" when the
// content has no type of its own}, or {"value"} for plain data.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;
  const modern = 1, classic = 2;

  // form tells an answer, of either kind, from data (0): all its names must be
  // those of one kind.
  function form(value) {
    let found = 0;
    for (const key in value) {
      let kind = 0;
      switch (key) {
        case 'status': case 'headers': case 'json': case 'text': case 'body': case 'xml': kind = modern; break;
        case 'response_code': case 'response_content': case 'response_headers': kind = classic; break;
      }
      if (kind === 0 || (found !== 0 && found !== kind)) return 0;
      found = kind;
    }
    return found === modern && value.status !== undefined && typeof value.status !== 'number' ? 0 : found;
  }

  function status(value) {
    const code = value === undefined || value === null ? 200 : Number(value);
    if (!Number.isInteger(code) || code < 200 || code > 599) {
      throw new RangeError(`an answer's status is a whole number from 200 to 599, not ${String(value)}`);
    }
    return code;
  }

  function headers(given) {
    if (given === undefined || given === null || given === '') return '{}';
    let source = given;
    if (typeof given === 'string') {
      try { source = parse(given); } catch (error) { throw new TypeError(`response_headers is not JSON: ${error.message}`); }
    }
    if (typeof source !== 'object' || source === null || Array.isArray(source)) throw new TypeError('an answer\'s headers are an object of names and values');
    const out = {};
    for (const [name, value] of Object.entries(source)) {
      if (value === undefined || value === null) continue;
      out[name.toLowerCase()] = Array.isArray(value) ? value.map(String) : String(value);
    }
    return stringify(out);
  }

  // data is JSON text of what must have one.
  function data(value) {
    const text = stringify(value);
    if (text === undefined) throw new TypeError(`an answer's content is data, not a ${typeof value}`);
    return text;
  }

  function raw(content) {
    if (content === undefined || content === null) return '';
    const bytes = shared.asBytes(content);
    if (bytes !== undefined) return `,"raw":true,"base64":"${shared.toBase64(bytes)}"`;
    const text = typeof content === 'string' ? content : data(content);
    return `,"raw":true,"text":${stringify(text)}`;
  }

  function content(value) {
    if (value.json !== undefined) return `,"json":${data(value.json)}`;
    if (value.text !== undefined) return `,"text":${stringify(String(value.text))}`;
    if (value.xml !== undefined) {
      const { xml } = shared.exports;
      return `,"xml":true,"text":${stringify(typeof value.xml === 'string' ? value.xml : xml.stringify(value.xml))}`;
    }
    return raw(value.body);
  }

  const nothing = ['', ',"raw":true,"text":""', ',"raw":true,"base64":""', ',"text":""'];

  // whole is an answer; one whose status has no content (RFC 9110, 15.3.5,
  // 15.3.6, 15.4.5) goes without it, and the run's log says so.
  function whole(code, given, text) {
    let sent = text;
    if (code === 204 || code === 205 || code === 304) {
      if (!nothing.includes(text)) {
        realm.notice('log', stringify({ level: 'warn', message: `An answer with the status ${code} has no content; what the scenario gave was left out.` }));
      }
      sent = '';
    }
    return `{"status":${code},"headers":${headers(given)}${sent}}`;
  }

  // pass hands on what another server has answered.
  function pass(response) {
    return whole(status(response.status), { 'content-type': response.headers['content-type'] }, raw(response.body));
  }

  shared.output = function (value) {
    if (value === undefined) return '';
    if (realm.state().socket === true) { // a text and bytes are messages by themselves
      if (typeof value === 'string') return `{"status":200,"headers":{},"text":${stringify(value)}}`;
      const bytes = shared.asBytes(value);
      if (bytes !== undefined) return `{"status":200,"headers":{},"base64":"${shared.toBase64(bytes)}"}`;
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && realm.state().data !== true) {
      switch (form(value)) {
        case modern:
          if (value instanceof shared.Response) return pass(value);
          return whole(status(value.status), value.headers, content(value));
        case classic: return whole(status(value.response_code), value.response_headers, raw(value.response_content));
      }
    }
    const text = stringify(value);
    return text === undefined ? '' : `{"value":${text}}`;
  };

  // respond answers the caller now; the run goes on.
  function respond(answer) { realm.notice('respond', shared.output(answer)); }
  return { respond };
})

// The module "junctor/test", beside the module "junctor" that `base` is. A test
// file is executed once to learn the names of its tests, and once more for each
// of them.
(function (realm, base, expectations, steps) {
  'use strict';
  const { parse, stringify } = JSON;
  const junctor = base.exports;
  const http = 'http.request';
  const state = () => (realm.state().testing ??= { tests: [], mocks: new Map(), open: 0, executing: false });

  function test(name, body) {
    if (typeof name !== 'string' || name === '' || typeof body !== 'function') throw new TypeError('test takes a name and a function');
    const { tests, executing } = state();
    if (executing) throw new Error('a test cannot be inside of another');
    if (tests.some((other) => other.name === name)) throw new Error(`there are two tests ${stringify(name)}`);
    tests.push({ name, body });
  }

  // track counts what has begun, so that nothing is left when the test ends.
  function track(promise) {
    const mine = state();
    mine.open++;
    const over = () => { mine.open--; };
    promise.then(over, over);
    return promise;
  }

  // mock answers every step of a kind from now on.
  function mock(step, answer) {
    if (!steps.includes(step)) throw new Error(`there is no step ${stringify(step)}; there is ${steps.join(', ')}`);
    const mocked = { calls: [], answer: typeof answer === 'function' ? answer : () => answer };
    state().mocks.set(step, mocked);
    return { calls: mocked.calls };
  }

  // seen is a step's arguments as a mock gets them.
  function seen(step, args) {
    if (step !== http) return args;
    const { connection = 'channel.external', method, path, query = [], headers = [], type, text, base64, timeout } = args;
    const out = { connection, method, path, query: Object.fromEntries(query), headers: Object.fromEntries(headers) };
    if (type !== undefined) out.headers['content-type'] ??= type;
    if (base64 !== undefined) out.body = junctor.base64.decode(base64);
    if (text !== undefined) out.text = text;
    if (text !== undefined && /json/.test(out.headers['content-type'])) {
      try { out.json = parse(text); } catch { /* then it is text only */ }
    }
    if (timeout !== undefined) out.timeout = timeout;
    return out;
  }

  const answering = new Set(['status', 'headers', 'json', 'text', 'xml', 'body']);

  // reply is what a mock gave, as the lab takes it.
  function reply(step, value) {
    if (step !== http) return { value };
    if (value === undefined) return {};
    if (typeof value !== 'object' || value === null) throw new TypeError(`the mock of ${step} answers an object such as { status: 201, json: {} }`);
    for (const key of Object.keys(value)) {
      if (!answering.has(key)) throw new TypeError(`the mock of ${step} answered ${stringify(key)}; it can answer ${[...answering].join(', ')}`);
    }
    const { status, headers, json, text, xml, body } = value;
    const out = { status, json, text, headers: { ...headers } };
    if (xml !== undefined) {
      out.text = typeof xml === 'string' ? xml : junctor.xml.stringify(xml);
      out.headers = { 'content-type': 'application/xml; charset=utf-8', ...out.headers };
    }
    if (body !== undefined) out.base64 = junctor.base64.encode(body);
    return out;
  }

  async function ask({ step, args }) {
    const mocked = state().mocks.get(step), call = seen(step, args);
    mocked.calls.push(call);
    let value;
    try {
      value = await mocked.answer(call);
    } catch (error) {
      if (error instanceof expectations.Expectation) throw error;
      const permanent = error instanceof junctor.PermanentError || error?.permanent === true;
      return { error: error instanceof Error ? error.message : String(error), permanent };
    }
    return reply(step, value);
  }

  const message = new Set(['method', 'path', 'query', 'headers', 'json', 'text', 'body', 'xml', 'form', 'remoteAddress', 'clientCertificate', 'mode', 'connection', 'value', 'params', 'change', 'schedule']);

  // input tells a description of a message from data.
  function input(given) {
    if (given === undefined) return {};
    const keys = typeof given === 'object' && given !== null && !Array.isArray(given) ? Object.keys(given) : [];
    if (keys.length === 0 || !keys.every((key) => message.has(key))) return { value: given };
    const { xml, form, body, remoteAddress, clientCertificate, headers, ...out } = given;
    const typed = (type) => ({ 'content-type': type, ...headers });
    out.headers = headers;
    if (remoteAddress !== undefined) out.remote_address = remoteAddress;
    if (clientCertificate !== undefined) out.client_certificate = clientCertificate;
    if (typeof body === 'string') out.body = body;
    else if (body !== undefined) out.base64 = junctor.base64.encode(body);
    if (xml !== undefined) {
      out.body = typeof xml === 'string' ? xml : junctor.xml.stringify(xml);
      out.headers = typed('application/xml; charset=utf-8');
    }
    if (form !== undefined) {
      out.body = new URLSearchParams(form).toString();
      out.headers = typed('application/x-www-form-urlencoded');
    }
    return out;
  }

  // run executes a scenario. It rejects only when the trial cannot go on.
  function run(scenario, given) {
    return track(executed(scenario, given, new Error()));
  }

  async function executed(scenario, given, here) {
    if (typeof scenario !== 'string') throw new TypeError('run takes the name of a scenario');
    const mocks = () => [...state().mocks.keys()];
    try {
      let said = parse(await realm.call('trial.run', stringify({ scenario, input: input(given), mocks: mocks() })));
      while (said.asked !== undefined) {
        said = parse(await realm.call('trial.answer', stringify({ run: said.run, reply: await ask(said.asked), mocks: mocks() })));
      }
      return outcome(said.report);
    } catch (error) {
      if (error instanceof expectations.Expectation) throw error;
      here.message = error.message; // it is the place of the call that helps
      throw here;
    }
  }

  function outcome({ json, text, base64, ...report }) {
    const out = { ...report, json, text: text ?? (json === undefined ? '' : stringify(json)) };
    if (base64 !== undefined) out.body = junctor.base64.decode(base64);
    return out;
  }

  async function execute({ body }, mine) {
    mine.executing = true;
    await body();
    if (mine.open > 0) throw new Error('the test ended while something it began was under way: await each run() and each expect(...).rejects');
  }

  const exports = { ...junctor, 'junctor/test': { test, expect: expectations.expectation(track), mock, run } };
  return {
    ...base, exports, expectations,
    // args: the number of the test, or nothing to learn the names.
    enter(entry, file, [index]) {
      const mine = state();
      if (index === '') return mine.tests.map((one) => one.name);
      Object.assign(realm.state(), { id: 'test', attempt: 1 });
      return execute(mine.tests[Number(index)], mine);
    },
    fail() { return undefined; }, // also a Problem that leaves a test is its failure
  };
})

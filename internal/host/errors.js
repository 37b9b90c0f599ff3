// The errors that scenarios throw and catch, and how a failed step becomes one.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;
  const { defineProperty } = Object;

  function named(type, name) {
    defineProperty(type.prototype, 'name', { value: name, writable: true, configurable: true });
    return type;
  }

  // Problem is an answer: the run has succeeded, and nothing is tried again.
  class Problem extends Error {
    constructor(problem = {}) {
      const { status = 500, title = 'Error', detail, errors, type, ...more } = problem;
      super(detail === undefined ? title : `${title}: ${detail}`);
      if (!Number.isInteger(status) || status < 400 || status > 599) {
        throw new RangeError(`a Problem's status is a whole number from 400 to 599, not ${String(status)}`);
      }
      this.status = status;
      this.title = String(title);
      this.problem = { type: type ?? 'about:blank', title: String(title), status, detail, errors, ...more };
    }
  }

  class PermanentError extends Error {}
  class Unauthorized extends Error {}

  // HttpError is an answer of 400 and more, or none at all (status 0).
  class HttpError extends Error {
    #answer;
    constructor(message, data, permanent) {
      super(message);
      this.status = data.status ?? 0;
      this.headers = data.headers ?? {};
      this.permanent = permanent;
      this.#answer = data;
    }
    text() { return shared.text(this.#answer, this.headers['content-type']); }
    json() { return parse(shared.text(this.#answer, this.headers['content-type'])); }
  }

  // RecordError is a refusal of records. new Problem(error) passes it on.
  class RecordError extends Error {
    #permanent;
    constructor(message, problem, permanent) {
      super(message);
      const { status, title, detail, errors, type } = problem;
      Object.assign(this, { status, title, detail, errors: errors ?? [], type });
      this.#permanent = permanent;
    }
    get permanent() { return this.#permanent; }
  }

  named(Problem, 'Problem');
  named(PermanentError, 'PermanentError');
  named(Unauthorized, 'Unauthorized');
  named(HttpError, 'HttpError');
  named(RecordError, 'RecordError');

  function failed(failure) {
    if (failure.name === 'HttpError') return new HttpError(failure.message, failure.data ?? {}, failure.permanent === true);
    if (failure.name === 'RecordError') return new RecordError(failure.message, failure.data ?? {}, failure.permanent === true);
    const error = failure.name === 'TypeError' ? new TypeError(failure.message) : new Error(failure.message);
    if (failure.name !== error.name) error.name = failure.name;
    if (failure.permanent === true) error.permanent = true;
    return error;
  }

  // error makes the rejection of a step of its journalled failure. place, an
  // error made where the scenario called it, says where that was: by itself the
  // failure knows only that it came from outside.
  shared.error = function (value, place) {
    const error = failed(parse(value));
    if (place !== undefined) error.stack = `${error.stack ?? ''}${place.stack}`;
    return error;
  };

  const reject = Promise.reject.bind(Promise);

  // step makes a host call of the JSON that request returns; read makes its
  // value of the answer, and place is as in error. A mistake in the arguments
  // rejects, as it would in an async function, which costs half as much again.
  shared.step = function (name, request, read, place) {
    try { return realm.call(name, request(), read, place); } catch (error) { return reject(error); }
  };

  // wait is step for what the scenario may end before it ends by itself.
  shared.wait = function (name, request, read, place) {
    const before = realm.last(), promise = shared.step(name, request, read, place);
    if (realm.last() > before) (realm.state().waits ??= new WeakMap()).set(promise, before + 1);
    return promise;
  };

  const deepest = 16;

  // permanent reports whether trying again cannot help, as far as the error or
  // one of its causes knows.
  function permanent(error) {
    for (let i = 0, e = error; i < deepest && typeof e === 'object' && e !== null; i++, e = e.cause) {
      if (e instanceof PermanentError || e.permanent === true) return true;
    }
    return false;
  }

  // fail tells Go what an error that left the scenario means.
  shared.fail = function (error) {
    if (error instanceof Problem) {
      return stringify({
        answer: { status: error.status, headers: { 'content-type': 'application/problem+json' }, text: stringify(error.problem) },
      });
    }
    if (error instanceof Unauthorized) return stringify({ unauthorized: true, message: error.message });
    return permanent(error) ? '{"permanent":true}' : undefined;
  };

  return { Problem, PermanentError, Unauthorized, HttpError, RecordError };
})

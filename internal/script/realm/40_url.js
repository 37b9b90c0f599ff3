// URL and URLSearchParams over the parser in Go. A URL holds its components, which
// are replaced as a whole; its searchParams tell it when they change.
(function (g, env) {
  'use strict';
  const { parseURL, setURL, parseForm, writeForm } = env.native;
  const { defineProperty, apply } = Reflect, { String: toText, TypeError, Symbol } = g, { parse, stringify } = g.JSON;
  const uncurry = (f) => g.Function.prototype.call.bind(f);
  const wellFormed = uncurry(g.String.prototype.toWellFormed), text = (value) => wellFormed(toText(value));
  const iteratorProto = g.Iterator.prototype;
  // Set by URLSearchParams: makes the parameters of a URL, and refills them.
  let attach, refill;

  class URLSearchParams {
    #list = [];
    #changed = null;
    static {
      attach = (query, changed) => { const p = new URLSearchParams(query); p.#changed = changed; return p; };
      refill = (params, query) => { params.#list = parse(parseForm(query)); };
    }
    constructor(init = '') {
      if ((typeof init === 'object' && init !== null) || typeof init === 'function') this.#list = pairs(init);
      else {
        const s = text(init);
        this.#list = parse(parseForm(s[0] === '?' ? s.slice(1) : s));
      }
    }
    #update() { if (this.#changed !== null) this.#changed(this.toString()); }
    get size() { return this.#list.length; }
    append(name, value) { need(arguments, 2, 'append'); this.#list = [...this.#list, [text(name), text(value)]]; this.#update(); }
    delete(name, value) {
      need(arguments, 1, 'delete');
      const n = text(name), v = value === undefined ? undefined : text(value);
      this.#list = this.#list.filter((p) => p[0] !== n || (v !== undefined && p[1] !== v));
      this.#update();
    }
    get(name) { need(arguments, 1, 'get'); const n = text(name), p = this.#list.find((q) => q[0] === n); return p === undefined ? null : p[1]; }
    getAll(name) { need(arguments, 1, 'getAll'); const n = text(name); return this.#list.filter((p) => p[0] === n).map((p) => p[1]); }
    has(name, value) { need(arguments, 1, 'has'); const n = text(name), v = value === undefined ? undefined : text(value); return this.#list.some((p) => p[0] === n && (v === undefined || p[1] === v)); }
    set(name, value) {
      need(arguments, 2, 'set');
      const n = text(name), v = text(value);
      let done = false;
      const list = [];
      for (const p of this.#list) {
        if (p[0] !== n) list[list.length] = p;
        else if (!done) { list[list.length] = [n, v]; done = true; }
      }
      if (!done) list[list.length] = [n, v];
      this.#list = list;
      this.#update();
    }
    sort() { this.#list = [...this.#list].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)); this.#update(); }
    forEach(callback, thisArg) {
      if (typeof callback !== 'function') throw new TypeError('URLSearchParams.forEach: the first argument must be a function');
      for (let i = 0; i < this.#list.length; i++) apply(callback, thisArg, [this.#list[i][1], this.#list[i][0], this]);
    }
    #iterate(pick) {
      let i = 0;
      const it = { __proto__: iteratorProto };
      defineProperty(it, 'next', { value: () => (i < this.#list.length ? { value: pick(this.#list[i++]), done: false } : { value: undefined, done: true }) });
      return it;
    }
    entries() { return this.#iterate((p) => [p[0], p[1]]); }
    keys() { return this.#iterate((p) => p[0]); }
    values() { return this.#iterate((p) => p[1]); }
    toString() { return writeForm(stringify(this.#list)); }
    get [Symbol.toStringTag]() { return 'URLSearchParams'; }
  }
  defineProperty(URLSearchParams.prototype, Symbol.iterator, { value: URLSearchParams.prototype.entries, writable: true, configurable: true });

  function pairs(init) {
    const iterate = init[Symbol.iterator];
    if (iterate === undefined || iterate === null) return Object.keys(init).map((k) => [text(k), text(init[k])]);
    const list = [];
    for (const pair of init) {
      if (typeof pair !== 'object' || pair === null || typeof pair[Symbol.iterator] !== 'function') throw new TypeError('URLSearchParams: each item must be a pair [name, value]');
      const [...p] = pair;
      if (p.length !== 2) throw new TypeError('URLSearchParams: each item must be a pair [name, value]');
      list[list.length] = [text(p[0]), text(p[1])];
    }
    return list;
  }
  function need(args, n, name) {
    if (args.length < n) throw new TypeError('URLSearchParams.' + name + ' needs ' + n + ' argument' + (n > 1 ? 's' : ''));
  }

  class URL {
    #parts;
    #params = null;
    constructor(url, base) {
      if (arguments.length === 0) throw new TypeError('URL: there is no text to parse');
      this.#parts = parse(base === undefined ? parseURL(text(url)) : parseURL(text(url), text(base)));
    }
    static canParse(url, base) { try { new URL(url, base); return true; } catch { return false; } }
    static parse(url, base) { try { return new URL(url, base); } catch { return null; } }
    #set(part, value) {
      this.#parts = parse(setURL(this.#parts.href, part, text(value)));
      if (this.#params !== null && part === 'search') refill(this.#params, this.#parts.search.slice(1));
    }
    get href() { return this.#parts.href; }
    set href(value) {
      this.#parts = parse(parseURL(text(value)));
      if (this.#params !== null) refill(this.#params, this.#parts.search.slice(1));
    }
    get origin() { return this.#parts.origin; }
    get searchParams() {
      if (this.#params === null) this.#params = attach(this.#parts.search.slice(1), (query) => { this.#parts = parse(setURL(this.#parts.href, 'search', query)); });
      return this.#params;
    }
    get protocol() { return this.#parts.protocol; } set protocol(v) { this.#set('protocol', v); }
    get username() { return this.#parts.username; } set username(v) { this.#set('username', v); }
    get password() { return this.#parts.password; } set password(v) { this.#set('password', v); }
    get host() { return this.#parts.host; } set host(v) { this.#set('host', v); }
    get hostname() { return this.#parts.hostname; } set hostname(v) { this.#set('hostname', v); }
    get port() { return this.#parts.port; } set port(v) { this.#set('port', v); }
    get pathname() { return this.#parts.pathname; } set pathname(v) { this.#set('pathname', v); }
    get search() { return this.#parts.search; } set search(v) { this.#set('search', v); }
    get hash() { return this.#parts.hash; } set hash(v) { this.#set('hash', v); }
    toString() { return this.#parts.href; }
    toJSON() { return this.#parts.href; }
    get [Symbol.toStringTag]() { return 'URL'; }
  }
  defineProperty(URL, 'length', { value: 1, configurable: true });
  defineProperty(g, 'URLSearchParams', { value: URLSearchParams, writable: true, configurable: true });
  defineProperty(g, 'URL', { value: URL, writable: true, configurable: true });
})

// DOMException, which several parts throw.
(function (g, env) {
  'use strict';
  const CODES = {
    IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5, NoModificationAllowedError: 7, NotFoundError: 8, NotSupportedError: 9,
    InUseAttributeError: 10, InvalidStateError: 11, SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14, InvalidAccessError: 15, TypeMismatchError: 17,
    SecurityError: 18, NetworkError: 19, AbortError: 20, URLMismatchError: 21, QuotaExceededError: 22, TimeoutError: 23, InvalidNodeTypeError: 24, DataCloneError: 25, __proto__: null,
  };
  const { defineProperty } = Reflect, toText = g.String;
  class DOMException extends g.Error {
    #name;
    constructor(message = '', options = 'Error') {
      super(toText(message));
      if (typeof options === 'object' && options !== null) {
        this.#name = options.name === undefined ? 'Error' : toText(options.name);
        if ('cause' in options) defineProperty(this, 'cause', { value: options.cause, writable: true, configurable: true });
      } else this.#name = toText(options);
    }
    get name() { return this.#name; }
    get code() { return CODES[this.#name] || 0; }
    get [g.Symbol.toStringTag]() { return 'DOMException'; }
  }
  for (const name in CODES) {
    const constant = name.replace(/Error$/, '').replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase() + '_ERR', value = CODES[name];
    defineProperty(DOMException, constant, { value, enumerable: true });
    defineProperty(DOMException.prototype, constant, { value, enumerable: true });
  }
  defineProperty(g, 'DOMException', { value: DOMException, writable: true, configurable: true });
})

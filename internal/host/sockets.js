// sockets.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  // target is a connection's id, or a channel's code; a message's channel is taken
  // as it is.
  function target(what, to) {
    const name = typeof to === 'object' && to !== null ? to.code : to;
    if (typeof name !== 'string' || name === '') throw new TypeError(`${what}: the first argument is a connection's id or a channel's code`);
    return name;
  }

  function content(data) {
    if (typeof data === 'string') return { text: data };
    const bytes = shared.asBytes(data);
    if (bytes !== undefined) return { base64: shared.toBase64(bytes) };
    const text = stringify(data);
    if (text === undefined) throw new TypeError('sockets.send: the data are not data');
    return { text };
  }

  function closing(connection, code = 1000, reason = '') {
    if (!Number.isInteger(code) || !(code === 1000 || code === 1001 || code === 1003 || (code >= 1007 && code <= 1014 && code !== 1010) || (code >= 3000 && code <= 4999))) {
      throw new RangeError(`sockets.close: the code ${String(code)} is none that a server may send; take 1000, 1008 or one from 3000 to 4999`);
    }
    if (typeof reason !== 'string') throw new TypeError('sockets.close: the reason is a text');
    if (new TextEncoder().encode(reason).length > 123) throw new RangeError('sockets.close: the reason has more than 123 bytes');
    if (reason.includes('\0')) throw new RangeError('sockets.close: the reason contains U+0000');
    return stringify({ to: target('sockets.close', connection), code, reason });
  }

  const sockets = {
    send(to, data) { return shared.step('sockets.send', () => stringify({ to: target('sockets.send', to), ...content(data) }), parse, new Error()); },
    close(connection, code, reason) { return shared.step('sockets.close', () => closing(connection, code, reason), () => undefined, new Error()); },
    list(channel) { return shared.step('sockets.list', () => stringify({ to: target('sockets.list', channel) }), parse, new Error()); },
  };

  return { sockets };
})

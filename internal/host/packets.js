// packets.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  function args(name, params = {}) {
    if (typeof name !== 'string' || name === '') throw new TypeError('packets: the name is a text that is not empty');
    if (params === null || typeof params !== 'object' || Array.isArray(params)) throw new TypeError('packets: the parameters are an object');
    return stringify({ name, params });
  }

  const packets = (name, params) => shared.step('packets', () => args(name, params), parse, new Error());

  return { packets };
})

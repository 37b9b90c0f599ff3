// How a run enters its scenario and leaves it.
(function (realm, shared) {
  'use strict';
  const { parse } = JSON;

  // args: the message's description, its content, the run's id and attempt, and
  // whether the content is bytes, as base64; and a word that only this run knows.
  function enter(entry, scenario, args) {
    const source = args[0], content = args[1];
    const program = scenario[entry];
    if (typeof program !== 'function') throw new TypeError(`the scenario exports no function ${entry === 'default' ? 'by default' : entry}`);
    const state = realm.state();
    state.id = args[2];
    state.attempt = +args[3];
    state.nonce = args[5];
    let input;
    if (source === '') {
      input = content === '' ? undefined : parse(content);
    } else {
      input = new shared.Request(source, content, args[4] === 'base64');
      state.request = input;
    }
    return program(input);
  }

  // shared is among them so that the freeze reaches the classes that only it has.
  return { exports: shared.exports, enter, output: shared.output, error: shared.error, fail: shared.fail, shared };
})

// How a run enters its scenario and leaves it.
(function (realm, shared) {
  'use strict';
  const { parse } = JSON;

  // args: the message's description, its content, the run's id and attempt.
  function enter(entry, scenario, [source, content, id, attempt]) {
    const program = scenario[entry];
    if (typeof program !== 'function') throw new TypeError(`the scenario exports no function ${entry === 'default' ? 'by default' : entry}`);
    const state = realm.state();
    state.id = id;
    state.attempt = Number(attempt);
    let input;
    if (source === '') {
      input = content === '' ? undefined : parse(content);
    } else {
      input = new shared.Request(source, content);
      state.request = input;
    }
    return program(input);
  }

  // shared is among them so that the freeze reaches the classes that only it has.
  return { exports: shared.exports, enter, output: shared.output, error: shared.error, fail: shared.fail, shared };
})

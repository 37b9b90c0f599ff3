// How a run enters its scenario and leaves it.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  // args: the message's description, its content, the run's id and attempt, and
  // whether the content is bytes, as base64; and a word that only this run knows.
  function enter(entry, scenario, args) {
    if (entry === 'params') return stringify(scenario.params); // not called: what a function's parameters may be
    const program = scenario[entry];
    if (typeof program !== 'function') throw new TypeError(`the scenario exports no function ${entry === 'default' ? 'by default' : entry}`);
    const state = realm.state();
    state.args = args;
    let input;
    if (args[0] === '') {
      input = args[1] === '' ? undefined : parse(args[1]);
    } else if (args[0] === '{"change":true}') {
      input = parse(args[1]);
      for (const name of ['record', 'before']) input[name] = shared.revived(input[name]);
      state.data = true;
    } else if (args[0].startsWith('{"connection":')) {
      input = state.request = new shared.SocketMessage(args);
      state.socket = true;
    } else {
      input = state.request = new shared.Request(args);
    }
    return program(input);
  }

  // shared is among them so that the freeze reaches the classes that only it has.
  return { exports: shared.exports, enter, output: shared.output, error: shared.error, fail: shared.fail, shared };
})

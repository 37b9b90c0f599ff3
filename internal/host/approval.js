// approval.
(function (realm, shared) {
  'use strict';
  const { parse, stringify } = JSON;

  const day = 86_400_000;
  const known = ['subject', 'title', 'text', 'choices', 'timeout', 'assignees'];
  const waiting = ['reminder', 'notify'];

  // choices are a list, or an object of what people read for each.
  function choices(given) {
    if (Array.isArray(given)) return given.map((choice) => ({ choice: shared.words('approval: a choice', choice), label: '' }));
    if (given === null || typeof given !== 'object') throw new TypeError('approval: choices is a list such as ["approve", "reject"], or an object of their labels');
    return Object.entries(given).map(([choice, label]) => ({ choice, label: shared.words('approval: a label', label) }));
  }

  function question(options) {
    const { subject, title, text, choices: given = ['approve', 'reject'], timeout = 30 * day, assignees = [] } = options;
    if (!Array.isArray(assignees)) throw new TypeError('approval: assignees is a list of texts');
    const args = { choices: choices(given), timeout: shared.ending(timeout), assignees: assignees.map((name) => shared.words('approval: an assignee', name)) };
    for (const [name, value] of Object.entries({ subject, title, text })) {
      if (value !== undefined) args[name] = shared.words(`approval: ${name}`, value);
    }
    return stringify(args);
  }

  // decided reads a decision: its time is a Date.
  function decided(text) {
    const decision = text === '' ? null : parse(text);
    if (decision !== null && decision.at !== undefined) decision.at = new Date(decision.at);
    return decision;
  }

  class Approval {
    #decision;
    constructor({ id, expires_at, links, personal }) {
      this.id = id;
      this.expiresAt = new Date(expires_at);
      this.links = links;
      this.personal = personal;
    }
    decision(options = {}) {
      try { reminding(shared.options('decision', options, waiting)); } catch (error) { return Promise.reject(error); }
      this.#decision ??= shared.step('approval.decision', () => stringify({ id: this.id, until: this.expiresAt }), decided, new Error());
      return options.notify === undefined ? this.#decision : remind(this, this.#decision, options);
    }
  }

  // remind calls notify again and again while nobody has decided.
  async function remind(approval, decision, { reminder, notify }) {
    await notify(approval, 0);
    if (reminder === undefined) return decision;
    for (let n = 1; ; n++) {
      const first = await shared.exports.waitForAny({ decision, late: shared.exports.sleep(reminder) });
      if (first.key === 'decision') return first.value;
      await notify(approval, n);
    }
  }

  function reminding({ reminder, notify }) {
    if (notify !== undefined && typeof notify !== 'function') throw new TypeError('approval: notify is a function');
    if (reminder === undefined) return;
    if (notify === undefined) throw new TypeError('approval: a reminder needs notify, which sends it');
    if (shared.milliseconds(reminder) < 1000) throw new TypeError('approval: a reminder comes after a second at the earliest');
  }

  function checked(options, more) {
    reminding(shared.options('approval', options, [...known, ...more]));
    return question(options);
  }

  function open(options, more = []) {
    return shared.step('approval.open', () => checked(options, more), (text) => new Approval(parse(text)), new Error());
  }

  const approval = Object.assign(async function approval(options) {
    const opened = await open(options, waiting);
    const { reminder, notify } = options;
    return opened.decision({ reminder, notify });
  }, { open(options) { return open(options); } });

  shared.Approval = Approval;
  return { approval };
})

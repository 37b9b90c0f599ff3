// What a subscriber by websocket does, with npm's ws. TOKEN is the channel's
// token, ADMIN the password of admin.
import assert from "node:assert/strict";
import WebSocket from "ws";

const { BASE, TOKEN, ADMIN } = process.env;

class Follower {
  constructor(path = TOKEN, options = {}) {
    this.heard = [];
    this.waiting = [];
    this.socket = new WebSocket(`${BASE.replace("http", "ws")}/ws/token/v1/${path}/subscribe`, options);
    this.socket.on("message", (data, binary) => { assert.equal(binary, false); this.take(JSON.parse(data)); });
    this.closed = new Promise((resolve) => this.socket.on("close", (code, reason) => resolve(`${code} ${reason}`)));
    this.open = new Promise((resolve, reject) => { this.socket.on("open", () => resolve(this)); this.socket.on("error", reject); });
  }
  take(message) { const next = this.waiting.shift(); if (next) next(message); else this.heard.push(message); }
  hear() { return this.heard.length > 0 ? this.heard.shift() : new Promise((resolve) => this.waiting.push(resolve)); }
  say(message) { this.socket.send(JSON.stringify(message)); return this; }
  ask(message) { return this.say(message).hear(); }
}

const follow = (path, options) => new Follower(path, options).open;
const publish = async (...numbers) => {
  const events = numbers.map((n) => ({ specversion: "1.0", id: `made-${n}`, source: "/shops/4", type: "order.made", subject: "Š" + n, data: { n, text: "Grüße" } }));
  const answer = await fetch(`${BASE}/api/v1/events`, {
    method: "POST", headers: { authorization: "Basic " + btoa(`admin:${ADMIN}`), "content-type": "application/cloudevents-batch+json" }, body: JSON.stringify(events),
  });
  assert.equal(answer.status, 202);
};

// Subscribe, hear, unsubscribe; ping.
const one = await follow();
assert.deepEqual(await one.ask({ action: "ping" }), { pong: true });
const { subscribed, cursor: begin } = await one.ask({ action: "subscribe", id: "s1", types: ["order.*"], filter: "data/n gt 1", name: "till" });
assert.equal(subscribed, "s1");
await publish(1, 2, 3);
const second = await one.hear();
assert.deepEqual(Object.keys(second), ["id", "event", "cursor"]);
assert.equal(second.id, "s1");
assert.deepEqual(second.event.data, { n: 2, text: "Grüße" });
assert.equal(second.event.subject, "Š2");
const third = await one.hear();
assert.equal(third.event.id, "made-3");

// What was acknowledged under the name is not heard again.
assert.deepEqual(await one.say({ action: "ack", cursor: second.cursor }).ask({ action: "ping" }), { pong: true });
one.socket.terminate();
await one.closed;
const two = await follow("-", { headers: { authorization: `Bearer ${TOKEN}` } });
await two.ask({ action: "subscribe", id: "a", types: ["order.*"], name: "till" });
assert.equal((await two.hear()).event.id, "made-3");

// From a cursor; several on one line; the end of one.
await two.ask({ action: "subscribe", id: "b", types: ["order.made"], after: begin });
for (const n of [1, 2, 3]) assert.deepEqual([(await two.hear()).event.id], [`made-${n}`]);
await two.say({ action: "unsubscribe", id: "a" }).ask({ action: "ping" });
await publish(4);
const fourth = await two.hear();
assert.deepEqual([fourth.id, fourth.event.id], ["b", "made-4"]);

// Errors, and the end.
const wrong = await two.ask({ action: "subscribe", id: "c", filter: "data/n >" });
assert.deepEqual([wrong.id, wrong.error.status, wrong.error.errors[0].pointer], ["c", 422, "/filter"]);
assert.equal((await two.ask({ action: "subscribe", id: "b" })).error.status, 409);
assert.equal((await two.ask({ action: "unsubscribe", id: "c" })).error.status, 404);
two.socket.close(1000, "done");
assert.equal(await two.closed, "1000 done");
const three = await follow();
three.socket.send(Buffer.from("bytes"));
assert.equal(await three.closed, "1003 Messages are JSON in text frames.");
await assert.rejects(follow("unknown"));

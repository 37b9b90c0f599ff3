// What a client of websocket channels does, with npm's ws. TOKENS are the
// channels' tokens as JSON.
import assert from "node:assert/strict";
import WebSocket from "ws";

const base = process.env.BASE.replace("http", "ws") + "/ws/token/v1/";
const tokens = JSON.parse(process.env.TOKENS);

class Client {
  constructor(path, options = {}) {
    this.heard = [];
    this.waiting = [];
    this.socket = new WebSocket(base + path, options.protocols ?? [], options);
    this.socket.on("message", (data, binary) => this.take(binary ? data : data.toString()));
    this.closed = new Promise((resolve) => this.socket.on("close", (code, reason) => { resolve(`${code} ${reason}`); this.take(undefined); }));
    this.open = new Promise((resolve, reject) => {
      this.socket.on("open", () => resolve(this));
      this.socket.on("unexpected-response", (_, response) => { reject(response); this.socket.terminate(); });
      this.socket.on("error", () => {});
    });
  }
  take(message) { const next = this.waiting.shift(); if (next) next(message); else this.heard.push(message); }
  hear() { return this.heard.length > 0 ? this.heard.shift() : new Promise((resolve) => this.waiting.push(resolve)); }
  async ask(data, options) { this.socket.send(data, options); return this.hear(); }
}

const connect = (path, options) => new Client(path, options).open;
const refused = (path, options) => connect(path, options).then(() => assert.fail("it was let in"), (response) => response.statusCode);

// Messages of both kinds, in pieces, long, in order.
const chat = await connect(tokens.chat);
assert.equal(chat.socket.extensions, process.env.EXTENSIONS);
assert.equal(await chat.ask("say Grüße, 漢字"), "Grüße, 漢字");
assert.deepEqual(await chat.ask(Buffer.from("binary")), Buffer.from("binary"));
assert.deepEqual(await chat.ask("bytes"), Buffer.from([0, 255, 1]));
assert.equal(await chat.ask("say " + "x".repeat(1_000_000)), "x".repeat(1_000_000));
chat.socket.send("say in ", { fin: false });
chat.socket.send("two ", { fin: false });
chat.socket.send("pieces");
assert.equal(await chat.hear(), "in two pieces");
for (let i = 0; i < 50; i++) chat.socket.send(`say ${i}`);
for (let i = 0; i < 50; i++) assert.equal(await chat.hear(), String(i));
assert.equal(JSON.parse(await chat.ask("fail")).error.status, 502);
assert.equal(JSON.parse(await chat.ask("problem here")).error.detail, "here");

// Ping and pong.
const pong = new Promise((resolve) => chat.socket.on("pong", resolve));
chat.socket.ping("are you there");
assert.equal(String(await pong), "are you there");

// To one and to all.
const other = await connect(tokens.chat);
chat.socket.send("all together");
assert.deepEqual([await chat.hear(), await chat.hear()].sort(), ["2", "together"]);
assert.equal(await other.hear(), "together");

// A subprotocol, a bearer, a password, a page.
const spoken = await connect(tokens.chat, { protocols: ["first", "second"] });
assert.equal(spoken.socket.protocol, "first");
spoken.socket.terminate();
(await connect("-", { headers: { authorization: `Bearer ${tokens.chat}` } })).socket.terminate();
(await connect(tokens.gated, { auth: "u:p" })).socket.terminate();
(await connect(tokens.pages, { origin: "https://app.example.com" })).socket.terminate();
assert.equal(await refused(tokens.gated), 401);
assert.equal(await refused(tokens.pages, { origin: "https://evil.example.com" }), 403);
assert.equal(await refused("nobody"), 404);

// Ends, by either side, with a code and a reason.
chat.socket.send("bye for now");
assert.equal(await chat.closed, "4001 for now");
other.socket.send("say last words");
other.socket.close(3000, "enough");
assert.equal(await other.hear(), "last words");
assert.equal(await other.closed, "3000 enough");
const large = await connect(tokens.chat);
large.socket.send("x".repeat(1_100_000));
assert.match(await large.closed, /^1009 A message may have at most 1MiB/);

// Compression, where the client would like it, is as the server is set.
const plain = await connect(tokens.chat, { perMessageDeflate: true });
assert.equal(plain.socket.extensions, process.env.EXTENSIONS);
assert.equal(await plain.ask("say " + "plain ".repeat(10_000)), "plain ".repeat(10_000));
plain.socket.terminate();

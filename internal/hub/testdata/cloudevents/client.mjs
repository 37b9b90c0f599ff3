// What a program with the SDK of CloudEvents for JavaScript does: it sends events
// in every content mode, and receives them by webhook and by cursor. ADMIN is the
// password of admin, SUBSCRIBE where events are subscribed.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { CloudEvent, HTTP, Mode, emitterFor, httpTransport } from "cloudevents";

const { BASE, ADMIN, SUBSCRIBE } = process.env;
const headers = { authorization: "Basic " + btoa(`admin:${ADMIN}`) };

const sent = new Map();
// An event without data the SDK's transport does not send in the binary mode.
const contents = {
  json: ["application/json", { number: "4711", total: 99.5, lines: [null, true, "žluťoučký"] }],
  text: ["text/plain", "Grüße and \"more\""],
  xml: ["application/xml", "<order number=\"4711\">&amp;</order>"],
  bytes: ["application/octet-stream", Buffer.from([0, 1, 255, 34, 10])],
  none: [],
};
const events = (mode) => Object.entries(contents).filter(([kind]) => kind !== "none" || mode !== Mode.BINARY).map(([kind, [datacontenttype, data]]) => {
  const event = new CloudEvent({
    id: `${mode}-${kind}`, source: "/js/" + mode, type: `js.${mode}.${kind}`, subject: `order ${kind}`, time: "2026-11-22T08:00:00.123Z",
    dataschema: "https://example.com/order.json", datacontenttype, data, text: "plain", number: 42, flag: true,
  });
  sent.set(event.id, event);
  return event;
});

// Numbers and truth values are texts in headers.
const told = (event) => ["id", "source", "type", "subject", "dataschema", "datacontenttype", "text", "number", "flag"].map((name) => String(event[name])).concat(Date.parse(event.time));
const bytes = (data) => data === undefined ? "none" : Buffer.from(data).toString("hex");
function same(event) {
  const want = sent.get(event.id);
  assert.ok(want, `nobody has sent ${event.id}`);
  assert.ok(event.validate());
  assert.deepEqual(told(event), told(want), event.id);
  if (want.datacontenttype === "application/json") assert.deepEqual(event.data, want.data);
  else assert.equal(bytes(event.data), bytes(want.data), event.id);
}

let all;
const came = new Set();
const done = new Promise((resolve, reject) => { all = { resolve, reject }; });
const hook = createServer(async (request, response) => {
  try {
    const body = Buffer.concat(await request.toArray());
    const event = HTTP.toEvent({ headers: request.headers, body: body.toString() });
    same(event);
    came.add(event.id);
    response.writeHead(204).end();
    if (came.size === 3 * Object.keys(contents).length - 1) all.resolve();
  } catch (error) { all.reject(error); }
});
await new Promise((resolve) => hook.listen(0, "127.0.0.1", resolve));
const subscribed = await fetch(SUBSCRIBE, {
  method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ url: `http://127.0.0.1:${hook.address().port}/`, types: ["js.**"] }),
});
assert.equal(subscribed.status, 201);

for (const mode of [Mode.BINARY, Mode.STRUCTURED]) {
  const emit = emitterFor(httpTransport(`${BASE}/api/v1/events`), { mode });
  for (const event of events(mode)) await emit(event, { headers });
}
const batch = await fetch(`${BASE}/api/v1/events`, {
  method: "POST", headers: { ...headers, "content-type": "application/cloudevents-batch+json" }, body: JSON.stringify(events("batch")),
});
assert.equal(batch.status, 202, await batch.text());
await done;
hook.close();
hook.closeAllConnections();

// The log, one by one and as a batch.
const { items } = await (await fetch(`${BASE}/api/v1/events?types=js.**`, { headers })).json();
assert.equal(items.length, sent.size);
for (const { event } of items) same(HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body: JSON.stringify(event) }));
const list = HTTP.toEvent({ headers: { "content-type": "application/cloudevents-batch+json" }, body: JSON.stringify(items.map((item) => item.event)) });
assert.equal(list.length, sent.size);
list.forEach(same);

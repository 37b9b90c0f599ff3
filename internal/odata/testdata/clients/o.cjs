// o.js, by Jan Hommes, unchanged, against the data door.
const assert = require("node:assert/strict");
const { o } = require("odata");

(async () => {
  const base = process.argv[2] + "/";
  const authorization = "Basic " + btoa("admin:x");
  const open = (headers) => o(base, {
    headers: { "Content-Type": "application/json", authorization, ...headers },
    batch: {
      boundaryPrefix: "batch_", changsetBoundaryPrefix: "changset_", endpoint: "$batch", useChangset: false, useRelativeURLs: false,
      headers: new Headers({ authorization }),
    },
  });

  const made = await open().post("orders", { number: "A1", total: 12.5, customer: { code: "C1" } }).query();
  assert.equal(made.total, 12.5);
  console.log("create");

  const read = await open().get(`orders('${made.id}')`).query({ $expand: "customer($select=name)" });
  assert.equal(read.customer.name, "Ann");
  console.log("read, expand");

  const found = await open().get("orders").query({ $filter: "total gt 20 and customer/code ne 'C9'", $orderby: "total desc", $select: "number" });
  assert.deepEqual(found.map((x) => x.number), ["4", "3", "2"]);
  console.log("filter, order, select");

  let response = await (await open({ Prefer: "odata.maxpagesize=2,odata.track-changes" }).get("orders").fetch({ $orderby: "number" })).json();
  const numbers = [];
  for (;;) {
    numbers.push(...response.value.map((x) => x.number));
    const next = response["@odata.nextLink"];
    if (!next) break;
    response = await (await open().get(next.slice(base.length)).fetch()).json();
  }
  assert.deepEqual(numbers, ["1", "2", "3", "4", "5", "A1"]);
  console.log("page");

  let changed = await open().patch(`orders('${made.id}')`, { note: "x" }).fetch();
  assert.equal(changed.status, 204);
  changed = await open({ Prefer: "upsert" }).patch("orders(number='A2')", { total: 2 }).fetch();
  assert.equal(changed.status, 201);
  changed = await open().put("orders(number='A2')", { total: 3 }).fetch();
  assert.equal(changed.status, 204);
  console.log("update, upsert");

  const answers = await open().post("orders", { number: "B1" }).post("orders", { number: "B2" }).get("orders(number='1')").batch();
  assert.deepEqual(answers.map((a) => a.status), [201, 201, 200]);
  assert.equal(answers[0].body.number, "B1");
  console.log("batch");

  const gone = await open().delete(`orders('${made.id}')`).fetch();
  assert.equal(gone.status, 204);
  const delta = [];
  for (let link = response["@odata.deltaLink"]; link;) {
    const part = await (await open().get(link.slice(base.length)).fetch()).json();
    delta.push(...part.value);
    link = part["@odata.nextLink"];
  }
  assert.deepEqual([...new Set(delta.map((x) => x.number ?? x.reason))].sort(), ["A2", "B1", "B2", "deleted"]);
  console.log("delete, delta");

  await assert.rejects(open().get("orders('nobody')").query(), (r) => r.status === 404);
  console.log("errors");
})().catch((e) => {
  console.error(e);
  process.exit(1);
});

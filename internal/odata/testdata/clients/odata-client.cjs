// @odata/client, by Theo Sun and others, unchanged, against the data door.
const assert = require("node:assert/strict");
const { OData } = require("@odata/client");

(async () => {
  const base = process.argv[2] + "/";
  const credential = { username: "admin", password: "x" };
  const open = (commonHeaders) => OData.New4({ serviceEndpoint: base, credential, commonHeaders });
  const client = open({});
  const orders = client.getEntitySet("orders");

  const made = await orders.create({ number: "A1", total: 12.5, customer_id: "c1" });
  assert.equal(made.number, "A1");
  assert.equal(made.total, 12.5);
  console.log("create");

  const read = await orders.retrieve(made.id, client.newOptions().expand("customer"));
  assert.equal(read.customer.name, "Ann");
  console.log("read, expand");

  const filter = client.newFilter().property("total").gt(20).property("number").ne("9");
  const found = await orders.query(client.newOptions().filter(filter).orderby("number", "asc").select(["number"]));
  assert.deepEqual(found.map((o) => o.number), ["2", "3", "4"]);
  assert.equal(await orders.count(), 6);
  console.log("filter, order, select, count");

  const paged = open({ Prefer: "odata.maxpagesize=2,odata.track-changes" });
  let page = await paged.newRequest({ collection: "orders", params: client.newOptions().orderby("number", "asc").select(["number"]) });
  const numbers = [];
  for (;;) {
    numbers.push(...page.value.map((o) => o.number));
    if (!page["@odata.nextLink"]) break;
    page = await client.requestUri(page["@odata.nextLink"]);
  }
  assert.deepEqual(numbers, ["1", "2", "3", "4", "5", "A1"]);
  assert.ok(page["@odata.deltaLink"]);
  console.log("page");

  await orders.update(made.id, { note: "changed" });
  assert.equal((await orders.retrieve(made.id)).note, "changed");
  await open({ Prefer: "upsert" }).getEntitySet("orders").update({ number: "A2" }, { total: 1 });
  await open({ Prefer: "upsert" }).getEntitySet("orders").update({ number: "A2" }, { total: 2 });
  assert.equal((await orders.find({ number: "A2" }))[0].total, 2);
  console.log("update, upsert");

  const answers = await client.execBatchRequests([
    client.newBatchRequest({ collection: "orders", method: "POST", entity: { number: "B1" }, withContentLength: true }),
    client.newBatchRequest({ collection: "orders", method: "GET", params: client.newOptions().filter(client.newFilter().property("number").eq("1")) }),
  ]);
  assert.equal(answers[0].status, 201);
  assert.equal(answers[1].status, 200);
  assert.equal((await answers[1].json()).value.length, 1);
  const json = await client.execBatchRequestsJson([
    client.newBatchRequest({ collection: "orders", method: "POST", entity: { number: "B2" } }),
    client.newBatchRequest({ collection: "orders", method: "GET", id: made.id }),
  ]);
  assert.equal(json[0].status, 201);
  assert.equal(json[1].status, 200);
  console.log("batch");

  await orders.delete(made.id);
  const delta = [];
  for (let link = page["@odata.deltaLink"]; link;) {
    const part = await client.requestUri(link);
    delta.push(...part.value);
    link = part["@odata.nextLink"];
  }
  assert.deepEqual([...new Set(delta.map((o) => o.number ?? o.reason))].sort(), ["A2", "B1", "B2", "deleted"]);
  console.log("delete, delta");

  await assert.rejects(orders.create({ number: "1" }), /already/);
  console.log("errors");
})().catch((e) => {
  console.error(e);
  process.exit(1);
});

// What npm's soap makes of the WSDL: session, create, read, filter, expand, page,
// upsert, delta, several records in one call, faults, functions.
import assert from "node:assert/strict";
import soap from "soap";

const url = process.env.BASE + "/soap/v1?wsdl";
const namespace = "urn:junctor:v1";
const as = (login, password) => ({ Authorization: "Basic " + Buffer.from(login + ":" + password).toString("base64") });

async function connect(login, password, more = {}) {
  // numbers as they are written: JavaScript's own would lose digits
  const customDeserializer = { decimal: (text) => text, long: (text) => text };
  return soap.createClientAsync(url, { wsdl_headers: as(login, password), customDeserializer, preserveWhitespace: true, disableCache: true, ...more });
}

// refusal is the problem of a call that has to fail.
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    const fault = error.root?.Envelope?.Body?.Fault;
    assert.ok(fault, error);
    const { problem } = fault.detail ?? fault.Detail;
    return { ...problem, error: [problem.error ?? []].flat() }; // in a fault, one is no list
  }
  assert.fail("it should be refused");
}

for (const forceSoap12Headers of [false, true]) {
  const admin = await connect("admin", process.env.ADMIN, { forceSoap12Headers });
  admin.setSecurity(new soap.BasicAuthSecurity("admin", process.env.ADMIN));
  const [made] = await admin.createCustomersAsync({ record: [{ code: "C1", name: "Ann & <Söhne>", owner: "reader" }, { code: "C2", name: "Bob" }, { code: "C1" }] });
  assert.deepEqual(made.result.map((r) => r.outcome), ["created", "created", "failed"]);
  assert.equal(made.result[0].record.name, "Ann & <Söhne>");
  assert.equal(made.result[2].problem.code, "conflict");
  assert.equal(made.result[2].problem.error[0].pointer, "/code");

  // A session: its token stands in the envelope's header.
  const shop = await connect("shop", "shop", { forceSoap12Headers });
  assert.deepEqual((await refusal(shop.getOrdersAsync({}))).code, "unauthorized");
  assert.equal((await refusal(shop.loginAsync({ login: "shop", password: "wrong" }))).code, "unauthorized");
  const [begun] = await shop.loginAsync({ login: "shop", password: "shop" });
  assert.ok(begun.session.expiresAt instanceof Date);
  shop.addSoapHeader({ Session: begun.session.token }, "", "tns", namespace);

  const [created] = await shop.createOrdersAsync({
    record: [
      { number: "1", customer: { code: "C1" }, total: "10.10", received: new Date(Date.UTC(2027, 0, 1, 10)).toISOString(), due: "2027-02-01", lines: 3, extra: '{"a":[1]}', note: "  <&>\n " },
      { number: "2", customer: { code: "C2" }, total: "20.20", state: "sent" },
      { number: "3", total: "0.005", lines: "x" },
      { number: "4", margin: "1" },
      { number: "5", customer: { code: "nobody" } },
    ],
  });
  assert.deepEqual(created.result.map((r) => r.outcome), ["created", "created", "failed", "failed", "failed"], JSON.stringify(created.result));
  const first = created.result[0].record;
  assert.equal(first.total, "10.10");
  assert.equal(first.doubled, "20.20");
  assert.equal(first.state, "new");
  assert.equal(first.note, "  <&>\n ");
  assert.equal(first.margin, undefined);
  assert.equal(first.received.toISOString(), "2027-01-01T10:00:00.000Z");
  assert.deepEqual(created.result[2].problem.error.map((e) => e.pointer).sort(), ["/lines", "/total"]);
  assert.equal(created.result[3].problem.error[0].pointer, "/margin");
  assert.equal(created.result[4].problem.error[0].pointer, "/customer");

  // Filter, order, count, select and expand.
  const [found] = await shop.getOrdersAsync({ filter: "customer/code eq 'C1' or total gt 15", orderby: "number desc", count: true, expand: "customer", select: "number,total,customer/name" });
  assert.equal(Number(found.page.count), 2);
  assert.deepEqual(found.page.record.map((r) => [r.number, r.total, r.customer.name, r.state]), [["2", "20.20", "Bob", undefined], ["1", "10.10", "Ann & <Söhne>", undefined]]);

  // Pages.
  await shop.createOrdersAsync({ record: Array.from({ length: 5 }, (_, i) => ({ number: "p" + i })) });
  const numbers = [];
  for (let cursor; ; ) {
    const [{ page }] = await shop.getOrdersAsync({ filter: "startswith(number,'p')", orderby: "number", pageSize: 2, ...(cursor && { cursor }) });
    numbers.push(...page.record.map((r) => r.number));
    cursor = page.next;
    if (!cursor) break;
  }
  assert.deepEqual(numbers, ["p0", "p1", "p2", "p3", "p4"]);

  // Update: absent stays, nil clears; the version guards.
  const [{ page: tracked }] = await shop.getOrdersAsync({ track: true });
  assert.ok(tracked.delta);
  const cleared = { attributes: { "xsi:nil": "true" } };
  const [changed] = await shop.updateOrdersAsync({ record: [{ number: "1", version: first.version, note: cleared }, { id: first.id, version: first.version, note: "late" }, { number: "nothing", note: "x" }, { note: "who?" }] });
  assert.deepEqual(changed.result.map((r) => r.outcome), ["updated", "failed", "failed", "failed"]);
  assert.deepEqual(changed.result.slice(1).map((r) => r.problem.code), ["stale", "not-found", "invalid"]);
  assert.equal(changed.result[1].record.version, "2");
  assert.equal(changed.result[0].record.total, "10.10");
  assert.equal(changed.result[0].record.customer_id, first.customer_id);

  // Upsert says what it did.
  const [upserted] = await shop.upsertOrdersAsync({ record: [{ number: "1", total: 11 }, { number: "1", total: 11 }, { number: "9", total: 9 }] });
  assert.deepEqual(upserted.result.map((r) => r.outcome), ["updated", "unchanged", "created"]);
  const [removed] = await shop.deleteOrdersAsync({ record: [{ number: "2" }, { number: "2" }] });
  assert.deepEqual(removed.result.map((r) => r.outcome), ["deleted", "failed"]);

  // What has changed since.
  const [{ changes }] = await shop.getOrdersChangesAsync({ delta: tracked.delta });
  assert.deepEqual(changes.record.map((r) => r.number).sort(), ["1", "9"]);
  assert.deepEqual(changes.removed.map((r) => r.reason), ["deleted"]);
  assert.ok(changes.delta);

  // All or none.
  const all = await refusal(shop.createOrdersAsync({ record: [{ number: "a1" }, { number: "1" }], atomic: true }));
  assert.equal(all.code, "conflict");
  assert.equal(all.error[0].pointer, "/record/1/number");
  const [none] = await shop.getOrdersAsync({ filter: "number eq 'a1'" });
  assert.equal(none.page?.record, undefined);

  // Faults.
  const odd = await refusal(shop.getOrdersAsync({ filter: "margin gt 1" }));
  assert.equal(odd.code, "invalid");
  assert.equal(odd.status, "400");

  // Functions.
  const [answer] = await shop.placeOrderAsync({ number: "7", lines: [{ code: "a", qty: 2, price: "1.50" }, { code: "b", qty: 1 }], due: "2027-01-04", gift: true, state: "1" });
  assert.equal(answer.answer.status, 200);
  assert.deepEqual(JSON.parse(answer.answer.result), { got: { number: "7", lines: [{ code: "a", qty: 2, price: 1.5 }, { code: "b", qty: 1 }], due: "2027-01-04", gift: true, state: 1 }, by: "shop" });
  const wrong = await refusal(shop.placeOrderAsync({ lines: [{ code: "a", qty: 0 }] }));
  assert.deepEqual(wrong.error.map((e) => e.pointer), ["/lines/0/qty", "/number"]);
  const unknown = await refusal(shop.placeOrderAsync({ number: "unknown" }));
  assert.deepEqual([unknown.code, unknown.title, unknown.detail], ["conflict", "unknown order", "no such order <here>"]);
  const broken = await refusal(shop.placeOrderAsync({ number: "broken" }));
  assert.equal(broken.code, "scenario-failed");
  assert.ok(broken.run);

  // WS-Security.
  const secured = await connect("reader", "reader", { forceSoap12Headers });
  secured.setSecurity(new soap.WSSecurity("reader", "reader", { passwordType: "PasswordText", hasTimeStamp: false, hasTokenCreated: false }));
  const [own] = await secured.getCustomersAsync({});
  assert.deepEqual([own.page.record].flat().map((r) => r.code), ["C1"]);
  assert.equal(secured.getOrdersAsync, undefined);

  await shop.logoutAsync({});
  assert.equal((await refusal(shop.getOrdersAsync({}))).code, "unauthorized");

  await admin.deleteOrdersAsync({ record: (await admin.getOrdersAsync({ select: "id" }))[0].page.record.map((r) => ({ id: r.id })) });
  await admin.deleteCustomersAsync({ record: [{ code: "C1" }, { code: "C2" }] });
}
console.log("done");

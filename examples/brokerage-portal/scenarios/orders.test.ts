import { decimal, records } from "junctor";
import { expect, mock, run, test } from "junctor/test";

// A test begins with empty classes, and what it writes is gone with it.
async function market(cash = "1000.00") {
  const client = await records("clients").create({ code: "admin", name: "Novak" }); // tests call functions as admin
  const account = await records("accounts").create({ number: "A1", client: client.id, currency: "EUR", cash });
  const instrument = await records("instruments").create({ isin: "CZ0008040318", name: "Moneta", currency: "EUR", lot: 10 });
  return { client, account, instrument };
}

const order = { instrument: "CZ0008040318", side: "buy", quantity: 20, limit: "4.0512" };

test("an order is placed, with its amount", async () => {
  await market();
  const placed = await run("place_order", { params: order });
  expect(placed.status).toBe(201);
  expect(placed.json).toEqual({ number: "ORD-00001", state: "new", amount: "81.02" });
  const saved = await records("orders").find({ number: "ORD-00001" }, { expand: ["account/client"] });
  expect(saved!.account!.client!.name).toBe("Novak");
  expect(saved!.limit.times(2).toString()).toBe("8.1024");
});

test("what cannot be traded is refused with its place", async () => {
  await market("50.00");
  for (const [change, pointer, detail] of [
    [{ quantity: 15 }, "/quantity", "must be a multiple of 10"],
    [{ quantity: 1000 }, "/quantity", "comes to 4051.20, and there are 50.00"],
    [{ instrument: "CZ0000000000" }, "/instrument", "there is no instrument CZ0000000000"],
  ] as const) {
    const refused = await run("place_order", { params: { ...order, ...change } });
    expect(refused.status).toBe(422);
    expect(refused.json.errors).toEqual([{ pointer, detail }]);
  }
  expect(await records("orders").query()).toEqual([]);
});

test("who has no account cannot place one", async () => {
  await market();
  await records("accounts").delete({ number: "A1" });
  expect((await run("place_order", { params: order })).status).toBe(403);
});

test("approving moves the money, once", async () => {
  const { account } = await market();
  await run("place_order", { params: order });
  const record = (await records("orders").find({ number: "ORD-00001" }))!;
  expect((await run("approve", { change: { class: "orders", action: "approve", record } })).state).toBe("succeeded");
  const after = (await records("accounts").get(account.id))!;
  expect(after.cash.toString()).toBe("918.98");
  expect((await run("approve", { change: { class: "orders", action: "approve", record } })).state).toBe("failed");
  expect((await records("accounts").get(account.id))!.version).toBe(after.version);
});

test("what cannot be paid stays new", async () => {
  await market();
  await run("place_order", { params: order });
  await records("accounts").update({ number: "A1" }, { cash: "1.00" });
  const record = (await records("orders").find({ number: "ORD-00001" }))!;
  expect((await run("approve", { change: { class: "orders", action: "approve", record } })).state).toBe("failed");
  expect((await records("orders").get(record.id))!.state).toBe("new");
});

test("a cancelled order is told of", async () => {
  await market();
  await run("place_order", { params: order });
  const before = (await records("orders").find({ number: "ORD-00001" }))!;
  await run("cancel", { change: { class: "orders", action: "cancel", record: before } });
  const record = (await records("orders").get(before.id))!;
  expect(record.state).toBe("cancelled");
  const events = mock("events.publish", null);
  await run("tell_state", { change: { class: "orders", record, before, changed: ["state"] } });
  expect(events.calls[0]).toEqual({ type: "order.cancelled", subject: "ORD-00001", data: { number: "ORD-00001", amount: "81.02", was: "new" } });
});

test("records can be mocks", async () => {
  mock("records.find", { id: "rec_1", isin: "CZ0008040318", currency: "EUR", lot: 1 });
  mock("records.query", [{ id: "rec_2", currency: "EUR", cash: "10.00" }]);
  const created = mock("records.create", () => ({ number: "ORD-00007", state: "new", amount: decimal("81.02") }));
  expect((await run("place_order", { params: order })).json).toEqual({ number: "ORD-00007", state: "new", amount: "81.02" });
  expect(created.calls[0].columns).toEqual({ account: "rec_2", instrument: "rec_1", side: "buy", quantity: 20, limit: "4.0512" });
});

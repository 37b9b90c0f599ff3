import { xml } from "junctor";
import { expect, mock, run, test } from "junctor/test";

const order = {
  number: "S-1001",
  currency: "EUR",
  customer: { name: "Ada Novak", email: "ada@example.com", address: { street: "7 Quarry Lane", city: "Brno", zip: "602 00", country: "CZ" } },
  lines: [
    { sku: "P-7100", quantity: 2, price: 45.5 },
    { sku: "P-7205", quantity: 3, price: 0.1 },
  ],
};

const booked = { status: 201, xml: { receipt: { number: "ERP-000001", status: "booked" } } };

test("an order is answered with the ERP's number", async () => {
  const erp = mock("http.request", booked);
  const answer = await run("order", { json: order });
  expect(answer.status).toBe(201);
  expect(answer.json).toEqual({ number: "S-1001", erp_number: "ERP-000001", total: 91.3, currency: "EUR" });
  expect(erp.calls).toHaveLength(1);
  expect(erp.calls[0]).toMatchObject({ connection: "erp", method: "POST", path: "/orders" });
});

test("the ERP gets its own document", async () => {
  const erp = mock("http.request", booked);
  await run("order", { json: order });
  const { salesOrder } = xml.parse(erp.calls[0]!.text!);
  expect(salesOrder).toMatchObject({ externalNumber: "S-1001", total: "91.30" });
  expect(salesOrder.buyer.address).toBe("7 Quarry Lane, 602 00 Brno, CZ");
  expect(salesOrder.items.item[1]).toEqual({ position: "20", code: "P-7205", quantity: "3", unitPrice: "0.10" });
});

test("every mistake of an order is named at once", async () => {
  const erp = mock("http.request", booked);
  const answer = await run("order", { json: { ...order, currency: "euro", lines: [{ sku: "P-7100", quantity: 0, price: 1 }] } });
  expect(answer.status).toBe(422);
  expect(answer.json.errors.map((e: { pointer: string }) => e.pointer)).toEqual(["/currency", "/lines/0/quantity"]);
  expect(erp.calls).toHaveLength(0);
});

test("what the ERP does not want is told to the shop", async () => {
  mock("http.request", { status: 422, text: "item P-7100 is no longer sold" });
  const answer = await run("order", { json: order });
  expect(answer.status).toBe(422);
  expect(answer.json.detail).toContain("no longer sold");
  expect(answer.state).toBe("succeeded");
});

test("a broken ERP is nothing that the shop needs to know about", async () => {
  mock("http.request", { status: 500, text: "stack trace" });
  const answer = await run("order", { json: order });
  expect(answer.state).toBe("failed");
  expect(answer.status).toBe(502);
  expect(answer.text).not.toContain("stack trace");
});

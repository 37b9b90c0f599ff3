import { expect, mock, run, test } from "junctor/test";

const order = {
  number: "S-1001",
  currency: "EUR",
  customer: { name: "Ada Novak", email: "ada@example.com", address: { street: "7 Quarry Lane", city: "Brno", zip: "602 00", country: "CZ" } },
  lines: [{ sku: "P-7100", quantity: 2, price: 45.5 }],
};

const receipt = { status: 201, xml: { receipt: { number: "ERP-000001" } } };

test("an order is answered with the ERP's number", async () => {
  const erp = mock("http.request", () => receipt);
  const answer = await run("order", { json: order });
  expect(answer.status).toBe(201);
  expect(answer.json).toEqual({ number: "S-1001", erp_number: "ERP-000001", total: 91, currency: "EUR" });
  expect(answer.subject).toBe("S-1001");
  expect(erp.calls).toHaveLength(1);
});

test("the ERP gets its own document", async () => {
  const erp = mock("http.request", () => receipt);
  await run("order", { json: order });
  expect(erp.calls[0]).toMatchObject({ connection: "erp", method: "POST", path: "/orders" });
  expect(erp.calls[0]?.text).toContain("<address>7 Quarry Lane, 602 00 Brno, CZ</address>");
  expect(erp.calls[0]?.text).toContain("<total>91.00</total>");
});

test("everything that is wrong with an order is said at once, and the ERP is not asked", async () => {
  const erp = mock("http.request", () => receipt);
  const answer = await run("order", { json: { ...order, currency: "euro", lines: [{ sku: "", quantity: 1.5, price: 1 }] } });
  expect(answer.status).toBe(422);
  expect(answer.json.errors.map((e: { pointer: string }) => e.pointer)).toEqual(["/currency", "/lines/0/sku", "/lines/0/quantity"]);
  expect(erp.calls).toHaveLength(0);
});

test("what the ERP refuses, the shop is told", async () => {
  mock("http.request", { status: 422, text: "unknown item P-7100" });
  const answer = await run("order", { json: order });
  expect(answer.status).toBe(422);
  expect(answer.json).toMatchObject({ title: "The ERP refused the order", detail: "unknown item P-7100" });
});

test("an ERP that is down fails the run, which may be tried again", async () => {
  mock("http.request", () => { throw new Error("connection refused"); });
  const answer = await run("order", { json: order });
  expect(answer.status).toBe(502);
  expect(answer.error).toMatchObject({ name: "HttpError", permanent: false });
});

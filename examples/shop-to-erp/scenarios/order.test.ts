import { expect, mock, test } from "junctor/test";

const order = {
  number: "S-1001",
  currency: "EUR",
  customer: { name: "Ada Novak", email: "ada@example.com", address: { street: "7 Quarry Lane", city: "Brno", zip: "602 00", country: "CZ" } },
  lines: [{ sku: "P-7100", quantity: 2, price: 45.5 }],
};

const receipt = { status: 201, headers: { "content-type": "application/xml" }, text: "<receipt><number>ERP-000001</number></receipt>" };

test("an order is answered with the ERP's number", async () => {
  const erp = mock("http.request", () => receipt);
  const answer = await run("order", { json: order });
  expect(answer.status).toBe(201);
  expect(answer.json).toEqual({ number: "S-1001", erp_number: "ERP-000001", total: 91, currency: "EUR" });
  expect(erp.calls.length).toBe(1);
});

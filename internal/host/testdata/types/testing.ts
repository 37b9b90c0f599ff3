// A test that uses all of "junctor/test", and mistakes that the types find.
import { kv, sleep } from "junctor";
import { expect, mock, run, test, type HttpCall, type Mock, type Outcome } from "junctor/test";

test("everything", async () => {
  const erp: Mock<HttpCall> = mock("http.request", (call) => {
    if (call.json?.number !== "4711") throw new Error("connection refused");
    return { status: 201, headers: { etag: "1" }, json: { id: call.path.length } };
  });
  mock("http.request", { status: 204 });
  mock("http.request");
  const price = mock("runs.call", (call: { scenario: string }) => (call.scenario === "price" ? 91 : undefined));
  await kv.set("seen", 1);
  await sleep("1d");
  const answer: Outcome = await run("order", { json: { number: "4711" }, query: { page: 2, tag: ["a", "b"] } });
  await run("order");
  await run("price", ["data"]);
  expect(answer.status).toBe(200);
  expect(answer.json.lines[0]).toEqual({ sku: "A" });
  expect(answer.steps[0]?.name).not.toMatch(/kv/);
  expect(erp.calls.map((c) => c.method)).toContain("POST");
  expect(price.calls).toHaveLength(1);
  expect(() => { throw new RangeError("x"); }).toThrow(RangeError);
  await expect(run("missing")).rejects.toThrow("no scenario");
});

test("mistakes", async () => {
  // @ts-expect-error a test has a function
  test("x");
  // @ts-expect-error there is no such step
  mock("http.get", {});
  // @ts-expect-error an answer has a status, not a code
  mock("http.request", { code: 200 });
  // @ts-expect-error calls cannot be changed
  mock("http.request").calls = [];
  // @ts-expect-error an outcome cannot be changed
  (await run("order")).status = 1;
  // @ts-expect-error a step may be missing in a strict project
  (await run("order")).steps[0].name;
  // @ts-expect-error toHaveLength takes a number
  expect([]).toHaveLength("1");
  // @ts-expect-error there is no such matcher
  expect(1).toEquals(1);
});

import { expect, mock, run, test } from "junctor/test";

test("a movement is forwarded in the ERP's words", async () => {
  const erp = mock("http.request", { status: 200 });
  const outcome = await run("stock", { json: { article: "P-7100", quantity: -2, reason: "sold" } });
  expect(outcome.state).toBe("succeeded");
  expect(erp.calls[0]!.json).toEqual({ item: "P-7100", delta: -2, location: "MAIN", reason: "sold" });
});

test("a movement that cannot be one is not tried again", async () => {
  const outcome = await run("stock", { json: { article: "P-7100", quantity: 1.5 } });
  expect(outcome.state).toBe("failed");
  expect(outcome.error!.permanent).toBe(true);
});

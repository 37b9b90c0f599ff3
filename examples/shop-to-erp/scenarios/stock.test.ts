import { expect, mock, run, test } from "junctor/test";

test("a movement is forwarded", async () => {
  const erp = mock("http.request", { status: 204 });
  const answer = await run("stock", { json: { article: "P-7100", quantity: -2, reason: "sold" } });
  expect(answer.state).toBe("succeeded");
  expect(erp.calls[0]?.json).toEqual({ item: "P-7100", delta: -2, location: "MAIN", reason: "sold" });
});

test("half a piece is a failure for good", async () => {
  const answer = await run("stock", { json: { article: "P-7100", quantity: 0.5 } });
  expect(answer.error).toMatchObject({ name: "PermanentError", permanent: true });
});

package trial_test

import "testing"

const publishing = `import { events, type Request } from "junctor";
export default async (request: Request) => {
  const { id } = await events.publish("order.made", { subject: "4711", data: request.json() });
  try { await events.publish("record.x"); } catch (e) { return { id, refused: (e as Error).message.slice(0, 20) }; }
  return { id };
};`

// Events are really published, into a log that is forgotten; or answered by a mock.
func TestEventsInATrial(t *testing.T) {
	got := tests(t, map[string]string{
		"scenarios/shop.ts": publishing,
		"scenarios/shop.test.ts": `import { expect, mock, run, test } from "junctor/test";
test("published", async () => {
  const r = await run("shop", { json: { n: 1 } });
  expect(r.steps[0].name).toBe("events.publish");
  expect(r.steps[0].arguments).toEqual({ type: "order.made", subject: "4711", data: { n: 1 } });
  expect(r.json).toEqual({ id: "run_trial1.1", refused: "events.publish: type" });
});
test("mocked", async () => {
  mock("events.publish", { id: "other" });
  expect((await run("shop", { json: 1 })).json.id).toBe("other");
});
`,
	}, "")
	for _, line := range got {
		if line != "ok published" && line != "ok mocked" {
			t.Error(line)
		}
	}
	if len(got) != 2 {
		t.Errorf("%q", got)
	}
}

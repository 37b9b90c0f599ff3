package trial_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/run"
	"junctor/internal/trial"
)

const awaiting = `import { now, waitForAny, waitForAll, waitForEvent, sleep } from "junctor";
export default async function () {
  const began = await now();
  const paid = await waitForEvent<{ by: string }>("order.paid", { subject: "4711", timeout: "3d" });
  const first = await waitForAny({ sent: waitForEvent("order.sent", { timeout: "2h" }), reminder: sleep("1h") });
  const all = await waitForAll([waitForEvent("order.sent"), sleep("1m")], { timeout: "1d" });
  return [paid?.subject, paid?.type, paid?.data?.by, first?.key, all, ((await now()).getTime() - began.getTime()) / 3600_000];
}`

func TestMocksOfEvents(t *testing.T) {
	lab := open(t, map[string]string{"scenarios/wait.ts": awaiting})
	for mocks, want := range map[string]string{
		`[{"step":"waitForEvent","match":{"type":"order.paid","subject":"4*"},"value":{"data":{"by":"eva"}}},{"step":"waitForEvent","value":null}]`:                        `["4711","order.paid","eva","reminder",[null,null],25]`,
		`[{"step":"waitForEvent","match":{"type":"order.paid"},"value":null},{"step":"waitForEvent","value":{"type":"x"},"times":1},{"step":"waitForEvent","value":null}]`: `[null,null,null,"sent",[null,null],96]`,
	} {
		o := play(t, lab, "wait", trial.Input{}, mocks)
		got := string(o.JSON)
		if o.State != run.Succeeded || got != want {
			t.Errorf("%s\n%s %s, want %s: %+v", mocks, o.State, got, want, o.Error)
		}
	}
	if o := play(t, lab, "wait", trial.Input{}, `[]`); o.Error == nil || !strings.Contains(o.Error.Message, "- step: waitForEvent\n  match: { type: \"order.paid\", subject: \"4711\" }\n  value: { data: {} }") {
		t.Errorf("without a mock: %+v", o.Error)
	}
	for _, wrong := range []string{`[{"step":"waitForEvent"}]`, `[{"step":"waitForEvent","value":[]}]`, `[{"step":"waitForEvent","value":"order.paid"}]`, `[{"step":"waitForEvent","status":200,"value":{}}]`} {
		if _, err := trial.ParseMocks([]byte(wrong), lab.Steps()); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestTestsOfScenariosThatWait(t *testing.T) {
	got := tests(t, map[string]string{
		"scenarios/wait.ts": awaiting,
		"scenarios/wait.test.ts": `import { expect, mock, run, test } from "junctor/test";
test("paid", async () => {
  const waits = mock("waitForEvent", (call) => call.type === "order.paid" ? { data: { by: "eva" } } : null);
  expect((await run("wait")).json[2]).toBe("eva");
  expect(waits.calls.length).toBe(3);
});
test("nothing", async () => { mock("waitForEvent", () => 7); await run("wait"); });
`,
	}, "")
	if len(got) != 2 {
		t.Fatal(got)
	}
	if diff := cmp.Diff("ok paid", got[0]); diff != "" || !strings.Contains(got[1], "/value: is an event") {
		t.Errorf("%s %s", diff, got[1])
	}
}

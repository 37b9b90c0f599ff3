package trial_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/run"
	"junctor/internal/trial"
)

const asking = `import { approval, events, links, now } from "junctor";
export default async function () {
  const began = await now();
  const url = await links.event("order.received", { subject: 4711 });
  const notes: string[] = [];
  const d = await approval({ subject: 4711, choices: ["yes", "no"], assignees: ["eve"], timeout: "10h", reminder: "4h", notify: (a, n) => { notes.push(n + a.links.yes.slice(-4)); } });
  const hours = ((await now()).getTime() - began.getTime()) / 3600_000;
  return { url, notes, hours, decided: d && { choice: d.choice, comment: d.comment, by: d.by, via: d.via, at: d.at instanceof Date } };
}`

func TestMocksOfDecisions(t *testing.T) {
	lab := open(t, map[string]string{"scenarios/ask.ts": asking})
	url := `"url":"https://junctor.invalid/link/v1/run_trial1.2"`
	for mocks, want := range map[string]string{
		`[{"step":"approval.decision","value":{"choice":"yes"}}]`:                                      `{` + url + `,"notes":["0.yes"],"hours":0,"decided":{"choice":"yes","comment":"","by":null,"via":"api","at":true}}`,
		`[{"step":"approval.decision","value":{"choice":"no","comment":"c","by":"eve","via":"link"}}]`: `{` + url + `,"notes":["0.yes"],"hours":0,"decided":{"choice":"no","comment":"c","by":"eve","via":"link","at":true}}`,
		`[{"step":"approval.decision","value":null}]`:                                                  `{` + url + `,"notes":["0.yes","1.yes","2.yes"],"hours":10,"decided":null}`,
	} {
		o := play(t, lab, "ask", trial.Input{}, mocks)
		if got := strings.ReplaceAll(string(o.JSON), "run_trial2", "run_trial1"); o.State != run.Succeeded || got != want {
			t.Errorf("%s\n%s %s, want %s: %+v", mocks, o.State, got, want, o.Error)
		}
	}
	if o := play(t, lab, "ask", trial.Input{}, `[]`); o.Error == nil || !strings.Contains(o.Error.Message, "- step: approval.decision\n  value: { choice: approve }") {
		t.Errorf("without a mock: %+v", o.Error)
	}
	for _, wrong := range []string{`[{"step":"approval.decision"}]`, `[{"step":"approval.decision","value":"yes"}]`, `[{"step":"approval.decision","value":{}}]`, `[{"step":"approval.decision","status":200,"value":null}]`} {
		if _, err := trial.ParseMocks([]byte(wrong), lab.Steps()); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestTestsOfScenariosThatAsk(t *testing.T) {
	got := tests(t, map[string]string{
		"scenarios/ask.ts": asking,
		"scenarios/ask.test.ts": `import { expect, mock, run, test } from "junctor/test";
test("asked", async () => {
  const open = mock("approval.open", (call) => ({ id: "apr_1", expires_at: "2026-01-02T00:00:00Z", links: { yes: "L-yes", no: "L-no" }, personal: {} }));
  mock("approval.decision", () => ({ choice: "yes", by: "eve" }));
  mock("links.event", "https://example.com/x");
  const answer = (await run("ask")).json;
  expect(answer.decided.by).toBe("eve");
  expect(answer.url).toBe("https://example.com/x");
  expect(answer.notes).toEqual(["0-yes"]);
  expect(open.calls[0]!.assignees).toEqual(["eve"]);
});
test("nonsense", async () => { mock("approval.decision", () => "yes"); await run("ask"); });
`,
	}, "")
	if len(got) != 2 {
		t.Fatal(got)
	}
	if diff := cmp.Diff("ok asked", got[0]); diff != "" || !strings.Contains(got[1], "/value: is a decision") {
		t.Errorf("%s %s", diff, got[1])
	}
}

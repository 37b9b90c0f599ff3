package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"junctor/internal/run"
)

// shown is what showRun writes.
func shown(t *testing.T, info *run.Info, full bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	showRun(newConsole(os.Stdin, out, out), info, full)
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRunWithoutStepsSaysWhy(t *testing.T) {
	const forgotten, idle = "were not kept: the channel's capture says so", "It has made no step."
	for _, c := range []struct {
		name  string
		state run.State
		input string
		want  string
	}{
		{"ended, input gone", run.Succeeded, "", forgotten},
		{"ended, input there", run.Succeeded, "{}", idle},
		{"not ended", run.Queued, "", idle},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := shown(t, &run.Info{ID: "run_1", State: c.state, Input: json.RawMessage(c.input)}, false)
			if !strings.Contains(got, c.want) || strings.Contains(got, forgotten) != (c.want == forgotten) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
		})
	}
}

func TestErasedRunSaysSo(t *testing.T) {
	got := shown(t, &run.Info{ID: "run_1", State: run.Succeeded, Erased: true}, false)
	if !strings.Contains(got, "was erased") || strings.Contains(got, "capture") {
		t.Error(got)
	}
}

func TestAnswersOfFailedStepsAreShown(t *testing.T) {
	end := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	long := strings.Repeat("x", inBlock) + "the end"
	text, err := json.Marshal(map[string]any{"name": "HttpError", "data": map[string]any{"status": 400, "text": "no\x1b[2J\nsecond  line " + long}})
	if err != nil {
		t.Fatal(err)
	}
	info := &run.Info{
		ID: "run_1", State: run.Failed, Input: json.RawMessage("{}"), Error: &run.ErrorInfo{Name: "HttpError", Message: "refused", Steps: []int{2}},
		Steps: []run.Step{
			{Seq: 1, Name: "http.request", Error: json.RawMessage(`{"data":{"status":404,"text":"caught"}}`), StartedAt: end, FinishedAt: &end},
			{Seq: 2, Name: "http.request", Error: text, StartedAt: end, FinishedAt: &end},
			{Seq: 3, Name: "http.request", Error: json.RawMessage(`{"name":"HttpError","message":"connection refused"}`), StartedAt: end, FinishedAt: &end},
		},
	}
	brief := shown(t, info, false)
	for _, want := range []string{"step 2 was answered 400:\n  no\uFFFD[2J\n  second  line x", cutHint} {
		if !strings.Contains(brief, want) {
			t.Errorf("no %q in\n%s", want, brief)
		}
	}
	for _, not := range []string{"the end", "step 1 was answered", "step 3 was answered", "\x1b"} {
		if strings.Contains(brief, not) {
			t.Errorf("%q in\n%s", not, brief)
		}
	}
	if full := shown(t, info, true); !strings.Contains(full, "the end\n") || strings.Contains(full, cutHint) {
		t.Errorf("in full:\n%s", full)
	}
}

func TestLegibleKeepsTheMeaning(t *testing.T) {
	for raw, want := range map[string]string{
		`"\u003ca\u003e \u0026 b"`: `"<a> & b"`,
		`"\\u003c"`:                `"\\u003c"`,
		`"\\\u003c"`:               `"\\<"`,
		`"\n\"  x"`:                `"\n\"  x"`,
		`"a\`:                      `"a\`,
	} {
		if got := legible(json.RawMessage(raw)); got != want {
			t.Errorf("%s became %s, want %s", raw, got, want)
		}
	}
}

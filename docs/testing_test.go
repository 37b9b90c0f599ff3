package docs_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"junctor/internal/host"
	"junctor/internal/run"
	"junctor/internal/script"
	"junctor/internal/trial"
)

// The tests that the guide shows pass with the scenario that the guide shows.
func TestGuideTestsPass(t *testing.T) {
	guideTests(t, 3, blocks(read(t, "docs/guide/1-first-integration.md"), "ts")[0], blocks(read(t, "docs/guide/7-testing.md"), "ts")[0])
	waiting := blocks(read(t, "docs/guide/16-waiting.md"), "ts")
	guideTests(t, 1, waiting[0], waiting[len(waiting)-1])
}

// guideTests runs so many tests of a scenario.
func guideTests(t *testing.T, n int, scenario, tests string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "scenarios"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"order.ts": scenario, "order.test.ts": tests} {
		if err := os.WriteFile(filepath.Join(dir, "scenarios", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bundle, mistakes := script.Build(t.Context(), script.BuildOptions{Dir: dir, Entry: "scenarios/order.ts"})
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	lab, err := trial.Open(t.Context(), trial.Options{
		Dir: dir, Scenarios: map[string]*script.Bundle{"order": bundle}, Module: host.Module(), Pure: host.Pure(), Answered: host.Answered,
		Handlers: func(now func() time.Time) run.Handlers { return host.Handlers(nil, nil, nil, now) },
	})
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	err = lab.Test(t.Context(), "", func(o trial.Outcome) {
		if passed++; !o.OK {
			t.Errorf("%s: %s: %s", o.Name, o.Failure.Place, o.Failure.Message)
		}
	})
	if err != nil {
		t.Error(err)
	}
	if err := lab.Close(); err != nil || passed != n {
		t.Errorf("%d tests, %v", passed, err)
	}
}

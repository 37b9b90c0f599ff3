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
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "scenarios"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, page := range map[string]string{"order.ts": "docs/guide/1-first-integration.md", "order.test.ts": "docs/guide/7-testing.md"} {
		if err := os.WriteFile(filepath.Join(dir, "scenarios", name), []byte(blocks(read(t, page), "ts")[0]), 0o600); err != nil {
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
	if err := lab.Close(); err != nil || passed != 3 {
		t.Errorf("%d tests, %v", passed, err)
	}
}

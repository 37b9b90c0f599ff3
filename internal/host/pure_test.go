package host

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"junctor/internal/script"
)

// scenarios runs sources against the module as scenarios do.
type scenarios struct{ pool *script.Pool }

func newScenarios(t *testing.T) scenarios {
	t.Helper()
	pool, err := script.NewPool(script.Config{Size: 2, Module: Module(), Pure: Pure()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return scenarios{pool}
}

// run executes the body of a scenario that needs no step and gives what it
// returned as JSON, or its error as "Name: message".
func (s scenarios) run(t *testing.T, body string) string {
	t.Helper()
	source := `import * as junctor from "junctor";
const { xml, csv, encoding, crypto, decimal, base64 } = junctor as any;
const bytes = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0));
export default function () {
` + body + "\n}"
	bundle, diagnostics := script.Build(t.Context(), script.BuildOptions{Sources: map[string]string{"scenario.ts": source}, Entry: "scenario.ts"})
	if diagnostics != nil {
		t.Fatalf("%s: %v", body, diagnostics)
	}
	program, diagnostics := script.Compile(bundle)
	if diagnostics != nil {
		t.Fatalf("%s: %v", body, diagnostics)
	}
	exec, turn, err := s.pool.Start(context.Background(), script.Start{
		Program: program, Entry: "default", Seed: 7, Now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Args: []string{"", "null", "run_1", "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Close()
	switch {
	case !turn.Done:
		t.Fatalf("%s: the run waits", body)
	case turn.Err != nil:
		return turn.Err.Name + ": " + turn.Err.Message
	case turn.Output == "":
		return ""
	}
	var output struct{ Value json.RawMessage }
	if err := json.Unmarshal([]byte(turn.Output), &output); err != nil {
		t.Fatalf("%s: output %s: %v", body, turn.Output, err)
	}
	return string(output.Value)
}

// example is a scenario's expression and its value as JSON, or the beginning of
// its error after "!".
type example struct{ expression, want string }

func (s scenarios) check(t *testing.T, examples []example) {
	t.Helper()
	for _, e := range examples {
		got := s.run(t, "return "+e.expression+";")
		if want, isError := strings.CutPrefix(e.want, "!"); isError {
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s\ngot  %s\nwant %s...", e.expression, got, want)
			}
		} else if got != e.want {
			t.Errorf("%s\ngot  %s\nwant %s", e.expression, got, e.want)
		}
	}
}

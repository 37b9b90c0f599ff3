package run_test

import (
	"context"
	"testing"

	"junctor/internal/run"
)

// After a retry a program may go another way. What it calls then must not go
// out under the number, and so the idempotency key, of another call.
func TestANumberNeverStandsForTwoCalls(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		keys := map[string]string{}
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			if _, err := p.step("out", `"order"`); err != nil {
				p.step("out", `"complain"`)
				return nil, fail(err.Message, 1)
			}
			p.step("out", `"thank"`)
			p.step("out", `"file"`)
			return nil, nil
		}
		w.answer = func(c *run.Call) ([]byte, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if had, ok := keys[c.Key()]; ok && had != string(c.Args) {
				t.Errorf("%s stood for %s and now stands for %s", c.Key(), had, c.Args)
			}
			keys[c.Key()] = string(c.Args)
			if c.Seq == 1 && w.calls[c.Key()] == 1 {
				return nil, &run.StepError{Name: "HttpError", Message: "500"}
			}
			return nil, nil
		}
		id := w.accept("p")
		w.clock.Advance(w.parked(id, "retry").DueAt.Sub(w.clock.Now()))
		got := w.end(id)
		if got.State != run.Succeeded || len(got.Steps) != 3 || w.made(id+".1") != 2 {
			t.Fatalf("got %s with %d steps, calls %v", got.State, len(got.Steps), w.calls)
		}
		// The same way again: the steps are found by their calls, whatever their numbers.
		again, err := w.Rerun(context.Background(), id, run.RerunOptions{FromStep: got.Steps[2].Seq})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.end(again.ID); got.State != run.Succeeded {
			t.Errorf("the rerun: %s %+v", got.State, got.Error)
		}
	})
}

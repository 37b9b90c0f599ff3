package run_test

import (
	"context"
	"testing"

	"junctor/internal/run"
)

// A run that waits in memory for a worker is cancelled like any other.
func TestCancelOfARunThatWaitsForAWorker(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		gate := make(chan struct{})
		inside := make(chan struct{}, 8)
		w.programs["holds"] = func(*process) ([]byte, *run.Failure) {
			inside <- struct{}{}
			<-gate
			return nil, nil
		}
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("out", `"one"`)
			return nil, nil
		}
		var holding []string
		for range 8 { // all workers
			holding = append(holding, w.accept("holds"))
			<-inside
		}
		waiting := w.accept("p")
		if _, err := w.Cancel(context.Background(), waiting); err != nil {
			t.Fatal(err)
		}
		close(gate)
		for _, id := range holding {
			w.end(id)
		}
		if info := w.end(waiting); info.State != run.Cancelled {
			t.Errorf("the cancelled run is %s", info.State)
		}
		if n := w.made(waiting + ".1"); n > 0 {
			t.Errorf("the cancelled run made its call %d times", n)
		}
	})
}

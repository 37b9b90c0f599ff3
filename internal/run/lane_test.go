package run_test

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/run"
)

// Runs of a source with a bound take no worker: those that do not come to an end
// hold up nobody, and no more of them go on than may.
func TestSourcesWithABound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy = run.Policy{Attempts: 1, AtOnce: 3, KeepSucceeded: time.Hour}
		release := make(chan struct{})
		var going, most atomic.Int32
		w.answer = func(c *run.Call) ([]byte, error) {
			if string(c.Args) != `"hang"` {
				return c.Args, nil
			}
			if n := going.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer going.Add(-1)
			<-release
			return c.Args, nil
		}
		for _, name := range []string{"hang", "quick"} {
			w.programs[name] = func(p *process) ([]byte, *run.Failure) {
				answer, _ := p.step("out", fmt.Sprintf("%q", name))
				return answer, nil
			}
		}
		all := func(source, program string, n int) {
			t.Helper()
			starts := make([]run.Start, n)
			for i := range starts {
				starts[i] = run.Start{Program: program, Source: source, Input: []byte(`{}`)}
			}
			ok, err := w.AcceptAll(t.Context(), starts, func(*db.Tx) (bool, error) { return true, nil })
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
		}
		open := func(source string, want int) {
			t.Helper()
			deadline := time.Now().Add(20 * time.Second)
			for {
				n, err := w.OpenOf(t.Context(), source, 1000)
				if err != nil {
					t.Fatal(err)
				}
				if n == want {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s has %d runs that have not ended, want %d", source, n, want)
				}
				<-time.After(2 * time.Millisecond)
			}
		}
		all("subscription:hang", "hang", 40)
		all("subscription:quick", "quick", 100)
		open("subscription:quick", 0)
		if n := w.Backlog("subscription:hang"); n != 37 || most.Load() != 3 {
			t.Errorf("%d wait and %d went on at once, want 37 and 3", n, most.Load())
		}
		close(release)
		open("subscription:hang", 0)
		if most.Load() > 3 {
			t.Errorf("%d went on at once", most.Load())
		}
		ok, err := w.AcceptAll(t.Context(), []run.Start{{Program: "quick", Source: "subscription:none"}}, func(*db.Tx) (bool, error) { return false, nil })
		if runs, _, _ := w.List(t.Context(), run.Filter{Source: "subscription:none"}); ok || err != nil || len(runs) != 0 {
			t.Errorf("what was to be left was stored: %v, %v, %v", ok, err, runs)
		}
	})
}

// A step whose start the row stands for is made again, under the same key, when
// the process dies before its end, and is in the journal once.
func TestRowStandsForTheFirstStep(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.stop()
		reached := make(chan struct{}, 1)
		w.more = run.Handlers{"deliver": {RowFirst: true, External: func(ctx context.Context, c *run.Call) ([]byte, error) {
			w.mu.Lock()
			w.calls[c.Key()]++
			first := w.calls[c.Key()] == 1
			w.mu.Unlock()
			if first {
				reached <- struct{}{}
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return []byte(`"done"`), nil
		}}}
		w.start(nil)
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			answer, _ := p.step("deliver", `{"a":1}`)
			return answer, nil
		}
		id := w.accept("p")
		<-reached
		w.restart()
		got := w.end(id)
		if got.State != run.Succeeded || len(got.Steps) != 1 || got.Steps[0].Seq != 1 || string(got.Steps[0].Result) != `"done"` || w.made(id+".1") != 2 {
			t.Errorf("%s after %d calls: %+v", got.State, w.made(id+".1"), got.Steps)
		}
		if keys := maps.Clone(w.calls); len(keys) != 1 {
			t.Errorf("called under %v", keys)
		}
	})
}

// Waits before the next try may stand in a list, of which the last one lasts.
func TestScheduleOfTries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy = run.Policy{Attempts: 5, Schedule: []time.Duration{time.Second, time.Hour}}
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			if _, err := p.step("out", `1`); err != nil {
				return nil, fail(err.Message, 1)
			}
			return nil, nil
		}
		w.answer = func(*run.Call) ([]byte, error) { return nil, &run.StepError{Name: "Error", Message: "no"} }
		id := w.accept("p")
		for attempt, wait := range []time.Duration{time.Second, time.Hour, time.Hour, time.Hour} {
			got := w.until(id, func(i *run.Info) bool { return i.WaitingFor == "retry" && i.Attempt == attempt+2 })
			if d := got.DueAt.Sub(w.clock.Now()); d > wait || d < wait*3/4-time.Millisecond {
				t.Errorf("before try %d: %s, want up to %s", attempt+2, d, wait)
			}
			w.clock.Advance(wait)
		}
		if got := w.end(id); got.State != run.Failed || w.made(id+".1") != 5 {
			t.Errorf("%s after %d tries", got.State, w.made(id+".1"))
		}
	})
}

// What waits for its next try can be hurried, by its source.
func TestHurry(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy = run.Policy{Attempts: 3, Schedule: []time.Duration{time.Hour}}
		var well atomic.Bool
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			if _, err := p.step("out", `1`); err != nil {
				return nil, fail(err.Message, 1)
			}
			return nil, nil
		}
		w.answer = func(*run.Call) ([]byte, error) {
			if well.Load() {
				return nil, nil
			}
			return nil, &run.StepError{Name: "Error", Message: "no"}
		}
		var ids []string
		for _, source := range []string{"subscription:a", "subscription:a", "subscription:b"} {
			a, err := w.Accept(t.Context(), run.Start{Program: "p", Source: source, Input: []byte(`{}`)})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, a.Run)
			w.parked(a.Run, "retry")
		}
		well.Store(true)
		if n, err := w.Hurry(t.Context(), "subscription:a"); n != 2 || err != nil {
			t.Errorf("hurried %d, %v", n, err)
		}
		for _, id := range ids[:2] {
			if got := w.end(id); got.State != run.Succeeded || got.Attempt != 2 {
				t.Errorf("%s at try %d", got.State, got.Attempt)
			}
		}
		if got, err := w.Get(t.Context(), ids[2]); err != nil || got.State != run.Waiting {
			t.Errorf("the other one is %v, %v", got, err)
		}
	})
}

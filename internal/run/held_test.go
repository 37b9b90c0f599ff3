package run_test

import (
	"fmt"
	"testing"
	"time"

	"junctor/internal/run"
)

// calls makes the call "out" a number of times, one after another, and fails
// with the first that fails.
func calls(n int) program {
	return func(p *process) ([]byte, *run.Failure) {
		for i := range n {
			if _, err := p.step("out", fmt.Sprint(i)); err != nil {
				return nil, fail(err.Message, i+1)
			}
		}
		return []byte("1"), nil
	}
}

func (w *world) answers(f func(n int, c *run.Call) error) {
	w.answer = func(c *run.Call) ([]byte, error) { return []byte("1"), f(w.made(c.Key()), c) }
}

var heldBack = &run.StepError{Name: "HttpError", Message: "held back", Held: true, RetryAfter: time.Hour}

// next waits for a run's pause and moves the clock to its end.
func (w *world) next(id string, earliest, latest time.Duration) *run.Info {
	w.t.Helper()
	got := w.parked(id, "retry")
	if wait := got.DueAt.Sub(w.clock.Now()); wait < earliest || wait > latest {
		w.t.Errorf("the next try is in %s, not in %s to %s", wait, earliest, latest)
	}
	w.clock.Advance(got.DueAt.Sub(w.clock.Now()))
	w.until(id, func(i *run.Info) bool {
		return i.State != run.Waiting || i.Attempt > got.Attempt || i.DueAt != nil && i.DueAt.After(*got.DueAt)
	})
	return got
}

// about waits for the run about something.
func (w *world) about(subject string) string {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if list, _, err := w.List(w.t.Context(), run.Filter{Subject: subject}); err == nil && len(list) == 1 {
			return list[0].ID
		}
		<-time.After(2 * time.Millisecond)
	}
	w.t.Fatalf("no run about %s", subject)
	return ""
}

// A step that its connection held back was no attempt, however often.
func TestHeldStepsUseUpNoAttempt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.Attempts, w.policy.First = 2, time.Millisecond
		w.programs["p"] = calls(2)
		w.answers(func(n int, c *run.Call) error {
			switch {
			case c.Seq == 2 && n <= 5:
				return heldBack
			case c.Seq == 2 && n == 6:
				return &run.StepError{Name: "HttpError", Message: "500"}
			}
			return nil
		})
		id := w.accept("p")
		for i := range 5 {
			if i == 2 { // the pause is on disk
				w.parked(id, "retry")
				w.stop()
				w.start(nil)
			}
			if got := w.next(id, time.Hour, 75*time.Minute); got.Attempt != 1 || got.Error == nil || got.Error.Message != "held back" {
				t.Errorf("pause %d: attempt %d, %+v", i+1, got.Attempt, got.Error)
			}
		}
		w.next(id, 0, time.Millisecond)
		if got := w.end(id); got.State != run.Succeeded || got.Attempt != 2 || w.made(id+".1") != 1 || w.made(id+".2") != 7 {
			t.Errorf("%s after attempt %d; calls %v", got.State, got.Attempt, w.calls)
		}
	})
}

// What was held back waits for its connection and not for the back-off, which
// is for what the other side failed at.
func TestHeldStepsDoNotBackOff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.Attempts, w.policy.First, w.policy.Max = 3, 10*time.Hour, 10*time.Hour
		w.programs["p"] = calls(1)
		w.answers(func(n int, _ *run.Call) error {
			switch n {
			case 1:
				return &run.StepError{Name: "HttpError", Message: "500"}
			case 2:
				return &run.StepError{Name: "HttpError", Message: "held back", Held: true, RetryAfter: time.Minute}
			case 3:
				return &run.StepError{Name: "HttpError", Message: "held back", Held: true}
			}
			return nil
		})
		id := w.accept("p")
		w.next(id, 7*time.Hour, 10*time.Hour)
		w.next(id, time.Minute, 75*time.Second)
		w.next(id, time.Second, 1250*time.Millisecond)
		if got := w.end(id); got.State != run.Succeeded || got.Attempt != 2 {
			t.Errorf("%s after attempt %d", got.State, got.Attempt)
		}
	})
}

func TestHeldAndFailedTogetherIsAnAttempt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.Attempts = 1
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.begin("out", "1")
			p.begin("out", "2")
			p.next()
			p.next()
			return nil, fail("both", 1, 2)
		}
		w.answers(func(_ int, c *run.Call) error {
			if c.Seq == 1 {
				return heldBack
			}
			return &run.StepError{Name: "HttpError", Message: "500"}
		})
		if got := w.end(w.accept("p")); got.State != run.Failed || got.Attempt != 1 {
			t.Errorf("%s after attempt %d", got.State, got.Attempt)
		}
	})
}

func TestPermanentErrorOverHeldStepIsFinal(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("out", "1")
			f := fail("no way", 1)
			f.Permanent = true
			return nil, f
		}
		w.answers(func(int, *run.Call) error { return heldBack })
		if got := w.end(w.accept("p")); got.State != run.Failed {
			t.Errorf("%s", got.State)
		}
	})
}

// A program that catches the failure goes on with it.
func TestCaughtHeldStepIsAResult(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			_, err := p.step("out", "1")
			return []byte(`"` + err.Message + `"`), nil
		}
		w.answers(func(int, *run.Call) error { return heldBack })
		got := w.end(w.accept("p"))
		if got.State != run.Succeeded || string(got.Output) != `"held back"` || len(got.Steps) != 1 {
			t.Errorf("%s %s %+v", got.State, got.Output, got.Steps)
		}
	})
}

// Who waits and wants one attempt is told at once; who wants more waits.
func TestHeldAwaitedRun(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = calls(1)
		w.answers(func(n int, _ *run.Call) error {
			if n == 1 {
				return heldBack
			}
			return nil
		})
		w.policy.Attempts = 1
		res, err := w.await(run.Start{Program: "p"}, 5*time.Hour)
		if err != nil || res.State != run.Failed || res.Failure == nil || res.Failure.Message != "held back" {
			t.Errorf("one attempt: %+v, %v", res, err)
		}
		w.policy.Attempts = 2
		told := make(chan run.Result, 1)
		go func() {
			res, err := w.await(run.Start{Program: "p", Subject: "second"}, 5*time.Hour)
			if err != nil {
				t.Error(err)
			}
			told <- res
		}()
		w.next(w.about("second"), time.Hour, 75*time.Minute)
		if res := <-told; res.State != run.Succeeded {
			t.Errorf("two attempts: %+v", res)
		}
	})
}

// Nor do they wait who are held inside a run that the awaited one has called.
func TestHeldChildOfAnAwaitedRun(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		calling := func(child string, answers bool) program {
			return func(p *process) ([]byte, *run.Failure) {
				if answers {
					if err := p.x.Respond([]byte(`"at once"`)); err != nil {
						return nil, fail(err.Error())
					}
				}
				out, err := p.step("child", child)
				if err != nil {
					f := fail(err.Message, 1)
					f.Permanent = err.Permanent
					return nil, f
				}
				return out, nil
			}
		}
		w.programs["leaf"] = calls(1)
		w.programs["middle"] = calling("leaf", false)
		w.programs["top"] = calling("middle", false)
		w.programs["answers"] = calling("middle", true)
		leaf := func() string { // the newest
			t.Helper()
			deadline := time.Now().Add(20 * time.Second)
			for time.Now().Before(deadline) {
				open := []run.State{run.Queued, run.Running, run.Waiting}
				if list, _, err := w.List(t.Context(), run.Filter{Program: "leaf", State: open}); err == nil && len(list) == 1 {
					return list[0].ID
				}
				<-time.After(2 * time.Millisecond)
			}
			t.Fatal("no run is held")
			return ""
		}
		w.answers(func(n int, _ *run.Call) error {
			if n == 1 {
				return heldBack
			}
			return nil
		})
		w.policy.Attempts = 1
		res, err := w.await(run.Start{Program: "top"}, 5*time.Hour)
		if err != nil || res.State != run.Failed || res.Failure == nil || !contains(res.Failure.Message, "held back") {
			t.Errorf("one attempt: %+v, %v", res, err)
		}
		unexpected := w.accept("top") // nobody waits for it
		w.next(leaf(), time.Hour, 75*time.Minute)
		if got := w.end(unexpected); got.State != run.Succeeded {
			t.Errorf("not awaited: %s %+v", got.State, got.Error)
		}
		res, err = w.await(run.Start{Program: "answers"}, 5*time.Hour)
		if err != nil || !res.Answered {
			t.Fatalf("answered before: %+v, %v", res, err)
		}
		w.next(leaf(), time.Hour, 75*time.Minute)
		if got := w.end(res.Run); got.State != run.Succeeded {
			t.Errorf("answered before: %s %+v", got.State, got.Error)
		}
		w.policy.Attempts = 2
		told := make(chan run.Result, 1)
		go func() {
			res, err := w.await(run.Start{Program: "top"}, 5*time.Hour)
			if err != nil {
				t.Error(err)
			}
			told <- res
		}()
		w.next(leaf(), time.Hour, 75*time.Minute)
		if res := <-told; res.State != run.Succeeded {
			t.Errorf("two attempts: %+v", res)
		}
	})
}

// What the other side asked for is waited for, through the whole way.
func TestRetryAfterIsWaitedFor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.First = time.Second
		w.programs["p"] = calls(1)
		w.programs["cause unknown"] = func(p *process) ([]byte, *run.Failure) {
			if _, err := p.step("out", "1"); err != nil {
				return nil, fail("no cause")
			}
			return nil, nil
		}
		w.answers(func(n int, _ *run.Call) error {
			switch n {
			case 1:
				return &run.StepError{Name: "HttpError", Message: "429", RetryAfter: time.Hour}
			case 2:
				return &run.StepError{Name: "HttpError", Message: "503"}
			}
			return nil
		})
		for name := range w.programs {
			id := w.accept(name)
			w.next(id, time.Hour, time.Hour)
			w.next(id, time.Second, 2*time.Second)
			if got := w.end(id); got.State != run.Succeeded || got.Attempt != 3 {
				t.Errorf("%s: %s after attempt %d", name, got.State, got.Attempt)
			}
		}
	})
}

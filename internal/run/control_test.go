package run_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"junctor/internal/fault"
	"junctor/internal/run"
)

func TestChildren(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["child"] = func(p *process) ([]byte, *run.Failure) {
			p.step("sleep", "1h")
			return []byte(`"grown"`), nil
		}
		w.programs["bad"] = func(*process) ([]byte, *run.Failure) { return nil, fail("broken") }
		w.programs["parent"] = func(p *process) ([]byte, *run.Failure) {
			out, err := p.step("child", "child")
			if err != nil {
				return nil, fail(err.Message)
			}
			if _, err := p.step("child", "bad"); err == nil || !contains(err.Message, "broken") {
				return nil, fail("the child's failure was not thrown")
			}
			return out, nil
		}
		id := w.accept("parent")
		w.parked(id, "child")
		children, _, err := w.List(context.Background(), run.Filter{Program: "child"})
		if err != nil || len(children) != 1 || children[0].Parent != id {
			t.Fatalf("children: %+v, %v", children, err)
		}
		w.parked(children[0].ID, "time")
		w.stop()
		w.start(nil)
		w.clock.Advance(time.Hour)
		if got := w.end(id); got.State != run.Succeeded || string(got.Output) != `"grown"` {
			t.Errorf("got %s %s %+v", got.State, got.Output, got.Error)
		}
	})
}

func TestCancelReachesChildren(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["child"] = func(p *process) ([]byte, *run.Failure) {
			p.step("sleep", "1h")
			return nil, nil
		}
		w.programs["parent"] = func(p *process) ([]byte, *run.Failure) {
			p.step("child", "child")
			p.step("out", `"never"`)
			return nil, nil
		}
		id := w.accept("parent")
		w.parked(id, "child")
		if _, err := w.Cancel(context.Background(), id); err != nil { // whatever the child is doing: beginning, parking, parked
			t.Fatal(err)
		}
		if got := w.end(id); got.State != run.Cancelled {
			t.Errorf("parent: %s", got.State)
		}
		children, _, err := w.List(context.Background(), run.Filter{Program: "child"})
		if err != nil || len(children) != 1 {
			t.Fatalf("children: %+v, %v", children, err)
		}
		if got := w.end(children[0].ID); got.State != run.Cancelled {
			t.Errorf("the child: %s", got.State)
		}
		if _, err := w.Cancel(context.Background(), id); !fault.Is(err, fault.Conflict) {
			t.Errorf("cancelled again: %v", err)
		}
	})
}

func TestCancelTakesEffectAtTheNextCall(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		begun, gate := make(chan struct{}), make(chan struct{})
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			close(begun)
			<-gate
			p.step("out", `"never"`)
			return []byte("1"), nil
		}
		id := w.accept("p")
		<-begun
		if _, err := w.Cancel(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		close(gate)
		if got := w.end(id); got.State != run.Cancelled || w.made(id+".1") != 0 {
			t.Errorf("got %s, and %d calls were made", got.State, w.made(id+".1"))
		}
	})
}

func TestTerminateTakesEffectNow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		begun, gate := make(chan struct{}), make(chan struct{})
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			close(begun)
			<-gate
			p.step("out", `"never"`)
			return []byte("1"), nil
		}
		id := w.accept("p")
		<-begun
		info, err := w.Terminate(context.Background(), id)
		if err != nil || info.State != run.Cancelled {
			t.Fatalf("got %+v, %v", info, err)
		}
		close(gate)
		if got := w.end(id); got.State != run.Cancelled || w.made(id+".1") != 0 {
			t.Errorf("got %s, and %d calls were made", got.State, w.made(id+".1"))
		}
	})
}

func TestRerunFromAStep(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("out", `"a"`)
			p.step("out", `"b"`)
			out, _ := p.step("out", `"c"`)
			return out, nil
		}
		id := w.accept("p")
		w.end(id)
		again, err := w.Rerun(context.Background(), id, run.RerunOptions{FromStep: 3})
		if err != nil {
			t.Fatal(err)
		}
		got := w.end(again.ID)
		if got.State != run.Succeeded || got.Origin != id || len(got.Steps) != 3 {
			t.Errorf("got %+v", got)
		}
		if w.made(again.ID+".1")+w.made(again.ID+".2") != 0 || w.made(again.ID+".3") != 1 {
			t.Errorf("calls: %v", w.calls)
		}
		whole, err := w.Rerun(context.Background(), id, run.RerunOptions{Version: "latest"})
		if err != nil || whole.Version != "v2" {
			t.Fatalf("got %+v, %v", whole, err)
		}
		if w.end(whole.ID); w.made(whole.ID+".1") != 1 {
			t.Errorf("calls: %v", w.calls)
		}
		for _, bad := range []run.RerunOptions{{FromStep: 9}, {FromStep: -1}, {Version: "older"}} {
			if _, err := w.Rerun(context.Background(), id, bad); !fault.Is(err, fault.Unprocessable) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}

func TestRetryByHandKeepsTheKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.Attempts = 1
		broken := true
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("out", `"a"`)
			if _, err := p.step("out", `"b"`); err != nil {
				return nil, fail(err.Message, 2)
			}
			return nil, nil
		}
		w.answer = func(c *run.Call) ([]byte, error) {
			if c.Seq == 2 && broken {
				return nil, &run.StepError{Name: "HttpError", Message: "500"}
			}
			return nil, nil
		}
		id := w.accept("p")
		if got := w.end(id); got.State != run.Failed || len(got.Error.Steps) != 1 || got.Error.Steps[0] != 2 {
			t.Fatalf("got %s %+v", got.State, got.Error)
		}
		w.mu.Lock()
		broken = false
		w.mu.Unlock()
		if _, err := w.Retry(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		if got := w.end(id); got.State != run.Succeeded || w.made(id+".1") != 1 || w.made(id+".2") != 2 {
			t.Errorf("got %s, calls %v", got.State, w.calls)
		}
		if _, err := w.Retry(context.Background(), id); !fault.Is(err, fault.Conflict) {
			t.Errorf("a succeeded run was retried: %v", err)
		}
		if _, err := w.Retry(context.Background(), "run_none"); !fault.Is(err, fault.NotFound) {
			t.Errorf("no run: %v", err)
		}
	})
}

// A run that waits for its next try, held back or after a failure, is hurried.
func TestRetryByHandDoesNotWait(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.Attempts, w.policy.First, w.policy.Max = 2, 10*time.Hour, 10*time.Hour
		w.programs["p"] = calls(1)
		w.programs["sleeps"] = func(p *process) ([]byte, *run.Failure) {
			p.step("sleep", "1h")
			return nil, nil
		}
		w.answers(func(n int, _ *run.Call) error {
			switch n {
			case 1, 2:
				return heldBack
			case 3:
				return &run.StepError{Name: "HttpError", Message: "500"}
			}
			return nil
		})
		id := w.accept("p")
		for i, attempt := range []int{1, 1, 2} {
			pause := w.until(id, func(info *run.Info) bool {
				return w.made(id+".1") == i+1 && info.WaitingFor == "retry" && info.DueAt != nil
			})
			if pause.Attempt != attempt {
				t.Errorf("pause %d: attempt %d, not %d", i+1, pause.Attempt, attempt)
			}
			if i == 1 { // nothing is remembered of the pause
				w.stop()
				w.start(nil)
			}
			if _, err := w.Retry(context.Background(), id); err != nil {
				t.Fatalf("try %d is hurried: %v", i+2, err)
			}
		}
		if got := w.end(id); got.State != run.Succeeded || got.Attempt != 2 || w.made(id+".1") != 4 {
			t.Errorf("%s after attempt %d, calls %v", got.State, got.Attempt, w.calls)
		}
		asleep := w.accept("sleeps")
		due := w.parked(asleep, "time").DueAt
		if _, err := w.Retry(context.Background(), asleep); !fault.Is(err, fault.Conflict) {
			t.Errorf("a sleep was hurried: %v", err)
		}
		if got := w.parked(asleep, "time").DueAt; !got.Equal(*due) {
			t.Errorf("the sleep ends at %s, not %s", got, due)
		}
	})
}

func TestPoisonRunBecomesADeadLetter(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("sleep", "1h")
			return nil, nil
		}
		id := w.accept("p")
		w.parked(id, "time")
		for range 3 {
			w.stop()
			w.accuse(id) // as a process that died in a turn of the run leaves it
			w.start(nil)
		}
		w.clock.Advance(time.Hour)
		if got := w.end(id); got.State != run.Failed || got.Error.Name != "DeadLetter" {
			t.Errorf("got %s %+v", got.State, got.Error)
		}
	})
}

func TestPurge(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("out", `"a"`)
			return nil, nil
		}
		old := w.accept("p")
		w.end(old)
		w.clock.Advance(48 * time.Hour)
		young := w.accept("p")
		w.end(young)
		options := run.PurgeOptions{OlderThan: 24 * time.Hour, DryRun: true}
		if n, err := w.Purge(context.Background(), options); n != 1 || err != nil {
			t.Errorf("would purge %d, %v", n, err)
		}
		options.DryRun = false
		if n, err := w.Purge(context.Background(), options); n != 1 || err != nil {
			t.Errorf("purged %d, %v", n, err)
		}
		if _, err := w.Get(context.Background(), old); !fault.Is(err, fault.NotFound) {
			t.Errorf("the old run: %v", err)
		}
		if _, err := w.Get(context.Background(), young); err != nil {
			t.Errorf("the young run: %v", err)
		}
		if _, err := w.Purge(context.Background(), run.PurgeOptions{States: []run.State{run.Running}}); !fault.Is(err, fault.Unprocessable) {
			t.Errorf("running runs: %v", err)
		}
	})
}

func TestRetentionIsPerChannelAndState(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.KeepSucceeded, w.policy.KeepFailed = time.Hour, 0 // failed ones for ever
		w.programs["good"] = func(*process) ([]byte, *run.Failure) { return nil, nil }
		w.programs["bad"] = func(*process) ([]byte, *run.Failure) { return nil, fail("no") }
		good, bad := w.accept("good"), w.accept("bad")
		w.end(good)
		w.end(bad)
		w.clock.Advance(30 * time.Minute)
		if _, err := w.Get(context.Background(), good); err != nil {
			t.Fatalf("removed too early: %v", err)
		}
		deadline := time.Now().Add(20 * time.Second)
		for {
			w.clock.Advance(time.Hour)
			if _, err := w.Get(context.Background(), good); fault.Is(err, fault.NotFound) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the succeeded run was never removed")
			}
			<-time.After(5 * time.Millisecond)
		}
		if _, err := w.Get(context.Background(), bad); err != nil {
			t.Errorf("the failed run: %v", err)
		}
	})
}

func TestRetentionReachesRunsBehindThoseThatStay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.KeepSucceeded, w.policy.KeepFailed = time.Hour, 0
		w.programs["good"] = func(*process) ([]byte, *run.Failure) { return nil, nil }
		w.programs["bad"] = func(*process) ([]byte, *run.Failure) { return nil, fail("no") }
		var stay []string
		for range 450 {
			stay = append(stay, w.accept("bad"))
		}
		last := w.accept("good")
		for _, id := range append(stay, last) {
			w.end(id)
		}
		deadline := time.Now().Add(20 * time.Second)
		for {
			w.clock.Advance(time.Hour)
			if _, err := w.Get(context.Background(), last); fault.Is(err, fault.NotFound) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the succeeded run was never removed")
			}
			<-time.After(5 * time.Millisecond)
		}
		for _, id := range stay {
			if _, err := w.Get(context.Background(), id); err != nil {
				t.Fatalf("a failed run: %v", err)
			}
		}
	})
}

func TestWhatIsCalledLastIsMadeToo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		landed := make(chan string, 1)
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.begin("count", "last")
			p.begin("out", `"last"`)
			return []byte("1"), nil
		}
		w.answer = func(c *run.Call) ([]byte, error) {
			landed <- c.Key()
			return nil, nil
		}
		id := w.accept("p")
		if key := <-landed; key != id+".2" {
			t.Errorf("made under %s", key)
		}
		got := w.until(id, func(i *run.Info) bool {
			return i.State == run.Succeeded && len(i.Steps) == 2 && i.Steps[1].FinishedAt != nil
		})
		if string(got.Steps[0].Result) != "1" {
			t.Errorf("the internal step: %+v", got.Steps[0])
		}
	})
}

func TestRerunWithLargeStepsKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		large := `"` + strings.Repeat("x", 200<<10) + `"`
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			got, _ := p.step("out", large)
			p.step("out", `"b"`)
			return []byte(strconv.Itoa(len(got))), nil
		}
		id := w.accept("p")
		w.end(id)
		purged := make(chan struct{})
		w.mu.Lock()
		w.answer = func(c *run.Call) ([]byte, error) { // the rerun must not end before, or it goes too
			<-purged
			return c.Args, nil
		}
		w.mu.Unlock()
		again, err := w.Rerun(context.Background(), id, run.RerunOptions{FromStep: 2})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Purge(context.Background(), run.PurgeOptions{}) // the old run and its values go
		close(purged)
		if err != nil {
			t.Fatal(err)
		}
		got := w.end(again.ID)
		if got.State != run.Succeeded || string(got.Output) != strconv.Itoa(len(large)) || w.made(again.ID+".1") != 0 {
			t.Errorf("got %s %s %+v", got.State, got.Output, got.Error)
		}
	})
}

func TestLogsOfEveryTryAreKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.x.Log("info", "begin")
			if _, err := p.step("out", `"a"`); err != nil {
				p.x.Log("warn", "it failed")
				return nil, fail(err.Message, 1)
			}
			p.x.Log("info", "it worked")
			return nil, nil
		}
		w.answer = func(c *run.Call) ([]byte, error) {
			if w.made(c.Key()) == 1 {
				return nil, &run.StepError{Name: "HttpError", Message: "500", Data: json.RawMessage(`{"body":"no room"}`)}
			}
			return nil, nil
		}
		id := w.accept("p")
		due := *w.parked(id, "retry").DueAt
		w.clock.Advance(due.Sub(w.clock.Now()))
		var lines []string
		for _, l := range w.end(id).Logs {
			lines = append(lines, l.Text)
		}
		failure := "attempt 1 failed, the next one is due " + due.Format(time.RFC3339) + ": Error: 500\nstep 1 got {\"body\":\"no room\"}"
		if want := []string{"begin", "it failed", failure, "it worked"}; !slices.Equal(lines, want) {
			t.Errorf("the log is %q, not %q", lines, want)
		}
	})
}

package run_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"junctor/internal/fault"
	"junctor/internal/run"
)

func (w *world) await(s run.Start, timeout time.Duration) (run.Result, error) {
	s.Channel = "c"
	return w.Await(context.Background(), s, timeout)
}

func TestAwaitedAnswerIsOnDisk(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) { return p.x.Input(), nil }
		res, err := w.await(run.Start{Program: "p", Input: []byte(`"in"`)}, time.Minute)
		if err != nil || string(res.Output) != `"in"` || res.State != run.Succeeded {
			t.Fatalf("got %+v, %v", res, err)
		}
		w.stop()
		w.start(nil)
		if got := w.end(res.Run); string(got.Output) != `"in"` || string(got.Input) != `"in"` {
			t.Errorf("on disk: %+v", got)
		}
	})
}

func TestAwaitedTimeoutLetsTheRunGoOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		begun, gate := make(chan string, 1), make(chan struct{})
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			begun <- p.x.ID()
			<-gate // computes, without having made any step
			return []byte("1"), nil
		}
		answer := make(chan error, 1)
		go func() {
			_, err := w.await(run.Start{Program: "p"}, time.Second)
			answer <- err
		}()
		id := <-begun
		w.clock.Advance(time.Second)
		err := <-answer
		if !fault.Is(err, fault.AnswerTimeout) || fault.ProblemOf(err).Run != id {
			t.Fatalf("got %v", err)
		}
		if got := w.until(id, func(*run.Info) bool { return true }); got.State.Ended() {
			t.Errorf("the run has ended before its program: %+v", got)
		}
		close(gate)
		if got := w.end(id); got.State != run.Succeeded || string(got.Output) != "1" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestRespondAnswersBeforeTheEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("out", `"before"`)
			if err := p.x.Respond([]byte(`"answer"`)); err != nil {
				return nil, fail(err.Error())
			}
			p.step("sleep", "1h")
			p.step("out", `"after"`)
			return []byte(`"later"`), nil
		}
		res, err := w.await(run.Start{Program: "p"}, time.Minute)
		if err != nil || string(res.Output) != `"answer"` || !res.Answered {
			t.Fatalf("got %+v, %v", res, err)
		}
		w.parked(res.Run, "time")
		w.stop()
		w.start(nil)
		w.clock.Advance(time.Hour)
		got := w.end(res.Run)
		if got.State != run.Succeeded || string(got.Output) != `"answer"` {
			t.Errorf("got %s %s", got.State, got.Output)
		}
		if w.made(res.Run+".1") != 1 || w.made(res.Run+".3") != 1 {
			t.Errorf("calls: %v", w.calls)
		}
	})
}

func TestSameKeySameAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.Attempts = 1
		broken := true
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			n, _ := p.step("count", "n")
			return n, nil
		}
		w.programs["flaky"] = func(p *process) ([]byte, *run.Failure) {
			if _, err := p.step("out", `"x"`); err != nil {
				return nil, fail(err.Message, 1)
			}
			return []byte(`"mended"`), nil
		}
		w.answer = func(*run.Call) ([]byte, error) {
			if broken {
				return nil, &run.StepError{Name: "HttpError", Message: "500"}
			}
			return nil, nil
		}
		once := func(key, body string) *run.Once {
			return &run.Once{Key: key, Digest: []byte(body), Window: time.Hour}
		}
		first, err := w.await(run.Start{Program: "p", Once: once("k", "a")}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		second, err := w.await(run.Start{Program: "p", Once: once("k", "a")}, time.Minute)
		if err != nil || !second.Duplicate || second.Run != first.Run || string(second.Output) != "1" {
			t.Errorf("the same message again: %+v, %v", second, err)
		}
		if _, err := w.await(run.Start{Program: "p", Once: once("k", "b")}, time.Minute); !fault.Is(err, fault.Unprocessable) {
			t.Errorf("another message under the key: %v", err)
		}
		w.clock.Advance(2 * time.Hour)
		third, err := w.await(run.Start{Program: "p", Once: once("k", "b")}, time.Minute)
		if err != nil || third.Duplicate || string(third.Output) != "2" {
			t.Errorf("after the window: %+v, %v", third, err)
		}
		failed, err := w.await(run.Start{Program: "flaky", Once: once("f", "a")}, time.Minute)
		if err != nil || failed.State != run.Failed {
			t.Fatalf("got %+v, %v", failed, err)
		}
		w.mu.Lock()
		broken = false
		w.mu.Unlock()
		mended, err := w.await(run.Start{Program: "flaky", Once: once("f", "a")}, time.Minute)
		if err != nil || mended.Run != failed.Run || string(mended.Output) != `"mended"` {
			t.Errorf("a failed run is retried and its result answered: %+v, %v", mended, err)
		}
	})
}

func TestKeyIsBusyWhileTheFirstIsUnfinished(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("sleep", "1h")
			return nil, nil
		}
		s := run.Start{Program: "p", Channel: "c", Once: &run.Once{Key: "k", Digest: []byte("a"), Window: 24 * time.Hour}}
		a, err := w.Accept(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		w.parked(a.Run, "time")
		if _, err := w.await(s, time.Minute); !fault.Is(err, fault.Conflict) || fault.ProblemOf(err).Run != a.Run {
			t.Errorf("got %v", err)
		}
		if again, err := w.Accept(context.Background(), s); err != nil || !again.Duplicate || again.Run != a.Run {
			t.Errorf("not awaited: %+v, %v", again, err)
		}
	})
}

func TestOrderingKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.Attempts = 1
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			if _, err := p.step("out", string(p.x.Input())); err != nil {
				return nil, fail(err.Message, 1)
			}
			return nil, nil
		}
		bad := `"3"`
		w.answer = func(c *run.Call) ([]byte, error) {
			if string(c.Args) == bad {
				return nil, &run.StepError{Name: "HttpError", Message: "500"}
			}
			return nil, nil
		}
		var ids []string
		for i := range 6 {
			a, err := w.Accept(context.Background(), run.Start{Program: "p", Channel: "c", OrderingKey: "article", Input: []byte(fmt.Sprintf(`"%d"`, i+1))})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, a.Run)
		}
		if got := w.end(ids[2]); got.State != run.Failed {
			t.Fatalf("the third: %+v", got)
		}
		if got := w.until(ids[3], func(*run.Info) bool { return true }); got.State != run.Queued || got.WaitingFor != "order" {
			t.Errorf("the fourth does not wait behind the failed one: %+v", got)
		}
		w.mu.Lock()
		bad = ""
		w.mu.Unlock()
		if _, err := w.Retry(context.Background(), ids[2]); err != nil {
			t.Fatal(err)
		}
		w.end(ids[5])
		want := []string{`"1"`, `"2"`, `"3"`, `"3"`, `"4"`, `"5"`, `"6"`}
		w.mu.Lock()
		defer w.mu.Unlock()
		if fmt.Sprint(w.order) != fmt.Sprint(want) {
			t.Errorf("made in the order %v, not %v", w.order, want)
		}
	})
}

func TestSkipLetsTheNextOneGo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.Skip = true
		w.programs["bad"] = func(*process) ([]byte, *run.Failure) { return nil, fail("no") }
		w.programs["good"] = func(*process) ([]byte, *run.Failure) { return nil, nil }
		var ids []string
		for _, name := range []string{"bad", "good"} {
			a, err := w.Accept(context.Background(), run.Start{Program: name, Channel: "c", OrderingKey: "k"})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, a.Run)
		}
		if w.end(ids[0]).State != run.Failed || w.end(ids[1]).State != run.Succeeded {
			t.Error("the second run did not go on after the first has failed")
		}
	})
}

func TestHeldRunsWaitForTheirRelease(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("out", string(p.x.Input()))
			return nil, nil
		}
		var ids []string
		for i, key := range []string{"", "k", "k"} {
			a, err := w.Accept(context.Background(), run.Start{Program: "p", Channel: "c", OrderingKey: key, Hold: true, Input: []byte(fmt.Sprint(i))})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, a.Run)
			if got := w.until(a.Run, func(*run.Info) bool { return true }); got.State != run.Queued || got.WaitingFor != "release" {
				t.Errorf("run %d: %s, waiting for %s", i, got.State, got.WaitingFor)
			}
		}
		if err := w.Release(context.Background(), "c"); err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			if got := w.end(id); got.State != run.Succeeded || w.made(id+".1") != 1 {
				t.Errorf("run %d: %s", i, got.State)
			}
		}
	})
}

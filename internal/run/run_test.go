package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/run"
)

// world is an engine with programs written in Go, a fake clock and an outside
// that counts.
type world struct {
	t        *testing.T
	open     func(db.Hooks) *db.DB
	crashed  bool // the database is dead: errors at the end are no news
	clock    *clock.Fake
	programs map[string]program
	policy   run.Policy
	dir      string

	mu      sync.Mutex
	calls   map[string]int // external calls by idempotency key
	order   []string       // and in order, with their arguments
	answer  func(*run.Call) ([]byte, error)
	more    run.Handlers // besides those that every world has
	db      *db.DB
	commits *db.Committer
	*run.Engine
}

// program is a deterministic function; it must make its calls through p.
type program func(p *process) ([]byte, *run.Failure)

// process lets a program call one step after another.
type process struct {
	x *run.Execution
	n int
}

type left struct{ err error }

// step makes a call and waits for its completion.
func (p *process) step(name, args string) ([]byte, *run.StepError) {
	n := p.begin(name, args)
	for {
		c := p.next()
		if c.Call == n {
			return c.Result, c.Err
		}
	}
}

func (p *process) begin(name, args string) int {
	p.n++
	p.x.Call(p.n, name, []byte(args))
	return p.n
}

func (p *process) next() run.Completion {
	c, err := p.x.Next(nil)
	if err != nil {
		panic(left{err})
	}
	return c
}

func (f program) Execute(_ context.Context, x *run.Execution) (o run.Outcome) {
	defer func() {
		if r := recover(); r != nil {
			l, ok := r.(left)
			if !ok {
				panic(r)
			}
			o = run.Outcome{Left: l.err}
		}
	}()
	x.Turning(true)
	defer x.Turning(false)
	output, failure := f(&process{x: x})
	return run.Outcome{Output: output, Failure: failure}
}

func (w *world) Program(_ context.Context, name, _ string) (run.Program, error) {
	if p, ok := w.programs[name]; ok {
		return p, nil
	}
	return nil, fault.New(fault.NotFound, "no program %q", name)
}

func (w *world) Latest(context.Context, string) (string, error) { return "v2", nil }

// each runs a test on both databases.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
		w := newWorld(t, open)
		w.start(nil)
		defer w.stop()
		f(t, w)
	})
}

func newWorld(t *testing.T, open func(db.Hooks) *db.DB) *world {
	t.Helper()
	return &world{
		t: t, open: open, clock: clock.NewFake(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)),
		programs: map[string]program{}, policy: run.DefaultPolicy, calls: map[string]int{}, dir: t.TempDir(),
	}
}

func (w *world) start(hooks db.Hooks) {
	w.t.Helper()
	w.db = w.open(hooks)
	w.commits = db.NewCommitter(w.db, run.Fence, nil)
	engine, err := run.New(run.Options{
		DB: w.db, Committer: w.commits, Programs: w, Handlers: w.handlers(), Clock: w.clock, Dir: w.dir, Workers: 8,
		Policies: func(_, _, _ string) run.Policy { return w.policy },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := engine.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.Engine = engine
}

func (w *world) stop() {
	if w.Engine == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // at once: what is under way goes on at the next start
	if err := w.Stop(ctx); err != nil && !w.crashed {
		w.t.Error(err)
	}
	w.commits.Close()
	if err := w.db.Close(); err != nil && !w.crashed {
		w.t.Error(err)
	}
	w.Engine = nil
}

// restart is the end and the next start of the node.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start(nil)
}

func (w *world) handlers() run.Handlers {
	all := run.Handlers{
		"out": {External: func(_ context.Context, c *run.Call) ([]byte, error) {
			w.mu.Lock()
			w.calls[c.Key()]++
			w.order = append(w.order, string(c.Args))
			answer := w.answer
			w.mu.Unlock()
			if answer != nil {
				return answer(c)
			}
			return c.Args, nil
		}},
		"count": {Internal: func(tx *db.Tx, c *run.Call) ([]byte, error) {
			if _, err := tx.Exec(`INSERT INTO kv_values (name, value) VALUES ($1, '1')
				ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(kv_values.value AS BIGINT) + 1 AS TEXT)`, string(c.Args)); err != nil {
				return nil, err
			}
			var n string
			err := tx.QueryRow(`SELECT value FROM kv_values WHERE name = $1`, string(c.Args)).Scan(&n)
			return []byte(n), err
		}},
		"look": {Read: func(tx *db.Tx, c *run.Call) ([]byte, error) {
			var n string
			err := tx.QueryRow(`SELECT value FROM kv_values WHERE name = $1`, string(c.Args)).Scan(&n)
			if errors.Is(err, db.ErrNoRows) {
				return []byte("null"), nil
			}
			return []byte(n), err
		}},
		"tell":  {Now: func(*run.Call, time.Time) ([]byte, error) { return []byte("1"), nil }},
		"end":   {End: func(*run.Call) ([]int, error) { return []int{1}, nil }},
		"sleep": {Sleep: func(c *run.Call) (time.Duration, error) { return time.ParseDuration(string(c.Args)) }},
		"child": {Child: func(_ context.Context, c *run.Call) (run.Start, error) {
			return run.Start{Program: string(c.Args), Input: []byte(`{"of":"a parent"}`)}, nil
		}},
	}
	maps.Copy(all, w.more)
	return all
}

// accept starts a run of a program and returns its id.
func (w *world) accept(name string) string {
	w.t.Helper()
	a, err := w.Accept(context.Background(), run.Start{Program: name, Channel: "c", Input: []byte(`{"a":1}`)})
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Run
}

// until waits for a run to be in a state.
func (w *world) until(id string, want func(*run.Info) bool) *run.Info {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		info, err := w.Get(context.Background(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		if want(info) {
			return info
		}
		if time.Now().After(deadline) {
			shown, _ := json.MarshalIndent(info, "", " ")
			w.t.Fatalf("the run never got there:\n%s", shown)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func (w *world) end(id string) *run.Info {
	w.t.Helper()
	return w.until(id, func(i *run.Info) bool { return i.State.Ended() })
}

func (w *world) parked(id, on string) *run.Info {
	w.t.Helper()
	return w.until(id, func(i *run.Info) bool { return i.State == run.Waiting && i.WaitingFor == on })
}

func (w *world) made(key string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[key]
}

func fail(text string, calls ...int) *run.Failure {
	return &run.Failure{ErrorInfo: run.ErrorInfo{Name: "Error", Message: text}, Calls: calls}
}

func TestAcceptedRunIsExecutedOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.x.Subject("4711")
			p.x.Tag("big")
			p.x.Log("info", "hello")
			a, _ := p.step("out", `"one"`)
			n, _ := p.step("count", "orders")
			return []byte(fmt.Sprintf(`[%s,%s]`, a, n)), nil
		}
		id := w.accept("p")
		got := w.end(id)
		if got.State != run.Succeeded || string(got.Output) != `["one",1]` || got.Subject != "4711" {
			t.Errorf("got %s %s %q", got.State, got.Output, got.Subject)
		}
		if len(got.Steps) != 2 || got.Steps[0].Name != "out" || got.Steps[1].Seq != 2 || got.Steps[1].FinishedAt == nil {
			t.Errorf("steps: %+v", got.Steps)
		}
		if len(got.Logs) != 1 || got.Logs[0].Text != "hello" {
			t.Errorf("logs: %+v", got.Logs)
		}
		if n := w.made(id + ".1"); n != 1 {
			t.Errorf("the step was made %d times", n)
		}
	})
}

func TestThirdStepFailsTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			for i := range 3 {
				if _, err := p.step("out", fmt.Sprint(i)); err != nil {
					return nil, fail(err.Message, i+1)
				}
			}
			return nil, nil
		}
		w.answer = func(c *run.Call) ([]byte, error) {
			if c.Seq == 3 && w.made(c.Key()) < 3 {
				return nil, &run.StepError{Name: "HttpError", Message: "500"}
			}
			return nil, nil
		}
		id := w.accept("p")
		for range 2 {
			got := w.parked(id, "retry")
			w.clock.Advance(got.DueAt.Sub(w.clock.Now()))
			w.until(id, func(i *run.Info) bool { return i.State != run.Waiting || i.Attempt > got.Attempt })
		}
		got := w.end(id)
		if got.State != run.Succeeded || got.Attempt != 3 {
			t.Errorf("state %s after attempt %d", got.State, got.Attempt)
		}
		for seq, want := range map[int]int{1: 1, 2: 1, 3: 3} {
			if n := w.made(fmt.Sprintf("%s.%d", id, seq)); n != want {
				t.Errorf("step %d was made %d times, not %d", seq, n, want)
			}
		}
	})
}

func TestSleepSurvivesRestarts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("out", `"before"`)
			p.step("sleep", "72h")
			out, _ := p.step("out", `"after"`)
			return out, nil
		}
		id := w.accept("p")
		got := w.parked(id, "time")
		if want := w.clock.Now().Add(72 * time.Hour); !got.DueAt.Equal(want) {
			t.Errorf("due at %s, not %s", got.DueAt, want)
		}
		w.stop()
		w.start(nil)
		w.clock.Advance(71 * time.Hour)
		w.stop()
		w.start(nil)
		if got := w.parked(id, "time"); got.FinishedAt != nil {
			t.Error("woke too early")
		}
		w.clock.Advance(time.Hour)
		if got := w.end(id); got.State != run.Succeeded || string(got.Output) != `"after"` {
			t.Errorf("got %s %s", got.State, got.Output)
		}
		if w.made(id+".1") != 1 || w.made(id+".3") != 1 {
			t.Errorf("calls: %v", w.calls)
		}
	})
}

func TestPureFailureIsFinal(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("count", "x")
			return nil, fail("TypeError: a is undefined")
		}
		got := w.end(w.accept("p"))
		if got.State != run.Failed || got.Attempt != 1 || got.Error.Message != "TypeError: a is undefined" {
			t.Errorf("got %+v %+v", got, got.Error)
		}
	})
}

func TestMismatchNamesBothCalls(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		tries := 0
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			mu.Lock()
			tries++
			first := tries == 1
			mu.Unlock()
			if first {
				p.step("out", `"a"`)
			} else {
				p.step("out", `"b"`)
			}
			p.step("sleep", "1h")
			return nil, nil
		}
		id := w.accept("p")
		w.parked(id, "time")
		w.clock.Advance(time.Hour)
		got := w.end(id)
		if got.State != run.Failed || got.Error.Name != "NotRepeatable" {
			t.Fatalf("got %s %+v", got.State, got.Error)
		}
		for _, want := range []string{`out("a")`, `out("b")`, "step 1"} {
			if !contains(got.Error.Message, want) {
				t.Errorf("the error does not show %s: %s", want, got.Error.Message)
			}
		}
	})
}

func TestInsertIsOfTheCallersTransaction(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		large := bytes.Repeat([]byte("x"), 200<<10)
		w.programs["rule"] = func(p *process) ([]byte, *run.Failure) {
			return []byte(strconv.Itoa(len(p.x.Input()))), nil
		}
		undone := errors.New("undone")
		var ids []string
		start := func(tx *db.Tx) error {
			ids = nil
			for _, s := range []run.Start{
				{Program: "rule", Input: []byte("1"), Tags: []string{"a"}},
				{Program: "rule", Input: large, OrderingKey: "k"},
				{Program: "rule", Input: []byte("3"), OrderingKey: "k"},
			} {
				id, err := w.Insert(tx, s)
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			return nil
		}
		err := w.db.Write(t.Context(), func(tx *db.Tx) error { return errors.Join(start(tx), undone) })
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		for _, id := range ids {
			if _, err := w.Get(t.Context(), id); !fault.Is(err, fault.NotFound) {
				t.Errorf("a run of a transaction that was rolled back: %v", err)
			}
		}
		if err := w.commits.Commit(t.Context(), db.Item{Func: func(tx *db.Tx) ([]db.Op, error) { return nil, start(tx) }}); err != nil {
			t.Fatal(err)
		}
		var outputs []string
		for _, id := range ids {
			outputs = append(outputs, string(w.end(id).Output))
		}
		if diff := cmp.Diff([]string{"1", "204800", "1"}, outputs); diff != "" {
			t.Error(diff)
		}
	})
}

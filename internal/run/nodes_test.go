package run_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/run"
)

// another is a second node on the same PostgreSQL, with the same programs.
func (w *world) another() (stop func()) {
	w.t.Helper()
	d := w.open(nil)
	commits := db.NewCommitter(d, run.Fence, nil)
	e, err := run.New(run.Options{
		DB: d, Committer: commits, Programs: w, Handlers: w.handlers(), Clock: w.clock, Workers: 4,
		Policies: func(_, _, _ string) run.Policy { return w.policy },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := e.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := e.Stop(ctx); err != nil {
			w.t.Error(err)
		}
		commits.Close()
		if err := d.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

// frozen stands still at every commit while it is cold, as a stopped process does.
type frozen struct {
	cold atomic.Bool
	thaw chan struct{}
}

func (f *frozen) BeforeCommit(int64) error {
	if f.cold.Load() {
		<-f.thaw
	}
	return nil
}

func (f *frozen) AfterCommit(int64) error { return nil }

func TestAnotherNodeTakesOver(t *testing.T) {
	for _, how := range []string{"killed", "frozen and woken"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t, dbtest.Postgres(t))
			crash := &dbtest.Crash{At: 1}
			freeze := &frozen{thaw: make(chan struct{})}
			hooks := &dbtest.Armed{Hooks: freeze}
			if how == "killed" {
				hooks = &dbtest.Armed{Hooks: crash}
			}
			begun, gate := make(chan string, 10), make(chan struct{})
			var first atomic.Bool
			w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
				p.step("out", `"one"`)
				n, _ := p.step("count", "effects")
				p.step("out", `"two"`)
				return n, nil
			}
			w.answer = func(c *run.Call) ([]byte, error) {
				if string(c.Args) == `"two"` && first.CompareAndSwap(false, true) {
					begun <- c.Run
					<-gate
				}
				return nil, nil
			}
			w.start(hooks)
			defer func() { w.crashed = true; w.stop() }()
			id := w.accept("p")
			<-begun // the first node is inside the second external step
			freeze.cold.Store(true)
			hooks.On.Store(true) // and from here on commits nothing
			close(gate)          // its step ends all the same

			defer w.another()()
			observer := w.Engine
			deadline := time.Now().Add(30 * time.Second)
			for {
				w.clock.Advance(time.Second)
				info, err := observer.Get(context.Background(), id)
				if how == "killed" { // its database is dead for it: look with eyes of one's own
					info, err = w.look(id)
				}
				if err == nil && info.State.Ended() {
					if info.State != run.Succeeded || string(info.Output) != "1" {
						t.Errorf("got %s %s %+v", info.State, info.Output, info.Error)
					}
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("nobody took over: %+v, %v", info, err)
				}
				<-time.After(5 * time.Millisecond)
			}
			if freeze.cold.Swap(false) {
				close(freeze.thaw) // the woken node must not be able to write
			}
			if n := w.made(id + ".1"); n != 1 {
				t.Errorf("the journalled step was made %d times", n)
			}
			if n := w.made(id + ".3"); n < 1 || n > 2 {
				t.Errorf("the interrupted step was made %d times", n)
			}
			if got, err := w.look(id); err != nil || got.State != run.Succeeded || string(got.Output) != "1" {
				t.Errorf("afterwards: %+v, %v", got, err)
			}
		})
	}
}

// look reads a run with a database connection of its own.
func (w *world) look(id string) (*run.Info, error) {
	d := w.open(nil)
	defer d.Close() //nolint:errcheck // it only reads
	commits := db.NewCommitter(d, run.Fence, nil)
	defer commits.Close()
	e, err := run.New(run.Options{DB: d, Committer: commits, Programs: w, Handlers: run.Handlers{}, Clock: w.clock})
	if err != nil {
		return nil, err
	}
	return e.Get(context.Background(), id)
}

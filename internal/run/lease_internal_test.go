package run

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

// gated is a program that waits inside its first execution, which parks.
type gated struct {
	inside, gate chan struct{}
	executed     chan int64 // the lease that an execution had
}

func (g *gated) Program(context.Context, string, string) (Program, error) { return g, nil }
func (g *gated) Latest(context.Context, string) (string, error)           { return "", nil }

func (g *gated) Execute(_ context.Context, x *Execution) Outcome {
	if x.epoch == 1 {
		close(g.inside)
		<-g.gate
	}
	g.executed <- x.epoch
	return Outcome{Left: ErrParked}
}

// What a run's execution has given up can be claimed as soon as it is on disk,
// before that execution has been told. The later lease waits for the earlier
// one to end, and gives way to a still later one; an earlier one that comes
// late is dropped.
func TestLaterLeaseFollowsTheEarlierOne(t *testing.T) {
	d := dbtest.SQLite(t)(nil)
	commits := db.NewCommitter(d, Fence, nil)
	t.Cleanup(func() { commits.Close(); d.Close() }) //nolint:errcheck // another test's business
	program := &gated{inside: make(chan struct{}), gate: make(chan struct{}), executed: make(chan int64, 3)}
	e, err := New(Options{DB: d, Committer: commits, Programs: program, Policies: func(_, _, _ string) Policy { return DefaultPolicy }, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer e.Stop(t.Context()) //nolint:errcheck // another test's business
	lease := func(epoch int64) *Execution {
		x := e.execution(&row{id: "run_1", epoch: epoch, program: "p"}, newJournal())
		x.stored = true
		return x
	}
	first := lease(1)
	go e.execute(first)
	<-program.inside
	e.execute(lease(2))
	e.execute(lease(4))
	e.execute(lease(3))
	e.execute(lease(1))
	close(program.gate)
	for _, want := range []int64{1, 4} {
		select {
		case got := <-program.executed:
			if got != want {
				t.Errorf("lease %d was executed, want %d", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("lease %d was never executed", want)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(program.executed) > 0 {
		t.Errorf("lease %d was executed too", <-program.executed)
	}
}

// Whoever sent what may or may not be stored is not told that it is not.
func TestUnknownOutcomeIsNotCalledARefusal(t *testing.T) {
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan Result, 1)
	e.told["run_1"] = told
	e.refused(e.execution(&row{id: "run_1"}, newJournal()), errors.Join(db.ErrUnknown, errors.New("the disk")))
	res := <-told
	if !fault.Is(res.Err, fault.Unavailable) || strings.Contains(res.Err.Error(), "nothing was accepted") {
		t.Errorf("told %v, want fault.Unavailable without saying that nothing was accepted", res.Err)
	}
}

package run_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/run"
)

// A simulation: programs made at random of steps, sleeps, all, race and catch,
// with failures outside, killed at every commit in turn, must end, must repeat
// themselves, and must keep every promise about steps.

// node is a piece of a random program.
type node struct {
	kind  string // out, count, look, sleep, seq, all, race, catch
	label string
	parts []*node
	fails int // out: how many tries of its key fail
	sleep string
}

// grow makes a random program; every leaf has a label of its own.
func grow(r *rand.Rand, depth int, n *int) *node {
	*n++
	label := fmt.Sprintf("n%d", *n)
	leaf := r.IntN(10)
	if depth == 0 || *n > 14 || leaf < 4 {
		switch r.IntN(6) {
		case 0:
			return &node{kind: "count", label: "counter"}
		case 1:
			return &node{kind: "look", label: "counter"}
		case 2:
			return &node{kind: "sleep", sleep: []string{"10ms", "300ms", "2s", "90s"}[r.IntN(4)]}
		}
		fails := 0
		if r.IntN(4) == 0 {
			fails = 1 + r.IntN(2)
		}
		return &node{kind: "out", label: label, fails: fails}
	}
	made := &node{kind: []string{"seq", "seq", "all", "race", "catch"}[r.IntN(5)], label: label}
	parts := 1
	if made.kind != "catch" {
		parts = 2 + r.IntN(2)
	}
	for range parts {
		made.parts = append(made.parts, grow(r, depth-1, n))
	}
	return made
}

func (n *node) String() string {
	if len(n.parts) == 0 {
		return fmt.Sprintf("%s(%s%s,%d)", n.kind, n.label, n.sleep, n.fails)
	}
	var parts []string
	for _, p := range n.parts {
		parts = append(parts, p.String())
	}
	return n.kind + "[" + strings.Join(parts, " ") + "]"
}

// walker executes a node the way promises do: eval calls back once, in an order
// that depends on nothing but the completions.
type walker struct {
	p       *process
	waiting map[int]func(failed int)
}

// eval ends with the call whose error it is, 0 for none.
func (w *walker) eval(n *node, done func(failed int)) {
	switch n.kind {
	case "out", "count", "look":
		args := n.label
		if n.kind == "out" {
			args = fmt.Sprintf(`"%s:%d"`, n.label, n.fails)
		}
		w.call(n.kind, args, done)
	case "sleep":
		w.call("sleep", n.sleep, done)
	case "seq":
		w.seq(n.parts, done)
	case "catch":
		w.eval(n.parts[0], func(int) { done(0) })
	case "all":
		left, over := len(n.parts), false
		for _, part := range n.parts {
			w.eval(part, func(failed int) {
				left--
				if !over && (failed != 0 || left == 0) {
					over = true
					done(failed)
				}
			})
		}
	case "race":
		over := false
		for _, part := range n.parts {
			w.eval(part, func(failed int) {
				if !over {
					over = true
					done(failed)
				}
			})
		}
	}
}

func (w *walker) seq(parts []*node, done func(int)) {
	if len(parts) == 0 {
		done(0)
		return
	}
	w.eval(parts[0], func(failed int) {
		if failed != 0 {
			done(failed)
			return
		}
		w.seq(parts[1:], done)
	})
}

func (w *walker) call(name, args string, done func(int)) { w.waiting[w.p.begin(name, args)] = done }

// programOf is the node as a program.
func programOf(n *node) program {
	return func(p *process) ([]byte, *run.Failure) {
		w := &walker{p: p, waiting: map[int]func(int){}}
		over, failed := false, 0
		w.eval(n, func(f int) { over, failed = true, f })
		for !over {
			c := p.next()
			done := w.waiting[c.Call]
			delete(w.waiting, c.Call)
			if c.Err != nil {
				done(c.Call)
			} else {
				done(0)
			}
		}
		if failed != 0 {
			return nil, fail("a step failed", failed)
		}
		return []byte(`"done"`), nil
	}
}

// sim is one program executed with one disturbance.
type sim struct {
	*world
	labels map[string]string // idempotency key -> what was called under it
	broken []string
	held   bool // a step was held back: what it led to may have been repeated without another attempt
}

// answer is the outside: it fails as often as the label says, every second time
// by not having been asked.
func (s *sim) outside(c *run.Call) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	label := string(c.Args)
	if had, ok := s.labels[c.Key()]; ok && had != label {
		s.broken = append(s.broken, fmt.Sprintf("key %s stood for %s and then for %s", c.Key(), had, label))
	}
	s.labels[c.Key()] = label
	var fails int
	fmt.Sscanf(label[strings.Index(label, ":")+1:], "%d", &fails)
	switch tries := s.calls[c.Key()]; {
	case tries <= fails && (tries+len(label))%2 == 0:
		s.held = true
		return nil, &run.StepError{Name: "HttpError", Message: "held back", Held: true, RetryAfter: 2 * time.Second}
	case tries <= fails:
		return nil, &run.StepError{Name: "HttpError", Message: "500"}
	}
	return c.Args, nil
}

// play moves the clock until the run has ended, and restarts after a crash.
func (s *sim) play(id string, happened func() bool) *run.Info {
	deadline := time.Now().Add(30 * time.Second)
	for {
		if happened() && !s.crashed {
			s.again()
			happened = func() bool { return false }
		}
		info, err := s.Get(context.Background(), id)
		switch {
		case err == nil && info.State.Ended():
			return info
		case err != nil && !happened():
			s.t.Fatalf("%v (crashed: %v)", err, happened())
		case time.Now().After(deadline):
			s.t.Fatalf("the run never ended: %+v", info)
		}
		s.clock.Advance(700 * time.Millisecond)
		<-time.After(500 * time.Microsecond)
	}
}

// again starts the process that a crash has ended.
func (s *sim) again() {
	s.crashed = true
	s.stop()
	s.crashed = false
	s.start(nil)
}

// counter is what the internal steps have counted to. A crash may have come
// after the run's end, at a commit of the node's own.
func (s *sim) counter() string {
	s.t.Helper()
	for range 2 {
		var value string
		err := s.db.Read(context.Background(), func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT value FROM kv_values WHERE name = 'counter'`).Scan(&value)
		})
		switch {
		case errors.Is(err, db.ErrNoRows):
			return "0"
		case err == nil:
			return value
		}
		s.again()
	}
	s.t.Fatal("the counter cannot be read, not even after a restart")
	return ""
}

// check holds the promises against what happened.
func (s *sim) check(info *run.Info, n *node, what string) {
	s.t.Helper()
	value := s.counter()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.broken {
		s.t.Errorf("%s: %s\n%s", what, b, n)
	}
	if info.Error != nil && info.Error.Name == "NotRepeatable" {
		s.t.Errorf("%s: %s\n%s", what, info.Error.Message, n)
	}
	if info.State != run.Succeeded {
		s.t.Errorf("%s: ended %s: %+v\n%s", what, info.State, info.Error, n)
	}
	counted := 0
	for _, step := range info.Steps {
		if step.Name == "count" && step.FinishedAt != nil {
			counted++
		}
	}
	// Internal effects made after a failure may repeat; without one they are
	// exactly those of the journal.
	if info.Attempt == 1 && !s.held && value != fmt.Sprint(counted) {
		s.t.Errorf("%s: %d internal steps are in the journal, but the counter is %s\n%s", what, counted, value, n)
	}
}

// simulate executes a program with hooks and checks it.
func simulate(t *testing.T, open func(db.Hooks) *db.DB, n *node, hooks db.Hooks, happened func() bool, what string) {
	t.Helper()
	w := newWorld(t, open)
	w.policy.Attempts = 50
	s := &sim{world: w, labels: map[string]string{}}
	w.answer = s.outside
	w.programs["p"] = programOf(n)
	arm := &dbtest.Armed{Hooks: hooks}
	w.start(arm)
	arm.On.Store(true)
	defer func() { w.crashed = true; w.stop() }()
	a, err := w.Accept(context.Background(), run.Start{Program: "p", Channel: "c"})
	if err != nil {
		if happened() { // never acknowledged: nothing was promised
			return
		}
		t.Fatal(err)
	}
	s.check(s.play(a.Run, happened), n, what)
}

// disturbances tries crashes before and after, and unknown outcomes, at every
// commit of a program in turn.
func disturbances(t *testing.T, place func(testing.TB) func(db.Hooks) *db.DB, n *node) {
	t.Helper()
	for at := int64(1); ; at++ {
		before, after := &dbtest.Crash{At: at}, &dbtest.Crash{At: at, After: true}
		simulate(t, place(t), n, before, before.Happened, fmt.Sprintf("crash before commit %d", at))
		simulate(t, place(t), n, after, after.Happened, fmt.Sprintf("crash after commit %d", at))
		for _, committed := range []bool{true, false} {
			unknown := &dbtest.Unknown{At: at, Committed: committed}
			simulate(t, place(t), n, unknown, func() bool { return false }, fmt.Sprintf("unknown outcome of commit %d", at))
		}
		if t.Failed() || !before.Happened() && !after.Happened() {
			return
		}
	}
}

func TestSimulation(t *testing.T) {
	seeds := uint64(8)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		n := new(int)
		program := grow(rand.New(rand.NewPCG(seed, 1)), 3, n)
		t.Run(fmt.Sprintf("sqlite/%d", seed), func(t *testing.T) { disturbances(t, dbtest.SQLite, program) })
		if seed < 2 {
			t.Run(fmt.Sprintf("postgres/%d", seed), func(t *testing.T) { disturbances(t, dbtest.Postgres, program) })
		}
	}
}

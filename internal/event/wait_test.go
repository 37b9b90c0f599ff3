package event_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/run"
)

// site is a node with runs that wait for events: an engine and a log.
type site struct {
	t        testing.TB
	open     func(db.Hooks) *db.DB
	clock    *clock.Fake
	programs map[string]func(p *process) []string
	crashed  bool
	gate     chan struct{} // of gated steps
	fails    int           // how many programs fail

	mu        sync.Mutex
	db        *db.DB
	committer *db.Committer
	log       *event.Log
	waits     *event.Waits
	*run.Engine
}

// process lets a program make its steps.
type process struct {
	x   *run.Execution
	n   int
	got map[int]string // what calls came to
}

type left struct{ err error }

// failure is an error that came from a call and was not caught.
type failure struct{ call int }

func (p *process) begin(name, args string) int {
	p.n++
	p.x.Call(p.n, name, []byte(args))
	return p.n
}

// results are those of calls, in the order of the calls.
func (p *process) results(calls ...int) []string {
	for slices.ContainsFunc(calls, func(call int) bool { _, ok := p.got[call]; return !ok }) {
		c, err := p.x.Next(nil)
		if err != nil {
			panic(left{err})
		}
		p.got[c.Call] = string(c.Result)
		if c.Err != nil {
			p.got[c.Call] = c.Err.Name
		}
	}
	var all []string
	for _, call := range calls {
		all = append(all, eventOf(p.got[call]))
	}
	return all
}

func (p *process) step(name, args string) string { return p.results(p.begin(name, args))[0] }

// wait waits for an event and says which one has come.
func (p *process) wait(kind, more string) string {
	return p.step("wait", `{"type":"`+kind+`"`+more+`}`)
}

// eventOf is the id of an event, or what else came.
func eventOf(result string) string {
	var e struct{ ID string }
	if json.Unmarshal([]byte(result), &e) != nil || e.ID == "" {
		return result
	}
	return e.ID
}

type program func(p *process) []string

func (f program) Execute(_ context.Context, x *run.Execution) (o run.Outcome) {
	defer func() {
		if r := recover(); r != nil {
			switch r := r.(type) {
			case left:
				o = run.Outcome{Left: r.err}
			case failure:
				o = run.Outcome{Failure: &run.Failure{ErrorInfo: run.ErrorInfo{Name: "Error", Message: "failed"}, Calls: []int{r.call}}}
			default:
				panic(r)
			}
		}
	}()
	x.Turning(true)
	defer x.Turning(false)
	output, err := json.Marshal(f(&process{x: x, got: map[int]string{}}))
	if err != nil {
		panic(err)
	}
	return run.Outcome{Output: output}
}

func (s *site) Program(_ context.Context, name, _ string) (run.Program, error) {
	if p, ok := s.programs[name]; ok {
		return program(p), nil
	}
	return nil, fault.New(fault.NotFound, "no program %q", name)
}

func (s *site) Latest(context.Context, string) (string, error) { return "", nil }

func (s *site) Lock(tx *db.Tx, runs []string) error { return s.Engine.Lock(tx, runs) }

func (s *site) Wake(tx *db.Tx, runs ...string) error { return s.Engine.Wake(tx, runs...) }

func (s *site) handlers() run.Handlers {
	wanted := func(c *run.Call) (event.Wanted, time.Duration, error) {
		var a struct{ Type, Subject, Match, Timeout string }
		if err := json.Unmarshal(c.Args, &a); err != nil {
			return event.Wanted{}, 0, err
		}
		timeout, err := time.ParseDuration("0" + a.Timeout)
		return event.Wanted{Type: a.Type, Subject: a.Subject, Match: a.Match}, timeout, err
	}
	return run.Handlers{
		"sleep": {Sleep: func(c *run.Call) (time.Duration, error) { return time.ParseDuration(string(c.Args)) }},
		"gated": {External: func(_ context.Context, c *run.Call) ([]byte, error) { <-s.gate; return c.Args, nil }},
		"failing": {External: func(context.Context, *run.Call) ([]byte, error) {
			return nil, &run.StepError{Name: "HttpError", Message: "500"}
		}},
		"out": {External: func(_ context.Context, c *run.Call) ([]byte, error) { return c.Args, nil }},
		"publish": {Internal: func(tx *db.Tx, c *run.Call) ([]byte, error) {
			return []byte("null"), s.log.Append(tx, &event.Event{ID: c.Key(), Type: string(c.Args)})
		}},
		"wait": {Wait: &run.Wait{
			Timeout: func(c *run.Call) (time.Duration, error) {
				w, timeout, err := wanted(c)
				if err == nil {
					err = w.Check()
				}
				return timeout, err
			},
			Begin: func(tx *db.Tx, calls []*run.Call) error {
				for _, c := range calls {
					w, _, err := wanted(c)
					if err == nil {
						err = s.waits.Begin(tx, event.Wait{Step: event.Step{Run: c.Run, Seq: c.Seq}, Position: c.Position, Wanted: w})
					}
					if err != nil {
						return err
					}
				}
				return nil
			},
			Search: func(ctx context.Context, run string, expiring int) error { return s.waits.Search(ctx, run, expiring) },
			Arm:    func(tx *db.Tx, run string) error { return s.waits.Arm(tx, run) },
			Expire: func(tx *db.Tx, c *run.Call) error { return s.waits.Expire(tx, event.Step{Run: c.Run, Seq: c.Seq}) },
			Look: func(tx *db.Tx, calls []*run.Call) (map[*run.Call]run.Came, error) {
				steps := make([]event.Step, len(calls))
				for n, c := range calls {
					steps[n] = event.Step{Run: c.Run, Seq: c.Seq}
				}
				came, err := s.waits.Look(tx, steps)
				results := map[*run.Call]run.Came{}
				for n, c := range calls {
					if one, over := came[steps[n]]; over && one.Err != nil {
						results[c] = run.Came{Err: &run.StepError{Name: "EventsGone", Message: one.Err.Error()}}
					} else if over {
						results[c] = run.Came{Result: one.Event}
					}
				}
				return results, err
			},
			Drop: func(tx *db.Tx, run string, seq int) error { return s.waits.Drop(tx, run, seq) },
			Keep: func(tx *db.Tx, from, to string, seq int) error { return s.waits.Keep(tx, from, to, seq) },
		}},
	}
}

func newSite(t testing.TB, open func(db.Hooks) *db.DB) *site {
	return &site{t: t, open: open, clock: clock.NewFake(start), programs: map[string]func(*process) []string{}}
}

// sites runs a test with a node on both databases.
func sites(t *testing.T, body func(t *testing.T, s *site)) {
	t.Helper()
	dbtest.EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
		s := newSite(t, open)
		s.start(nil)
		defer s.stop()
		body(t, s)
	})
}

func (s *site) start(hooks db.Hooks) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx := context.Background()
	s.db = s.open(hooks)
	s.committer = db.NewCommitter(s.db, run.Fence, nil)
	var err error
	s.log, err = event.Open(ctx, event.Options{
		DB: s.db, Committer: s.committer, Source: "/junctor/test", Clock: s.clock, Keep: func() time.Duration { return time.Hour },
		Hold: func(ctx context.Context) (int64, bool, error) {
			return s.Position(ctx, s.clock.Now().Add(-24*time.Hour))
		},
	})
	must(s.t, err)
	s.waits = event.NewWaits(s.log, s)
	s.Engine, err = run.New(run.Options{
		DB: s.db, Committer: s.committer, Programs: s, Handlers: s.handlers(), Clock: s.clock, Workers: 8, Position: event.Position,
	})
	must(s.t, err)
	if err := s.Start(ctx); err != nil && !s.crashed {
		s.t.Fatal(err)
	}
	s.log.Start()
	s.waits.Start()
}

func (s *site) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.log.Stop()
	err := s.Stop(ctx)
	s.committer.Close()
	if closed := s.db.Close(); err == nil {
		err = closed
	}
	if err != nil && !s.crashed {
		s.t.Error(err)
	}
}

// again is the next process after one that has died.
func (s *site) again() {
	s.crashed = true
	s.stop()
	s.crashed = false
	s.start(nil)
}

func (s *site) accept(name string) string {
	s.t.Helper()
	a, err := s.Accept(context.Background(), run.Start{Program: name, Channel: "c"})
	must(s.t, err)
	return a.Run
}

// publish tells events, by their ids, of one type each: "a:order" or "a:order:subject".
func (s *site) publish(names ...string) error {
	var all []*event.Event
	for _, name := range names {
		parts := append(strings.Split(name, ":"), "")
		all = append(all, &event.Event{ID: parts[0], Type: parts[1], Subject: parts[2], Data: json.RawMessage(`{"id":"` + parts[0] + `"}`)})
	}
	s.mu.Lock()
	log := s.log
	s.mu.Unlock()
	return log.Publish(context.Background(), all...)
}

func (s *site) tell(names ...string) {
	s.t.Helper()
	must(s.t, s.publish(names...))
}

// until waits for the run to be as wanted, and moves the clock by d each time it is not.
func (s *site) until(id string, d time.Duration, wanted func(*run.Info) bool) *run.Info {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		info, err := s.Get(context.Background(), id)
		if err == nil && wanted(info) {
			return info
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the run did not become so: %+v, %v", info, err)
		}
		s.clock.Advance(d)
		<-time.After(time.Millisecond)
	}
}

// failed reports whether the program is to fail this time.
func (s *site) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails--
	return s.fails >= 0
}

func waits(i *run.Info) bool { return i.State == run.Waiting && i.WaitingFor == "event" }

func ended(i *run.Info) bool { return i.State.Ended() }

// comes checks what a run ends with.
func (s *site) comes(id string, want ...string) {
	s.t.Helper()
	s.ends(s.until(id, 0, ended), want...)
}

func (s *site) ends(info *run.Info, want ...string) {
	s.t.Helper()
	var got []string
	if info.State != run.Succeeded || json.Unmarshal(info.Output, &got) != nil {
		s.t.Errorf("the run is %s: %+v %s", info.State, info.Error, info.Output)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Error(diff)
	}
}

// For an event that comes before, at the same moment as, or after the wait
// begins, and a crash at every commit in turn: each wait gets one event, each
// event goes to one wait, in their order.
func TestAnEventComesOnce(t *testing.T) {
	for _, when := range []string{"before", "same", "after"} {
		t.Run(when+"/sqlite", func(t *testing.T) { everyCrash(t, dbtest.SQLite, when) })
		t.Run(when+"/postgres", func(t *testing.T) { everyCrash(t, dbtest.Postgres, when) })
	}
}

func everyCrash(t *testing.T, place func(testing.TB) func(db.Hooks) *db.DB, when string) {
	t.Helper()
	t.Parallel() // it is mostly databases that are made
	for at := int64(1); ; at++ {
		happened := false
		for _, after := range []bool{false, true} {
			crash := &dbtest.Crash{At: at, After: after}
			once(t, place(t), when, crash, crash.Happened)
			happened = happened || crash.Happened()
			if t.Failed() {
				t.Fatalf("with a crash at commit %d, after: %v", at, after)
			}
		}
		if !happened {
			return
		}
	}
}

// once plays a run with two waits, and the node's death at one moment of it.
func once(t *testing.T, open func(db.Hooks) *db.DB, when string, hooks db.Hooks, happened func() bool) {
	t.Helper()
	s := newSite(t, open)
	s.programs["p"] = func(p *process) []string {
		if when == "before" {
			p.step("sleep", "1s")
		}
		first := p.wait("order.*", `,"subject":"4711"`)
		return []string{first, p.wait("order.paid", "")}
	}
	arm := &dbtest.Armed{Hooks: hooks}
	s.start(arm)
	defer func() { s.crashed = true; s.stop() }()
	s.tell("early:order.paid:4711", "other:order.paid:4712")
	arm.On.Store(true)
	accepted, err := s.Accept(context.Background(), run.Start{Program: "p", Channel: "c"})
	if err != nil { // never acknowledged: nothing was promised
		return
	}
	var told atomic.Bool
	publish := func() { told.Store(s.publish("a:order.paid:4711", "b:order.paid:4711", "c:order.paid:4711") == nil) }
	if when == "same" {
		var publishing sync.WaitGroup
		defer publishing.Wait()
		publishing.Go(publish)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if happened() && !s.crashed {
			s.again()
			happened = func() bool { return false }
		}
		info, err := s.Get(context.Background(), accepted.Run)
		if err == nil && info.State.Ended() {
			s.ends(info, "a", "b")
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run never ended: %+v, %v", info, err)
		}
		if !told.Load() && (when != "after" || err == nil && waits(info)) {
			publish()
		}
		if told.Load() || when != "before" {
			s.clock.Advance(300 * time.Millisecond)
		}
		<-time.After(500 * time.Microsecond)
	}
}

// The parts of a type may be empty: a wait is found by those, too.
func TestWaitsForTypesWithEmptyParts(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		for i, c := range [][2]string{{".x", ".x"}, {"..x", "..x"}, {"x.", "x."}, {"x..y", "x..y"}, {".", "."}, {".**", ".q"}, {".*", ".r"}, {"x..*", "x..q"}, {"*.z", ".z"}, {".a.**", ".a.b.c"}} {
			s.programs["p"] = func(p *process) []string { return []string{p.wait(c[0], "")} }
			id := s.accept("p")
			s.until(id, 0, waits)
			s.tell(fmt.Sprint("e", i, ":", c[1]))
			s.comes(id, fmt.Sprint("e", i))
		}
	})
}

func TestWhatIsWaitedFor(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		for wanted, want := range map[string]string{
			`{"type":"order.paid"}`:                                               "a",
			`{"type":"order.*"}`:                                                  "a",
			`{"type":"*.paid"}`:                                                   "a",
			`{"type":"**"}`:                                                       "z",
			`{"type":"order.**","subject":"s2"}`:                                  "b",
			`{"type":"order.paid","match":"data/id eq 'b'"}`:                      "b",
			`{"type":"order.paid","match":"subject ne null"}`:                     "b",
			`{"type":"order.paid.late"}`:                                          "c",
			`{"type":"order.paid.*"}`:                                             "c",
			`{"type":"order","timeout":"1s"}`:                                     "null",
			`{"type":"order.paid","subject":"s1","timeout":"1s"}`:                 "null",
			`{"type":"order.paid","match":"1 eq 2","timeout":"1s"}`:               "null",
			`{"type":"order.pa*"}`:                                                "Error",
			`{"type":"order.paid","match":"data/id equals 'b'"}`:                  "Error",
			`{"type":"order.paid","match":"price gt 7"}`:                          "Error",
			`{"type":"order.paid","subject":"` + strings.Repeat("s", 2000) + `"}`: "Error",
		} {
			t.Run(wanted, func(t *testing.T) {
				before := s.t
				s.t = t
				defer func() { s.t = before }()
				for _, early := range []bool{true, false} {
					s.programs["p"] = func(p *process) []string {
						if early {
							p.step("sleep", "10s")
						}
						return []string{p.step("wait", wanted)}
					}
					id := s.accept("p")
					if !early && want != "Error" {
						s.until(id, 0, waits)
					}
					unique := fmt.Sprint(early, wanted)
					must(t, s.publishAs(unique, "z:zero", "a:order.paid", "b:order.paid:s2", "c:order.paid.late"))
					info := s.until(id, time.Second, ended)
					var got []string
					must(t, json.Unmarshal(info.Output, &got))
					if got[0] != want {
						t.Errorf("early %v: %q came, want %q", early, got[0], want)
					}
				}
			})
		}
	})
}

// publishAs is publish with ids that are unique, but for their beginning.
func (s *site) publishAs(unique string, names ...string) error {
	for _, name := range names {
		parts := append(strings.Split(name, ":"), "")
		err := s.log.Publish(context.Background(), &event.Event{
			Source: "/" + fmt.Sprint(len(unique)) + strings.Map(func(r rune) rune {
				if r >= 'a' && r <= 'z' {
					return r
				}
				return '-'
			}, unique),
			ID: parts[0], Type: parts[1], Subject: parts[2], Data: json.RawMessage(`{"id":"` + parts[0] + `"}`),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

package link_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/link"
	"junctor/internal/run"
)

// world is an engine whose one program asks and waits, over a database that may
// die at any commit.
type world struct {
	t     *testing.T
	clock *clock.Fake
	db    *db.DB
	store *link.Store
	runs  *run.Engine
	stop  func()

	mu    sync.Mutex
	token string
}

var start = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

func (w *world) begin(open func(db.Hooks) *db.DB, hooks db.Hooks) {
	w.t.Helper()
	d := open(hooks)
	w.db = d
	committer := db.NewCommitter(d, run.Fence, nil)
	w.store = link.New(link.Options{
		DB: d, Now: w.clock.Now,
		Key:  func(*db.Tx) ([]byte, error) { return []byte("key"), nil },
		URL:  func() (string, error) { return "https://x", nil },
		Do:   func(tx *db.Tx, _ *link.Link) (string, error) { return "", count(tx, "done") },
		Tell: func(tx *db.Tx, kind string, _ *link.Approval) error { return count(tx, kind) },
		Wake: func(tx *db.Tx, id string) error { return w.runs.Wake(tx, id) },
	})
	engine, err := run.New(run.Options{DB: d, Committer: committer, Programs: w, Handlers: w.handlers(), Clock: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := engine.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.runs = engine
	w.stop = func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		engine.Stop(ended) //nolint:errcheck // the database may be dead
		committer.Close()
		d.Close() //nolint:errcheck // as above
	}
}

// count counts what is told, in the transaction that tells it.
func count(tx *db.Tx, what string) error {
	_, err := tx.Exec(`INSERT INTO kv_values (name, value) VALUES ($1, '1') ON CONFLICT (name) DO UPDATE SET value = kv_values.value || '1'`, what)
	return err
}

func (w *world) handlers() run.Handlers {
	return run.Handlers{
		"open": {Internal: func(tx *db.Tx, c *run.Call) ([]byte, error) {
			o, err := w.store.Open(tx, link.Ask{Choices: []link.Choice{{Choice: "yes"}, {Choice: "no"}}, Run: c.Run, ExpiresAt: start.Add(time.Hour)})
			if err != nil {
				return nil, err
			}
			return json.Marshal(o)
		}},
		"wait": {Wait: &run.Wait{
			Timeout: func(*run.Call) (time.Duration, error) {
				return max(start.Add(time.Hour).Sub(w.clock.Now()), time.Microsecond), nil
			},
			Begin: func(tx *db.Tx, calls []*run.Call) error {
				return w.store.Await(tx, string(calls[0].Args), calls[0].Run, calls[0].Seq)
			},
			Look: func(tx *db.Tx, calls []*run.Call) (map[*run.Call]run.Came, error) {
				d, over, err := w.store.Ended(tx, calls[0].Run, calls[0].Seq)
				if !over || err != nil {
					return nil, err
				}
				result := "null"
				if d != nil {
					result = `"` + d.Choice + `"`
				}
				return map[*run.Call]run.Came{calls[0]: {Result: []byte(result)}}, nil
			},
			Expire: func(tx *db.Tx, c *run.Call) error { return w.store.GiveUp(tx, c.Run, c.Seq) },
			Drop:   w.store.Leave,
		}},
	}
}

func (w *world) Program(context.Context, string, string) (run.Program, error) { return w, nil }
func (w *world) Latest(context.Context, string) (string, error)               { return "", nil }

// Execute asks, waits, and ends with what it was told.
func (w *world) Execute(_ context.Context, x *run.Execution) run.Outcome {
	x.Call(1, "open", []byte("{}"))
	c, err := x.Next(nil)
	if err != nil {
		return run.Outcome{Left: err}
	}
	var o link.Opened
	if err := json.Unmarshal(c.Result, &o); err != nil {
		return run.Outcome{Failure: &run.Failure{ErrorInfo: run.ErrorInfo{Message: err.Error()}}}
	}
	w.mu.Lock()
	w.token = strings.TrimPrefix(o.Links["yes"], "https://x"+link.Base)
	w.mu.Unlock()
	x.Call(2, "wait", []byte(o.ID))
	c, err = x.Next(nil)
	if err != nil {
		return run.Outcome{Left: err}
	}
	return run.Outcome{Output: c.Result}
}

func (w *world) known() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.token
}

// decided plays one run with a crash, while somebody decides as soon as he can;
// late: with the end of the time at the same moment.
func decided(t *testing.T, open func(db.Hooks) *db.DB, crash *dbtest.Crash, late bool) {
	t.Helper()
	w := &world{t: t, clock: clock.NewFake(start)}
	arm := &dbtest.Armed{Hooks: crash}
	w.begin(open, arm)
	arm.On.Store(true)
	defer func() { w.stop() }()
	restarted := false
	again := func() {
		if crash.Happened() && !restarted {
			restarted = true
			w.stop()
			w.begin(open, nil)
		}
	}
	accepted, err := w.runs.Accept(context.Background(), run.Start{Program: "p"})
	if err != nil {
		if !crash.Happened() {
			t.Fatal(err)
		}
		return // never acknowledged
	}
	acknowledged, refused := false, false
	deadline := time.Now().Add(30 * time.Second)
	for {
		again()
		if token := w.known(); token != "" && !acknowledged && !refused {
			if late {
				w.clock.Advance(max(0, start.Add(time.Hour-time.Microsecond).Sub(w.clock.Now())))
				go w.clock.Advance(time.Microsecond)
			}
			_, err := w.store.Use(context.Background(), token, "")
			switch {
			case err == nil:
				acknowledged = true
			case fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound):
				refused = true
			case !crash.Happened():
				t.Fatal(err)
			}
		}
		info, err := w.runs.Get(context.Background(), accepted.Run)
		if err == nil && info.State.Ended() && (acknowledged || refused) {
			break
		}
		if err != nil && !crash.Happened() || time.Now().After(deadline) {
			t.Fatalf("it never ended: %v %+v (%v, %v)", err, info, acknowledged, refused)
		}
		w.clock.Advance(time.Microsecond) // for those who look again after a while
		if restarted || late {
			w.clock.Advance(5 * time.Second)
		}
		<-time.After(time.Millisecond)
	}
	arm.On.Store(false) // a crash that has not come by now would be after all of it
	again()
	info, err := w.runs.Get(context.Background(), accepted.Run)
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := w.store.Approvals(context.Background(), link.Filter{})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d approvals, %v", len(list), err)
	}
	want := map[link.State]string{link.Decided: `"yes"`, link.Expired: "null"}[list[0].State]
	if string(info.Output) != want || acknowledged && want == "null" || !late && want == "null" {
		t.Errorf("the run got %s of an approval that is %s (acknowledged: %v)", info.Output, list[0].State, acknowledged)
	}
	if n := w.told("approval." + string(list[0].State)); n != 1 {
		t.Errorf("it was told %d times", n)
	}
}

// told is how often something was told.
func (w *world) told(what string) int {
	w.t.Helper()
	var ones string
	err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT value FROM kv_values WHERE name = $1`, what).Scan(&ones)
	})
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		w.t.Fatal(err)
	}
	return len(ones)
}

// A decision that was acknowledged is what the run gets, whatever commit is the
// last one before a crash.
func TestADecisionIsNotLost(t *testing.T) {
	for name, place := range map[string]func(testing.TB) func(db.Hooks) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		for _, late := range []bool{false, true} {
			if name == "postgres" && !late {
				continue // a database takes a second to make
			}
			t.Run(fmt.Sprintf("%s/late %v", name, late), func(t *testing.T) {
				for at := int64(1); ; at++ {
					before, after := &dbtest.Crash{At: at}, &dbtest.Crash{At: at, After: true}
					decided(t, place(t), before, late)
					decided(t, place(t), after, late)
					if t.Failed() {
						t.Fatalf("at commit %d", at)
					}
					if !before.Happened() && !after.Happened() {
						return
					}
				}
			})
		}
	}
}

package ingress_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"junctor/internal/channel"
	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/ingress"
	"junctor/internal/kv"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// works is a door with everything behind it but scenarios: runs make one step,
// if any, whose name is the channel's.
type works struct {
	t       *testing.T
	open    func(db.Hooks) *db.DB
	clock   *clock.Fake
	dir     string
	door    ingress.Door
	step    string
	crashed bool

	db      *db.DB
	commits *db.Committer
	engine  *run.Engine
	server  *httptest.Server
}

func (w *works) Door(string) *ingress.Door { return &w.door }

func (w *works) Has(context.Context, string, string) (bool, error) { return false, nil }

func (w *works) Validate(context.Context, string, string, scenario.Input) (func(*db.Tx) ([]db.Op, error), error) {
	return nil, nil
}

func (w *works) Program(context.Context, string, string) (run.Program, error) { return w, nil }

func (w *works) Latest(context.Context, string) (string, error) { return "v1", nil }

func (w *works) Execute(_ context.Context, x *run.Execution) run.Outcome {
	if w.step != "" {
		x.Call(1, w.step, []byte(`"n"`))
		if _, err := x.Next(nil); err != nil {
			return run.Outcome{Left: err}
		}
	}
	return run.Outcome{Output: []byte(`{"status":200,"headers":{},"text":"done"}`)}
}

func (w *works) start(hooks db.Hooks) {
	w.t.Helper()
	w.db = w.open(hooks)
	w.commits = db.NewCommitter(w.db, run.Fence, nil)
	var err error
	w.engine, err = run.New(run.Options{
		DB: w.db, Committer: w.commits, Programs: w, Clock: w.clock, Dir: w.dir,
		Handlers: run.Handlers{
			"outside": {External: func(context.Context, *run.Call) ([]byte, error) { return []byte("1"), nil }},
			"inside": {Internal: func(tx *db.Tx, _ *run.Call) ([]byte, error) {
				n, err := kv.Increment(tx, "made", 1, 0, w.clock.Now())
				return fmt.Append(nil, n), err
			}},
		},
	})
	if err == nil {
		err = w.engine.Start(context.Background())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = httptest.NewServer(ingress.New(ingress.Options{
		Doors: w, Runs: w.engine, Validator: w, Nonces: channel.NewNonces(w.db), Now: w.clock.Now,
		Address: func(r *http.Request) string { return r.RemoteAddr }, BaseURL: func(*http.Request) string { return "http://h" },
		Log: slog.New(slog.DiscardHandler),
	}))
}

func (w *works) stop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w.server.CloseClientConnections()
	err := w.engine.Stop(ctx)
	w.commits.Close()
	if closed := w.db.Close(); err == nil {
		err = closed
	}
	w.server.Close()
	if err != nil && !w.crashed {
		w.t.Error(err)
	}
}

// send sends the message and returns the answer's status; 0: there was none
// since the process has died.
func (w *works) send(dead func() bool) int {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	answered := make(chan int, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, "POST", w.server.URL+ingress.Base+"t0ken", strings.NewReader("the message"))
		if err != nil {
			panic(err)
		}
		r.Header.Set("X-Nonce", "nonce")
		r.Header.Set("X-Key", "key")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			answered <- 0
			return
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body) //nolint:errcheck // what matters is the status
		answered <- resp.StatusCode
	}()
	deadline := time.Now().Add(20 * time.Second)
	for {
		select {
		case status := <-answered:
			return status
		case <-time.After(2 * time.Millisecond):
			w.clock.Advance(10 * time.Millisecond)
		}
		if dead() {
			cancel() // the caller sees the connection break
		} else if time.Now().After(deadline) {
			w.t.Fatal("there was no answer")
		}
	}
}

func alive() bool { return false }

// runs are all runs, once each has ended; nil when the process has died.
func (w *works) runs(dead func() bool) []run.Info {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		list, _, err := w.engine.List(context.Background(), run.Filter{})
		if dead() {
			return nil
		}
		if err != nil {
			w.t.Fatal(err)
		}
		ended := true
		for _, info := range list {
			ended = ended && info.State.Ended()
		}
		if ended {
			return list
		}
		if time.Now().After(deadline) {
			shown, _ := json.Marshal(list)
			w.t.Fatalf("the runs never ended: %s", shown)
		}
		w.clock.Advance(700 * time.Millisecond)
		<-time.After(time.Millisecond)
	}
}

// disturb lets one message come while the process dies, or the outcome of a
// commit is unknown, and again afterwards: there is one run of it.
func disturb(t *testing.T, place func(testing.TB) func(db.Hooks) *db.DB, config, step, what string, hooks db.Hooks, happened func() bool, dies bool) {
	t.Helper()
	c, found := channel.Parse("c", []byte(`{"type":"public","scenario":"s",`+config+`}`))
	if found != nil {
		t.Fatal(found)
	}
	w := &works{
		t: t, open: place(t), dir: t.TempDir(), step: step, clock: clock.NewFake(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)),
		door: ingress.Door{Channel: &c, Version: "v1", Verifier: &channel.Verifier{}, Gate: &channel.Gate{}},
	}
	arm := &dbtest.Armed{Hooks: hooks}
	w.start(arm)
	defer func() { w.stop() }()
	arm.On.Store(true)
	dead := func() bool { return dies && happened() }
	statuses := []int{w.send(dead)}
	w.runs(dead)
	if arm.On.Store(false); dead() {
		w.crashed = true
		w.stop()
		w.crashed = false
		w.start(nil)
	}
	w.runs(alive)
	again := 200 // by its key: the first answer
	if c.Nonce != nil {
		again = 409
	}
	for len(statuses) < 4 {
		statuses = append(statuses, w.send(alive))
		w.runs(alive)
	}
	if n := len(w.runs(alive)); n != 1 {
		t.Errorf("%s: %d runs, answers %v", what, n, statuses)
	}
	if statuses[2] != again || statuses[3] != again {
		t.Errorf("%s: answers %v", what, statuses)
	}
	accepted := 0
	for _, status := range statuses {
		if status == 200 {
			accepted++
		}
	}
	if c.Nonce != nil && (accepted > 1 || accepted == 0 && !happened()) {
		t.Errorf("%s: accepted %d times: %v", what, accepted, statuses)
	}
}

// TestCrashes: whenever the process dies, a message whose nonce or idempotency
// key is known has its run, and one without a run can come again.
func TestCrashes(t *testing.T) {
	for once, config := range map[string]string{"nonce": `"nonce":{"header":"X-Nonce"}`, "key": `"idempotency":{"header":"X-Key"}`} {
		for _, way := range []struct{ name, await, step string }{
			{"not awaited", "false", ""},
			{"awaited", "true", ""},
			{"awaited, with a step inside", "true", "inside"},
			{"awaited, with a step outside", "true", "outside"},
		} {
			for name, place := range map[string]func(testing.TB) func(db.Hooks) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
				if name == "postgres" && way.step == "inside" {
					continue // goes the way of the other two
				}
				t.Run(name+"/"+way.name+"/"+once, func(t *testing.T) {
					config := config + `,"timeout":"1d","await":` + way.await
					for at := int64(1); at <= 4; at++ { // what comes behind are commits of the node's own
						before, after := &dbtest.Crash{At: at}, &dbtest.Crash{At: at, After: true}
						disturb(t, place, config, way.step, fmt.Sprintf("crash before commit %d", at), before, before.Happened, true)
						disturb(t, place, config, way.step, fmt.Sprintf("crash after commit %d", at), after, after.Happened, true)
						for _, committed := range []bool{true, false} {
							unknown := &dbtest.Unknown{At: at, Committed: committed}
							disturb(t, place, config, way.step, fmt.Sprintf("unknown outcome of commit %d", at), unknown, unknown.Happened, false)
						}
						if t.Failed() || !before.Happened() && !after.Happened() {
							return
						}
					}
				})
			}
		}
	}
}

package subscription_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	connection "junctor/internal/connection/http"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/subscription"
)

// node is a process that dispatches and delivers.
type node struct {
	t         *testing.T
	db        *db.DB
	committer *db.Committer
	events    *event.Log
	runs      *run.Engine
	store     *subscription.Store
	stop      context.CancelFunc
	done      chan struct{}
}

func start(t *testing.T, d *db.DB) *node {
	t.Helper()
	n := &node{t: t, db: d, done: make(chan struct{})}
	n.committer = db.NewCommitter(d, run.Fence, nil)
	var err error
	n.events, err = event.Open(context.Background(), event.Options{DB: d, Committer: n.committer, Source: "/test"})
	if err != nil {
		t.Fatal(err)
	}
	n.store = subscription.New(subscription.Options{
		DB: d, Events: n.events, Runs: func() subscription.Runs { return n.runs },
		Seal:       func(_ string, plain []byte) []byte { return plain },
		Open:       func(_ string, sealed []byte) ([]byte, error) { return sealed, nil },
		Connection: func(string) (*connection.Conn, error) { return nil, fault.New(fault.NotFound, "none") },
		Private:    func() bool { return true },
		Tell:       func(*db.Tx, string, string, any) error { return nil },
		Audit:      func(*db.Tx, subscription.Author, string, string, string) error { return nil },
	})
	n.runs, err = run.New(run.Options{
		DB: d, Committer: n.committer, Programs: n, Handlers: n.store.Handlers(), Workers: 2,
		Policies: func(_, _, source string) run.Policy { p, _ := n.store.Policy(source); return p },
	})
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, n.stop = context.WithCancel(context.Background())
	if err := n.runs.Start(ctx); err == nil { // otherwise it has crashed
		go func() {
			defer close(n.done)
			n.store.Run(ctx)
		}()
	} else {
		close(n.done)
	}
	return n
}

func (n *node) Program(context.Context, string, string) (run.Program, error) {
	return n.store.Delivery(), nil
}

func (n *node) Latest(context.Context, string) (string, error) { return subscription.Version, nil }

// close ends what may have died already.
func (n *node) close() {
	n.stop()
	<-n.done
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	n.runs.Stop(ctx) //nolint:errcheck // see above
	n.events.Stop()
	n.committer.Close()
	n.db.Close() //nolint:errcheck // see above
}

// A crash at every commit in turn, before and after it: each event has in the end
// exactly one delivery to each subscriber, and was received at least once.
func TestCrashes(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			dbtest.EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
				var mu sync.Mutex
				got := map[string]int{} // by path and event
				to := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					var e struct{ ID string }
					if json.NewDecoder(r.Body).Decode(&e) == nil {
						mu.Lock()
						got[r.URL.Path+" "+e.ID]++
						mu.Unlock()
					}
				}))
				defer to.Close()
				var codes []string
				first := start(t, open(nil))
				for i := range 2 {
					c, found := subscription.ParseRequest(fmt.Appendf(nil, `{"url":"%s/%d","types":["a"]}`, to.URL, i))
					if len(found) > 0 {
						t.Fatal(found)
					}
					made, err := first.store.Create(t.Context(), "channel", nil, 10, c, subscription.Author{})
					if err != nil {
						t.Fatal(err)
					}
					codes = append(codes, made.Code)
				}
				first.close()
				published := map[string]bool{}
				for at := int64(1); at < 40; at++ {
					crash := &dbtest.Crash{At: at, After: after}
					n := start(t, open(crash))
					for i := range 3 {
						id := fmt.Sprintf("%d-%d", at, i)
						if n.events.Publish(context.Background(), &event.Event{ID: id, Type: "a"}) == nil {
							published[id] = true
						}
					}
					n.await(func() bool { return crash.Happened() || n.settled(codes) })
					n.close()
					n = start(t, open(nil))
					n.await(func() bool { return n.settled(codes) })
					n.close()
					if !crash.Happened() {
						break
					}
				}
				d := open(nil)
				defer d.Close() //nolint:errcheck // only read
				var events int
				if err := d.Read(t.Context(), func(tx *db.Tx) error {
					if err := tx.QueryRow(`SELECT count(*) FROM events`).Scan(&events); err != nil {
						return err
					}
					for _, code := range codes {
						var runs, different int
						err := tx.QueryRow(`SELECT count(*), count(DISTINCT input) FROM runs WHERE source = $1`, "subscription:"+code).Scan(&runs, &different)
						if err != nil {
							return err
						}
						if runs != events || different != events {
							t.Errorf("%s has %d deliveries of %d events, there are %d events", code, runs, different, events)
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if len(published) == 0 || events < len(published) {
					t.Errorf("%d events were published, %d are there", len(published), events)
				}
				if len(got) != 2*events {
					t.Errorf("%d of %d deliveries were received", len(got), 2*events)
				}
			})
		})
	}
}

// settled reports whether everything is dispatched and delivered; what cannot be
// asked has crashed, and is.
func (n *node) settled(codes []string) bool {
	for _, code := range codes {
		v, err := n.store.Get(context.Background(), "", code)
		if err != nil {
			return true
		}
		if v.Behind > 0 || v.Unfinished > 0 {
			return false
		}
	}
	return true
}

func (n *node) await(f func() bool) {
	n.t.Helper()
	over := time.After(60 * time.Second)
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !f() {
		select {
		case <-look.C:
		case <-over:
			n.t.Fatal("not in time")
		}
	}
}

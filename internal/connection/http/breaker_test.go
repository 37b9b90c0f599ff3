package http

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/connection"
)

// flaky is a destination with a breaker and a clock of the test's own.
type flaky struct {
	*Conn
	t      *testing.T
	status atomic.Int32
	got    atomic.Int32
	now    time.Time
}

func newFlaky(t *testing.T, config Config) *flaky {
	t.Helper()
	f := &flaky{t: t, now: time.Unix(1_800_000_000, 0)}
	f.status.Store(200)
	f.Conn = serve(t, config, func(w http.ResponseWriter, r *http.Request) {
		f.got.Add(1)
		if f.status.Load() == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(int(f.status.Load()))
	})
	f.breaker.now = func() time.Time { return f.now }
	return f
}

// do makes requests that the destination answers with the status, 0 for closing.
func (f *flaky) do(status, n int) {
	f.t.Helper()
	f.status.Store(int32(status))
	before := f.got.Load()
	for range n {
		if _, err := f.Do(f.t.Context(), Request{Method: "POST", Path: "/o"}); connection.ClassOf(err) == connection.Held {
			f.t.Fatalf("held: %v", err)
		}
	}
	if arrived := f.got.Load() - before; int(arrived) != n {
		f.t.Fatalf("%d of %d requests arrived", arrived, n)
	}
}

func (f *flaky) held(least, most time.Duration) {
	f.t.Helper()
	before := f.got.Load()
	_, err := f.Do(f.t.Context(), Request{Path: "/o"})
	wantHeld(f.t, err, least, most, `connection "erp": GET /o: not sent, because the last `)
	if f.got.Load() != before {
		f.t.Error("a request was sent")
	}
}

func TestBreaker(t *testing.T) {
	f := newFlaky(t, Config{Breaker: &Breaker{}})
	f.do(500, 9)
	f.do(200, 1) // in between: only failures in a row count
	f.do(0, 5)
	f.do(404, 1)
	f.do(429, 20)
	f.do(503, 5)
	f.do(0, 5)
	f.held(30*time.Second, 30*time.Second)
	f.now = f.now.Add(29 * time.Second)
	f.held(time.Second, time.Second)
	f.now = f.now.Add(time.Second)
	f.do(500, 1) // the probe, in vain
	f.held(30*time.Second, 30*time.Second)
	f.now = f.now.Add(30 * time.Second)
	f.do(200, 1)
	f.do(500, 9)
	f.do(422, 1)
	f.do(200, 3)
}

func TestBreakerLetsOneProbeThrough(t *testing.T) {
	f := newFlaky(t, Config{Breaker: &Breaker{Failures: 1, Pause: 3 * time.Second}})
	f.do(500, 1)
	f.now = f.now.Add(3 * time.Second)
	probe, _, shut := f.breaker.enter()
	if !probe || shut {
		t.Fatal("no probe")
	}
	f.held(3*time.Second, 3*time.Second) // while the probe is under way
	f.breaker.tell(true, unknown, "")    // it was given up, and said nothing
	f.do(200, 2)
}

// A failure that came late, of a request from before, does not prolong the
// pause, and a good answer of that kind does not end it.
func TestBreakerAndStragglers(t *testing.T) {
	f := newFlaky(t, Config{Breaker: &Breaker{Failures: 2, Pause: time.Minute}})
	f.do(500, 2)
	f.now = f.now.Add(30 * time.Second)
	f.breaker.tell(false, failing, "late")
	f.breaker.tell(false, alive, "")
	f.held(30*time.Second, 30*time.Second)
}

// What says nothing about the destination does not count.
func TestBreakerDoesNotCount(t *testing.T) {
	f := newFlaky(t, Config{Breaker: &Breaker{Failures: 1}})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, r := range map[string]Request{"cancelled": {}, "impossible": {Path: "/../x"}} {
		ctx := t.Context()
		if name == "cancelled" {
			ctx = gone
		}
		if _, err := f.Do(ctx, r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	f.do(200, 1)
	if f := newBreaker(nil); f != nil {
		t.Error("there is a breaker without a configuration")
	}
}

// The reason for the pause is told, without credentials.
func TestBreakerTellsTheReason(t *testing.T) {
	f := newFlaky(t, Config{Breaker: &Breaker{Failures: 2, Pause: 90 * time.Second}})
	f.do(503, 2)
	_, err := f.Do(t.Context(), Request{Path: "/p"})
	want := `connection "erp": GET /p: not sent, because the last 2 requests in a row have failed; the breaker lets one through in 1m30s. ` +
		`The last failure: connection "erp" answered 503 Service Unavailable to POST /o`
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

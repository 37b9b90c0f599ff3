package http

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"junctor/internal/connection"
	"junctor/internal/unit"
)

func wantHeld(t *testing.T, err error, least, most time.Duration, says string) {
	t.Helper()
	var e *connection.Error
	if !errors.As(err, &e) || e.Class != connection.Held || e.After < least || e.After > most || !strings.Contains(e.Message, says) {
		t.Errorf("%v, held for %v to %v, with %q, is wanted: %+v", err, least, most, says, e)
	}
}

func TestConcurrency(t *testing.T) {
	var now, most atomic.Int32
	release := make(chan struct{})
	arrived := make(chan struct{}, 100)
	conn := serve(t, Config{Concurrency: 3}, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		arrived <- struct{}{}
		<-release
		now.Add(-1)
	})
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			if _, err := conn.Do(t.Context(), Request{}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 {
		<-arrived
	}
	_, err := conn.Do(t.Context(), Request{Path: "/x", Timeout: 20 * time.Millisecond})
	wantHeld(t, err, 0, 0, `connection "erp": GET /x: not sent within 20ms, because concurrency: 3`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = conn.Do(ctx, Request{}); connection.ClassOf(err) != connection.NotConnected {
		t.Errorf("cancelled: %v", err)
	}
	close(release)
	group.Wait()
	if most.Load() != 3 {
		t.Errorf("%d requests at once", most.Load())
	}
}

func TestRate(t *testing.T) {
	var got atomic.Int32
	conn := serve(t, Config{Rate: unit.Rate{Count: 2, Per: time.Hour}}, func(http.ResponseWriter, *http.Request) { got.Add(1) })
	for range 2 {
		if _, err := conn.Do(t.Context(), Request{}); err != nil {
			t.Error(err)
		}
	}
	_, err := conn.Do(t.Context(), Request{})
	wantHeld(t, err, 59*time.Minute, time.Hour, "because the 2/h that rate allows are used up for the next ")
	if got.Load() != 2 {
		t.Errorf("%d requests left", got.Load())
	}
	quick := serve(t, Config{Rate: unit.Rate{Count: 1, Per: time.Second}}, func(http.ResponseWriter, *http.Request) {})
	begun := time.Now()
	for range 2 {
		if _, err := quick.Do(t.Context(), Request{}); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(begun); took < time.Second {
		t.Errorf("two requests at 1/s took %v", took)
	}
}

// In no span of time are there more requests than the rate has, and none waits
// longer than it must.
func TestPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 5).Draw(t, "count")
		p := newPace(unit.Rate{Count: count, Per: time.Second})
		now := time.Unix(1_800_000_000, 0)
		var begun []time.Time
		for range rapid.IntRange(1, 40).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "later")) * time.Millisecond)
			patience := time.Duration(rapid.IntRange(0, 3000).Draw(t, "patience")) * time.Millisecond
			wait, ok := p.reserve(now, now.Add(patience))
			if !ok {
				if wait < patience {
					t.Fatalf("refused although the wait is %v of %v", wait, patience)
				}
				continue
			}
			at := now.Add(wait)
			if wait > 0 && (len(begun) < count || !begun[len(begun)-count].Add(time.Second).Equal(at)) {
				t.Fatalf("waits %v for nothing", wait)
			}
			begun = append(begun, at)
			if n := len(begun); n > count && at.Sub(begun[n-1-count]) < time.Second {
				t.Fatalf("%d requests within %v", count+1, at.Sub(begun[n-1-count]))
			}
		}
	})
}

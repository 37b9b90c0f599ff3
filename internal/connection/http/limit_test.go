package http

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

// In no span of time do more requests begin than the rate has, they begin in the
// order in which they came, and who gives up costs the others nothing.
func TestPace(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			count := 1 + random.IntN(5)
			p := newPace(unit.Rate{Count: count, Per: time.Second})
			var mu sync.Mutex
			var begun []time.Time
			var order []int
			for i := range 60 {
				time.Sleep(time.Duration(1+random.IntN(400)) * time.Millisecond) //nolint:forbidigo // of the bubble's clock
				patience := time.Duration(random.IntN(4000)) * time.Millisecond
				leaves := random.IntN(4) == 0
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					deadline, _ := ctx.Deadline()
					if leaves { // before its time is over
						ctx, cancel = context.WithTimeout(ctx, patience/3)
						defer cancel()
					}
					asked := time.Now()
					wait, err := p.take(ctx, deadline)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						begun, order = append(begun, time.Now()), append(order, i)
					case time.Since(asked) == 0 && patience > 0 && asked.Add(wait).Before(deadline) && ctx.Err() == nil:
						t.Errorf("seed %d: refused although the wait is %v of %v", seed, wait, patience)
					}
				}()
			}
			synctest.Wait()
			time.Sleep(time.Minute) //nolint:forbidigo // as above
			synctest.Wait()
			for i := count; i < len(begun); i++ {
				if d := begun[i].Sub(begun[i-count]); d < time.Second {
					t.Errorf("seed %d: %d requests within %v", seed, count+1, d)
				}
			}
			for i := 1; i < len(order); i++ {
				if order[i] < order[i-1] && begun[i].After(begun[i-1]) {
					t.Errorf("seed %d: %d begins before %d", seed, order[i-1], order[i])
				}
			}
			if len(begun) < 10 {
				t.Errorf("seed %d: only %d have begun", seed, len(begun))
			}
		})
	}
}

// Five that give up do not make the sixth wait for their turns.
func TestGivingUpCostsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(unit.Rate{Count: 1, Per: 2 * time.Second})
		far := time.Now().Add(time.Hour)
		if _, err := p.take(t.Context(), far); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range 5 {
			go p.take(ctx, far) //nolint:errcheck // it is cancelled
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		begun := time.Now()
		if _, err := p.take(t.Context(), far); err != nil || time.Since(begun) != 2*time.Second {
			t.Errorf("waited %v: %v", time.Since(begun), err)
		}
	})
}

// overload sends a request each 20 ms for a second, to a destination that needs
// 100 ms, and counts what came of them.
func overload(t *testing.T, config Config) (good, late, heldBack, served int) {
	t.Helper()
	var count atomic.Int32
	conn := serve(t, config, func(http.ResponseWriter, *http.Request) {
		count.Add(1)
		<-time.After(100 * time.Millisecond)
	})
	var group sync.WaitGroup
	var mu sync.Mutex
	for range 50 {
		group.Go(func() {
			_, err := conn.Do(t.Context(), Request{Timeout: time.Second})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				good++
			case connection.ClassOf(err) == connection.Held:
				heldBack++
			default:
				late++
			}
		})
		<-time.After(20 * time.Millisecond)
	}
	group.Wait()
	return good, late, heldBack, int(count.Load())
}

// What waits too long for its place is held back, not sent with little time left:
// it would be given up after the other side has acted, and made again.
func TestWaitingTakesNoTimeOfTheRequest(t *testing.T) {
	for name, config := range map[string]Config{
		"concurrency": {Concurrency: 1}, "rate": {Rate: unit.Rate{Count: 10, Per: time.Second}},
	} {
		good, late, heldBack, served := overload(t, config)
		if late > 0 || good != served || heldBack == 0 {
			t.Errorf("%s: %d good, %d late, %d held back, %d served", name, good, late, heldBack, served)
		}
	}
}

// An open breaker holds those back as well that wait for the rate.
func TestBreakerOpensWhileOthersWait(t *testing.T) {
	var count atomic.Int32
	conn := serve(t, Config{Rate: unit.Rate{Count: 2, Per: 100 * time.Millisecond}, Breaker: &Breaker{Failures: 2, Pause: time.Minute}},
		func(w http.ResponseWriter, _ *http.Request) {
			count.Add(1)
			w.WriteHeader(http.StatusInternalServerError)
		})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { conn.Do(t.Context(), Request{}) }) //nolint:errcheck // they fail or are held back
	}
	group.Wait()
	if n := count.Load(); n > 4 { // two that open it, and two that were on their way
		t.Errorf("%d requests were sent", n)
	}
}

// An answer that is too large is an answer: the breaker closes.
func TestLargeAnswersCloseTheBreaker(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	conn := serve(t, Config{MaxBody: 10, Breaker: &Breaker{Failures: 1, Pause: 10 * time.Millisecond}}, func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		if r.URL.Path == "/large" {
			w.Write(make([]byte, 100)) //nolint:errcheck // to a test
		}
	})
	if _, err := conn.Do(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	broken.Store(false)
	<-time.After(20 * time.Millisecond)
	if _, err := conn.Do(t.Context(), Request{Path: "/large"}); connection.ClassOf(err) != connection.Permanent {
		t.Errorf("%v", err)
	}
	if _, shut := conn.breaker.shut(); shut || !conn.breaker.until.IsZero() {
		t.Error("the breaker is still open")
	}
}

package hub_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/hub"
)

// A rate holds back the deliveries of its subscription, evenly, and no others.
func TestRateOfASubscription(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		now := clock.NewFake(time.Now())
		var mu sync.Mutex
		var came []time.Time
		slow := newEndpoint(t, func(http.ResponseWriter, int) {
			mu.Lock()
			defer mu.Unlock()
			came = append(came, now.Now())
		})
		fast := newEndpoint(t, nil)
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true, sessions: { idle: 30d, age: 300d } }
subscriptions:
  slow: { url: %q, types: ["order.*"], rate: 2/s }
  fast: { url: %q, types: ["order.*"] }
`, slow.URL, fast.URL)}, func(o *hub.Options) { o.Clock = now })
		now.Advance(time.Minute) // what was not used of a rate is not kept
		const many = 25          // more than its concurrency
		begun := now.Now()
		s.publish("order.made", 1, many)
		fast.await(t, many)
		slow.await(t, 1)
		if n := len(slow.await(t, 1)); n != 1 {
			t.Errorf("%d came before the time for the second", n)
		}
		s.until("the others have come", func() bool {
			now.Advance(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			return len(came) >= many
		})
		for n, at := range came {
			if earliest := begun.Add(time.Duration(n) * 500 * time.Millisecond); at.Before(earliest) {
				t.Errorf("the one at %d came after %s, and not after %s", n, at.Sub(begun), earliest.Sub(begun))
			}
		}
		s.until("all are done", func() bool {
			now.Advance(100 * time.Millisecond)
			a := s.subscription("slow")
			return a.Unfinished == 0 && a.Behind == 0
		})
		if ids := slow.ids(t, many); len(ids) != many {
			t.Errorf("%d came in all, of %d", len(ids), many)
		}
	})
}

// As many deliveries are under way at once as a subscription's concurrency says.
func TestConcurrencyOfASubscription(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		var under, most atomic.Int64
		enter := func() (leave func()) {
			n := under.Add(1)
			for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
			}
			return func() { under.Add(-1) }
		}
		release := make(chan struct{})
		narrow := newEndpoint(t, func(http.ResponseWriter, int) {
			defer enter()()
			<-release
		})
		let := sync.OnceFunc(func() { close(release) })
		t.Cleanup(let)
		free := newEndpoint(t, nil)
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  narrow: { url: %q, types: ["order.*"], concurrency: 3 }
  free: { url: %q, types: ["order.*"] }
`, narrow.URL, free.URL)})
		s.publish("order.made", 1, 20)
		free.await(t, 20)
		s.until("three are under way", func() bool { return under.Load() == 3 })
		s.until("the others wait", func() bool { return s.subscription("narrow").Unfinished == 20 })
		let()
		if ids := narrow.ids(t, 20); len(ids) != 20 {
			t.Errorf("%d came", len(ids))
		}
		if n := most.Load(); n != 3 {
			t.Errorf("%d were under way at once, want 3", n)
		}
	})
}

// While an endpoint fails it gets one delivery at a time, and all at once when it
// takes one.
func TestConcurrencyWhileAnEndpointFails(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		var under, most atomic.Int64
		var down atomic.Bool
		down.Store(true)
		to := newEndpoint(t, func(w http.ResponseWriter, n int) {
			if !down.Load() {
				return
			}
			if now := under.Add(1); n > 2 && now > most.Load() {
				most.Store(now)
			}
			defer under.Add(-1)
			w.WriteHeader(503)
		})
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  crm: { url: %q, types: ["order.*"], concurrency: 10, retry: { schedule: [1h] } }
`, to.URL)})
		s.publish("order.made", 1, 1)
		s.until("it is known to fail", func() bool { return s.subscription("crm").FailingSince != nil })
		s.publish("order.made", 2, 40)
		to.await(t, 40)
		if n := most.Load(); n > 1 {
			t.Errorf("%d were under way at once", n)
		}
		down.Store(false)
		s.publish("order.made", 41, 41) // the rest follows, long before its time
		s.until("all are taken", func() bool { a := s.subscription("crm"); return a.Unfinished == 0 && a.Behind == 0 })
	})
}

// What has failed for good holds up the later ones of its key where on_failure is
// block, until it is retried or given up; others go on. With skip, and without a
// key, it holds up nobody.
func TestDeliveriesThatHaveFailedForGood(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		var mended atomic.Bool
		var to *endpoint
		to = newEndpoint(t, func(w http.ResponseWriter, n int) {
			if to.nth(n).event.ID == "order.made-3" && !mended.Load() {
				w.WriteHeader(500)
			}
		})
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  block: { url: "%[1]s/block", types: ["order.*"], ordering_key: $.subject, on_failure: block, retry: { attempts: 1 } }
  default: { url: "%[1]s/default", types: ["order.*"], ordering_key: $.subject, retry: { schedule: [1ms] } }
  skip: { url: "%[1]s/skip", types: ["order.*"], ordering_key: $.subject, on_failure: skip, retry: { attempts: 1 } }
  all: { url: "%[1]s/all", types: ["order.*"], ordering_key: $.specversion, on_failure: skip, retry: { attempts: 1 } }
  plain: { url: "%[1]s/plain", types: ["order.*"], on_failure: block, retry: { attempts: 1 } }
`, to.URL)})
		taken := func(code string) (numbers []int) {
			for _, d := range to.await(t, 1) {
				var n int
				if _, err := fmt.Sscanf(d.event.ID, "order.made-%d", &n); err != nil {
					t.Fatal(err)
				}
				if d.path == "/"+code && (n != 3 || mended.Load()) {
					numbers = append(numbers, n)
				}
			}
			return numbers
		}
		s.publish("order.made", 1, 9) // the subjects are S1, S2, S0, S1...
		for code, want := range map[string]int{"block": 6, "default": 6, "skip": 8, "all": 8, "plain": 8} {
			s.until(code+" has what it is to have", func() bool { return len(taken(code)) >= want })
		}
		for code, want := range map[string]int{"block": 3, "default": 3, "skip": 0, "all": 0, "plain": 0} { // with the one that has failed they are no more
			s.until(code+" has nothing else under way", func() bool { return s.subscription(code).Unfinished == max(want-1, 0) })
		}
		for _, code := range []string{"block", "default"} {
			if got := taken(code); slices.ContainsFunc(got, func(n int) bool { return n%3 == 0 }) {
				t.Errorf("%s: behind the one that has failed came %v", code, got)
			}
		}
		if got := taken("all"); !slices.IsSorted(got) {
			t.Errorf("all: they came as %v", got)
		}
		mended.Store(true)
		for _, code := range []string{"block", "default"} {
			_, text := s.api("GET", "/api/v1/admin/runs?state=failed&source=subscription:"+code, "")
			_, rest, found := strings.Cut(text, `"id":"`)
			id, _, _ := strings.Cut(rest, `"`)
			if !found {
				t.Fatalf("%s: none has failed: %s", code, text)
			}
			if status, text := s.api("POST", "/api/v1/admin/runs/"+id+"/retry", ""); status != 200 {
				t.Fatalf("retry: %d %s", status, text)
			}
			s.until(code+" has gone on", func() bool { return s.subscription(code).Unfinished == 0 })
			got := slices.DeleteFunc(taken(code), func(n int) bool { return n%3 != 0 })
			if last := got[len(got)-3:]; !slices.Equal(last, []int{3, 6, 9}) {
				t.Errorf("%s: after the retry came %v", code, got)
			}
		}
	})
}

// A delivery that has had no answer in its timeout has failed, and is tried again.
func TestTimeoutOfASubscription(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		hang := make(chan struct{})
		to := newEndpoint(t, func(_ http.ResponseWriter, n int) {
			if n == 1 {
				<-hang
			}
		})
		t.Cleanup(func() { close(hang) })
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  crm: { url: %q, types: ["order.*"], timeout: 200ms, retry: { schedule: [10ms, 10ms] } }
`, to.URL)})
		s.publish("order.made", 1, 1)
		s.until("the second try has succeeded", func() bool { a := s.subscription("crm"); return a.LastSuccess != nil && a.Unfinished == 0 })
		if got := to.await(t, 2); len(got) != 2 || got[0].header.Get("webhook-id") != got[1].header.Get("webhook-id") {
			t.Errorf("it was tried %d times", len(got))
		}
		if f := s.subscription("crm").Failure; !strings.Contains(f, "200ms") {
			t.Errorf("the failure is shown as %q", f)
		}
	})
}

package hub_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"junctor/internal/clock"
	"junctor/internal/hub"
)

// What no event's type can have is in no pattern: one that a database refuses
// would keep events from everybody else.
func TestPatternsThatNoTypeHas(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, map[string]string{"junctor.yaml": eventing})
		to := newEndpoint(t, nil)
		const types = `"types":["order.*","a\u0000b"]`
		if res, text := s.send("POST", "crm", "/subscribe", fmt.Sprintf(`{"url":%q,%s}`, to.URL, types), "Content-Type", "application/json"); res.StatusCode != 422 || !strings.Contains(text, `"pointer":"/types"`) {
			t.Errorf("by the token: %d %s", res.StatusCode, text)
		}
		if status, text := s.api("PUT", "/api/v1/admin/subscriptions/erp", fmt.Sprintf(`{"url":%q,%s}`, to.URL, types)); status != 422 || !strings.Contains(text, `"pointer":"/types"`) {
			t.Errorf("by the admin API: %d %s", status, text)
		}
		made := s.subscribe("crm", fmt.Sprintf(`{"url":%q,"types":["order.*"]}`, to.URL))
		if status, text := s.api("POST", "/api/v1/admin/subscriptions/"+made.ID+"/replay", `{"since":"2026-01-01T00:00:00Z",`+types+`}`); status != 422 || !strings.Contains(text, `"pointer":"/types"`) {
			t.Errorf("sent again: %d %s", status, text)
		}
		w := s.connected("crm", "/subscribe")
		w.say(`{"action":"subscribe","id":"s","after":"oldest",` + types + `}`)
		if got := w.hear(); !strings.Contains(got, `"status":422`) || !strings.Contains(got, `"pointer":"/types"`) {
			t.Errorf("by websocket: %s", got)
		}
		s.publish("order.made", 1, 1)
		to.await(t, 1)
	})
}

// An id that no database can look for is that of no subscription.
func TestSubscriptionsThatNobodyCanHave(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, map[string]string{"junctor.yaml": eventing})
		for _, id := range []string{"%00", "sub_%00", "%ff", "%ed%a0%80", "sub_%f0%9f"} {
			for _, method := range []string{"GET", "HEAD", "DELETE"} {
				if res, text := s.send(method, "crm", "/subscribe/"+id, ""); res.StatusCode != 404 {
					t.Errorf("%s %s: %d %s", method, id, res.StatusCode, text)
				}
			}
		}
	})
}

// odd is an endpoint that answers with what is given, as it stands, and hangs up.
func odd(t *testing.T, answer string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, answer) //nolint:errcheck // what comes of it is what the test looks at
	}))
	t.Cleanup(server.Close)
	return server
}

// Whatever an endpoint answers, how it and the others fare is known.
func TestFailuresOfHostileEndpointsAreTold(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		var urls []any
		for _, begin := range []string{"", "a", "ab", "abc"} { // one of them is cut within a character
			urls = append(urls, odd(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: "+begin+strings.Repeat("😀", 300)+"\r\n\r\n").URL)
		}
		urls = append(urls, odd(t, "HTTP/1.1 200 \xff\r\nContent-Type: x\xff\r\nContent-Length: 3\r\n\r\n\x00\xff\xfe").URL, odd(t, "HTTP/1.1 500 \xff\r\n\r\n\x00\xff").URL)
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  s0: { url: %q, types: ["order.*"] }
  s1: { url: %q, types: ["order.*"] }
  s2: { url: %q, types: ["order.*"] }
  s3: { url: %q, types: ["order.*"] }
  well: { url: %q, types: ["order.*"] }
  ill: { url: %q, types: ["order.*"] }
`, urls...)})
		s.publish("order.made", 1, 1)
		for _, code := range []string{"s0", "s1", "s2", "s3", "ill"} {
			s.until("it is known how "+code+" fares", func() bool { return s.subscription(code).Failure != "" })
			if a := s.subscription(code); !utf8.ValidString(a.Failure) || strings.Contains(a.Failure, "\uFFFD") || len(a.Failure) > 500 {
				t.Errorf("%s: %q", code, a.Failure)
			}
		}
		s.until("what was well is known", func() bool { return s.subscription("well").LastSuccess != nil })
	})
}

// A subscription that was disabled and is defined anew has its five days again.
func TestSubscriptionThatIsDefinedAnewBeginsAnew(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		to := newEndpoint(t, func(w http.ResponseWriter, _ int) { w.WriteHeader(500) })
		now := clock.NewFake(time.Now())
		config := func(timeout string) map[string]string {
			return map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  crm: { url: %q, types: ["order.*"], timeout: %s }
`, to.URL, timeout)}
		}
		s := serveOn(t, database, config("9s"), func(o *hub.Options) { o.Clock = now })
		s.publish("order.made", 1, 1)
		s.until("a failure is known", func() bool { return s.subscription("crm").FailingSince != nil })
		now.Advance(5*24*time.Hour + time.Hour)
		s.until("it is disabled", func() bool { return s.subscription("crm").State == "disabled" })
		s.apply(config("8s"))
		anew := func(a adminSubscription) bool { // what waited is tried at once, and may have failed by now
			return a.State == "active" && (a.FailingSince == nil || a.FailingSince.After(now.Now().Add(-2*time.Hour)))
		}
		if a := s.subscription("crm"); !anew(a) {
			t.Fatalf("applied: %+v", a)
		}
		tries := len(to.await(t, 1))
		now.Advance(time.Hour)
		to.await(t, tries+1)
		s.until("it fails again", func() bool { a := s.subscription("crm"); return a.FailingSince != nil || a.State != "active" })
		if a := s.subscription("crm"); !anew(a) {
			t.Errorf("after one failure more: %+v", a)
		}
	})
}

// What waits for the rate is not sent any more when the subscription is stopped,
// sent elsewhere or deleted meanwhile.
func TestWhatWaitsForTheRateIsAskedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		first, second := newEndpoint(t, nil), newEndpoint(t, nil)
		config := func(url, rate string) map[string]string {
			return map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  crm: { url: %q, types: ["order.*"]%s }
  gone: { url: %q, types: ["order.*"], rate: 1/h }
`, url, rate, first.URL)}
		}
		s := serveOn(t, database, config(first.URL, ", rate: 1/h"))
		s.publish("order.made", 1, 4)
		first.await(t, 2)
		for _, code := range []string{"crm", "gone"} {
			s.until("the others wait", func() bool { return s.subscription(code).Unfinished == 3 })
		}
		if status, text := s.api("DELETE", "/api/v1/admin/subscriptions/gone", ""); status != 204 {
			t.Fatalf("%d %s", status, text)
		}
		s.until("they are cancelled", func() bool {
			_, text := s.api("GET", "/api/v1/admin/runs?source=subscription:gone&state=cancelled", "")
			return strings.Count(text, `"program":"delivery"`) == 3
		})
		if status, text := s.api("POST", "/api/v1/admin/subscriptions/crm/disable", ""); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
		s.until("they have gone back", func() bool {
			_, text := s.api("GET", "/api/v1/admin/runs?source=subscription:crm&state=waiting", "")
			return strings.Count(text, `"program":"delivery"`) == 3
		})
		s.apply(config(second.URL, "")) // which lets it go on
		second.await(t, 3)
		if n := len(first.await(t, 2)); n != 2 {
			t.Errorf("%d were sent to where nothing should go", n)
		}
	})
}

// What counts of an answer is its status, whatever becomes of its content.
func TestAnswersWhoseContentBreaksOff(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "a little")         //nolint:errcheck // as above
			http.NewResponseController(w).Flush() //nolint:errcheck // as above
			<-r.Context().Done()
		}))
		t.Cleanup(slow.Close)
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  slow: { url: %q, types: ["order.*"], timeout: 300ms, retry: { attempts: 1 } }
  short: { url: %q, types: ["order.*"], retry: { attempts: 1 } }
  packed: { url: %q, types: ["order.*"], retry: { attempts: 1 } }
  gone: { url: %q, types: ["order.*"], retry: { attempts: 1 } }
`, slow.URL, odd(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").URL, odd(t, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone").URL,
			odd(t, "HTTP/1.1 410 Gone\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").URL)})
		s.publish("order.made", 1, 1)
		for _, code := range []string{"slow", "short", "packed"} {
			s.until(code+" has taken it", func() bool {
				_, text := s.api("GET", "/api/v1/admin/runs?source=subscription:"+code, "")
				return strings.Contains(text, `"state":"succeeded"`)
			})
		}
		s.until("who is gone has ended", func() bool { return s.subscription("gone").State == "ended" })
	})
}

// What a channel's subscribers may not hear of any more is not sent to them either
// when its delivery was waiting for another try.
func TestWaitingDeliveriesOfTypesThatAreNotAllowedAnyMore(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		var well atomic.Bool
		to := newEndpoint(t, func(w http.ResponseWriter, _ int) {
			if !well.Load() {
				w.WriteHeader(500)
			}
		})
		config := func(types string) map[string]string {
			return map[string]string{"junctor.yaml": "settings: { allow_private_subscribers: true }\nchannels:\n  crm: { type: eventing, types: [" + types + "] }\n"}
		}
		s := serveOn(t, database, config(`"order.*", "pay.*"`))
		made := s.subscribe("crm", fmt.Sprintf(`{"url":%q}`, to.URL))
		s.publish("order.made", 1, 1)
		s.publish("pay.made", 1, 1)
		to.await(t, 2)
		s.apply(config(`"order.*"`))
		well.Store(true)
		s.until("all has ended", func() bool {
			s.api("POST", "/api/v1/admin/runs/actions", `{"action":"retry","filter":{"source":"subscription:`+made.ID+`"}}`)
			return s.subscription(made.ID).Unfinished == 0
		})
		_, text := s.api("GET", "/api/v1/admin/runs?source=subscription:"+made.ID, "")
		if strings.Count(text, `"state":"succeeded"`) != 1 || strings.Count(text, `"state":"cancelled"`) != 1 {
			t.Error(text)
		}
		sent := map[string]int{}
		for _, d := range to.await(t, 3) {
			sent[d.event.Type]++
		}
		if sent["pay.made"] != 1 {
			t.Errorf("sent %v", sent)
		}
	})
}

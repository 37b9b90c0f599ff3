package hub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// replay is one under way as the admin API shows it.
type replay struct {
	ID, Author, After, Cursor, End, Filter string
	StartedAt                              time.Time `json:"started_at"`
	Types                                  []string
	Behind, Count, Sent                    int64
	Complete                               bool
}

func (s *site) replays(code string) []replay {
	s.t.Helper()
	status, text := s.api("GET", "/api/v1/admin/subscriptions/"+code+"/replays", "")
	var page struct{ Items []replay }
	if err := json.Unmarshal([]byte(text), &page); status != 200 || err != nil || page.Items == nil {
		s.t.Fatalf("replays of %s: %d %s", code, status, text)
	}
	return page.Items
}

// replay begins one of everything that fits.
func (s *site) replay(code, more string) (id string) {
	s.t.Helper()
	status, text := s.api("POST", "/api/v1/admin/subscriptions/"+code+"/replay", `{"since":"2020-01-01T00:00:00Z"`+more+`}`)
	var begun struct{ ID string }
	if err := json.Unmarshal([]byte(text), &begun); status != 200 || err != nil || !strings.HasPrefix(begun.ID, "rpl_") {
		s.t.Fatalf("replay of %s: %d %s", code, status, text)
	}
	return begun.ID
}

// batch publishes events as publish does, in one call.
func (s *site) batch(kind string, from, to int) {
	s.t.Helper()
	var docs []string
	for n := from; n <= to; n++ {
		docs = append(docs, fmt.Sprintf(`{"specversion":"1.0","id":"%s-%d","source":"/test","type":%q,"data":{"n":%d}}`, kind, n, kind, n))
	}
	if status, body := s.api("POST", "/api/v1/events", "["+strings.Join(docs, ",")+"]", "Content-Type", "application/cloudevents-batch+json"); status != 202 {
		s.t.Fatalf("publish: %d %s", status, body)
	}
}

// slow is an endpoint that takes its time while it is told to.
type slow struct {
	*endpoint
	held atomic.Pointer[chan struct{}]
}

func newSlow(t *testing.T) *slow {
	t.Helper()
	e := &slow{}
	e.endpoint = newEndpoint(t, func(http.ResponseWriter, int) {
		if held := e.held.Load(); held != nil {
			<-*held
		}
	})
	t.Cleanup(e.release) // before the endpoint is closed
	return e
}

func (e *slow) hold() {
	held := make(chan struct{})
	e.held.Store(&held)
}

func (e *slow) release() {
	if held := e.held.Swap(nil); held != nil {
		close(*held)
	}
}

func TestReplaysAreSeenAndEnded(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		to := newSlow(t)
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  erp: { url: %q, types: ["a", "b", "c"], timeout: 1m }
`, to.URL)})
		const base = "/api/v1/admin/subscriptions/erp"
		if got := s.replays("erp"); len(got) != 0 {
			t.Errorf("before there are any: %v", got)
		}
		s.batch("b", 1, 5)
		s.batch("a", 1, 600)
		to.await(t, 605)
		to.hold()
		all, few := s.replay("erp", ""), s.replay("erp", `,"types":["b"],"filter":"data/n ne 7"`)
		s.until("it has begun", func() bool { return s.replays("erp")[0].Sent >= 100 })
		got := s.replays("erp")
		if len(got) != 2 || s.subscription("erp").Replays != 2 {
			t.Fatalf("under way: %+v", got)
		}
		if r := got[0]; r.ID != all || r.Author != "admin" || r.Count != 605 || !r.Complete || r.Sent >= 605 || r.Behind == 0 || r.Cursor == r.After || r.Cursor == r.End || r.Types != nil ||
			time.Since(r.StartedAt) > time.Hour {
			t.Errorf("the first: %+v", r)
		}
		if r := got[1]; r.ID != few || r.Count != 5 || fmt.Sprint(r.Types) != "[b]" || r.Filter != "data/n ne 7" {
			t.Errorf("the second: %+v", r)
		}
		for _, c := range []struct {
			call   string
			status int
		}{
			{"GET /api/v1/admin/subscriptions/none/replays", 404}, {"DELETE /api/v1/admin/subscriptions/none/replays", 404}, {"DELETE /api/v1/admin/subscriptions/none/replays/" + all, 404},
			{"DELETE " + base + "/replays/rpl_none", 404}, {"DELETE " + base + "/replays/erp", 404}, {"DELETE " + base + "/replays/a%00b", 404}, {"POST " + base + "/replays", 405},
			{"DELETE " + base + "/replays/" + few, 204}, {"DELETE " + base + "/replays/" + few, 404},
		} {
			method, path, _ := strings.Cut(c.call, " ")
			if status, text := s.api(method, path, ""); status != c.status {
				t.Errorf("%s: %d %s", c.call, status, text)
			}
		}
		if got := s.replays("erp"); len(got) != 1 || got[0].ID != all {
			t.Errorf("after the second was ended: %+v", got)
		}
		for range 2 { // none is all right too
			if status, text := s.api("DELETE", base+"/replays", ""); status != 204 {
				t.Errorf("end all: %d %s", status, text)
			}
		}
		if got := s.replays("erp"); len(got) != 0 || s.subscription("erp").Replays != 0 {
			t.Errorf("after all were ended: %+v", got)
		}
		_, audit := s.api("GET", "/api/v1/admin/audit?object=subscription/erp", "")
		for _, want := range []string{`"subscription.replay","object":"subscription/erp","detail":"` + all, `"subscription.end-replay","object":"subscription/erp","detail":"` + few, `"subscription.end-replay","object":"subscription/erp","detail":"` + all} {
			if strings.Count(audit, want) != 1 {
				t.Errorf("not once in the audit log: %s", want)
			}
		}

		// What had begun are runs, which its id finds.
		begun := s.tagged(all, "")
		if len(begun) < 100 || len(begun) >= 605 {
			t.Errorf("%d deliveries had begun", len(begun))
		}
		for _, tag := range []string{all, few} {
			if status, text := s.api("POST", "/api/v1/admin/runs/actions", fmt.Sprintf(`{"action":"cancel","filter":{"tag":%q}}`, tag)); status != 200 || !strings.Contains(text, `"complete":true`) {
				t.Errorf("cancel: %d %s", status, text)
			}
		}
		to.release()
		for _, tag := range []string{all, few} {
			s.until("all that had begun has ended", func() bool { return len(s.tagged(tag, "&state=queued,running,waiting")) == 0 })
		}
		came := len(to.await(t, 605))
		if came > 605+10 {
			t.Errorf("%d were sent all the same; ten were on their way", came-605)
		}
		s.batch("c", 1, 1)
		if ids := to.ids(t, came+1); len(ids) != came+1 || ids[came] != "c-1" {
			t.Errorf("%d came, %s at last", len(ids), ids[len(ids)-1])
		}
	})
}

// tagged are the ids of runs.
func (s *site) tagged(tag, more string) (ids []string) {
	s.t.Helper()
	status, text := s.api("GET", "/api/v1/admin/runs?limit=1000&tag="+tag+more, "")
	var page struct{ Items []struct{ ID string } }
	if err := json.Unmarshal([]byte(text), &page); status != 200 || err != nil {
		s.t.Fatalf("runs: %d %s", status, text)
	}
	for _, r := range page.Items {
		ids = append(ids, r.ID)
	}
	return ids
}

// Who enables a subscription from now on skips what is older, on purpose.
func TestEnablingFromNowEndsReplays(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		to := newSlow(t)
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  erp: { url: %q, types: ["a", "b", "c"], timeout: 1m }
`, to.URL)})
		post := func(call, body string) {
			t.Helper()
			if status, text := s.api("POST", "/api/v1/admin/subscriptions/erp/"+call, body); status != 200 {
				t.Fatalf("%s: %d %s", call, status, text)
			}
		}
		s.batch("a", 1, 400)
		to.await(t, 400)

		// From where it stopped, a replay goes on as well.
		to.hold()
		s.replay("erp", "")
		s.until("it has begun", func() bool { return s.replays("erp")[0].Sent >= 100 })
		post("disable", "")
		to.release()
		if got := s.replays("erp"); len(got) != 1 || got[0].Behind == 0 {
			t.Fatalf("while it is stopped: %+v", got)
		}
		s.batch("b", 1, 1)
		post("enable", `{"from":"stopped"}`)
		to.await(t, 801)
		s.until("the replay is over", func() bool { return len(s.replays("erp")) == 0 })

		to.hold()
		id := s.replay("erp", "")
		s.until("another has begun", func() bool { return s.replays("erp")[0].Sent >= 100 })
		post("disable", "")
		s.batch("b", 2, 2)
		post("enable", `{"from":"now"}`)
		if got := s.replays("erp"); len(got) != 0 {
			t.Errorf("after it was enabled from now on: %+v", got)
		}
		begun := len(s.tagged(id, ""))
		if _, audit := s.api("GET", "/api/v1/admin/audit?action=subscription.enable", ""); !strings.Contains(audit, `"detail":"from now on, which ended `+id+`"`) {
			t.Errorf("audit: %s", audit)
		}
		to.release()
		s.batch("c", 1, 1)
		ids := to.ids(t, 801+begun+1)
		for _, one := range ids[801:] {
			if one == "b-2" {
				t.Error("what was skipped has come")
			}
		}
		if len(ids) != 801+begun+1 {
			t.Errorf("%d came, want what there was, the %d deliveries that had begun, and one", len(ids), begun)
		}
	})
}

package hub_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/hub"
)

// delivered is a webhook as it came in.
type delivered struct {
	header http.Header
	path   string
	body   string
	event  struct {
		ID, Source, Type, Subject, Specversion string
		Data                                   json.RawMessage
	}
}

// endpoint is a subscriber.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	got    []delivered
	came   chan struct{}
	answer func(w http.ResponseWriter, n int) // nil: 200; n counts from 1
}

func newEndpoint(t *testing.T, answer func(w http.ResponseWriter, n int)) *endpoint {
	t.Helper()
	e := &endpoint{came: make(chan struct{}, 10_000), answer: answer}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		d := delivered{header: r.Header, path: r.URL.Path, body: string(body)}
		if err := json.Unmarshal(body, &d.event); err != nil {
			t.Errorf("a delivery is no event: %v: %s", err, body)
		}
		e.mu.Lock()
		e.got = append(e.got, d)
		n := len(e.got)
		e.mu.Unlock()
		if e.answer != nil {
			e.answer(w, n)
		}
		e.came <- struct{}{}
	}))
	t.Cleanup(e.Close)
	return e
}

// await is what has come once there are so many.
func (e *endpoint) await(t *testing.T, n int) []delivered {
	t.Helper()
	over := time.After(30 * time.Second)
	for {
		e.mu.Lock()
		got := slices.Clone(e.got)
		e.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-e.came:
		case <-over:
			t.Fatalf("%d deliveries came, want %d", len(got), n)
		}
	}
}

// nth is the delivery that answer is asked about.
func (e *endpoint) nth(n int) delivered {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.got[n-1]
}

func (e *endpoint) ids(t *testing.T, n int) (ids []string) {
	t.Helper()
	for _, d := range e.await(t, n) {
		ids = append(ids, d.event.ID)
	}
	return ids
}

// signed reports whether a delivery is signed with a secret (Standard Webhooks).
func (d delivered) signed(secret string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", d.header.Get("webhook-id"), d.header.Get("webhook-timestamp"), d.body)
	return slices.Contains(strings.Fields(d.header.Get("webhook-signature")), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

const eventing = `settings: { allow_private_subscribers: true }
channels:
  crm: { type: eventing, comment: "events for the CRM" }
`

// publish sends events of a type, with ids TYPE-1, TYPE-2...
func (s *site) publish(kind string, from, to int) {
	s.t.Helper()
	for n := from; n <= to; n++ {
		s.event(fmt.Sprintf(`{"specversion":"1.0","id":"%s-%d","source":"/test","type":%q,"subject":"S%d","data":{"n":%d}}`, kind, n, kind, n%3, n))
	}
}

func (s *site) event(doc string) {
	s.t.Helper()
	if status, body := s.api("POST", "/api/v1/events", doc, "Content-Type", "application/cloudevents+json"); status != 202 {
		s.t.Fatalf("publish: %d %s", status, body)
	}
}

// api calls as admin.
func (s *site) api(method, path, body string, header ...string) (int, string) {
	s.t.Helper()
	res, text := s.call(method, path, body, header...)
	return res.StatusCode, text
}

type subscribed struct {
	ID, URL, Filter, Secret string
	Types                   []string
	Links                   map[string]string
}

func (s *site) subscribe(channel, body string) subscribed {
	s.t.Helper()
	res, text := s.send("POST", channel, "/subscribe", body, "Content-Type", "application/json")
	if res.StatusCode != 201 {
		s.t.Fatalf("subscribe: %d %s", res.StatusCode, text)
	}
	var made subscribed
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		s.t.Fatal(err)
	}
	return made
}

func TestSubscribeByToken(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, map[string]string{"junctor.yaml": eventing}, func(o *hub.Options) {})
		to := newEndpoint(t, nil)
		made := s.subscribe("crm", fmt.Sprintf(`{"url":%q,"types":["order.*"],"filter":"data/n gt 1"}`, to.URL+"/hook"))
		if made.URL != to.URL+"/hook" || made.Filter != "data/n gt 1" || !slices.Equal(made.Types, []string{"order.*"}) || !strings.HasPrefix(made.Secret, "whsec_") ||
			made.Links["self"] != s.base+"/api/token/v1/"+s.token["crm"]+"/subscribe/"+made.ID {
			t.Errorf("made %+v", made)
		}
		s.publish("order.made", 1, 3)
		s.publish("other.made", 1, 2)
		s.publish("order.made.twice", 1, 2)
		s.publish("order.sent", 2, 2)
		got := to.await(t, 3)
		ids := map[string]bool{}
		for _, d := range got {
			ids[d.event.ID] = true
			if !d.signed(made.Secret) {
				t.Errorf("%s is not signed: %v", d.event.ID, d.header)
			}
			if kind := d.header.Get("Content-Type"); kind != "application/cloudevents+json; charset=utf-8" {
				t.Errorf("Content-Type %s", kind)
			}
		}
		for _, id := range []string{"order.made-2", "order.made-3", "order.sent-2"} {
			if !ids[id] {
				t.Errorf("%s did not come, but %v", id, ids)
			}
		}
		res, text := s.send("GET", "crm", "/subscribe/"+made.ID, "")
		if res.StatusCode != 200 || strings.Contains(text, "whsec_") || !strings.Contains(text, made.ID) {
			t.Errorf("shown as %d %s", res.StatusCode, text)
		}
		if res, text := s.send("DELETE", "crm", "/subscribe/"+made.ID, ""); res.StatusCode != 204 || text != "" {
			t.Errorf("deleted: %d %s", res.StatusCode, text)
		}
		if res, _ := s.send("GET", "crm", "/subscribe/"+made.ID, ""); res.StatusCode != 404 {
			t.Errorf("after its deletion: %d", res.StatusCode)
		}
		status, runs := s.api("GET", "/api/v1/admin/runs?program=delivery&channel=crm", "")
		if status != 200 || strings.Count(runs, `"program":"delivery"`) != 3 || !strings.Contains(runs, `"channel":"crm"`) {
			t.Errorf("runs: %d %s", status, runs)
		}
	})
}

// adminSubscription is a subscription as the admin API shows it.
type adminSubscription struct {
	Code, Channel, State, Reason, Cursor, Failure, URL, Secret string
	Version                                                    int64
	Behind                                                     int64
	Unfinished, Replays                                        int
	LastSuccess                                                *time.Time `json:"last_success"`
	FailingSince                                               *time.Time `json:"failing_since"`
}

func (s *site) subscription(code string) (a adminSubscription) {
	s.t.Helper()
	status, text := s.api("GET", "/api/v1/admin/subscriptions/"+code, "")
	if err := json.Unmarshal([]byte(text), &a); status != 200 || err != nil {
		s.t.Fatalf("subscription %s: %d %s", code, status, text)
	}
	return a
}

// until waits for what is true soon.
func (s *site) until(what string, f func() bool) {
	s.t.Helper()
	over := time.After(30 * time.Second)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !f() {
		select {
		case <-look.C:
		case <-over:
			s.t.Fatalf("%s: not in time", what)
		}
	}
}

// underWebhookID are the ids of the runs that a webhook-id finds, newest first.
func (s *site) underWebhookID(known, more string) (ids []string) {
	s.t.Helper()
	for after := ""; ; {
		status, text := s.api("GET", "/api/v1/admin/runs?webhook_id="+known+more+after, "")
		var page struct {
			Items []struct{ ID string }
			Next  string
		}
		if err := json.Unmarshal([]byte(text), &page); status != 200 || err != nil {
			s.t.Fatalf("runs: %d %s", status, text)
		}
		for _, r := range page.Items {
			ids = append(ids, r.ID)
		}
		if page.Next == "" {
			return ids
		}
		after = "&after=" + page.Next
	}
}

func TestConfiguredSubscription(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		to := newEndpoint(t, func(w http.ResponseWriter, n int) {
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, strings.Repeat("thanks ", 2000)) //nolint:errcheck // the test looks at what comes of it
		})
		first, second := "whsec_"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 24))), "whsec_"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("b", 32)))
		file := func(more string) map[string]string {
			return map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
connections:
  crm: { type: http, url: %q, allow_private: true, headers: { X-Site: prague } }
subscriptions:
  direct: { url: %q, types: ["order.*", "config.**"], secret: %q, %s response_limit: 100B }
  through: { connection: crm, path: /below, types: ["order.made"] }
`, to.URL+"/base", to.URL+"/direct", first, more)}
		}
		s := serveOn(t, database, file(""))
		s.publish("order.made", 1, 1)
		paths := map[string]delivered{}
		s.until("both have the event", func() bool {
			for _, d := range to.await(t, 1) { // some tell of the configuration
				if d.event.ID == "order.made-1" {
					paths[d.path] = d
				}
			}
			return len(paths) == 2
		})
		if d := paths["/direct"]; !d.signed(first) || d.header.Get("X-Site") != "" {
			t.Errorf("direct: %v", d)
		}
		if d := paths["/base/below"]; d.header.Get("X-Site") != "prague" || d.header.Get("webhook-id") == paths["/direct"].header.Get("webhook-id") {
			t.Errorf("through a connection: %v", d)
		}
		s.until("both are done", func() bool {
			a := s.subscription("direct")
			return a.LastSuccess != nil && a.Unfinished == 0 && a.Behind == 0
		})
		if a := s.subscription("direct"); a.Secret != "${secret:subscriptions.direct.secret}" || a.State != "active" {
			t.Errorf("shown as %+v", a)
		}
		status, runs := s.api("GET", "/api/v1/admin/runs?source=subscription:direct&subject=S1", "")
		var list struct{ Items []struct{ ID string } }
		if err := json.Unmarshal([]byte(runs), &list); err != nil || len(list.Items) != 1 {
			t.Fatalf("%d %s", status, runs)
		}
		_, shown := s.api("GET", "/api/v1/admin/runs/"+list.Items[0].ID, "")
		if !strings.Contains(shown, `"status":200`) || !strings.Contains(shown, `"truncated":true`) || strings.Count(shown, "thanks") > 20 || !strings.Contains(shown, `"event":"order.made-1"`) {
			t.Errorf("the run: %s", shown)
		}

		// Rotation by configuration: both sign. A secret that is left out stays.
		s.apply(file(fmt.Sprintf("old_secret: %q,", second)))
		s.publish("order.sent", 1, 1)
		s.until("an event signed twice", func() bool {
			return slices.ContainsFunc(to.await(t, 1), func(d delivered) bool {
				return d.event.ID == "order.sent-1" && d.signed(first) && d.signed(second)
			})
		})
		without := file("")
		without["junctor.yaml"] = strings.Replace(without["junctor.yaml"], fmt.Sprintf("secret: %q,", first), "", 1)
		s.apply(without)
		s.publish("order.sent", 2, 2)
		s.until("the secret stays", func() bool {
			return slices.ContainsFunc(to.await(t, 1), func(d delivered) bool { return d.event.ID == "order.sent-2" && d.signed(first) && !d.signed(second) })
		})

		// A rerun sends the same event under the same id; an input of one's own is refused.
		before := len(to.await(t, 1))
		known := paths["/direct"].header.Get("webhook-id")
		if got := s.underWebhookID(known, ""); !slices.Equal(got, []string{list.Items[0].ID}) {
			t.Errorf("under %s there are the runs %v", known, got)
		}
		if !strings.Contains(shown, `"webhook_id":"`+known+`"`) {
			t.Errorf("the run is shown without %s: %s", known, shown)
		}
		for _, none := range []string{known + "a", known[:len(known)-1], "order.made-1", "%25"} {
			if got := s.underWebhookID(none, ""); len(got) != 0 {
				t.Errorf("under %q there are the runs %v", none, got)
			}
		}
		if status, text := s.api("GET", "/api/v1/admin/runs?webhook_id=a&webhook_id=b", ""); status != 400 || !strings.Contains(text, "/query/webhook_id") {
			t.Errorf("two of them: %d %s", status, text)
		}
		if status, text := s.api("POST", "/api/v1/admin/runs/"+list.Items[0].ID+"/rerun", `{}`); status != 201 {
			t.Fatalf("rerun: %d %s", status, text)
		}
		again := to.await(t, before+1)[before]
		if again.event.ID != "order.made-1" || again.header.Get("webhook-id") != paths["/direct"].header.Get("webhook-id") || !again.signed(first) {
			t.Errorf("rerun sent %v", again)
		}
		if got := s.underWebhookID(known, "&limit=1"); len(got) != 2 || got[1] != list.Items[0].ID {
			t.Errorf("after the rerun there are the runs %v", got)
		}
		s.until("both are chosen for an action", func() bool { // which takes those that have ended
			_, text := s.api("POST", "/api/v1/admin/runs/actions", fmt.Sprintf(`{"action":"rerun","filter":{"webhook_id":%q},"dry_run":true}`, known))
			return strings.Contains(text, `"count":2`)
		})
		if status, text := s.api("POST", "/api/v1/admin/runs/"+list.Items[0].ID+"/rerun", `{"input":{"subscription":"through","event":"x","type":"y"}}`); status != 422 {
			t.Errorf("rerun with another input: %d %s", status, text)
		}
		if _, text := s.api("GET", "/api/v1/admin/configuration", ""); strings.Contains(text, first) {
			t.Error("the export has the secret")
		}
		s.apply(map[string]string{"junctor.yaml": "settings: { allow_private_subscribers: true }\n"})
		if status, _ := s.api("GET", "/api/v1/admin/subscriptions/direct", ""); status != 404 {
			t.Errorf("after it was removed: %d", status)
		}
	})
}

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
		if status, text := s.api("POST", "/api/v1/admin/runs/"+list.Items[0].ID+"/rerun", `{}`); status != 201 {
			t.Fatalf("rerun: %d %s", status, text)
		}
		again := to.await(t, before+1)[before]
		if again.event.ID != "order.made-1" || again.header.Get("webhook-id") != paths["/direct"].header.Get("webhook-id") || !again.signed(first) {
			t.Errorf("rerun sent %v", again)
		}
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

func TestDeliveriesAreTriedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		to := newEndpoint(t, func(w http.ResponseWriter, n int) {
			switch n {
			case 1:
				w.WriteHeader(500)
			case 2:
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(302) // is a failure as well
			case 3:
				w.WriteHeader(404)
			}
		})
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  crm: { url: %q, types: ["order.*"], ordering_key: $.subject, retry: { schedule: [10ms, 10ms, 10ms, 10ms] } }
`, to.URL)})
		s.publish("order.made", 3, 3)
		s.publish("order.made", 6, 6) // of the same subject: behind it
		got := to.await(t, 5)
		var ids []string
		for _, d := range got {
			ids = append(ids, d.event.ID)
			if d.header.Get("webhook-id") != got[0].header.Get("webhook-id") != (d.event.ID == "order.made-6") {
				t.Errorf("webhook-id %s of %s", d.header.Get("webhook-id"), d.event.ID)
			}
		}
		if want := []string{"order.made-3", "order.made-3", "order.made-3", "order.made-3", "order.made-6"}; !slices.Equal(ids, want) {
			t.Errorf("came %v, want %v", ids, want)
		}
		s.until("it does not fail any more", func() bool { a := s.subscription("crm"); return a.FailingSince == nil && a.LastSuccess != nil })
	})
}

func TestGoneEndsTheSubscription(t *testing.T) {
	to := newEndpoint(t, func(w http.ResponseWriter, n int) {
		if n == 1 {
			w.WriteHeader(410)
		}
	})
	s := serve(t, map[string]string{"junctor.yaml": eventing})
	made := s.subscribe("crm", fmt.Sprintf(`{"url":%q}`, to.URL))
	s.publish("order.made", 1, 1)
	s.until("it has ended", func() bool { return s.subscription(made.ID).State == "ended" })
	s.publish("order.made", 2, 3)
	_, events := s.api("GET", "/api/v1/admin/events?type=subscription.**", "")
	for _, kind := range []string{".created", ".ended"} {
		if !strings.Contains(events, `"subscription.`+made.ID+kind+`"`) {
			t.Errorf("no event %s: %s", kind, events)
		}
	}
	if n := len(to.await(t, 1)); n != 1 {
		t.Errorf("%d deliveries came", n)
	}
	if status, text := s.api("POST", "/api/v1/admin/subscriptions/"+made.ID+"/enable", ""); status != 200 {
		t.Fatalf("enable: %d %s", status, text)
	}
	if got := to.ids(t, 3); !slices.Contains(got, "order.made-2") || !slices.Contains(got, "order.made-3") {
		t.Errorf("caught up with %v", got)
	}
}

func TestStoppedSubscriptionCatchesUp(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		to := newEndpoint(t, nil)
		s := serveOn(t, database, map[string]string{"junctor.yaml": eventing})
		made := s.subscribe("crm", fmt.Sprintf(`{"url":%q}`, to.URL))
		base := "/api/v1/admin/subscriptions/" + made.ID
		s.publish("a", 1, 2)
		to.await(t, 2)
		for _, c := range []struct {
			call, body string
			status     int
		}{{"disable", "", 200}, {"disable", "", 409}, {"enable", `{"from":"yesterday"}`, 422}} {
			if status, text := s.api("POST", base+"/"+c.call, c.body); status != c.status {
				t.Errorf("%s: %d %s", c.call, status, text)
			}
		}
		other := s.subscribe("crm", fmt.Sprintf(`{"url":%q,"types":["none"]}`, to.URL))
		s.publish("b", 1, 20)
		s.until("the other has looked at all of it", func() bool { return s.subscription(other.ID).Behind == 0 })
		if a := s.subscription(made.ID); a.State != "disabled" || a.Reason != "stopped by admin" || a.Behind < 20 {
			t.Errorf("shown as %+v", a)
		}
		if status, text := s.api("POST", base+"/enable", `{}`); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
		if got := to.ids(t, 22); len(got) != 22 {
			t.Errorf("%d came", len(got))
		}
		s.until("it reads with the others", func() bool { return s.subscription(made.ID).Behind == 0 })

		// Disabled with its channel, and back.
		s.apply(map[string]string{"junctor.yaml": strings.Replace(eventing, "type: eventing,", "type: eventing, enabled: false,", 1)})
		s.publish("c", 1, 3)
		s.apply(map[string]string{"junctor.yaml": eventing})
		to.await(t, 25)

		// Sent again, counted first.
		replay := func(body string) (int, string) { return s.api("POST", base+"/replay", body) }
		if status, text := replay(`{"since":"2020-01-01T00:00:00Z","types":["b"],"filter":"data/n le 5","dry_run":true}`); status != 200 || !strings.Contains(text, `"count":5,"complete":true,"dry_run":true`) {
			t.Errorf("%d %s", status, text)
		}
		if status, text := replay(`{"since":"2020-01-01T00:00:00Z","types":["b"],"filter":"data/n le 5"}`); status != 200 || !strings.Contains(text, `"count":5`) {
			t.Errorf("%d %s", status, text)
		}
		got := to.await(t, 30)
		for _, d := range got[25:] {
			at := slices.IndexFunc(got, func(o delivered) bool { return o.event.ID == d.event.ID })
			if d.event.Type != "b" || d.header.Get("webhook-id") != got[at].header.Get("webhook-id") {
				t.Errorf("sent again: %s", d.body)
			}
		}
		for _, body := range []string{`{}`, `{"cursor":"x"}`, `{"since":"2020-01-01T00:00:00Z","cursor":"AAAA"}`, `{"since":"2020-01-01T00:00:00Z","filter":"data eq"}`, `{"since":"2020-01-01T00:00:00Z","types":["a*b"]}`} {
			if status, text := replay(body); status != 422 {
				t.Errorf("%s: %d %s", body, status, text)
			}
		}
		s.until("the replay is over", func() bool { return s.subscription(made.ID).Replays == 0 })
		if n := len(to.await(t, 30)); n != 30 {
			t.Errorf("%d came in all", n)
		}
	})
}

func TestPingAndRotation(t *testing.T) {
	failing := false
	to := newEndpoint(t, func(w http.ResponseWriter, _ int) {
		if failing {
			w.WriteHeader(503)
		}
	})
	s := serve(t, map[string]string{"junctor.yaml": eventing})
	made := s.subscribe("crm", fmt.Sprintf(`{"url":%q,"types":["order.*"]}`, to.URL))
	base := "/api/v1/admin/subscriptions/" + made.ID
	if status, text := s.api("POST", base+"/ping", ""); status != 200 || !strings.Contains(text, `"state":"succeeded"`) {
		t.Errorf("ping: %d %s", status, text)
	}
	if d := to.await(t, 1)[0]; d.event.Type != "subscription."+made.ID+".ping" || !d.signed(made.Secret) {
		t.Errorf("ping sent %s", d.body)
	}
	failing = true
	if status, text := s.api("POST", base+"/ping", ""); status != 200 || !strings.Contains(text, `"state":"failed","failure":"the endpoint answered 503 Service Unavailable"`) {
		t.Errorf("ping: %d %s", status, text)
	}
	failing = false
	if a := s.subscription(made.ID); a.FailingSince != nil {
		t.Errorf("a test counts as a failure: %+v", a)
	}
	for _, body := range []string{`{"secret":"abc"}`, `{"secret":"whsec_YQ=="}`, `{"keep":"40d"}`} {
		if status, text := s.api("POST", base+"/rotate", body); status != 422 {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	status, text := s.api("POST", base+"/rotate", `{"keep":"1h"}`)
	var rotated struct{ Secret string }
	if err := json.Unmarshal([]byte(text), &rotated); status != 200 || err != nil || rotated.Secret == made.Secret {
		t.Fatalf("%d %s", status, text)
	}
	s.publish("order.made", 1, 1)
	if d := to.await(t, 3)[2]; !d.signed(made.Secret) || !d.signed(rotated.Secret) {
		t.Errorf("after the rotation: %v", d.header)
	}
	if status, text := s.api("POST", base+"/rotate", fmt.Sprintf(`{"secret":%q,"keep":"0s"}`, made.Secret)); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	s.publish("order.made", 2, 2)
	if d := to.await(t, 4)[3]; !d.signed(made.Secret) || d.signed(rotated.Secret) {
		t.Errorf("after the second rotation: %v", d.header)
	}
}

func TestSubscribersThatAreRefused(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": `channels:
  crm: { type: eventing, subscriptions: 2 }
  records: { type: eventing, types: ["record.**"], verify: { bearer: "a-long-enough-word" } }
`})
	for body, status := range map[string]int{
		``:                                  400,
		`[]`:                                422,
		`{}`:                                422,
		`{"url":"https://x.example","x":1}`: 422,
		`{"url":5}`:                         422,
		`{"url":"ftp://x.example"}`:         422,
		`{"url":"https://u:p@x.example"}`:   422,
		`{"url":"https://x.example/${secret:a}"}`:                                            422,
		`{"url":"${env:HOME}"}`:                                                              422,
		`{"url":"http://127.0.0.1/"}`:                                                        422,
		`{"url":"http://2130706433/"}`:                                                       422,
		`{"url":"http://0x7f.1/"}`:                                                           422,
		`{"url":"http://[::1]/"}`:                                                            422,
		`{"url":"http://[::ffff:10.0.0.1]/"}`:                                                422,
		`{"url":"http://localhost:80/"}`:                                                     422,
		`{"url":"http://a.localhost./"}`:                                                     422,
		`{"url":"http://169.254.169.254/latest/meta-data"}`:                                  422,
		`{"url":"https://x.example/` + strings.Repeat("x", 3000) + `"}`:                      422,
		`{"url":"https://x.example","types":["a*"]}`:                                         422,
		`{"url":"https://x.example","types":[""]}`:                                           422,
		`{"url":"https://x.example","filter":"data/n gt"}`:                                   422,
		`{"url":"https://x.example","filter":"secret eq 1"}`:                                 422,
		`{"url":"https://x.example","filter":"` + strings.Repeat("(", 3000) + `"}`:           422,
		`{"url":"https://x.example","filter":"type eq '` + strings.Repeat("x", 9000) + `'"}`: 422,
		`{"url":"https://x.example","secret":"hello"}`:                                       422,
		`{"url":"https://x.example","secret":"whsec_${secret:x}"}`:                           422,
		`{"url":"https://x.example","secret":"whsec_YWJj"}`:                                  422,
		`{"url":"https://x.example","secret":""}`:                                            422,
		`{"url":"https://x.example","rate":"1/s"}`:                                           422,
		`{"url":"https://x.example"} x`:                                                      400,
		strings.Repeat("x", 70_000):                                                          413,
	} {
		res, text := s.send("POST", "crm", "/subscribe", body, "Content-Type", "application/json")
		if res.StatusCode != status || !strings.Contains(res.Header.Get("Content-Type"), "problem+json") || strings.Contains(text, "whsec_YWJj") {
			t.Errorf("%.80s: %d %s", body, res.StatusCode, text)
		}
	}
	if res, _ := s.send("POST", "crm", "/subscribe", "url=https://x.example", "Content-Type", "application/x-www-form-urlencoded"); res.StatusCode != 415 {
		t.Errorf("a form: %d", res.StatusCode)
	}
	for path, methods := range map[string][]string{"": {"GET", "POST", "DELETE"}, "/": {"POST"}, "/subscribe/": {"GET"}, "/subscribe/a/b": {"GET"}, "/subscriptions": {"POST"}, "/subscribed": {"POST"}} {
		for _, method := range methods {
			unknown, body := s.do(method, "/api/token/v1/"+strings.Repeat("x", 32)+path, "", nil)
			if res, text := s.send(method, "crm", path, ""); res.StatusCode != 404 || text != body || unknown.StatusCode != 404 {
				t.Errorf("%s %s: %d %s", method, path, res.StatusCode, text)
			}
		}
	}
	if res, _ := s.send("GET", "crm", "/subscribe", ""); res.StatusCode != 405 || res.Header.Get("Allow") != "POST" {
		t.Errorf("GET /subscribe: %d %v", res.StatusCode, res.Header)
	}
	for range 2 {
		s.subscribe("crm", `{"url":"https://x.example"}`)
	}
	if res, text := s.send("POST", "crm", "/subscribe", `{"url":"https://x.example"}`); res.StatusCode != 409 {
		t.Errorf("the third: %d %s", res.StatusCode, text)
	}

	if status, text := s.api("GET", "/api/v1/admin/subscriptions?state=failing", ""); status != 400 || !strings.Contains(text, "is one of active, disabled, ended") {
		t.Errorf("a state that there is not: %d %s", status, text)
	}

	// Another channel's subscriptions are not there, and credentials are asked for.
	_, list := s.api("GET", "/api/v1/admin/subscriptions?channel=crm&limit=1", "")
	var page struct {
		Items []struct{ Code string }
		Next  string
	}
	if err := json.Unmarshal([]byte(list), &page); err != nil || len(page.Items) != 1 || page.Next == "" {
		t.Fatalf("%s", list)
	}
	if res, _ := s.send("POST", "records", "/subscribe", `{"url":"https://x.example"}`); res.StatusCode != 401 {
		t.Errorf("without credentials: %d", res.StatusCode)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if res, text := s.send(method, "records", "/subscribe/"+page.Items[0].Code, "", "Authorization", "Bearer a-long-enough-word"); res.StatusCode != 404 {
			t.Errorf("%s of another channel's: %d %s", method, res.StatusCode, text)
		}
	}
}

func TestSubscribersHearWhatTheirChannelLets(t *testing.T) {
	to := newEndpoint(t, nil)
	s := serve(t, map[string]string{"junctor.yaml": `settings: { allow_private_subscribers: true }
channels:
  all: { type: eventing }
  some: { type: eventing, types: ["order.*", "session.*"] }
`})
	s.subscribe("all", fmt.Sprintf(`{"url":%q}`, to.URL+"/all"))
	s.subscribe("some", fmt.Sprintf(`{"url":%q}`, to.URL+"/some"))
	if status, text := s.api("POST", "/api/v1/session", `{"login":"admin","password":"`+adminPassword+`"}`); status != 201 {
		t.Fatalf("%d %s", status, text)
	}
	s.publish("order.made", 1, 1)
	s.publish("other.made", 1, 1)
	s.publish("order.made", 2, 2)
	got := map[string]bool{}
	for _, d := range to.await(t, 6) {
		got[d.path+" "+d.event.Type+" "+strings.TrimPrefix(d.event.ID, d.event.Type)] = true
	}
	for _, want := range []string{"/all order.made -1", "/all other.made -1", "/all order.made -2", "/some order.made -1", "/some order.made -2"} {
		if !got[want] {
			t.Errorf("no %s in %v", want, got)
		}
	}
	for have := range got {
		if strings.HasPrefix(have, "/all session") || strings.HasPrefix(have, "/some other") {
			t.Errorf("%s was not to be heard of", have)
		}
	}
}

// A subscriber that hangs holds up nobody but itself.
func TestSubscriberThatHangs(t *testing.T) {
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(hang) })
	to := newEndpoint(t, nil)
	s := serve(t, map[string]string{"junctor.yaml": eventing})
	stuck := s.subscribe("crm", fmt.Sprintf(`{"url":%q}`, slow.URL))
	s.subscribe("crm", fmt.Sprintf(`{"url":%q}`, to.URL))
	const many = 1500
	var batch []string
	for n := range many {
		batch = append(batch, fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"/t","type":"a"}`, n))
	}
	for part := range slices.Chunk(batch, 500) {
		if status, text := s.api("POST", "/api/v1/events", "["+strings.Join(part, ",")+"]", "Content-Type", "application/cloudevents-batch+json"); status != 202 {
			t.Fatalf("%d %s", status, text)
		}
	}
	to.await(t, many)
	if a := s.subscription(stuck.ID); a.Unfinished > 1300 {
		t.Errorf("the one that hangs has %d deliveries under way", a.Unfinished)
	}
}

func TestSubscriptionsByTheAdminAPI(t *testing.T) {
	to := newEndpoint(t, func(w http.ResponseWriter, _ int) { w.WriteHeader(500) })
	s := serve(t, map[string]string{"junctor.yaml": eventing})
	const base = "/api/v1/admin/subscriptions"
	made := s.subscribe("crm", `{"url":"https://x.example"}`)
	put := func(body string, header ...string) (*http.Response, string) {
		return s.call("PUT", base+"/erp", body, header...)
	}
	if res, text := put(`{"url":"nowhere","types":["a*"]}`); res.StatusCode != 422 || !strings.Contains(text, `"/url"`) || !strings.Contains(text, `"/types"`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	if res, text := put(`{"connection":"erp"}`); res.StatusCode != 422 || !strings.Contains(text, `there is no connection`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	res, text := put(fmt.Sprintf(`{"url":%q,"types":["order.*"]}`, to.URL))
	if res.StatusCode != 201 || !strings.Contains(text, `"state":"active"`) || res.Header.Get("ETag") == "" {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	if res, text := put(text); res.StatusCode != 200 { // what was got can be put
		t.Errorf("%d %s", res.StatusCode, text)
	}
	if res, text := put(fmt.Sprintf(`{"url":%q}`, to.URL), "If-Match", `"77"`); res.StatusCode != 412 {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	s.publish("order.made", 1, 3)
	to.await(t, 3)
	s.until("deliveries wait", func() bool { return s.subscription("erp").Unfinished == 3 })
	for query, want := range map[string]string{"": made.ID + " erp", "?channel=crm": made.ID, "?state=active": made.ID + " erp", "?state=ended": ""} {
		_, text := s.api("GET", base+query, "")
		var page struct{ Items []struct{ Code string } }
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, item := range page.Items {
			codes = append(codes, item.Code)
		}
		slices.Sort(codes)
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if !slices.Equal(codes, wanted) {
			t.Errorf("list %s: %v, want %v", query, codes, wanted)
		}
	}
	if status, text := s.api("PUT", base+"/"+made.ID, `{"url":"https://x.example"}`); status != 422 {
		t.Errorf("put one of a token: %d %s", status, text)
	}
	for _, code := range []string{"erp", made.ID} {
		if status, text := s.api("DELETE", base+"/"+code, ""); status != 204 {
			t.Errorf("delete %s: %d %s", code, status, text)
		}
		if status, _ := s.api("DELETE", base+"/"+code, ""); status != 404 {
			t.Errorf("delete %s again: %d", code, status)
		}
	}
	s.until("what waited is cancelled", func() bool {
		_, text := s.api("GET", "/api/v1/admin/runs?source=subscription:erp", "")
		return strings.Count(text, `"state":"cancelled"`) == 3
	})
	_, audit := s.api("GET", "/api/v1/admin/audit", "")
	for _, want := range []string{`"author":"channel/crm","address":"127.0.0.1","action":"subscription.create"`, `"author":"admin","address":"127.0.0.1","action":"subscription.delete"`, `"action":"subscriptions.create"`} {
		if !strings.Contains(audit, want) {
			t.Errorf("no %s in the audit log", want)
		}
	}
}

// Of runs that succeed something is told by a setting only, and of deliveries never.
func TestSuccessIsToldByASetting(t *testing.T) {
	to := newEndpoint(t, nil)
	file := func(settings string) map[string]string {
		return map[string]string{"scenarios/echo.ts": echo, "junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true, %s }
channels:
  shop: { type: public, scenario: echo, await: true }
subscriptions:
  all: { url: %q, types: ["run.**"] }
`, settings, to.URL)}
	}
	s := serve(t, file(""))
	s.send("POST", "shop", "", "quiet")
	s.apply(file("events: { succeeded: true }"))
	res, _ := s.send("POST", "shop", "", "told")
	got := to.await(t, 1)[0]
	if got.event.Type != "run.succeeded" || got.event.Subject != res.Header.Get("Junctor-Run") {
		t.Errorf("told of %s", got.body)
	}
	s.until("it is delivered", func() bool { a := s.subscription("all"); return a.Unfinished == 0 && a.Behind == 0 })
	if _, events := s.api("GET", "/api/v1/admin/events?type=run.*", ""); strings.Count(events, `"type":"run.`) != 1 {
		t.Errorf("events: %s", events)
	}
}

// A subscriber hears of what is told after it has subscribed, whatever others do.
func TestSubscriberHearsNothingOfBefore(t *testing.T) {
	first, second := newEndpoint(t, nil), newEndpoint(t, nil)
	s := serve(t, map[string]string{"junctor.yaml": eventing})
	s.subscribe("crm", fmt.Sprintf(`{"url":%q,"types":["a"]}`, first.URL))
	s.publish("a", 1, 1)
	first.await(t, 1)
	s.publish("b", 1, 20)
	made := s.subscribe("crm", fmt.Sprintf(`{"url":%q,"types":["b"]}`, second.URL))
	s.publish("b", 21, 22)
	s.publish("a", 2, 2)
	first.await(t, 2)
	second.await(t, 2)
	s.until("it reads with the others", func() bool { a := s.subscription(made.ID); return a.Behind == 0 && a.Unfinished == 0 })
	if ids := second.ids(t, 2); len(ids) != 2 || !slices.Contains(ids, "b-21") || !slices.Contains(ids, "b-22") {
		t.Errorf("it got %v", ids)
	}
}

// What an endpoint answers costs no more than is kept of it, and says when to try
// again.
func TestAnswersOfEndpoints(t *testing.T) {
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/endless":
			for n := 0; n < 4096 && r.Context().Err() == nil; n++ {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		case "/later":
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(429)
		case "/closed":
			panic(http.ErrAbortHandler)
		case "/binary":
			w.Header().Set("Content-Type", "application/x-odd")
			w.Write([]byte("\xff\x00\xfe")) //nolint:errcheck // the test looks at what comes of it
		}
	}))
	t.Cleanup(endless.Close)
	s := serve(t, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  endless: { url: "%[1]s/endless", types: [a] }
  later: { url: "%[1]s/later", types: [a], retry: { schedule: [10ms] } }
  closed: { url: "%[1]s/closed", types: [a], retry: { attempts: 1 } }
  binary: { url: "%[1]s/binary", types: [a] }
`, endless.URL)})
	s.publish("a", 1, 1)
	of := func(code string) (r struct {
		ID, State string
		DueAt     time.Time `json:"due_at"`
	}) {
		_, text := s.api("GET", "/api/v1/admin/runs?source=subscription:"+code, "")
		var list struct{ Items []json.RawMessage }
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Items) == 1 {
			if err := json.Unmarshal(list.Items[0], &r); err != nil {
				t.Fatal(err)
			}
		}
		return r
	}
	for code, state := range map[string]string{"endless": "succeeded", "later": "waiting", "closed": "failed", "binary": "succeeded"} {
		s.until(code+" is "+state, func() bool { return of(code).State == state })
	}
	if at := of("later").DueAt; time.Until(at) < 50*time.Minute {
		t.Errorf("it is tried again at %s", at)
	}
	if _, text := s.api("GET", "/api/v1/admin/runs/"+of("endless").ID, ""); len(text) > 64<<10 || !strings.Contains(text, `"truncated":true`) {
		t.Errorf("%d bytes are kept", len(text))
	}
	if a := s.subscription("later"); a.Failure != "the endpoint answered 429 Too Many Requests" {
		t.Errorf("%+v", a)
	}
}

// Who subscribes at a public channel is told that there is nothing, by no scenario
// that it was well; every other path is the scenario's.
func TestPublicChannelHasNoSubscribe(t *testing.T) {
	s := serveEcho(t)
	for path, want := range map[string]int{"/subscribe": 404, "/subscribe/sub_1": 404, "/subscribes": 200, "/subscribe/a/b": 200, "/a/subscribe": 200} {
		for _, method := range []string{"POST", "GET", "DELETE"} {
			if resp, body := s.send(method, "echo", path, `{"url":"https://crm.example.com"}`); resp.StatusCode != want {
				t.Errorf("%s %s: %d %s, want %d", method, path, resp.StatusCode, body, want)
			}
		}
	}
}

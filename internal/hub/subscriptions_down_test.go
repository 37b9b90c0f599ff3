package hub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db/dbtest"
	"junctor/internal/hub"
)

// A subscriber is down for an hour and comes back: it gets every event, those of
// one subject in their order, and the library of Standard Webhooks takes each.
func TestSubscriberIsDownForAnHour(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		var down atomic.Bool
		to := newEndpoint(t, func(w http.ResponseWriter, _ int) {
			if down.Load() {
				w.WriteHeader(503)
			} else {
				w.Header().Set("Taken", "1")
			}
		})
		now := clock.NewFake(time.Now())
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true, sessions: { idle: 30d, age: 300d } }
subscriptions:
  plain: { url: %q, types: ["order.*"], secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }
  ordered: { url: %q, types: ["order.*"], secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ordering_key: $.subject }
`, to.URL+"/plain", to.URL+"/ordered")}, func(o *hub.Options) { o.Clock = now })
		s.publish("order.made", 1, 5)
		to.await(t, 10)
		down.Store(true)
		const last = 35
		for minute := range 60 {
			if minute%2 == 0 {
				s.publish("order.made", 6+minute/2, 6+minute/2)
			}
			now.Advance(time.Minute)
		}
		s.until("it is known to fail", func() bool {
			return s.subscription("plain").FailingSince != nil && s.subscription("ordered").FailingSince != nil
		})
		down.Store(false)
		taken := func(path string) (ids []string) {
			for _, d := range to.await(t, 1) {
				if d.path == path {
					ids = append(ids, d.event.ID)
				}
			}
			return ids
		}
		s.until("everything has come", func() bool {
			now.Advance(30 * time.Second)
			for _, code := range []string{"plain", "ordered"} {
				if a := s.subscription(code); a.Unfinished > 0 || a.Behind > 0 {
					return false
				}
			}
			return true
		})
		for _, path := range []string{"/plain", "/ordered"} {
			ids := taken(path)
			for n := 1; n <= last; n++ {
				if id := fmt.Sprintf("order.made-%d", n); !slices.Contains(ids, id) {
					t.Errorf("%s: %s never came", path, id)
				}
			}
			if path == "/plain" {
				continue
			}
			newest := map[int]int{} // by subject: a later one never comes before an earlier one was taken
			for _, id := range ids {
				var n int
				if _, err := fmt.Sscanf(id, "order.made-%d", &n); err != nil {
					t.Fatal(err)
				}
				if n < newest[n%3] {
					t.Errorf("%s came behind order.made-%d", id, newest[n%3])
				}
				newest[n%3] = n
			}
		}
		if a := s.subscription("plain"); a.FailingSince != nil || a.State != "active" {
			t.Errorf("at the end %+v", a)
		}
		// The clock of the test is not that of the library, which refuses what is
		// older than five minutes: what was sent last is sent now.
		verify(t, to.await(t, 1)[:10], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	})
}

// verify has the library standardwebhooks of npm check deliveries.
func verify(t *testing.T, all []delivered, secret string) {
	t.Helper()
	dir := dbtest.Packages(t, filepath.Join("testdata", "webhooks"))
	source, err := os.ReadFile(filepath.Join("testdata", "webhooks", "verify.mjs"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "verify.mjs"), source, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	var want []string
	for _, d := range all {
		headers := map[string]string{}
		for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			headers[name] = d.header.Get(name)
		}
		if err := json.NewEncoder(&lines).Encode(map[string]any{"secret": secret, "headers": headers, "body": d.body}); err != nil {
			t.Fatal(err)
		}
		want = append(want, d.event.ID+" 2") // and two changed ones are refused
	}
	cmd := exec.CommandContext(t.Context(), "node", "verify.mjs")
	cmd.Dir, cmd.Stdin = dir, &lines
	out, err := cmd.CombinedOutput()
	if got := strings.Fields(strings.ReplaceAll(string(out), " ", "_")); err != nil || strings.ReplaceAll(strings.Join(got, "\n"), "_", " ") != strings.Join(want, "\n") {
		t.Errorf("standardwebhooks: %v\n%s", err, out)
	}
}

// After five days of failures an endpoint is disabled; enabled again it gets what
// has come meanwhile.
func TestEndpointIsDisabledAfterFiveDays(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	to := newEndpoint(t, func(w http.ResponseWriter, _ int) {
		if down.Load() {
			w.WriteHeader(500)
		}
	})
	now := clock.NewFake(time.Now())
	s := serveOn(t, "", map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
subscriptions:
  crm: { url: %q, types: ["order.*"] }
`, to.URL)}, func(o *hub.Options) { o.Clock = now })
	s.publish("order.made", 1, 1)
	to.await(t, 1)
	for day := 0; s.subscription("crm").State == "active"; day++ {
		if day > 40 {
			t.Fatal("it is not disabled")
		}
		tries := len(to.await(t, 1))
		now.Advance(12 * time.Hour)
		s.publish("order.made", 2+day, 2+day)
		s.until("it is tried again", func() bool { return len(to.await(t, 1)) > tries || s.subscription("crm").State != "active" })
		s.until("what came of it is known", func() bool { a := s.subscription("crm"); return a.FailingSince != nil })
		if day < 9 && s.subscription("crm").State != "active" {
			t.Errorf("it is disabled after %d half days", day+1)
		}
	}
	if a := s.subscription("crm"); a.State != "disabled" || a.Reason != "its deliveries have failed for 5d" || a.Failure != "the endpoint answered 500 Internal Server Error" {
		t.Errorf("%+v", a)
	}
	if _, text := s.api("GET", "/api/v1/admin/events?types=subscription.crm.*", ""); !strings.Contains(text, `"type":"subscription.crm.disabled"`) {
		t.Errorf("no event: %s", text)
	}
	s.publish("order.sent", 1, 3)
	down.Store(false)
	if status, text := s.api("POST", "/api/v1/admin/subscriptions/crm/enable", ""); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	s.until("it has caught up", func() bool {
		now.Advance(time.Second)
		ids := to.ids(t, 1)
		return slices.Contains(ids, "order.sent-1") && slices.Contains(ids, "order.sent-2") && slices.Contains(ids, "order.sent-3")
	})
}

// Two nodes dispatch: each event has one delivery to each subscriber.
func TestTwoNodesDeliverOnce(t *testing.T) {
	t.Setenv("JUNCTOR_MASTER_KEY", strings.Repeat("5a", 32))
	shared := database(t)
	to := newEndpoint(t, nil)
	first := serveOn(t, shared, map[string]string{"junctor.yaml": eventing})
	second := serveOn(t, shared, map[string]string{"junctor.yaml": eventing})
	var codes []string
	for n := range 4 {
		codes = append(codes, []*site{first, second}[n%2].subscribe("crm", fmt.Sprintf(`{"url":%q}`, fmt.Sprintf("%s/%d", to.URL, n))).ID)
	}
	const each = 60
	done := make(chan struct{})
	for i, s := range []*site{first, second} {
		go func() {
			defer func() { done <- struct{}{} }()
			for n := range each {
				s.event(fmt.Sprintf(`{"specversion":"1.0","id":"%d-%d","source":"/t","type":"a"}`, i, n))
			}
		}()
	}
	<-done
	<-done
	times := map[string]int{}
	for _, d := range to.await(t, 2*each*len(codes)) {
		times[d.path+" "+d.event.ID]++
	}
	for _, code := range codes {
		first.until("all are done", func() bool { a := second.subscription(code); return a.Unfinished == 0 && a.Behind == 0 })
	}
	if len(times) != 2*each*len(codes) || len(to.await(t, 1)) != 2*each*len(codes) {
		t.Errorf("%d deliveries of %d events to subscribers, want %d of each", len(to.await(t, 1)), len(times), 2*each*len(codes))
	}
}

// A secret of the installation opens nothing after its key was replaced, but for
// the subscriptions' own, which are sealed anew.
func TestSubscriptionsSecretsOutliveTheMasterKey(t *testing.T) {
	to := newEndpoint(t, nil)
	data := t.TempDir()
	files := map[string]string{"junctor.yaml": eventing}
	var made subscribed
	t.Run("before", func(t *testing.T) {
		s := serveAs(t, hub.Options{Data: data}, nil, files)
		made = s.subscribe("crm", fmt.Sprintf(`{"url":%q}`, to.URL))
	})
	h, err := hub.Open(t.Context(), hub.Options{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := h.RotateKey(t.Context(), "test"); err != nil || r.Sealed != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	s := serveAs(t, hub.Options{Data: data}, nil, files)
	s.publish("a", 1, 1)
	if d := to.await(t, 1)[0]; !d.signed(made.Secret) {
		t.Errorf("signed as %v", d.header)
	}
}

// Redirects are not followed into the inside, nor are names that lead there.
func TestSubscribersAreNotInside(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody came in") }))
	t.Cleanup(inside.Close)
	s := serve(t, map[string]string{"junctor.yaml": fmt.Sprintf(`subscriptions:
  crm: { url: %q, types: ["order.*"], retry: { attempts: 1 } }
`, inside.URL)})
	s.publish("order.made", 1, 1)
	s.until("it has failed", func() bool { return s.subscription("crm").Failure != "" })
	if f := s.subscription("crm").Failure; !strings.Contains(f, "may not reach 127.0.0.1") || !strings.Contains(f, "settings.allow_private_subscribers allows") {
		t.Errorf("failed with %q", f)
	}
}

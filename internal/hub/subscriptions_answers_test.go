package hub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDeliveriesAreTriedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		to := newEndpoint(t, func(w http.ResponseWriter, n int) {
			switch n {
			case 1:
				http.Error(w, "out of paper", 500)
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

		_, text := s.api("GET", "/api/v1/admin/runs?source=subscription:crm", "")
		ids = regexp.MustCompile(`run_\w+`).FindAllString(text, -1)
		logs := s.ended(ids[len(ids)-1]).Logs // the newest is the first of the list
		if len(logs) != 3 || !strings.Contains(logs[0].Text, "attempt 1 failed") || !strings.Contains(logs[0].Text, "out of paper") || !strings.Contains(logs[1].Text, "answered 302") {
			t.Errorf("the log of the tries: %+v", logs)
		}
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
	_, events := s.api("GET", "/api/v1/admin/events?types=subscription.**", "")
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

// What is no 2xx is a failure, and a redirect is not followed; Retry-After says,
// in seconds or as a date, before when there is no other try.
func TestWhatEndpointsAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		now := time.Now()
		date := now.Add(2 * time.Hour).UTC().Format(http.TimeFormat)
		answers := map[string]struct {
			status int
			after  string
		}{
			"moved": {301, ""}, "found": {302, ""}, "other": {303, ""}, "unmodified": {304, ""}, "temporary": {307, ""}, "permanent": {308, ""},
			"bad": {400, ""}, "broken": {500, ""}, "seconds": {503, "7200"}, "date": {429, date}, "redirect": {302, "7200"},
			"earlier": {503, now.Add(-time.Hour).UTC().Format(http.TimeFormat)}, "odd": {503, "soon"}, "negative": {503, "-5"}, "short": {503, "1"},
			"created": {201, ""}, "accepted": {202, ""}, "empty": {204, ""},
		}
		to := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != "POST" {
				t.Errorf("%s %s came", r.Method, r.URL.Path)
			}
			a, ok := answers[strings.TrimPrefix(r.URL.Path, "/")]
			if !ok {
				t.Errorf("somebody has followed to %s", r.URL.Path)
			}
			w.Header().Set("Location", "/elsewhere")
			if a.after != "" {
				w.Header().Set("Retry-After", a.after)
			}
			w.WriteHeader(a.status)
		}))
		t.Cleanup(to.Close)
		file := "settings: { allow_private_subscribers: true }\nsubscriptions:\n"
		for code := range answers {
			file += fmt.Sprintf("  %s: { url: %q, types: [a], retry: { schedule: [10m, 10m] } }\n", code, to.URL+"/"+code)
		}
		s := serveOn(t, database, map[string]string{"junctor.yaml": file})
		s.publish("a", 1, 1)
		for code, a := range answers {
			var list struct {
				Items []struct {
					State string
					DueAt time.Time `json:"due_at"`
				}
			}
			want := "waiting"
			if a.status < 300 {
				want = "succeeded"
			}
			s.until(code+" is "+want, func() bool {
				_, text := s.api("GET", "/api/v1/admin/runs?source=subscription:"+code, "")
				if err := json.Unmarshal([]byte(text), &list); err != nil {
					t.Fatal(err)
				}
				return len(list.Items) == 1 && list.Items[0].State == want
			})
			if want == "succeeded" {
				continue
			}
			least, most := 7*time.Minute, 10*time.Minute // the schedule's, a quarter shorter at most
			if a.after == "7200" || a.after == date {
				least, most = 119*time.Minute, 150*time.Minute
			}
			if wait := list.Items[0].DueAt.Sub(now); wait < least || wait > most+time.Minute {
				t.Errorf("%s: it is tried again after %s", code, wait)
			}
			s.until(code+" is known to fail", func() bool { return s.subscription(code).FailingSince != nil })
			if f := s.subscription(code).Failure; !strings.HasPrefix(f, fmt.Sprintf("the endpoint answered %d ", a.status)) {
				t.Errorf("%s: the failure is shown as %q", code, f)
			}
		}
	})
}

package hub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

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
		for _, body := range []string{`{}`, `{"after":"x"}`, `{"since":"2020-01-01T00:00:00Z","after":"AAAA"}`, `{"cursor":"x"}`, `{"since":"2020-01-01T00:00:00Z","filter":"data eq"}`, `{"since":"2020-01-01T00:00:00Z","types":["a*b"]}`} {
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

func TestSubscriptionsByTheAdminAPI(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		to := newEndpoint(t, func(w http.ResponseWriter, _ int) { w.WriteHeader(500) })
		s := serveOn(t, database, map[string]string{"junctor.yaml": eventing})
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
		for query, want := range map[string]string{"": made.ID + " erp", "?channel=crm": made.ID, "?state=active": made.ID + " erp", "?state=ended": "", "?state=ended,disabled": "", "?state=ended,active": made.ID + " erp"} {
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
	})
}

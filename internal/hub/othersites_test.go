package hub_test

import (
	"encoding/json"
	"strings"
	"testing"

	"junctor/internal/run"
)

// A browser that was asked for login and password at /docs sends them with whatever
// a page of any site makes it send: nothing is done for that.
func TestOtherSitesChangeNothing(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "schedules:\n  tick: { every: 1d, scenario: work, overlap: allow }\nfunctions:\n  work: { scenario: work }\n" +
			"classes:\n  orders: { key: number, columns: { number: text! }, buttons: { press: { scenario: work } } }\n",
		"scenarios/work.ts": "export default () => 1;",
	})
	if resp, body := s.call("POST", "/api/v1/data/orders", `{"id":"o1","number":"1"}`); resp.StatusCode != 201 {
		t.Fatal(body)
	}
	runs := func() int { return len(items[run.Info](s, "/runs")) }
	foreign := [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://example.com"}, {"Origin", "null"}}
	for _, h := range foreign {
		h = append(h, "Content-Type", "application/x-www-form-urlencoded")
		for _, path := range []string{
			"/api/v1/admin/schedules/tick/run", "/api/v1/admin/schedules/tick/pause", "/api/v1/session", "/api/v1/functions/work", "/api/v1/data/orders('o1')/press",
		} {
			if resp, body := s.call("POST", path, "", h...); resp.StatusCode != 403 || !strings.Contains(body, "another site") {
				t.Errorf("%v %s: %d %s", h, path, resp.StatusCode, body)
			}
		}
		if resp, body := s.call("GET", "/api/v1/admin/schedules/tick", "", h...); resp.StatusCode != 200 || !strings.Contains(body, `"state":"on"`) {
			t.Errorf("%v: %d %s", h, resp.StatusCode, body)
		}
	}
	if n := runs(); n != 0 {
		t.Errorf("%d runs were started", n)
	}
	for _, h := range [][]string{nil, {"Sec-Fetch-Site", "same-origin", "Origin", "https://behind.example"}, {"Sec-Fetch-Site", "none"}, {"Origin", s.base}} {
		if resp, body := s.call("POST", "/api/v1/admin/schedules/tick/run", "", h...); resp.StatusCode != 201 {
			t.Errorf("%v: %d %s", h, resp.StatusCode, body)
		}
	}
	resp, body := s.call("POST", "/api/v1/session", "")
	var begun struct{ Token string }
	if err := json.Unmarshal([]byte(body), &begun); err != nil || resp.StatusCode != 201 {
		t.Fatal(body)
	}
	// A token is kept by no browser: who sends it has it.
	if resp, body := s.do("POST", "/api/v1/admin/schedules/tick/run", "", []string{"Authorization", "Bearer " + begun.Token, "Origin", "https://example.com"}); resp.StatusCode != 201 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if n := runs(); n != 5 {
		t.Errorf("%d runs were started", n)
	}
}

package hub_test

import (
	"encoding/json"
	"strings"
	"testing"
)

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

	if status, text := s.api("GET", "/api/v1/admin/subscriptions?state=failing", ""); status != 400 || !strings.Contains(text, "is one or more of active, disabled, ended") {
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

package docs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the guide's page on links and approvals shows is so.
func TestGuideLinks(t *testing.T) {
	page := read(t, "docs/guide/20-links-and-approvals.md")
	ts, answers := blocks(page, "ts"), blocks(page, "json")
	if len(ts) != 4 || len(answers) != 2 {
		t.Fatalf("the page has %d scenarios and %d answers", len(ts), len(answers))
	}
	mails := make(chan map[string]string, 10)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var mail map[string]string
		if err := json.NewDecoder(r.Body).Decode(&mail); err != nil {
			t.Error(err)
		}
		mails <- mail
	}))
	defer sink.Close()
	yaml := "domain: default\n" + blocks(page, "yaml")[0] + `  invoices: { type: public, scenario: invoice }
  handout: { type: public, scenario: handout, await: true }
connections:
  mail: { type: http, url: "` + sink.URL + `", allow_private: true }
`
	base, tokens := serveFiles(t, yaml, map[string]string{"order": ts[0], "invoice": ts[1], "handout": ts[2], "cancel_order": ts[3]}, nil)
	call := func(method, url, body string, status int) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("admin", "x")
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status {
			t.Fatalf("%s %s: %d %s %v", method, url, resp.StatusCode, answer, err)
		}
		return string(answer)
	}
	send := func(channel, body string, status int) string {
		t.Helper()
		return call("POST", base+"/api/token/v1/"+tokens[channel], body, status)
	}
	form := regexp.MustCompile(`apr_\w+|/link/v1/[0-9a-z]{40}|"at":"[^"]+"|"[a-z]+_at":"[^"]+"|http://[0-9a-z.:]+`)
	alike := func(text string) (v map[string]any) {
		t.Helper()
		text = form.ReplaceAllStringFunc(strings.ReplaceAll(text, `at": `, `at":`), func(found string) string {
			if i := strings.Index(found, `":"`); i >= 0 {
				return found[:i] + `":"TIME"`
			}
			return "X"
		})
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return v
	}
	sent := regexp.MustCompile(`api/token/v1/TOKEN --json '(.*)'`).FindStringSubmatch(page)[1]
	answer := send("orders", sent, 202)
	if diff := cmp.Diff(alike(answers[0]), alike(answer)); diff != "" {
		t.Error(diff)
	}
	var asked struct {
		Approval string
		Links    map[string]string
	}
	if err := json.Unmarshal([]byte(answer), &asked); err != nil {
		t.Fatal(err)
	}
	call("GET", asked.Links["approve"], "", 200)
	if open := call("GET", base+"/api/v1/admin/approvals?state=open", "", 200); !strings.Contains(open, asked.Approval) {
		t.Error(open)
	}
	got := alike(call("POST", asked.Links["approve"], `{"comment": "as agreed"}`, 200))
	for name, want := range alike(answers[1]) {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	call("POST", asked.Links["reject"], "", 409)
	if events := call("GET", base+"/api/v1/events?types=order.*&wait=20s", "", 200); !strings.Contains(events, `"type":"order.approved","subject":"4711"`) {
		t.Error(events)
	}

	send("invoices", `{"number": "7", "total": 5}`, 200)
	for range 2 {
		mail := <-mails
		if mail["subject"] != "An invoice" || mail["yes"] == mail["no"] {
			t.Error(mail)
		}
		if mail["to"] == "adam@example.com" {
			if decided := call("POST", mail["no"], "", 200); !strings.Contains(decided, `"by":"adam@example.com"`) {
				t.Error(decided)
			}
		}
	}

	var handed map[string]string
	if err := json.Unmarshal([]byte(send("handout", `{"number": "9"}`, 200)), &handed); err != nil {
		t.Fatal(err)
	}
	call("POST", handed["received"], "", 200)
	call("POST", handed["received"], "", 409)
	call("POST", handed["cancel"], "", 200)
	if events := call("GET", base+"/api/v1/events?types=order.received", "", 200); !strings.Contains(events, `"data":{"number":"9"}`) {
		t.Error(events)
	}
}

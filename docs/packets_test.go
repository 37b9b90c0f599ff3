package docs_test

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The stored query of the guide's page on packets compares totals as numbers.
func TestGuideQuery(t *testing.T) {
	page := read(t, "docs/guide/15-packets.md")
	base, _ := serveFiles(t, "domain: default\n"+blocks(page, "yaml")[1], nil, nil)
	call := func(method, address, body string, status int) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, base+address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("admin", "x")
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status {
			t.Fatalf("%s %s: %d %s %v", method, address, resp.StatusCode, answer, err)
		}
		return string(answer)
	}
	for number, total := range map[string]string{"1": "9.10", "2": "27.10"} {
		call("POST", "/api/v1/data/orders", `{"number":"`+number+`","customer":"Ann","total":`+total+`,"received":"2026-02-01"}`, http.StatusCreated)
	}
	const want = `{"best":[{"customer":"Ann","orders":2,"total":27.10}]}`
	if got := call("GET", "/api/v1/packets/report?since=2026-01-01", "", http.StatusOK); strings.TrimSpace(got) != want {
		t.Errorf("the answer is %s, want %s", got, want)
	}
	shown := strings.Join(strings.Fields(strings.ReplaceAll(blocks(page, "json")[0], "$S", base)), "")
	got := call("GET", "/api/v1/data/best?since=2026-01-01&$filter=orders%20gt%201", "", http.StatusOK)
	if strings.Join(strings.Fields(got), "") != shown {
		t.Errorf("the answer is %s, want %s", got, shown)
	}
}

// The button of the guide's page on records in scenarios is pressed as the page shows.
func TestGuideButton(t *testing.T) {
	t.Setenv("DESK_PASSWORD", "enough-of-a-password")
	page := read(t, "docs/guide/13-records.md")
	i := slices.IndexFunc(blocks(page, "ts"), func(b string) bool { return strings.Contains(b, `{ state: "sent" }`) })
	yaml := slices.IndexFunc(blocks(page, "yaml"), func(b string) bool { return strings.Contains(b, "buttons:") })
	if i < 0 || yaml < 0 {
		t.Fatal("the page has no button")
	}
	base, _ := serveFiles(t, "domain: default\n"+blocks(page, "yaml")[yaml], map[string]string{"approve": blocks(page, "ts")[i]}, nil)
	calls := regexp.MustCompile(`(?m)^curl .*-u (\w+) (?:-X POST )?"\$S([^"]+)"(?: --json '(.*)')?$`).FindAllStringSubmatch(page, -1)
	if len(calls) != 3 {
		t.Fatalf("the page has %d calls", len(calls))
	}
	for i, want := range []int{http.StatusCreated, http.StatusAccepted, http.StatusAccepted} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+calls[i][2], strings.NewReader(calls[i][3]))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(calls[i][1], map[string]string{"admin": "x", "desk": "enough-of-a-password"}[calls[i][1]])
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || want == http.StatusAccepted && !strings.HasPrefix(resp.Header.Get("Location"), "/api/v1/runs/run_") {
			t.Errorf("%s: %d %s", calls[i][0], resp.StatusCode, answer)
		}
	}
}

package docs_test

import (
	"io"
	"net/http"
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
}

package docs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The function that the guide shows answers what the guide shows.
func TestGuideFunctionAnswers(t *testing.T) {
	page := read(t, "docs/guide/10-functions.md")
	base := serve(t)
	send := func(method, path, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth("admin", "x")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(answer)
	}
	sources, err := json.Marshal(map[string]any{"sources": map[string]string{"scenarios/place_order.ts": blocks(page, "ts")[0]}})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := send("PUT", "/api/v1/admin/scenarios/place_order", string(sources)); status != 201 {
		t.Fatal(status, answer)
	}
	if status, answer := send("PUT", "/api/v1/admin/functions/placeOrder", `{"scenario": "place_order"}`); status != 201 {
		t.Fatal(status, answer)
	}
	calls := regexp.MustCompile(`(?m)^curl -sS .*?(/api/v1/functions/\w+) --json '(.*)'$`).FindAllStringSubmatch(page, -1)
	answers := blocks(page, "json")
	if len(calls) != 2 || len(answers) != 2 {
		t.Fatalf("the page has %d calls and %d answers", len(calls), len(answers))
	}
	for i, call := range calls {
		_, answer := send("POST", call[1], call[2])
		var got, want any
		if err := json.Unmarshal([]byte(answers[i]), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", call[2], diff)
		}
	}
}

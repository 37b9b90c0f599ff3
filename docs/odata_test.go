package docs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/odata"
)

func TestEveryAddressOfDataIsExplained(t *testing.T) {
	for _, r := range odata.Routes() {
		mentions(t, "odata.md", "address", "| `"+r.Method+" "+r.Pattern+"` |")
	}
}

// The calls of the guide's page on records answer what the page shows.
func TestGuideRecords(t *testing.T) {
	t.Setenv("ESHOP_PASSWORD", "enough-of-a-password")
	page := read(t, "docs/guide/12-records.md")
	base, _ := serveFiles(t, "domain: default\n"+blocks(page, "yaml")[0], nil, nil)
	answers := blocks(page, "json")
	statuses := []int{201, 201, 204, 201, 412, 422, 200, 200, 200, 204, 200}
	calls := regexp.MustCompile(`(?ms)^curl -sS -u admin(?: -X (\w+))?(?: -H '([^:']+): ([^']*)')? "\$S([^"]+)"(?: (?:--json|--data-binary) '(.*?)')?$`).FindAllStringSubmatch(page, -1)
	if len(calls) != len(statuses) || len(calls) != strings.Count(page, "\ncurl ") || len(answers) != 3 {
		t.Fatalf("the page has %d calls (%d known) and %d answers", strings.Count(page, "\ncurl "), len(calls), len(answers))
	}
	shown := map[int]int{1: 0, 5: 1, 6: 2} // by call
	for i, call := range calls {
		method := call[1]
		if method == "" && call[5] != "" {
			method = http.MethodPost
		}
		r, err := http.NewRequestWithContext(t.Context(), method, base+strings.ReplaceAll(call[4], `\$`, "$"), strings.NewReader(call[5]))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("admin", "x")
		r.Header.Set("Content-Type", "application/json")
		if call[2] != "" {
			r.Header.Set(call[2], call[3])
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != statuses[i] {
			t.Errorf("%s: %d %s %v", call[0], resp.StatusCode, answer, err)
			continue
		}
		n, ok := shown[i]
		if !ok {
			continue
		}
		var got, want any
		if err := json.Unmarshal([]byte(strings.ReplaceAll(answers[n], "$S", base)), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(answer, &got); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", call[0], diff)
		}
	}
}

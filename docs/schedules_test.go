package docs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The schedules of the guide are run by hand: what they hand over is logged, and
// what the poll finds becomes runs.
func TestGuideSchedules(t *testing.T) {
	page := read(t, "docs/guide/17-schedules.md")
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/orders" || r.URL.Query().Get("since") == "" {
			t.Errorf("the shop was asked for %s", r.URL)
		}
		io.WriteString(w, `[{"id":1,"changed":"2027-01-02"},{"id":2,"changed":"2027-01-03"}]`) //nolint:errcheck // a test's answer
	}))
	t.Cleanup(shop.Close)
	code := blocks(page, "ts")
	yaml := strings.Replace(blocks(page, "yaml")[0], `url: "https://shop.example.com/api"`, `url: "`+shop.URL+`", allow_private: true`, 1)
	base, _ := serveFiles(t, yaml, map[string]string{"report": code[0], "pull": code[1], "order": code[2]}, nil)
	call := func(method, path string, into any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, base+"/api/v1/admin"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("admin", "x")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil || resp.StatusCode/100 != 2 {
			t.Fatal(resp.Status, err, string(text))
		}
	}
	type told struct {
		ID, State string
		Logs      []struct{ Text string }
	}
	ended := func(id string) (r told) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
			if call(http.MethodGet, "/runs/"+id, &r); r.State == "succeeded" {
				return r
			}
		}
		t.Fatalf("the run is %+v", r)
		return r
	}
	for _, schedule := range []string{"report", "pull"} {
		var r told
		call(http.MethodPost, "/schedules/"+schedule+"/run", &r)
		if r = ended(r.ID); schedule == "report" && (len(r.Logs) != 1 || !strings.HasSuffix(r.Logs[0].Text, "with 50 lines")) {
			t.Errorf("logged %+v", r.Logs)
		}
	}
	var orders struct{ Items []told }
	if call(http.MethodGet, "/runs?source=poll:orders", &orders); len(orders.Items) != 2 {
		t.Errorf("the poll has started %+v", orders.Items)
	}
}

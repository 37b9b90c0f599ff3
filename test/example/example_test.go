// Package example_test plays the example shop-to-erp on the built binary, with
// the ERP of the demo at its far end.
package example_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/demo"
	"junctor/test/outside"
)

const order = `{"number":"%s","currency":"EUR","customer":{"name":"Ada Novak","email":"ada@example.com",
	"address":{"street":"7 Quarry Lane","city":"Brno","zip":"602 00","country":"CZ"}},
	"lines":[{"sku":"%s","quantity":2,"price":45.5},{"sku":"P-7205","quantity":3,"price":0.1}]}`

func TestOrders(t *testing.T) {
	s := start(t)
	for name, c := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"good":          {fmt.Sprintf(order, "S-1", "P-7100"), 201, `{"number":"S-1","erp_number":"ERP-000001","total":91.3,"currency":"EUR"}`},
		"no JSON":       {"<order/>", 400, "not valid JSON"},
		"not an object": {"[]", 400, "Not an order"},
		"empty":         {"{}", 422, `{"pointer":"/currency","detail":"must be three letters, like EUR"}`},
		"bad line":      {strings.Replace(fmt.Sprintf(order, "S-2", "P-1"), `"quantity":2`, `"quantity":-2`, 1), 422, `"/lines/0/quantity"`},
		"refused":       {fmt.Sprintf(order, "S-3", "OLD-1"), 422, "OLD-1 is no longer sold"},
	} {
		status, _, body := s.post(t, "shop", c.body, name)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s, want %d %s", name, status, body, c.status, c.want)
		}
	}
	if items := s.arrived(t, "/orders"); len(items) != 1 || items[0].Detail != "Ada Novak, 2 items, 91.30 EUR" {
		t.Errorf("arrived at the ERP: %+v", items)
	}
}

func TestSameOrderTwiceIsOneOrder(t *testing.T) {
	s := start(t)
	body := fmt.Sprintf(order, "S-1", "P-7100")
	_, first, answer := s.post(t, "shop", body, "key-1")
	status, second, again := s.post(t, "shop", body, "key-1")
	if status != 201 || again != answer || second.Get("Junctor-Duplicate") != "true" || second.Get("Junctor-Run") != first.Get("Junctor-Run") {
		t.Errorf("second answer: %d %v %s", status, second, again)
	}
	if items := s.arrived(t, "/orders"); len(items) != 1 || items[0].Times != 1 {
		t.Errorf("arrived at the ERP: %+v", items)
	}
}

// While the ERP is broken, an order is refused and its repetition continues the
// same run; a stock movement waits, and those of the same article behind it.
func TestBrokenERPIsMended(t *testing.T) {
	for _, mode := range []string{"500", "refuse"} {
		t.Run(mode, func(t *testing.T) {
			s := start(t)
			s.mode(t, mode)
			body := fmt.Sprintf(order, "S-1", "P-7100")
			status, broken, answer := s.post(t, "shop", body, "key-1")
			if status != http.StatusBadGateway || strings.Contains(answer, "ERP") {
				t.Fatalf("with a broken ERP: %d %s", status, answer)
			}
			for _, quantity := range []int{-2, 5, -1} {
				if status, _, answer := s.post(t, "warehouse", fmt.Sprintf(`{"article":"P-7100","quantity":%d}`, quantity), ""); status != 200 || answer != "" {
					t.Fatalf("movement: %d %s", status, answer)
				}
			}
			if waiting, err := s.admin.Unfinished(t.Context()); err != nil || !waiting {
				t.Errorf("with a broken ERP nothing waits: %v", err)
			}
			s.mode(t, "off")
			status, mended, answer := s.post(t, "shop", body, "key-1")
			if status != 201 || mended.Get("Junctor-Run") != broken.Get("Junctor-Run") {
				t.Errorf("the same order again: %d %s in %s, want 201 in %s", status, answer, mended.Get("Junctor-Run"), broken.Get("Junctor-Run"))
			}
			if _, err := s.admin.AwaitFinished(t.Context(), time.Minute); err != nil {
				t.Fatal(err)
			}
			if items := s.arrived(t, "/orders"); len(items) != 1 {
				t.Errorf("orders at the ERP: %+v", items)
			}
			var details []string
			for _, item := range s.arrived(t, "/stock") {
				details = append(details, strings.Fields(item.Detail)[0])
			}
			if got := strings.Join(details, " "); got != "-2 +5 -1" {
				t.Errorf("movements arrived as %s, want -2 +5 -1", got)
			}
		})
	}
}

func TestMovementThatCannotBeOneFailsForGood(t *testing.T) {
	s := start(t)
	if status, _, _ := s.post(t, "warehouse", `{"article":"P-1","quantity":1.5}`, ""); status != 200 {
		t.Fatalf("answered %d", status)
	}
	if _, err := s.admin.AwaitFinished(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	var failed []outside.Run
	err := s.admin.Runs(t.Context(), url.Values{"state": {"failed"}}, func(r outside.Run) bool {
		failed = append(failed, r)
		return true
	})
	if err != nil || len(failed) != 1 || !strings.Contains(failed[0].Error.Message, "whole quantity") {
		t.Errorf("failed runs: %+v, %v", failed, err)
	}
}

// What the demo plays must end as the demo says.
func TestDemoPlays(t *testing.T) {
	s := start(t)
	var out strings.Builder
	err := demo.Play(t.Context(), demo.Setup{
		Shop: s.url("shop"), Warehouse: s.url("warehouse"), Console: demo.NewConsole(&out, false, clock.Real{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`gets  201 {"number":"S-1001"`, "known already, no second run", "gets  422", "no longer sold", "gets  200 (empty: it is on disk)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "gets  5") {
		t.Errorf("something failed:\n%s", out.String())
	}
}

// stage is a server with the example on it, and its ERP.
type stage struct {
	server   *outside.Server
	admin    *outside.Admin
	channels map[string]outside.Channel
	erp      string
}

func start(t *testing.T) *stage {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	erp := httptest.NewServer(demo.NewERP(func(string) {}).Handler())
	t.Cleanup(erp.Close)
	listen, err := outside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	o := outside.Options{Binary: built.Binary(t), Data: t.TempDir(), Listen: listen, Env: []string{"ERP_URL=" + erp.URL}}
	s := &stage{erp: erp.URL}
	if s.channels, err = outside.Apply(ctx, folder, o); err != nil {
		t.Fatal(err)
	}
	if s.server, err = outside.Start(ctx, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.server.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(s.server.Log())
		}
	})
	if s.admin, err = s.server.Login(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) url(channel string) string { return s.server.URL + s.channels[channel].Path }

func (s *stage) post(t *testing.T, channel, body, key string) (int, http.Header, string) {
	t.Helper()
	return post(t, s.url(channel), body, key)
}

func (s *stage) mode(t *testing.T, mode string) {
	t.Helper()
	if status, _, body := post(t, s.erp+"/_demo/fail?mode="+mode, "", ""); status != 200 {
		t.Fatalf("mode %s: %d %s", mode, status, body)
	}
}

func (s *stage) arrived(t *testing.T, path string) []demo.Arrival {
	t.Helper()
	resp, err := http.Get(s.erp + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Items []demo.Arrival }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Items
}

func post(t *testing.T, to, body, key string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(answer)
}

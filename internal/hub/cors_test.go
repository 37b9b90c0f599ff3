package hub_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/run"
)

// TestCORS: a channel's setting lets pages of other origins in, and preflights
// make no run.
func TestCORS(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": `channels:
  none: { type: public, scenario: method, await: true }
  shop: { type: public, scenario: method, await: true, verify: { bearer: "pass" }, cors: { origins: ["https://shop.example", "http://localhost:3000"], headers: [Content-Type, X-Order, Authorization], credentials: true, max_age: 1h } }
  open: { type: public, scenario: method, await: true, cors: { origins: ["*"] } }
  free: { type: public, scenario: method, cors: { origins: ["*"], headers: ["*"], max_age: 0s } }
`,
		"scenarios/method.ts": `import type { Request } from "junctor";
export default (request: Request) => request.method;`,
	})
	const allow = "Access-Control-Allow-"
	preflight := []string{"Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "content-type,x-order"}
	for _, c := range []struct {
		name, method, channel, origin string
		more                          []string
		status                        int
		want                          map[string]string
		run                           bool
	}{
		{"preflight", "OPTIONS", "shop", "https://shop.example", preflight, 204, map[string]string{
			"Origin": "https://shop.example", "Methods": "PUT", "Headers": "Content-Type, X-Order, Authorization", "Credentials": "true", "Max-Age": "3600",
		}, false},
		{"preflight of anyone", "OPTIONS", "open", "null", preflight, 204, map[string]string{
			"Origin": "*", "Methods": "PUT", "Headers": "Content-Type, Idempotency-Key", "Max-Age": "600",
		}, false},
		{"preflight for any header", "OPTIONS", "free", "https://any.example", preflight, 204, map[string]string{
			"Origin": "*", "Methods": "PUT", "Headers": "content-type,x-order", "Max-Age": "0",
		}, false},
		{"preflight of another", "OPTIONS", "shop", "https://shop.example.evil", preflight, 403, nil, false},
		{"preflight of another scheme", "OPTIONS", "shop", "http://shop.example", preflight, 403, nil, false},
		{"request", "POST", "shop", "http://localhost:3000", []string{"Authorization", "Bearer pass"}, 200, map[string]string{
			"Origin": "http://localhost:3000", "Credentials": "true", "Expose": "Junctor-Run, Junctor-Duplicate",
		}, true},
		{"problem", "POST", "shop", "https://shop.example", []string{"Authorization", "Bearer no"}, 401, map[string]string{
			"Origin": "https://shop.example", "Credentials": "true", "Expose": "Junctor-Run, Junctor-Duplicate",
		}, false},
		{"request of another", "POST", "shop", "https://other.example", []string{"Authorization", "Bearer pass"}, 200, nil, true},
		{"request of a program", "POST", "shop", "", []string{"Authorization", "Bearer pass"}, 200, nil, true},
		{"OPTIONS that are no preflight", "OPTIONS", "open", "https://any.example", nil, 200, map[string]string{
			"Origin": "*", "Expose": "Junctor-Run, Junctor-Duplicate",
		}, true},
		{"without the setting", "OPTIONS", "none", "https://any.example", preflight, 200, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := c.more
			if c.origin != "" {
				headers = append([]string{"Origin", c.origin}, headers...)
			}
			resp, body := s.send(c.method, c.channel, "", "", headers...)
			got := map[string]string{}
			for _, name := range []string{"Origin", "Methods", "Headers", "Credentials"} {
				if v := resp.Header.Get(allow + name); v != "" {
					got[name] = v
				}
			}
			if v := resp.Header.Get("Access-Control-Max-Age"); v != "" {
				got["Max-Age"] = v
			}
			if v := resp.Header.Get("Access-Control-Expose-Headers"); v != "" {
				got["Expose"] = v
			}
			if c.want == nil {
				c.want = map[string]string{}
			}
			if d := cmp.Diff(c.want, got); d != "" || resp.StatusCode != c.status {
				t.Errorf("%d %s\n%s", resp.StatusCode, body, d)
			}
			if ran := resp.Header.Get("Junctor-Run") != ""; ran != c.run {
				t.Errorf("a run was made: %v", ran)
			}
			if c.channel == "shop" && resp.Header.Get("Vary") != "Origin" {
				t.Errorf("Vary is %q", resp.Header.Values("Vary"))
			}
			if c.name == "without the setting" && body != `"OPTIONS"` {
				t.Errorf("the scenario answered %s", body)
			}
		})
	}
	list, _, err := s.hub.Runs().List(context.Background(), run.Filter{Channel: "free"})
	if err != nil || len(list) != 0 {
		t.Errorf("%d runs of preflights, %v", len(list), err)
	}
}

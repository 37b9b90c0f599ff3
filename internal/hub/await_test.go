package hub_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/run"
)

// problem is an RFC 9457 body.
type problem struct {
	Type, Title, Detail, Run string
	Status                   int
	Errors                   []map[string]string
}

func (s *site) problem(resp *http.Response, body string) problem {
	s.t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || resp.Header.Get("Content-Type") != "application/problem+json" {
		s.t.Fatalf("no problem: %d %s", resp.StatusCode, body)
	}
	if p.Status != resp.StatusCode {
		s.t.Errorf("the problem's status is %d, the answer's %d", p.Status, resp.StatusCode)
	}
	return p
}

func TestThrowingScenario(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  shop: { type: public, scenario: order, await: true }\n",
		"scenarios/order.ts": `import type { Request } from "junctor";
import { check } from "./lib/check";
export default async function (request: Request) {
  check(request.text());
}`,
		"scenarios/lib/check.ts": `interface Order { number: string }

export function check(text: string): void {
  const order = { number: text } as Order;
  if (order.number === "bad") {
    throw new TypeError("the secret number is " + order.number);
  }
}`,
	})
	resp, body := s.send("POST", "shop", "", "bad")
	p := s.problem(resp, body)
	if resp.StatusCode != 502 || strings.Contains(body, "secret") || strings.Contains(body, "TypeError") || strings.Contains(body, ".ts") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if p.Run == "" || p.Run != resp.Header.Get("Junctor-Run") {
		t.Errorf("the problem's run is %q, the header's %q", p.Run, resp.Header.Get("Junctor-Run"))
	}
	info := s.ended(p.Run)
	if info.State != run.Failed || info.Error == nil || info.Error.Name != "TypeError" || info.Error.Message != "the secret number is bad" {
		t.Fatalf("%+v", info)
	}
	for _, line := range []string{"lib/check.ts:6:", "order.ts:4:"} {
		if !strings.Contains(info.Error.Stack, line) {
			t.Errorf("the stack does not name %s:\n%s", line, info.Error.Stack)
		}
	}
}

func TestSlowScenario(t *testing.T) {
	release := make(chan struct{})
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer sink.Close()
	s := serve(t, map[string]string{
		"junctor.yaml": "connections:\n  erp: { type: http, url: \"" + sink.URL + "\", allow_private: true }\n" +
			"channels:\n  shop: { type: public, scenario: order, await: true, timeout: 100ms }\n",
		"scenarios/order.ts": `import { http } from "junctor";
export default async function () {
  await http.get("erp", "/");
  return "late";
}`,
	})
	resp, body := s.send("POST", "shop", "", "", "Idempotency-Key", "k1")
	p := s.problem(resp, body)
	if resp.StatusCode != 504 || p.Run == "" {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	info, err := s.hub.Runs().Get(context.Background(), p.Run)
	if err != nil || info.State.Ended() {
		t.Fatalf("the run has not gone on: %+v %v", info, err)
	}
	if resp, body := s.send("POST", "shop", "", "", "Idempotency-Key", "k1"); resp.StatusCode != 409 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("after the 504: %d %s", resp.StatusCode, body)
	}
	close(release)
	if info := s.ended(p.Run); info.State != run.Succeeded || !strings.Contains(string(info.Output), "late") {
		t.Errorf("%+v", info)
	}
	resp, body = s.send("POST", "shop", "", "", "Idempotency-Key", "k1")
	if resp.StatusCode != 200 || body != `"late"` || resp.Header.Get("Junctor-Duplicate") != "true" || resp.Header.Get("Junctor-Run") != p.Run {
		t.Errorf("afterwards: %d %s %v", resp.StatusCode, body, resp.Header)
	}
}

func TestProblemIsTheAnswer(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  shop: { type: public, scenario: order, await: true }\n",
		"scenarios/order.ts": `import { Problem, kv, type Request } from "junctor";
export default async function (request: Request) {
  await kv.set("seen", 1);
  const kind = request.text();
  if (kind === "full") throw new Problem({ status: 422, title: "unknown customer", detail: "C9", type: "https://e.example/customer", errors: [{ pointer: "/customer", detail: "C9" }], balance: 3 });
  if (kind === "bare") throw new Problem();
  if (kind === "wrapped") { try { throw new Problem({ status: 404, title: "gone" }); } catch (e) { throw e; } }
  if (kind === "json") request.json();
  if (kind === "status") throw new Problem({ status: 200, title: "no problem" });
}`,
	})
	for _, c := range []struct {
		sent   string
		status int
		want   string
		state  run.State
	}{
		{"full", 422, `{"type":"https://e.example/customer","title":"unknown customer","status":422,"detail":"C9","errors":[{"pointer":"/customer","detail":"C9"}],"balance":3}`, run.Succeeded},
		{"bare", 500, `{"type":"about:blank","title":"Error","status":500}`, run.Succeeded},
		{"wrapped", 404, `{"type":"about:blank","title":"gone","status":404}`, run.Succeeded},
		{"json", 400, "", run.Succeeded},
		{"status", 502, "", run.Failed},
	} {
		t.Run(c.sent, func(t *testing.T) {
			resp, body := s.send("POST", "shop", "", c.sent)
			if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != "application/problem+json" || c.want != "" && body != c.want {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			if info := s.ended(resp.Header.Get("Junctor-Run")); info.State != c.state || len(info.Steps) != 1 {
				t.Errorf("the run is %s with %d steps", info.State, len(info.Steps))
			}
		})
	}
}

func TestRespondThenGoOn(t *testing.T) {
	release := make(chan struct{})
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		if r.URL.Path == "/fails" {
			w.WriteHeader(400)
		}
	}))
	defer sink.Close()
	s := serve(t, map[string]string{
		"junctor.yaml": "connections:\n  erp: { type: http, url: \"" + sink.URL + "\", allow_private: true }\n" +
			"channels:\n  shop: { type: public, scenario: order, await: true, timeout: 5s }\n",
		"scenarios/order.ts": `import { http, kv, respond, type Request } from "junctor";
export default async function (request: Request) {
  await kv.set("before", 1);
  respond({ status: 202, json: { accepted: true }, headers: { "X-A": "1" } });
  respond("a second one");
  await http.get("erp", request.path);
  return { status: 500, text: "not sent" };
}`,
	})
	type outcome struct {
		State run.State
		Steps int
	}
	var ids []string
	for _, path := range []string{"/works", "/fails"} {
		resp, body := s.send("POST", "shop", path, "", "Idempotency-Key", path)
		if resp.StatusCode != 202 || body != `{"accepted":true}` || resp.Header.Get("X-A") != "1" {
			t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
		}
		ids = append(ids, resp.Header.Get("Junctor-Run"))
		again, body := s.send("POST", "shop", path, "", "Idempotency-Key", path)
		if again.StatusCode != 202 || body != `{"accepted":true}` || again.Header.Get("Junctor-Duplicate") != "true" {
			t.Errorf("%s again, while it goes on: %d %s", path, again.StatusCode, body)
		}
	}
	close(release)
	var got []outcome
	for _, id := range ids {
		info := s.ended(id)
		got = append(got, outcome{info.State, len(info.Steps)})
	}
	if d := cmp.Diff([]outcome{{run.Succeeded, 2}, {run.Failed, 2}}, got); d != "" {
		t.Error(d)
	}
}

// TestAwaitedAttempts: further attempts happen inside the timeout.
func TestAwaitedAttempts(t *testing.T) {
	tries := make(chan string, 10)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tries <- r.Header.Get("Idempotency-Key")
		if len(tries) < 3 {
			w.WriteHeader(503)
		}
	}))
	defer sink.Close()
	s := serve(t, map[string]string{
		"junctor.yaml": "connections:\n  erp: { type: http, url: \"" + sink.URL + "\", allow_private: true }\n" +
			"channels:\n  one: { type: public, scenario: order, await: true }\n" +
			"  three: { type: public, scenario: order, await: true, retry: { attempts: 3, first: 10ms } }\n",
		"scenarios/order.ts": `import { http, run } from "junctor";
export default async function () { await http.get("erp", "/"); return run.attempt; }`,
	})
	if resp, body := s.send("POST", "one", "", ""); resp.StatusCode != 502 || len(tries) != 1 {
		t.Errorf("one attempt: %d %s after %d requests", resp.StatusCode, body, len(tries))
	}
	<-tries
	resp, body := s.send("POST", "three", "", "")
	if resp.StatusCode != 200 || body != "3" || len(tries) != 3 {
		t.Errorf("three attempts: %d %s after %d requests", resp.StatusCode, body, len(tries))
	}
	first := <-tries
	if second, third := <-tries, <-tries; first != resp.Header.Get("Junctor-Run")+".1" || first != second || first != third {
		t.Errorf("keys %s, %s, %s", first, second, third)
	}
}

func TestPausedAndReleased(t *testing.T) {
	files := map[string]string{
		"junctor.yaml": "channels:\n  shop: { type: public, scenario: order, paused: true }\n  asked: { type: public, scenario: order, await: true, paused: true }\n",
		"scenarios/order.ts": `import type { Request } from "junctor";
export default (request: Request) => request.text();`,
	}
	s := serve(t, files)
	resp, body := s.send("POST", "shop", "", "kept")
	if resp.StatusCode != 200 || body != "" {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if resp, body := s.send("POST", "asked", "", ""); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("awaited: %d %s", resp.StatusCode, body)
	}
	id := resp.Header.Get("Junctor-Run")
	info, err := s.hub.Runs().Get(context.Background(), id)
	if err != nil || info.State != run.Queued || info.DueAt != nil {
		t.Errorf("%+v %v", info, err)
	}
	files["junctor.yaml"] = "channels:\n  shop: { type: public, scenario: order }\n  asked: { type: public, scenario: order, await: true }\n"
	s.apply(files)
	if info := s.ended(id); info.State != run.Succeeded || !strings.Contains(string(info.Output), "kept") {
		t.Errorf("%+v", info)
	}
	if resp, body := s.send("POST", "asked", "", "now"); resp.StatusCode != 200 || body != `"now"` {
		t.Errorf("awaited: %d %s", resp.StatusCode, body)
	}
}

// TestOrderingKeys: runs of one key go one after another, others beside them.
func TestOrderingKeysAndSubjects(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  shop: { type: public, scenario: order, ordering_key: $.customer.code, subject: X-Order }\n",
		"scenarios/order.ts": `import { kv, sleep, type Request } from "junctor";
export default async function (request: Request) {
  const order = request.json();
  const n = await kv.increment("busy:" + order.customer.code);
  await sleep(order.wait);
  await kv.increment("busy:" + order.customer.code, -1);
  return n;
}`,
	})
	var ids []string
	for i, sent := range []string{`{"customer":{"code":"A"},"wait":60}`, `{"customer":{"code":"A"},"wait":20}`, `{"customer":{"code":7},"wait":1}`, `{"customer":{"code":"A"},"wait":1}`} {
		resp, _ := s.send("POST", "shop", "", sent, "X-Order", strings.Repeat("47", i+1))
		ids = append(ids, resp.Header.Get("Junctor-Run"))
	}
	var ended []time.Time
	for i, id := range ids {
		info := s.ended(id)
		ended = append(ended, *info.FinishedAt)
		if info.Subject != strings.Repeat("47", i+1) || !strings.Contains(string(info.Output), "1") {
			t.Errorf("%s: subject %q, output %s", id, info.Subject, info.Output)
		}
	}
	if !ended[0].Before(ended[1]) || !ended[1].Before(ended[3]) || !ended[2].Before(ended[1]) {
		t.Errorf("ended at %v", ended)
	}
}

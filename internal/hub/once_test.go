package hub_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"junctor/internal/run"
)

func TestRepeatedMessages(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": `channels:
  asked: { type: public, scenario: count, await: true }
  taken: { type: public, scenario: count }
  own: { type: public, scenario: count, await: true, idempotency: { header: X-Message, window: 1h } }
`,
		"scenarios/count.ts": `import { kv, type Request } from "junctor";
export default async (request: Request) => ({ status: 201, json: await kv.increment("n"), headers: { "X-A": request.text() } });`,
	})
	for _, c := range []struct {
		channel, header, key string
		once                 bool
	}{
		{"asked", "Idempotency-Key", "k1", true},
		{"asked", "webhook-id", "k2", true},
		{"taken", "Idempotency-Key", "k1", true}, // of another channel
		{"taken", "Webhook-Id", "msg_2", true},
		{"own", "X-Message", "k", true},
		{"own", "Idempotency-Key", "k9", false},
		{"asked", "Idempotency-Key", "", false},
		{"asked", "Idempotency-Key", strings.Repeat("k", 255), true},
		{"asked", "Idempotency-Key", "ключ 'quoted' \"too\"", true},
	} {
		t.Run(c.channel+" "+c.header+" "+c.key, func(t *testing.T) {
			first, firstBody := s.send("POST", c.channel, "/p?x=1", "one", c.header, c.key)
			if first.StatusCode >= 300 || first.Header.Get("Junctor-Duplicate") != "" {
				t.Fatalf("%d %s", first.StatusCode, firstBody)
			}
			s.ended(first.Header.Get("Junctor-Run"))
			second, secondBody := s.send("POST", c.channel, "/p?x=1", "one", c.header, c.key)
			same := second.Header.Get("Junctor-Run") == first.Header.Get("Junctor-Run")
			if same != c.once || (second.Header.Get("Junctor-Duplicate") == "true") != c.once {
				t.Errorf("%v then %v", first.Header, second.Header)
			}
			if c.once && (second.StatusCode != first.StatusCode || secondBody != firstBody || second.Header.Get("X-A") != first.Header.Get("X-A")) {
				t.Errorf("%d %s, then %d %s", first.StatusCode, firstBody, second.StatusCode, secondBody)
			}
			if !c.once {
				return
			}
			for what, send := range map[string]func() (*http.Response, string){
				"another body":   func() (*http.Response, string) { return s.send("POST", c.channel, "/p?x=1", "two", c.header, c.key) },
				"another path":   func() (*http.Response, string) { return s.send("POST", c.channel, "/q?x=1", "one", c.header, c.key) },
				"another query":  func() (*http.Response, string) { return s.send("POST", c.channel, "/p?x=2", "one", c.header, c.key) },
				"another method": func() (*http.Response, string) { return s.send("PUT", c.channel, "/p?x=1", "one", c.header, c.key) },
			} {
				if resp, body := send(); resp.StatusCode != 422 {
					t.Errorf("%s: %d %s", what, resp.StatusCode, body)
				}
			}
		})
	}
	if resp, body := s.send("POST", "asked", "", "", "Idempotency-Key", strings.Repeat("k", 256)); resp.StatusCode != 400 {
		t.Errorf("a key that is too long: %d %s", resp.StatusCode, body)
	}
}

// TestFailedIsTriedAgain: a failure is not kept as the answer.
func TestFailedIsTriedAgain(t *testing.T) {
	var broken atomic.Bool
	out := newSink(t, func(_ int, w http.ResponseWriter, _ received) {
		if broken.Load() {
			w.WriteHeader(500)
		}
	})
	s := serve(t, map[string]string{
		"junctor.yaml": out.connection() + "channels:\n  asked: { type: public, scenario: order, await: true }\n  taken: { type: public, scenario: order, retry: { attempts: 1 } }\n",
		"scenarios/order.ts": `import { http } from "junctor";
export default async () => { await http.post("erp", "/"); return "sent"; };`,
	})
	for _, channel := range []string{"asked", "taken"} {
		t.Run(channel, func(t *testing.T) {
			broken.Store(true)
			resp, body := s.send("POST", channel, "", "m", "Idempotency-Key", "k")
			id := resp.Header.Get("Junctor-Run")
			if info := s.ended(id); info.State != run.Failed {
				t.Fatalf("%d %s: %s", resp.StatusCode, body, info.State)
			}
			if channel == "asked" {
				if resp, body := s.send("POST", channel, "", "m", "Idempotency-Key", "k"); resp.StatusCode != 502 || resp.Header.Get("Junctor-Run") != id {
					t.Errorf("still broken: %d %s", resp.StatusCode, body)
				}
				s.ended(id)
			}
			broken.Store(false)
			resp, body = s.send("POST", channel, "", "m", "Idempotency-Key", "k")
			if resp.StatusCode != 200 || resp.Header.Get("Junctor-Run") != id || channel == "asked" && body != `"sent"` {
				t.Errorf("mended: %d %s", resp.StatusCode, body)
			}
			s.endedAs(id, run.Succeeded)
		})
	}
	for _, r := range out.all() {
		if !strings.HasSuffix(r.Key, ".1") {
			t.Errorf("the key of a try: %s", r.Key)
		}
	}
}

// TestOneRunForManyAtOnce: of many equal messages one makes a run.
func TestOneRunForManyAtOnce(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml":       "channels:\n  asked: { type: public, scenario: count, await: true }\n  taken: { type: public, scenario: count }\n",
		"scenarios/count.ts": `import { kv } from "junctor"; export default () => kv.increment("n");`,
	})
	for _, channel := range []string{"asked", "taken"} {
		before := s.count()
		const at = 20
		statuses := make(chan int, at)
		for range at {
			go func() {
				resp, _ := s.send("POST", channel, "", "m", "Idempotency-Key", "at-once")
				statuses <- resp.StatusCode
			}()
		}
		got := map[int]int{}
		for range at {
			got[<-statuses]++
		}
		if got[200] == 0 || got[200]+got[409] != at {
			t.Errorf("%s: %v", channel, got)
		}
		if n := s.count() - before; n != 1 {
			t.Errorf("%s: %d runs of one message", channel, n)
		}
	}
}

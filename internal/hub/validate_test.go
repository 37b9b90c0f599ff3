package hub_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"junctor/internal/run"
)

// guarded is a scenario whose validate does as the message says.
const guarded = `import { kv, http, sleep, log, run, Problem, Unauthorized, type Request } from "junctor";
export async function validate(request: Request) {
  switch (request.text()) {
    case "false": return false;
    case "later false": await kv.set("wrote", 1); return false;
    case "unauthorized": throw new Unauthorized("the inner reason");
    case "problem": await kv.set("wrote", 1); throw new Problem({ status: 403, title: "not from here" });
    case "throws": throw new Error("the inner reason");
    case "http": await http.get("erp", "/"); return true;
    case "sleep": await sleep("1h"); return true;
    case "caught": try { await http.get("erp", "/"); } catch { return true; } return false;
    case "stalls": return new Promise(() => {});
    case "loops": for (;;);
    case "null": return null;
    case "reads": await kv.set("own", 5); await kv.increment("own", 2); return (await kv.get("own")) === 7 && (await kv.delete("own")) && (await kv.get("own")) === undefined;
    case "bad kv": try { await kv.increment("text"); return false; } catch (e) { return (e as Error).name === "TypeError"; }
    case "nonce": return (await kv.increment("nonce:" + request.query.n, 1, { ttl: "1h" })) === 1;
  }
}
export default async (request: Request) => {
  if (request.text() === "nonce") return await kv.get("nonce:" + request.query.n);
  return { wrote: await kv.get("wrote"), text: request.text() };
};`

func serveGuarded(t *testing.T) *site {
	t.Helper()
	return serve(t, map[string]string{
		"junctor.yaml":         "channels:\n  door: { type: public, scenario: guarded, await: true }\n  later: { type: public, scenario: guarded }\n  set: { type: public, scenario: set, await: true }\n",
		"scenarios/guarded.ts": guarded,
		"scenarios/set.ts":     `import { kv } from "junctor"; export default () => kv.set("text", "no number");`,
	})
}

func TestValidate(t *testing.T) {
	s := serveGuarded(t)
	s.send("POST", "set", "", "")
	before := s.count()
	accepted := int64(0)
	for _, c := range []struct {
		sent   string
		status int
	}{
		{"anything", 200}, {"null", 200}, {"reads", 200}, {"caught", 200}, {"bad kv", 200},
		{"false", 401}, {"later false", 401}, {"unauthorized", 401}, {"problem", 403}, {"throws", 502}, {"http", 502}, {"sleep", 502}, {"stalls", 502},
	} {
		t.Run(c.sent, func(t *testing.T) {
			for _, channel := range []string{"door", "later"} {
				resp, body := s.send("POST", channel, "", c.sent)
				if resp.StatusCode != c.status || strings.Contains(body, "inner reason") {
					t.Errorf("%s: %d %s", channel, resp.StatusCode, body)
				}
				if c.status != 200 && resp.Header.Get("Junctor-Run") != "" {
					t.Errorf("%s: a run was made", channel)
				}
				if c.status == 200 {
					s.ended(resp.Header.Get("Junctor-Run"))
					accepted++
				}
				if c.status == 401 && resp.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s: nothing says how to be let in", channel)
				}
			}
		})
	}
	if n := s.count() - before; n != accepted {
		t.Errorf("%d runs for %d messages that were let in", n, accepted)
	}
	if _, body := s.send("POST", "door", "", "anything"); strings.Contains(body, "wrote") && !strings.Contains(body, `"text":"anything"`) || strings.Contains(body, `"wrote":1`) {
		t.Errorf("a refused message has written: %s", body)
	}
	if !strings.Contains(s.logged(), "the inner reason") {
		t.Error("the log does not say why validate failed")
	}
}

// count is the number of runs there are.
func (s *site) count() int64 {
	s.t.Helper()
	n, err := s.hub.Runs().Count(context.Background(), run.Filter{})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// TestValidateWritesWithTheRun: a nonce is taken when the message is, once.
func TestValidateWritesWithTheRun(t *testing.T) {
	s := serveGuarded(t)
	for _, channel := range []string{"door", "later"} {
		for i, want := range []int{200, 401} {
			resp, body := s.send("POST", channel, "?n="+channel, "nonce")
			if resp.StatusCode != want {
				t.Errorf("%s, message %d: %d %s", channel, i+1, resp.StatusCode, body)
			}
		}
	}
	for _, channel := range []string{"door", "later"} {
		const at = 16
		var mu sync.Mutex
		var all sync.WaitGroup
		statuses := map[int]int{}
		for range at {
			all.Go(func() {
				resp, _ := s.send("POST", channel, "?n=at-once-"+channel, "nonce")
				mu.Lock()
				defer mu.Unlock()
				statuses[resp.StatusCode]++
			})
		}
		all.Wait()
		if statuses[200] != 1 || statuses[200]+statuses[401]+statuses[409]+statuses[503] != at {
			t.Errorf("%s: one nonce, %d times at once: %v", channel, at, statuses)
		}
	}
}

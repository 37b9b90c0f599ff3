package hub_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/run"
)

// sink is the outside world: it keeps what it gets and answers as told.
type sink struct {
	*httptest.Server
	mu     sync.Mutex
	got    []received
	answer func(n int, w http.ResponseWriter, r received) // n counts from 1
}

type received struct {
	Method, Path, Query, Type, Body, Key string
	Header                               http.Header
}

func newSink(t *testing.T, answer func(n int, w http.ResponseWriter, r received)) *sink {
	t.Helper()
	s := &sink{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		got := received{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), string(body), r.Header.Get("Idempotency-Key"), r.Header}
		s.mu.Lock()
		s.got = append(s.got, got)
		n := len(s.got)
		s.mu.Unlock()
		if s.answer != nil {
			s.answer(n, w, got)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) all() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *sink) connection() string {
	return "connections:\n  erp: { type: http, url: \"" + s.URL + "/api\", allow_private: true }\n"
}

func TestRequestsAsTheyLeave(t *testing.T) {
	out := newSink(t, nil)
	cases := []struct {
		name, call         string
		method, path, kind string
		query, body        string
	}{
		{"get", `http.get("erp", "/orders")`, "GET", "/api/orders", "", "", ""},
		{"no path", `http.get("erp")`, "GET", "/api", "", "", ""},
		{"json", `http.post("erp", "/o", { json: { a: [1, null] } })`, "POST", "/api/o", "application/json", "", `{"a":[1,null]}`},
		{"json null", `http.put("erp", "/o", { json: null })`, "PUT", "/api/o", "application/json", "", `null`},
		{"text", `http.patch("erp", "/o", { text: "žluť" })`, "PATCH", "/api/o", "text/plain; charset=utf-8", "", `žluť`},
		{"form", `http.post("erp", "/o", { form: { a: "1 2", b: "&" } })`, "POST", "/api/o", "application/x-www-form-urlencoded", "", `a=1+2&b=%26`},
		{"form of pairs", `http.post("erp", "/o", { form: [["a", "1"], ["a", "2"]] })`, "POST", "/api/o", "application/x-www-form-urlencoded", "", `a=1&a=2`},
		{"xml text", `http.post("erp", "/o", { xml: "<a/>" })`, "POST", "/api/o", "application/xml; charset=utf-8", "", `<a/>`},
		{"body text", `http.post("erp", "/o", { body: "raw" })`, "POST", "/api/o", "", "", `raw`},
		{"body bytes", `http.post("erp", "/o", { body: new Uint8Array([0, 255]) })`, "POST", "/api/o", "", "", "\x00\xff"},
		{"body buffer", `http.post("erp", "/o", { body: new Uint8Array([65]).buffer })`, "POST", "/api/o", "", "", "A"},
		{"own type", `http.post("erp", "/o", { json: 1, headers: { "Content-Type": "application/vnd.x+json" } })`, "POST", "/api/o", "application/vnd.x+json", "", "1"},
		{"query", `http.get("erp", "/o?x=1", { query: { b: "ž &", a: "1" } })`, "GET", "/api/o", "", "x=1&a=1&b=%C5%BE+%26", ""},
		{"delete", `http.delete("erp", "/o/1")`, "DELETE", "/api/o/1", "", "", ""},
		{"options", `http.options("erp", "/o")`, "OPTIONS", "/api/o", "", "", ""},
		{"request", `http.request("erp", "/o", { method: "report", json: 1 })`, "REPORT", "/api/o", "application/json", "", "1"},
		{"request without a method", `http.request("erp", "/o")`, "GET", "/api/o", "", "", ""},
	}
	var all strings.Builder
	all.WriteString("import { http, type Request } from \"junctor\";\nconst calls: Record<string, () => Promise<any>> = {\n")
	for _, c := range cases {
		fmt.Fprintf(&all, "  %q: () => %s,\n", c.name, c.call)
	}
	all.WriteString("};\nexport default async (request: Request) => { await calls[request.text()]!(); };\n")
	s := serve(t, map[string]string{
		"junctor.yaml":       out.connection() + "channels:\n  calls: { type: public, scenario: calls, await: true }\n",
		"scenarios/calls.ts": all.String(),
	})
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			resp, body := s.send("POST", "calls", "", c.name)
			got := out.all()
			if resp.StatusCode != 200 || len(got) != i+1 {
				t.Fatalf("%d %s, %d requests", resp.StatusCode, body, len(got))
			}
			have := got[i]
			if have.Key != resp.Header.Get("Junctor-Run")+".1" || have.Header.Get("User-Agent") == "" {
				t.Errorf("%v", have.Header)
			}
			want := received{c.method, c.path, c.query, c.kind, c.body, have.Key, have.Header}
			if d := cmp.Diff(want, have); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestRequestsThatCannotBeMade fail at once, without a request, and say why.
func TestRequestsThatCannotBeMade(t *testing.T) {
	out := newSink(t, nil)
	private := "connections:\n  erp: { type: http, url: \"" + out.URL + "/api\", allow_private: true }\n  guarded: { type: http, url: \"" + out.URL + "\" }\n"
	s := serve(t, map[string]string{
		"junctor.yaml": private + "channels:\n  calls: { type: public, scenario: calls, await: true, retry: { attempts: 3, first: 1ms } }\n",
		"scenarios/calls.ts": `import { http, channel, type Request } from "junctor";
const calls: Record<string, () => Promise<any>> = {
  unknown: () => http.get("crm", "/"),
  misspelt: () => http.get("epr", "/"),
  guarded: () => http.get("guarded", "/"),
  external: () => channel.external.get("/"),
  outside: () => http.get("erp", "/../secret"),
  option: () => http.get("erp", "/", { boddy: 1 } as any),
  target: () => http.get(undefined as any, "/"),
  body: () => http.post("erp", "/", { body: 7 as any }),
  circle: () => { const a: any = {}; a.a = a; return http.post("erp", "/", { json: a }); },
  header: () => http.get("erp", "/", { headers: { "X-A": "1\r\nX-B: 2" } }),
  timeout: () => http.get("erp", "/", { timeout: "soon" as any }),
  connect: () => http.request("erp", "/", { method: "CONNECT" }),
};
export default async (request: Request) => { await calls[request.text()]!(); };`,
	})
	for name, says := range map[string]string{
		"unknown": `ConnectionError: There is no connection "crm"; connections are declared`, "misspelt": `ConnectionError: There is no connection "epr", did you mean "erp"?`, "guarded": "allow_private", "external": "ConnectionError: The channel \"calls\" has no outgoing URL", "outside": "..",
		"option": `no option "boddy"`, "target": "code of a connection", "body": "text or bytes", "circle": "circular", "header": "X-A",
		"timeout": "not a duration", "connect": "CONNECT",
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := s.send("POST", "calls", "", name)
			info := s.ended(s.problem(resp, body).Run)
			if resp.StatusCode != 502 || info.Attempt != 1 || info.Error == nil || !strings.Contains(info.Error.Name+": "+info.Error.Message, says) {
				t.Errorf("%d after %d attempts: %+v", resp.StatusCode, info.Attempt, info.Error)
			}
		})
	}
	if got := out.all(); len(got) != 0 {
		t.Errorf("the sink got %+v", got)
	}
}

func TestAnswersOfTheOutside(t *testing.T) {
	out := newSink(t, func(_ int, w http.ResponseWriter, r received) {
		switch r.Path {
		case "/api/bytes":
			w.Write([]byte{0xff, 0}) //nolint:errcheck // to a test
		case "/api/1250":
			w.Header().Set("Content-Type", "text/plain; charset=windows-1250")
			w.Write([]byte{0x9e}) //nolint:errcheck // to a test
		case "/api/missing":
			w.Header().Set("X-Why", "a")
			w.Header().Add("X-Why", "b")
			w.WriteHeader(404)
			io.WriteString(w, `{"reason":"gone"}`) //nolint:errcheck // to a test
		case "/api/hang":
			conn, _, _ := w.(http.Hijacker).Hijack() //nolint:errcheck // a test's own server
			conn.Close()                             //nolint:errcheck // as above
		default:
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"ok":true}`) //nolint:errcheck // to a test
		}
	})
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	s := serve(t, map[string]string{
		"junctor.yaml": strings.Replace(out.connection(), "connections:\n", "connections:\n  gone: { type: http, url: \""+closed.URL+"\", allow_private: true }\n", 1) +
			"channels:\n  calls: { type: public, scenario: calls, await: true }\n",
		"scenarios/calls.ts": `import { http, HttpError } from "junctor";
async function failed(call: Promise<unknown>) {
  try { await call; return "nothing was thrown"; } catch (e) {
    if (!(e instanceof HttpError)) return "not an HttpError: " + e;
    return { name: e.name, status: e.status, text: e.text(), why: e.headers["x-why"], permanent: e.permanent, error: e instanceof Error };
  }
}
export default async () => {
  const ok = await http.get("erp", "/ok");
  const seen = await http.get("erp", "/missing", { throw: false });
  return {
    ok: [ok.status, ok.ok, ok.json(), ok.header("Content-Type"), ok.text()],
    bytes: [...(await http.get("erp", "/bytes")).body],
    cp1250: (await http.get("erp", "/1250")).text(),
    seen: [seen.status, seen.ok, seen.json()],
    missing: await failed(http.get("erp", "/missing")),
    hang: (await failed(http.get("erp", "/hang")) as any).status,
    gone: await failed(http.get("gone", "/")),
  };
};`,
	})
	resp, body := s.send("POST", "calls", "", "")
	want := map[string]any{
		"ok": []any{200.0, true, map[string]any{"ok": true}, "application/json", `{"ok":true}`}, "bytes": []any{255.0, 0.0}, "cp1250": "ž",
		"seen":    []any{404.0, false, map[string]any{"reason": "gone"}},
		"missing": map[string]any{"name": "HttpError", "status": 404.0, "text": `{"reason":"gone"}`, "why": "a, b", "permanent": true, "error": true},
		"hang":    0.0, "gone": map[string]any{"name": "HttpError", "status": 0.0, "text": "", "permanent": false, "error": true},
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestTimeoutOfOneRequest: the scenario's own limit holds.
func TestTimeoutOfOneRequest(t *testing.T) {
	release := make(chan struct{})
	out := newSink(t, func(int, http.ResponseWriter, received) { <-release })
	defer close(release)
	s := serve(t, map[string]string{
		"junctor.yaml": out.connection() + "channels:\n  calls: { type: public, scenario: calls, await: true }\n",
		"scenarios/calls.ts": `import { http, HttpError } from "junctor";
export default async () => {
  try { await http.get("erp", "/", { timeout: "50ms" }); } catch (e) { return e instanceof HttpError && [e.status, e.permanent, e.message]; }
};`,
	})
	resp, body := s.send("POST", "calls", "", "")
	if resp.StatusCode != 200 || !strings.HasPrefix(body, `[0,false,`) || !strings.Contains(body, "50ms") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestExternalTokensStayInside(t *testing.T) {
	t.Setenv("PRIMARY", "the-primary-token")
	out := newSink(t, func(n int, w http.ResponseWriter, _ received) {
		if n == 2 {
			w.WriteHeader(400)
		}
	})
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  crm: { type: public, scenario: ack, await: true, external: { url: \"" + out.URL + "/hook\", primary_token: \"${env:PRIMARY}\", secondary_token: second-token, allow_private: true } }\n",
		"scenarios/ack.ts": `import { channel, http, log } from "junctor";
export default async () => {
  const { external } = channel;
  log("with", external.primaryToken);
  await external.post("/ack", { json: { t: external.primaryToken }, query: { s: external.secondaryToken }, headers: { authorization: "Bearer " + external.primaryToken } });
  await http.get(external, "/again", { query: { s: external.secondaryToken } });
};`,
	})
	resp, body := s.send("POST", "crm", "", "")
	info := s.ended(resp.Header.Get("Junctor-Run"))
	got := out.all()
	if resp.StatusCode != 502 || len(got) != 2 {
		t.Fatalf("%d %s: %+v", resp.StatusCode, body, info)
	}
	first := got[0]
	if first.Path != "/hook/ack" || first.Query != "s=second-token" || first.Body != `{"t":"the-primary-token"}` || first.Header.Get("Authorization") != "Bearer the-primary-token" {
		t.Errorf("the sink got %+v", first)
	}
	kept, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"the-primary-token", "second-token"} {
		if strings.Contains(string(kept), secret) || strings.Contains(s.logged(), secret) {
			t.Errorf("%s is kept: %s", secret, kept)
		}
	}
	if info.Error == nil || !strings.Contains(info.Error.Message, "400") {
		t.Errorf("%+v", info.Error)
	}
}

// thirdSteps fail twice, and this is what the scenario does about it.
var thirdSteps = map[string]string{
	"plain":     `await third();`,
	"rethrown":  `try { await third(); } catch (e) { log.warn("again"); throw e; }`,
	"cause":     `try { await third(); } catch (e) { throw new Error("third", { cause: e }); }`,
	"aggregate": `const [r] = await Promise.allSettled([third()]); if (r.status === "rejected") throw new AggregateError([r.reason]);`,
	"all":       `await Promise.all([third(), Promise.resolve(1)]);`,
	"no-cause":  `try { await third(); } catch { throw new Error("no cause"); }`,
}

// TestThirdStepFailsTwice is the promise of steps: what is done stays done,
// what failed is made again under its own key.
func TestThirdStepFailsTwice(t *testing.T) {
	var mu sync.Mutex
	failures := map[string]int{}
	out := newSink(t, func(_ int, w http.ResponseWriter, r received) {
		mu.Lock()
		defer mu.Unlock()
		if r.Path == "/api/three" && failures[r.Key] < 2 {
			failures[r.Key]++
			w.WriteHeader(500)
		}
	})
	files, config := map[string]string{}, out.connection()+"channels:\n"
	for name, body := range thirdSteps {
		code := strings.ReplaceAll(name, "-", "_")
		config += "  " + name + ": { type: public, scenario: " + code + ", retry: { attempts: 5, first: 5ms } }\n"
		files["scenarios/"+code+".ts"] = `import { http, log, run } from "junctor";
const third = () => http.post("erp", "/three", { json: 3 });
export default async () => {
  await http.post("erp", "/one", { json: 1 });
  await http.post("erp", "/two", { json: 2 });
  ` + body + `
  log("through");
  return run.attempt;
};`
	}
	files["junctor.yaml"] = config
	s := serve(t, files)
	for name := range thirdSteps {
		t.Run(name, func(t *testing.T) {
			resp, _ := s.send("POST", name, "", "")
			id := resp.Header.Get("Junctor-Run")
			info := s.ended(id)
			if info.State != run.Succeeded || info.Attempt != 3 || string(info.Output) != `{"value":3}` {
				t.Fatalf("%s in attempt %d with %s: %+v", info.State, info.Attempt, info.Output, info.Error)
			}
			var got []string
			for _, r := range out.all() {
				if key, mine := strings.CutPrefix(r.Key, id); mine {
					got = append(got, r.Path+" "+key)
				}
			}
			want := []string{"/api/one .1", "/api/two .2", "/api/three .3", "/api/three .3", "/api/three .3"}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestMistakesAreNotRepeated: an error that no step can mend fails at once.
func TestMistakesAreNotRepeated(t *testing.T) {
	out := newSink(t, nil)
	s := serve(t, map[string]string{
		"junctor.yaml": out.connection() + "channels:\n  shop: { type: public, scenario: order, retry: { attempts: 5, first: 5ms } }\n",
		"scenarios/order.ts": `import { http, kv, PermanentError, type Request } from "junctor";
export default async (request: Request) => {
  const kind = request.text();
  if (kind === "permanent") { await http.get("erp", "/"); throw new PermanentError("no way"); }
  if (kind === "permanent cause") { await http.get("erp", "/"); throw new Error("outer", { cause: new PermanentError("no way") }); }
  if (kind === "kv") await kv.set("a", 1);
  (undefined as any).x;
};`,
	})
	for kind, name := range map[string]string{"": "TypeError", "kv": "TypeError", "permanent": "PermanentError", "permanent cause": "Error"} {
		resp, _ := s.send("POST", "shop", "", kind)
		info := s.ended(resp.Header.Get("Junctor-Run"))
		if info.State != run.Failed || info.Attempt != 1 || info.Error.Name != name {
			t.Errorf("%q: %s in attempt %d: %+v", kind, info.State, info.Attempt, info.Error)
		}
	}
}

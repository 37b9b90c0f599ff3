package hub_test

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnswers is O6: what a scenario returns and what its caller gets.
func TestAnswers(t *testing.T) {
	cases := []struct {
		name, returns string
		status        int
		kind, body    string
		headers       map[string][]string
	}{
		{"nothing", `undefined`, 200, "", "", nil},
		{"plain object", `({ number: 7, name: "pen" })`, 200, "application/json", `{"number":7,"name":"pen"}`, nil},
		{"plain null", `null`, 200, "application/json", `null`, nil},
		{"plain text", `"ahoj"`, 200, "application/json", `"ahoj"`, nil},
		{"plain list", `[1, 2]`, 200, "application/json", `[1,2]`, nil},
		{"empty object", `({})`, 200, "application/json", `{}`, nil},
		{"false", `false`, 200, "application/json", `false`, nil},
		{"object with a status of its own", `({ status: "open", text: "x" })`, 200, "application/json", `{"status":"open","text":"x"}`, nil},
		{"a date", `new Date(0)`, 200, "application/json", `"1970-01-01T00:00:00.000Z"`, nil},
		{"status only", `({ status: 202 })`, 202, "", "", nil},
		{"json", `({ status: 201, json: { a: null } })`, 201, "application/json", `{"a":null}`, nil},
		{"json null", `({ json: null })`, 200, "application/json", `null`, nil},
		{"text", `({ text: "ahoj" })`, 200, "text/plain; charset=utf-8", "ahoj", nil},
		{"xml", `({ xml: { order: { "@id": "7" } } })`, 200, "application/xml; charset=utf-8", "", nil},
		{"xml as text", `({ xml: "<a/>" })`, 200, "application/xml; charset=utf-8", "<a/>", nil},
		{"body as text", `({ body: "x" })`, 200, "application/octet-stream", "x", nil},
		{"body as bytes", `({ body: new Uint8Array([0, 255, 10]) })`, 200, "application/octet-stream", "\x00\xff\n", nil},
		{"body as buffer", `({ body: new Uint8Array([65, 66]).buffer })`, 200, "application/octet-stream", "AB", nil},
		{"body as part of a buffer", `({ body: new Uint8Array([65, 66, 67]).subarray(1) })`, 200, "application/octet-stream", "BC", nil},
		{"body as wide numbers", `({ body: new Uint16Array([0x4241]) })`, 200, "application/octet-stream", "AB", nil},
		{"body with a type", `({ body: "a;b", headers: { "Content-Type": "text/csv" } })`, 200, "text/csv", "a;b", nil},
		{"classic", `({ response_code: 201, response_content: "x" })`, 201, "application/octet-stream", "x", nil},
		{"classic code as text", `({ response_code: "404" })`, 404, "", "", nil},
		{"classic content only", `({ response_content: "x" })`, 200, "application/octet-stream", "x", nil},
		{"classic bytes", `({ response_content: new Uint8Array([255]) })`, 200, "application/octet-stream", "\xff", nil},
		{"classic object", `({ response_content: { a: 1 } })`, 200, "application/octet-stream", `{"a":1}`, nil},
		{"classic headers", `({ response_content: "{}", response_headers: { "content-type": "application/json", "X-A": 1 } })`,
			200, "application/json", "{}", map[string][]string{"X-A": {"1"}}},
		{"classic headers as JSON", `({ response_content: "x", response_headers: '{"Content-Type":"text/html","X-A":["1","2"]}' })`,
			200, "text/html", "x", map[string][]string{"X-A": {"1", "2"}}},
		{"classic headers empty", `({ response_code: 204, response_headers: "" })`, 204, "", "", nil},
		{"cookies", `({ headers: { "Set-Cookie": ["a=1; Path=/", "b=2"] } })`, 200, "", "", map[string][]string{"Set-Cookie": {"a=1; Path=/", "b=2"}}},
		{"injected header", `({ headers: { "X-A": "1\r\nX-Evil: 1\r\n\r\n<html>", "X-B\r\nX-Evil": "1" } })`,
			200, "", "", map[string][]string{"X-A": {"1  X-Evil: 1    <html>"}, "X-Evil": nil}},
		{"headers of the connection", `({ text: "abc", headers: { "Content-Length": "1", "Transfer-Encoding": "chunked", "Connection": "upgrade", "Junctor-Duplicate": "true" } })`,
			200, "text/plain; charset=utf-8", "abc", map[string][]string{"Content-Length": {"3"}, "Junctor-Duplicate": nil, "Connection": nil}},
		{"header without a value", `({ headers: { "X-A": null, "X-B": undefined } })`, 200, "", "", map[string][]string{"X-A": nil, "X-B": nil}},
		{"header beyond ASCII", `({ headers: { "X-A": "žluťoučký" } })`, 200, "", "", map[string][]string{"X-A": {"žluťoučký"}}},
		{"prototype names as headers", `({ headers: JSON.parse('{"__proto__": ["a"], "constructor": "c"}') })`, 200, "", "", map[string][]string{"Constructor": {"c"}}},
		{"no content with content", `({ status: 204, text: "x" })`, 204, "", "", map[string][]string{"Content-Length": nil}},
		{"not modified", `({ status: 304, headers: { etag: '"a"' } })`, 304, "", "", map[string][]string{"Etag": {`"a"`}}},
		{"lone surrogate", `({ text: "a\ud800b" })`, 200, "text/plain; charset=utf-8", "a\uFFFDb", nil},
		{"NUL", `({ text: "a\0b" })`, 200, "text/plain; charset=utf-8", "a\x00b", nil},
		{"status too small", `({ status: 101 })`, 502, "application/problem+json", "", nil},
		{"status too large", `({ status: 600 })`, 502, "application/problem+json", "", nil},
		{"status of no number", `({ response_code: "ok" })`, 502, "application/problem+json", "", nil},
		{"status in between", `({ status: 200.5 })`, 502, "application/problem+json", "", nil},
		{"headers that are no JSON", `({ response_code: 200, response_headers: "{" })`, 502, "application/problem+json", "", nil},
		{"headers that are a list", `({ response_code: 200, response_headers: "[]" })`, 502, "application/problem+json", "", nil},
		{"a number beyond JSON", `({ json: 1n })`, 502, "application/problem+json", "", nil},
		{"a circle", `(() => { const a: any = {}; a.a = a; return a; })()`, 502, "application/problem+json", "", nil},
		{"a function", `(() => 1)`, 200, "", "", nil},
		{"a function as json", `({ json: () => 1 })`, 502, "application/problem+json", "", nil},
		{"a function as body", `({ body: () => 1 })`, 502, "application/problem+json", "", nil},
		{"a symbol as content", `({ response_content: Symbol("s") })`, 502, "application/problem+json", "", nil},
	}
	var all strings.Builder
	all.WriteString("import type { Request } from \"junctor\";\nconst answers: Record<string, () => any> = {\n")
	for _, c := range cases {
		all.WriteString("  \"" + c.name + "\": () => " + c.returns + ",\n")
	}
	all.WriteString("};\nexport default async (request: Request) => answers[request.query.name!]!();\n")
	s := serve(t, map[string]string{
		"junctor.yaml":         "channels:\n  answers: { type: public, scenario: answers, await: true }\n",
		"scenarios/answers.ts": all.String(),
	})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			resp, body := s.send("POST", "answers", "?name="+strings.ReplaceAll(c.name, " ", "+"), "")
			if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != c.kind {
				t.Errorf("%d %q", resp.StatusCode, resp.Header.Get("Content-Type"))
			}
			anything := c.body == "" && c.kind != ""
			if body != c.body && (!anything || body == "") {
				t.Errorf("body %q", body)
			}
			if !strings.HasPrefix(resp.Header.Get("Junctor-Run"), "run_") {
				t.Error("no run is named")
			}
			for name, want := range c.headers {
				if d := cmp.Diff(want, resp.Header.Values(name)); d != "" {
					t.Errorf("%s: %s", name, d)
				}
			}
		})
	}
}

func TestAnswersAreCompressed(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  big: { type: public, scenario: big, await: true }\n",
		"scenarios/big.ts": `import type { Request } from "junctor";
export default (request: Request) => ({ body: "0123456789".repeat(Number(request.query.n)), headers: { "content-type": request.query.type } });`,
	})
	for _, c := range []struct {
		name, query, accept string
		method              string
		gzipped             bool
	}{
		{"asked for", "n=1000&type=text/plain", "gzip, deflate", "GET", true},
		{"any", "n=1000&type=application/json", "*", "GET", true},
		{"problem", "n=1000&type=application/problem%2Bjson;charset=utf-8", "gzip;q=0.5", "GET", true},
		{"head", "n=1000&type=text/plain", "gzip", "HEAD", true},
		{"not asked for", "n=1000&type=text/plain", "", "GET", false},
		{"refused", "n=1000&type=text/plain", "gzip;q=0, deflate", "GET", false},
		{"another encoding", "n=1000&type=text/plain", "br", "GET", false},
		{"small", "n=10&type=text/plain", "gzip", "GET", false},
		{"picture", "n=1000&type=image/png", "gzip", "GET", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			accept := ""
			if c.accept != "" {
				accept = "Accept-Encoding: " + c.accept + "\r\n"
			}
			resp, body := s.raw(c.method, c.method+" /api/token/v1/"+s.token["big"]+"?"+c.query+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"+accept+"\r\n")
			if gzipped := resp.Header.Get("Content-Encoding") == "gzip"; gzipped != c.gzipped {
				t.Fatalf("compressed: %v", gzipped)
			}
			if c.method == "HEAD" {
				if body != "" {
					t.Errorf("a HEAD was answered with %d bytes", len(body))
				}
				return
			}
			if c.gzipped {
				body = gunzip(t, body)
				if resp.Header.Get("Vary") != "Accept-Encoding" {
					t.Errorf("Vary is %q", resp.Header.Get("Vary"))
				}
			}
			if !strings.HasPrefix(body, "0123456789") || len(body)%10 != 0 {
				t.Errorf("%d bytes", len(body))
			}
		})
	}
}

func gunzip(t *testing.T, body string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPassingOn: what another server has answered is an answer.
func TestPassingOn(t *testing.T) {
	out := newSink(t, func(_ int, w http.ResponseWriter, _ received) {
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("X-Inner", "1")
		w.WriteHeader(418)
		w.Write([]byte{0x89, 0xff}) //nolint:errcheck // to a test
	})
	s := serve(t, map[string]string{
		"junctor.yaml": out.connection() + "channels:\n  pass: { type: public, scenario: pass, await: true }\n",
		"scenarios/pass.ts": `import { http, respond, type Request } from "junctor";
export default async (request: Request) => {
  const answer = await http.get("erp", "/", { throw: false });
  if (request.text() === "return") return answer;
  respond(answer);
};`,
	})
	for _, how := range []string{"return", "respond"} {
		resp, got := s.send("POST", "pass", "", how)
		if resp.StatusCode != 418 || resp.Header.Get("Content-Type") != "image/png" || got != "\x89\xff" || resp.Header.Get("X-Inner") != "" {
			t.Errorf("%s: %d %v %q", how, resp.StatusCode, resp.Header, got)
		}
	}
}

// TestCallerWhoLeaves: the run is not taken along.
func TestCallerWhoLeaves(t *testing.T) {
	began, left := make(chan struct{}), make(chan struct{})
	out := newSink(t, func(int, http.ResponseWriter, received) { close(began); <-left })
	s := serve(t, map[string]string{
		"junctor.yaml": out.connection() + "channels:\n  slow: { type: public, scenario: slow, await: true }\n",
		"scenarios/slow.ts": `import { http, kv, run } from "junctor";
export default async () => { run.subject("left"); await http.get("erp", "/"); await kv.set("done", true); };`,
	})
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", s.base+"/api/token/v1/"+s.token["slow"], nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-began; leave() }()
	if resp, err := http.DefaultClient.Do(r); err == nil {
		resp.Body.Close()
		t.Fatalf("answered with %d", resp.StatusCode)
	}
	close(left)
	if info := s.endedSubject("left"); info.State != "succeeded" || len(info.Steps) != 2 {
		t.Errorf("%+v", info)
	}
}

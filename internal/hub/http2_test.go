package hub_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/hub"
)

// TestProtocolsAnswerTheSame sends everything by HTTP/1.1 and by HTTP/2.
func TestProtocolsAnswerTheSame(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": `channels:
  echo: { type: public, scenario: echo, await: true }
  length: { type: public, scenario: length, await: true, body_limit: 10KiB }
  stored: { type: public, scenario: length }
  off: { type: public, scenario: length, enabled: false }
  locked: { type: public, scenario: length, verify: { basic: { user: u, password: p } } }
`,
		"scenarios/echo.ts": `import type { Request } from "junctor";
export default (request: Request) => {
  const { host, "user-agent": agent, "accept-encoding": encoding, "content-length": length, ...headers } = request.headers;
  return { status: 201, headers: { "X-Own": "1", Connection: "keep-alive", "Set-Cookie": "a=b", "Keep-Alive": "5" }, json: {
    method: request.method, url: request.url, path: request.path, query: request.queryAll, headers, text: request.text(), address: request.remoteAddress } };
};`,
		"scenarios/length.ts": `import type { Request } from "junctor";
export default (request: Request) => request.path === "/fail" ? null!["x"] : request.path === "/long" ? "x".repeat(300000) : request.body.length;`,
	})
	h1, h2 := client(t, false, nil), client(t, true, nil)
	cases := 0
	same := func(method, path, body string, header ...string) {
		t.Helper()
		cases++
		first, firstBody := fetch(t, h1, method, s.base+path, body, header...)
		second, secondBody := fetch(t, h2, method, s.base+path, body, header...)
		if first.Proto != "HTTP/1.1" || second.Proto != "HTTP/2.0" {
			t.Fatalf("spoken were %s and %s", first.Proto, second.Proto)
		}
		clean := func(h http.Header) http.Header {
			h = without(h)
			h.Del("Junctor-Run")
			h.Del("Connection") // is the connection's, which HTTP/2 ends in its own way
			return h
		}
		firstBody, secondBody = strings.ReplaceAll(firstBody, first.Header.Get("Junctor-Run"), ""), strings.ReplaceAll(secondBody, second.Header.Get("Junctor-Run"), "")
		if first.StatusCode != second.StatusCode || firstBody != secondBody {
			t.Errorf("%s %s: %d %s\n%d %s", method, path, first.StatusCode, firstBody, second.StatusCode, secondBody)
		}
		if d := cmp.Diff(clean(first.Header), clean(second.Header)); d != "" {
			t.Errorf("%s %s: %s", method, path, d)
		}
	}
	at := func(channel string) string { return "/api/token/v1/" + s.token[channel] }
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		for _, body := range []string{"", "žluť", strings.Repeat("x", 100<<10)} {
			same(method, at("echo")+"/a%2Fb//../c?x=1&x=2&%zz", body, "X-Several", "a", "X-Several", "b", "Cookie", "a=1; b=2", "Content-Type", "text/plain")
			same(method, at("off"), body)
		}
		same(method, "/api/v1/admin/runs", "")
		same(method, "/no/such/path", "x")
		same(method, "/healthz", "")
	}
	same("POST", at("length"), strings.Repeat("x", 10<<10))
	same("POST", at("length"), strings.Repeat("x", 10<<10+1))
	same("POST", at("length"), strings.Repeat("x", 1<<20))
	same("POST", at("length")+"/fail", "")
	same("POST", at("length")+"/long", "")
	same("POST", at("length")+"/long", "", "Accept-Encoding", "gzip")
	same("POST", at("length"), packed("gzip", "abc"), "Content-Encoding", "gzip")
	same("POST", at("length"), "abc", "Content-Encoding", "gzip")
	same("POST", at("length"), "abc", "Content-Encoding", "br")
	same("POST", at("stored"), "abc")
	same("POST", at("locked"), "abc")
	same("POST", at("locked"), "abc", "Authorization", "Basic dTpw")
	same("POST", "/api/token/v1/-", "abc", "Authorization", "Bearer "+s.token["length"])
	same("POST", "/api/v1/session", `{"login":"admin","password":"wrong"}`, "Content-Type", "application/json")
	same("GET", at("echo"), "", "X-Long", strings.Repeat("x", 65<<10))
	same("GET", at("echo")+"/"+strings.Repeat("x", 65<<10), "")
	t.Logf("%d requests", cases)
}

// TestSlowHTTP2 is what ingress's own test of slow senders shows for HTTP/1.1,
// and for both doors.
func TestSlowHTTP2(t *testing.T) {
	t.Parallel()
	s := serveWith(t, echoFiles, func(o *hub.Options) { o.Patience.Body = time.Second })
	c := client(t, true, nil)
	for _, body := range []string{"", "abc"} {
		for path, status := range map[string]int{"/api/token/v1/" + s.token["echo"]: 408, "/api/token/v1/other": 404} {
			hold, send := io.Pipe()
			go send.Write([]byte(body)) // and no end
			r, err := http.NewRequest("POST", s.base+path, hold)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(resp.Body)
			if resp.StatusCode != status || err != nil || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %d %s %v", path, resp.StatusCode, answer, err)
			}
			resp.Body.Close()
			send.Close()
		}
	}
	if resp, body := fetch(t, c, "POST", s.base+"/api/token/v1/"+s.token["echo"], "hi"); s.seen(resp, body).Protocol != "HTTP/2.0" {
		t.Error(body)
	}
}

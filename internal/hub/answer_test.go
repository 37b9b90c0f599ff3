package hub_test

import (
	"compress/gzip"
	"compress/zlib"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"junctor/internal/run"
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
		{"reset", `({ status: 205 })`, 205, "", "", map[string][]string{"Content-Length": {"0"}}},
		{"reset with content", `({ status: 205, headers: { "content-type": "text/html" }, body: "x" })`, 205, "", "", map[string][]string{"Content-Length": {"0"}}},
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

// TestAnswersWithoutContent: what such a status has no place for is left out, and
// the run's log tells it.
func TestAnswersWithoutContent(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  none: { type: public, scenario: none, await: true }\n",
		"scenarios/none.ts": `import { respond, type Request } from "junctor";
export default (request: Request) => {
  const answer = JSON.parse(request.text());
  if (request.path === "/respond") respond(answer); else return answer;
};`,
	})
	for answer, warned := range map[string]bool{
		`{"status":204,"text":"x"}`: true, `{"status":205,"json":null}`: true, `{"status":304,"body":"x"}`: true, `{"response_code":204,"response_content":{"a":1}}`: true,
		`{"status":204}`: false, `{"status":205,"text":""}`: false, `{"status":304,"body":""}`: false, `{"response_code":205,"response_content":""}`: false, `{"status":200,"text":"x"}`: false,
	} {
		for _, path := range []string{"", "/respond"} {
			resp, body := s.send("POST", "none", path, answer)
			info := s.ended(resp.Header.Get("Junctor-Run"))
			want := 0
			if warned {
				want = 1
			}
			if resp.StatusCode/100 == 5 || resp.StatusCode != 200 && body != "" || len(info.Logs) != want || want == 1 && (info.Logs[0].Level != "warn" || !strings.Contains(info.Logs[0].Text, "has no content")) {
				t.Errorf("%s%s: %d %q, log %+v", answer, path, resp.StatusCode, body, info.Logs)
			}
		}
	}
}

// TestAnswersAreCompressed by what the caller likes best, and only where it helps.
func TestAnswersAreCompressed(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  big: { type: public, scenario: big, await: true }\n",
		"scenarios/big.ts": `import type { Request } from "junctor";
export default (request: Request) => ({
  body: "0123456789".repeat(Number(request.query.n)), headers: { "content-type": request.query.type, [request.query.more ?? "x-more"]: request.query.value },
});`,
	})
	const text = "n=1000&type=text/plain"
	for _, c := range []struct{ name, query, accept, want string }{
		{"zstd", text, "zstd", "zstd"},
		{"brotli", text, "br", "br"},
		{"gzip", text, "gzip", "gzip"},
		{"deflate", text, "deflate", "deflate"},
		{"a browser", text, "gzip, deflate, br, zstd", "zstd"},
		{"an older browser", text, "gzip, deflate, br", "br"},
		{"the better one", text, "br;q=0.5, gzip;q=0.9", "gzip"},
		{"any", "n=1000&type=application/json", "*", "zstd"},
		{"any but one", text, "*, zstd;q=0", "br"},
		{"problem", "n=1000&type=application/problem%2Bjson;charset=utf-8", "gzip;q=0.5", "gzip"},
		{"not asked for", text, "", ""},
		{"refused", text, "gzip;q=0", ""},
		{"identity is better", text, "gzip;q=0.1, identity", ""},
		{"another encoding", text, "compress", ""},
		{"small", "n=10&type=text/plain", "gzip", ""},
		{"small, and as it is refused", "n=10&type=text/plain", "gzip, identity;q=0", "gzip"},
		{"as it is refused, and nothing else", text, "identity;q=0", ""},
		{"picture", "n=1000&type=image/png", "gzip", ""},
		{"picture, and as it is refused", "n=1000&type=image/png", "*;q=0, br;q=0.1", "br"},
		{"an encoding of its own", text + "&more=content-encoding&value=br", "gzip", "own"},
		{"not to be changed", text + "&more=cache-control&value=no-transform", "gzip", ""},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(c.name+" "+method, func(t *testing.T) {
				accept := ""
				if c.accept != "" {
					accept = "Accept-Encoding: " + c.accept + "\r\n"
				}
				resp, body := s.raw(method, method+" /api/token/v1/"+s.token["big"]+"?"+c.query+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"+accept+"\r\n")
				coding, length := resp.Header.Get("Content-Encoding"), resp.Header.Get("Content-Length")
				if c.want == "own" && coding == "br" {
					coding = "own"
				}
				if coding != c.want {
					t.Fatalf("compressed by %q", coding)
				}
				if c.want != "" && c.want != "own" && resp.Header.Get("Vary") != "Accept-Encoding" {
					t.Errorf("Vary is %q", resp.Header.Get("Vary"))
				}
				if method == "HEAD" {
					if body != "" || length == "" || length == "0" {
						t.Errorf("a HEAD was answered with %d bytes, and Content-Length %q", len(body), length)
					}
					return
				}
				if length != strconv.Itoa(len(body)) || coding != "" && coding != "own" && len(body) > 150 {
					t.Errorf("%d bytes, Content-Length %q", len(body), length)
				}
				if plain := unpacked(t, coding, body); !strings.HasPrefix(plain, "0123456789") || len(plain)%10 != 0 {
					t.Errorf("%d bytes", len(plain))
				}
			})
		}
	}
}

// unpacked undoes a Content-Encoding.
func unpacked(t *testing.T, coding, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch coding {
	case "zstd":
		r, err = zstd.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestAnswersAreNegotiated: data goes out in the form that the caller likes.
func TestAnswersAreNegotiated(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  data: { type: public, scenario: data, await: true }\n",
		"scenarios/data.ts": `import { kv, Problem, respond, xml, type Request } from "junctor";
export async function validate(request: Request) {
  if (request.query.kind === "refused") throw new Problem({ status: 422, title: "refused" });
}
export default async (request: Request) => {
  await kv.increment("runs");
  switch (request.query.kind) {
    case "list": return [{ number: "4711", total: 10.5 }, { number: "4712", note: "a,b" }];
    case "json": return { status: 201, json: { order: { line: [1, 2] } } };
    case "respond": respond({ json: { a: "ž" } }); return;
    case "problem": throw new Problem({ status: 409, title: "No", errors: [{ pointer: "/a", detail: "b" }] });
    case "failure": throw new Error("inside");
    case "text": return { text: "x" };
    case "read": return xml.parse(request.text());
  }
};`,
	})
	for _, c := range []struct {
		name, kind, accept string
		status             int
		contentType, body  string
	}{
		{"JSON", "list", "application/json", 200, "application/json", `[{"number":"4711","total":10.5},{"number":"4712","note":"a,b"}]`},
		{"anything", "list", "*/*", 200, "application/json", `[{"number":"4711","total":10.5},{"number":"4712","note":"a,b"}]`},
		{"CSV", "list", "text/csv", 200, "text/csv; charset=utf-8", "number,total,note\r\n4711,10.5,\r\n4712,,\"a,b\"\r\n"},
		{"XML", "list", "text/xml", 200, "text/xml; charset=utf-8", `<?xml version="1.0" encoding="UTF-8"?>` +
			"\n<answer><item><number>4711</number><total>10.5</total></item><item><number>4712</number><note>a,b</note></item></answer>"},
		{"XML of an object", "json", "application/xml", 201, "application/xml; charset=utf-8", `<?xml version="1.0" encoding="UTF-8"?>` +
			"\n<answer><order><line>1</line><line>2</line></order></answer>"},
		{"early", "respond", "application/xml, application/json;q=0.5", 200, "application/xml; charset=utf-8", `<?xml version="1.0" encoding="UTF-8"?>` + "\n<answer><a>ž</a></answer>"},
		{"what CSV cannot hold", "json", "text/csv", 406, "application/problem+json", ""},
		{"what CSV cannot hold, but JSON", "json", "text/csv, application/json;q=0.1", 201, "application/json", `{"order":{"line":[1,2]}}`},
		{"nothing we have", "list", "image/png", 406, "application/problem+json", ""},
		{"text as it is", "text", "application/xml", 200, "text/plain; charset=utf-8", "x"},
		{"problem", "problem", "application/json", 409, "application/problem+json", `{"type":"about:blank","title":"No","status":409,"errors":[{"pointer":"/a","detail":"b"}]}`},
		{"problem as XML", "problem", "application/xml", 409, "application/problem+xml; charset=utf-8", `<?xml version="1.0" encoding="UTF-8"?>` +
			"\n" + `<problem xmlns="urn:ietf:rfc:7807"><type>about:blank</type><title>No</title><status>409</status><errors><i><pointer>/a</pointer><detail>b</detail></i></errors></problem>`},
		{"problem of the check", "refused", "text/xml", 422, "application/problem+xml; charset=utf-8", ""},
		{"failure", "failure", "application/problem+xml", 502, "application/problem+xml; charset=utf-8", ""},
		{"problem to whom takes neither", "problem", "image/png", 409, "application/problem+json", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := s.send("GET", "data", "?kind="+c.kind, "", "Accept", c.accept)
			if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != c.contentType || c.body != "" && body != c.body {
				t.Errorf("%d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
			}
			if id := resp.Header.Get("Junctor-Run"); (id == "") != (c.kind == "refused") {
				t.Errorf("the run is %q", id)
			} else if c.status == 406 && s.ended(id).State != run.Succeeded {
				t.Error("an answer that could not be had has failed the run")
			}
		})
	}
	_, document := s.send("GET", "data", "?kind=list", "", "Accept", "application/xml")
	if _, body := s.send("POST", "data", "?kind=read", document); body != `{"answer":{"item":[{"number":"4711","total":"10.5"},{"number":"4712","note":"a,b"}]}}` {
		t.Errorf("read back: %s", body)
	}
	resp, body := s.send("GET", "unknown", "", "", "Accept", "application/xml")
	if resp.StatusCode != 404 || resp.Header.Get("Content-Type") != "application/problem+xml; charset=utf-8" || !strings.Contains(body, "<status>404</status>") {
		t.Errorf("%d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
	}
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

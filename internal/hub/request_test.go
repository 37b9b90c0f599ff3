package hub_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// echo answers what the scenario was called with.
const echo = `import { base64, type Request } from "junctor";
export default async function (request: Request) {
  const found: Record<string, unknown> = {};
  for (let n = 1; n <= 7; n++) found[n] = request.startparam(n as 1);
  return { json: {
    method: request.method, url: request.url, path: request.path, query: request.query, all: request.queryAll,
    headers: request.headers, list: request.headerValues("X-Several"), body: base64.encode(request.body), text: request.text(),
    address: request.remoteAddress, protocol: request.protocol, mode: request.mode, channel: request.channel, params: found,
  } };
}`

// seen is what echo answers.
type seen struct {
	Method, URL, Path, Body, Text, Address, Protocol, Mode string
	Query, Headers                                         map[string]string
	All                                                    map[string][]string
	List                                                   []string
	Channel                                                map[string]string
	Params                                                 map[string]json.RawMessage
}

func serveEcho(t *testing.T) *site {
	t.Helper()
	return serve(t, map[string]string{
		"junctor.yaml":      "channels:\n  echo: { type: public, scenario: echo, await: true, comment: \"all of it\" }\n",
		"scenarios/echo.ts": echo,
	})
}

func (s *site) seen(resp *http.Response, body string) seen {
	s.t.Helper()
	var got seen
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%d %s: %v", resp.StatusCode, body, err)
	}
	return got
}

func TestScenarioSeesTheWholeRequest(t *testing.T) {
	s := serveEcho(t)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		t.Run(method, func(t *testing.T) {
			content := "\x00\xff\xfe line\r\nend"
			got := s.seen(s.send(method, "echo", "/some/p%C3%A1th/a%2Fb%20c?x=1&x=2&y=a+b%26&flag&%zz=1&__proto__=z", content, "X-Several", "one"))
			url := s.base + "/api/token/v1/***/some/p%C3%A1th/a%2Fb%20c?x=1&x=2&y=a+b%26&flag&%zz=1&__proto__=z"
			want := map[string]any{
				"method": method, "path": "/some/páth/a/b c", "url": url, "body": base64.StdEncoding.EncodeToString([]byte(content)),
				"address": "127.0.0.1", "protocol": "HTTP/1.1", "mode": "production",
			}
			have := map[string]any{
				"method": got.Method, "path": got.Path, "url": got.URL, "body": got.Body, "address": got.Address,
				"protocol": got.Protocol, "mode": got.Mode,
			}
			if d := cmp.Diff(want, have); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(map[string]string{"x": "1", "y": "a b&", "flag": "", "%zz": "1", "__proto__": "z"}, got.Query); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff([]string{"1", "2"}, got.All["x"]); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(map[string]string{"code": "echo", "type": "public", "comment": "all of it"}, got.Channel); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestStartparams(t *testing.T) {
	s := serveEcho(t)
	got := s.seen(s.send("POST", "echo", "/p?x=1", "tělo", "X-Order", "4711"))
	for n, want := range map[string]string{
		"1": `{"code":"echo","type":"public","comment":"all of it"}`, "2": `"POST"`,
		"3": `"` + s.base + `/api/token/v1/***/p?x=1"`, "4": `"tělo"`, "6": `"127.0.0.1"`, "7": `"HTTP/1.1"`,
	} {
		if string(got.Params[n]) != want {
			t.Errorf("startparam(%s) is %s, not %s", n, got.Params[n], want)
		}
	}
	var headers [][2]string
	if err := json.Unmarshal(got.Params["5"], &headers); err != nil || !slices.Contains(headers, [2]string{"x-order", "4711"}) {
		t.Errorf("startparam(5) is %s", got.Params["5"])
	}
}

func TestOddRequests(t *testing.T) {
	s := serveEcho(t)
	path := "/api/token/v1/" + s.token["echo"]
	for _, c := range []struct {
		name, sent string
		check      func(t *testing.T, got seen)
	}{
		{"repeated headers", "POST " + path + " HTTP/1.1\r\nHost: h\r\nX-Several: a\r\nx-several: b, c\r\nContent-Length: 0\r\n\r\n",
			func(t *testing.T, got seen) {
				if got.Headers["x-several"] != "a, b, c" || !slices.Equal(got.List, []string{"a", "b, c"}) {
					t.Errorf("%q %q", got.Headers["x-several"], got.List)
				}
			}},
		{"header that is not UTF-8", "GET " + path + " HTTP/1.1\r\nHost: h\r\nX-Name: caf\xe9 \"q\" \\\r\n\r\n",
			func(t *testing.T, got seen) {
				if got.Headers["x-name"] != "caf\uFFFD \"q\" \\" {
					t.Errorf("%q", got.Headers["x-name"])
				}
			}},
		{"HTTP/1.0 without a host", "POST " + path + "/x HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi",
			func(t *testing.T, got seen) {
				if got.Protocol != "HTTP/1.0" || got.Text != "hi" || got.Path != "/x" {
					t.Errorf("%+v", got)
				}
			}},
		{"chunked body", "POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
			func(t *testing.T, got seen) {
				if got.Text != "abcde" {
					t.Errorf("%q", got.Text)
				}
			}},
		{"empty chunked body", "POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			func(t *testing.T, got seen) {
				if got.Text != "" || got.Body != "" {
					t.Errorf("%q", got.Text)
				}
			}},
		{"whole URL in the first line", "GET http://other.example" + path + "/x?y=1 HTTP/1.1\r\nHost: h\r\n\r\n",
			func(t *testing.T, got seen) {
				if got.Path != "/x" || got.URL != "http://other.example/api/token/v1/***/x?y=1" {
					t.Errorf("%q %q", got.Path, got.URL)
				}
			}},
		{"path with dots and doubled slashes", "GET " + path + "//a/../b/./ HTTP/1.1\r\nHost: h\r\n\r\n",
			func(t *testing.T, got seen) {
				if got.Path != "//a/../b/./" {
					t.Errorf("%q", got.Path)
				}
			}},
		{"content that says JSON and holds NUL", "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\na\x00b",
			func(t *testing.T, got seen) {
				if got.Text != "a\x00b" {
					t.Errorf("%q", got.Text)
				}
			}},
		{"content in the encoding it names", "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain; charset=windows-1250\r\nContent-Length: 2\r\n\r\n\x9e\xec",
			func(t *testing.T, got seen) {
				if got.Text != "žě" {
					t.Errorf("%q", got.Text)
				}
			}},
		{"UTF-16, whose bytes are UTF-8 as well", "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain; charset=utf-16le\r\nContent-Length: 4\r\n\r\na\x00b\x00",
			func(t *testing.T, got seen) {
				if got.Text != "ab" {
					t.Errorf("%q", got.Text)
				}
			}},
		{"a byte order mark", "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n\xef\xbb\xbf[]",
			func(t *testing.T, got seen) {
				if got.Text != "[]" || got.Body != "77u/W10=" {
					t.Errorf("%q %q", got.Text, got.Body)
				}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := s.raw("GET", c.sent)
			c.check(t, (&site{t: t}).seen(resp, body))
		})
	}
}

// raw sends bytes as they are; method is what the answer is to.
func (s *site) raw(method, sent string) (*http.Response, string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, sent); err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(body)
}

func TestTokenInTheHeader(t *testing.T) {
	s := serveEcho(t)
	token := s.token["echo"]
	s.token["-"] = "-"
	got := s.seen(s.send("POST", "-", "/below?x=1", "hi", "Authorization", "bearer "+token))
	if got.Path != "/below" || got.URL != s.base+"/api/token/v1/***/below?x=1" || got.Headers["authorization"] != "***" {
		t.Errorf("%+v", got)
	}
	for _, sent := range []string{"", "Basic " + token, "Bearer", "Bearer " + token + "x", token} {
		if resp, body := s.send("POST", "-", "", "hi", "Authorization", sent); resp.StatusCode != 404 {
			t.Errorf("%q: %d %s", sent, resp.StatusCode, body)
		}
	}
}

func TestUnknownAndDisabledTokensAreTheSame(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml":      "channels:\n  off: { type: public, scenario: echo, await: true, enabled: false }\n",
		"scenarios/echo.ts": echo,
	})
	off, on := s.token["off"], s.token["off"][1:]+"x"
	s.token["unknown"] = on
	first, firstBody := s.send("POST", "off", "/x", "hi")
	second, secondBody := s.send("POST", "unknown", "/x", "hi")
	first.Header.Del("Date")
	second.Header.Del("Date")
	if first.StatusCode != 404 || first.StatusCode != second.StatusCode || firstBody != secondBody {
		t.Errorf("%d %s, %d %s", first.StatusCode, firstBody, second.StatusCode, secondBody)
	}
	if d := cmp.Diff(first.Header, second.Header); d != "" {
		t.Error(d)
	}
	if strings.Contains(firstBody, off) {
		t.Error("the answer repeats the token")
	}
	for _, path := range []string{"/api/token/v1/", "/api/token/v1//x", "/api/token/v1/%2e%2e/admin"} {
		if resp, body := s.raw("GET", "GET "+path+" HTTP/1.0\r\n\r\n"); resp.StatusCode != 404 {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

// TestTokensAreKeptNowhere sends the token where senders and proxies put it.
func TestTokensAreKeptNowhere(t *testing.T) {
	s := serveEcho(t)
	token := s.token["echo"]
	_, body := s.send("POST", "echo", "/x/"+token+"?t="+token, "hi",
		"Referer", s.base+"/api/token/v1/"+token, "X-Original-Url", "/api/token/v1/"+token, "Authorization", "Bearer "+token, "Cookie", "t="+token)
	if strings.Contains(body, token) {
		t.Errorf("the scenario saw the token: %s", body)
	}
	resp, _ := s.send("POST", "echo", "", "hi")
	info := s.ended(resp.Header.Get("Junctor-Run"))
	kept, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(kept), token) {
		t.Errorf("the run has the token: %s", kept)
	}
	if strings.Contains(s.logged(), token) {
		t.Errorf("the log has the token: %s", s.logged())
	}
}

func TestHeadHasNoBody(t *testing.T) {
	s := serveEcho(t)
	resp, body := s.raw("HEAD", "HEAD /api/token/v1/"+s.token["echo"]+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if resp.StatusCode != 200 || body != "" || resp.ContentLength < 100 || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %q %v", resp.StatusCode, body, resp.Header)
	}
}

func TestManyHeadersAreRefused(t *testing.T) {
	s := serveEcho(t)
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "X-%d: %s\r\n", i, strings.Repeat("x", 60))
	}
	resp, _ := s.raw("GET", "GET /api/token/v1/"+s.token["echo"]+" HTTP/1.1\r\nHost: h\r\n"+b.String()+"\r\n")
	if resp.StatusCode != 431 {
		t.Errorf("%d", resp.StatusCode)
	}
}

package hub_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// packed is text in a compressed form.
func packed(kind, text string) string {
	var b bytes.Buffer
	var w io.WriteCloser
	switch kind {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	default:
		w, _ = flate.NewWriter(&b, flate.BestSpeed) //nolint:errcheck // the level is a good one
	}
	io.WriteString(w, text) //nolint:errcheck // into memory
	w.Close()               //nolint:errcheck // into memory
	return b.String()
}

// serveLength answers the length of the content, of which it takes 10 KiB.
func serveLength(t *testing.T) *site {
	t.Helper()
	return serve(t, map[string]string{
		"junctor.yaml": "channels:\n  length: { type: public, scenario: length, await: true, body_limit: 10KiB }\n",
		"scenarios/length.ts": `import type { Request } from "junctor";
export default (request: Request) => request.body.length + " " + request.text().slice(0, 3);`,
	})
}

func TestBodies(t *testing.T) {
	s := serveLength(t)
	limit := 10 << 10
	full, over := strings.Repeat("x", limit), strings.Repeat("x", limit+1)
	bomb := packed("gzip", strings.Repeat("\x00", 64<<20))
	for _, c := range []struct {
		name, body, encoding string
		status               int
		answer               string
	}{
		{"empty", "", "", 200, `"0 "`},
		{"up to the limit", full, "", 200, `"10240 xxx"`},
		{"over the limit", over, "", 413, ""},
		{"gzip", packed("gzip", "abcd"), "gzip", 200, `"4 abc"`},
		{"gzip in capitals, by its old name", packed("gzip", "abcd"), "X-GZIP", 200, `"4 abc"`},
		{"gzip of nothing", packed("gzip", ""), "gzip", 200, `"0 "`},
		{"deflate", packed("zlib", "abcd"), "deflate", 200, `"4 abc"`},
		{"deflate without its frame", packed("raw", "abcd"), "deflate", 200, `"4 abc"`},
		{"identity", "abcd", "identity", 200, `"4 abc"`},
		{"twice", packed("gzip", packed("zlib", "abcd")), "deflate, gzip", 200, `"4 abc"`},
		{"three times", packed("gzip", packed("gzip", packed("gzip", "a"))), "gzip, gzip, gzip", 415, ""},
		{"unknown", "abcd", "br", 415, ""},
		{"compressed up to the limit", packed("gzip", full), "gzip", 200, `"10240 xxx"`},
		{"compressed over the limit", packed("gzip", over), "gzip", 413, ""},
		{"bomb", bomb, "gzip", 413, ""},
		{"bomb in a bomb", packed("gzip", bomb), "gzip, gzip", 413, ""},
		{"not gzip at all", "abcd", "gzip", 400, ""},
		{"gzip that is cut", packed("gzip", full)[:20], "gzip", 400, ""},
		{"gzip with a wrong sum", packed("gzip", "abcd")[:20] + "\x00\x00\x00\x00", "gzip", 400, ""},
		{"gzip and more", packed("gzip", "abcd") + "more", "gzip", 400, ""},
		{"not deflate at all", "\xff\xff\xff", "deflate", 400, ""},
		{"one byte of deflate", "x", "deflate", 400, ""},
		{"deflate and more", packed("zlib", "abcd") + "x", "deflate", 400, ""},
		{"deflate without its frame and more", packed("raw", "abcd") + packed("raw", "abcd"), "deflate", 400, ""},
	} {
		for _, chunked := range []bool{false, true} {
			name := c.name
			var body io.Reader = strings.NewReader(c.body)
			if chunked {
				name, body = name+", chunked", struct{ io.Reader }{body}
			}
			t.Run(name, func(t *testing.T) {
				r, err := http.NewRequest("POST", s.base+"/api/token/v1/"+s.token["length"], body)
				if err != nil {
					t.Fatal(err)
				}
				if c.encoding != "" {
					r.Header.Set("Content-Encoding", c.encoding)
				}
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				answer, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != c.status || c.answer != "" && string(answer) != c.answer {
					t.Errorf("%d %s", resp.StatusCode, answer)
				}
				if c.status >= 400 {
					(&site{t: t}).problem(resp, string(answer))
				}
			})
		}
	}
}

func TestBrokenFraming(t *testing.T) {
	s := serveLength(t)
	begin := "POST /api/token/v1/" + s.token["length"] + " HTTP/1.1\r\nHost: h\r\n"
	for _, c := range []struct {
		name, rest string
		status     int
	}{
		{"less than announced", "Content-Length: 10\r\n\r\nabc", 400},
		{"much less than announced", "Content-Length: 10240\r\n\r\nabc", 400},
		{"announced too much", "Content-Length: 10241\r\n\r\nabc", 413},
		{"announced beyond numbers", "Content-Length: 99999999999999999999\r\n\r\n", 400},
		{"negative length", "Content-Length: -1\r\n\r\n", 400},
		{"two lengths", "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
		{"broken chunk", "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", 400},
		{"chunks without an end", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 400},
		{"chunks over the limit", "Transfer-Encoding: chunked\r\n\r\n2801\r\n" + strings.Repeat("x", 0x2801) + "\r\n0\r\n\r\n", 413},
		{"unknown framing", "Transfer-Encoding: gzip\r\n\r\n", 501},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, begin+c.rest) //nolint:errcheck // the server may have hung up
			conn.(*net.TCPConn).CloseWrite()   //nolint:errcheck // as above
			answer, err := io.ReadAll(conn)    // a reset after the answer is as good as an end
			if !strings.HasPrefix(string(answer), "HTTP/1.1 "+strconv.Itoa(c.status)+" ") {
				t.Errorf("%v: %s", err, answer)
			}
		})
	}
	if resp, body := s.send("POST", "length", "", "abc"); resp.StatusCode != 200 {
		t.Errorf("afterwards: %d %s", resp.StatusCode, body)
	}
}

// TestHostileContent is answered like any other, and the next message as well.
func TestHostileContent(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  read: { type: public, scenario: read, await: true, subject: $.a.b }\n",
		"scenarios/read.ts": `import type { Request } from "junctor";
export default (request: Request) => {
  const kind = request.query.kind;
  const found: any = kind === "xml" ? request.xml() : kind === "form" ? request.form() : request.json();
  return { own: Object.keys(found).length, polluted: ({} as any).polluted ?? null };
};`,
	})
	const many = 1 << 20
	for _, c := range []struct {
		name, kind, body string
		statuses         []int
	}{
		{"deep lists", "json", strings.Repeat("[", many), []int{400, 502}},
		{"deep lists that end", "json", strings.Repeat("[", many) + strings.Repeat("]", many), []int{200, 400, 502}},
		{"deep objects", "json", strings.Repeat(`{"a":`, many) + "1" + strings.Repeat("}", many), []int{200, 400, 502}},
		{"deep elements", "xml", strings.Repeat("<a>", many), []int{400}},
		{"entities", "xml", `<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`, []int{400}},
		{"prototype", "json", `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`, []int{200}},
		{"prototype in a form", "form", `__proto__=1&constructor=2&__proto__.polluted=1`, []int{200}},
		{"not UTF-8", "json", "{\"a\":\"\xff\"}", []int{200}},
		{"half a surrogate", "json", `{"a":{"b":"\ud800"}}`, []int{200}},
		{"NUL as the subject", "json", `{"a":{"b":"x\u0000y"}}`, []int{200}},
		{"a long subject", "json", `{"a":{"b":"` + strings.Repeat("ž", 5000) + `"}}`, []int{200}},
		{"nothing", "json", "", []int{400}},
		{"a number too large", "json", `{"a":1e999999}`, []int{200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := s.send("POST", "read", "?kind="+c.kind, c.body)
			if !slices.Contains(c.statuses, resp.StatusCode) || strings.Contains(body, `"polluted":1`) || len(body) > 4096 {
				t.Errorf("%d %.300s", resp.StatusCode, body)
			}
			if resp, body := s.send("POST", "read", "?kind=json", "{}"); resp.StatusCode != 200 {
				t.Errorf("afterwards: %d %s", resp.StatusCode, body)
			}
		})
	}
}

// TestAnnouncedBodiesCostNothing: room is made for what has come, not for what
// was promised.
func TestAnnouncedBodiesCostNothing(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml":        "channels:\n  length: { type: public, scenario: length, await: true }\n",
		"scenarios/length.ts": `export default () => undefined;`,
	})
	const senders = 50
	before := heap()
	for range senders {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /api/token/v1/"+s.token["length"]+" HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10000000\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))                                   //nolint:errcheck // a connection that was made a moment ago
		if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100 Continue"))); err != nil { // its body is being read
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > senders<<20 {
		t.Errorf("%d senders that sent nothing cost %d MiB", senders, grown>>20)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

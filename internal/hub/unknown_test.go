package hub_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// disabled serves a channel that is disabled, and gives its token and one of the
// same length that nobody has.
func disabled(t *testing.T) (s *site, off, unknown string) {
	t.Helper()
	s = serve(t, map[string]string{
		"junctor.yaml": `channels:
  off: { type: public, scenario: echo, await: true, enabled: false, body_limit: 1KiB, verify: { basic: { user: u, password: p } } }
  on: { type: public, scenario: echo, await: true }
`,
		"scenarios/echo.ts": echo,
	})
	off = s.token["off"]
	return s, off, strings.Repeat("x", len(off))
}

var date = regexp.MustCompile(`\r\nDate: [^\r]*`)

// TestDisabledTokensAreUnknown compares whole answers, byte for byte.
func TestDisabledTokensAreUnknown(t *testing.T) {
	s, off, unknown := disabled(t)
	exchange := func(sent string) string {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, sent) //nolint:errcheck // the server may have heard enough
		answer, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		return date.ReplaceAllString(string(answer), "")
	}
	bodies := map[string]string{
		"none":               "\r\n",
		"a short one":        "Content-Length: 3\r\n\r\nabc",
		"over the limit":     "Content-Length: 2000\r\n\r\n" + strings.Repeat("x", 2000),
		"over every limit":   "Content-Length: 99999999999\r\n\r\n",
		"chunks":             "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"compressed":         "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
		"of unknown coding":  "Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
		"with a key":         "Idempotency-Key: k\r\nContent-Length: 3\r\n\r\nabc",
		"with credentials":   "X-Signature: x\r\nContent-Length: 3\r\n\r\nabc",
		"of a websocket":     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
		"of another origin":  "Origin: https://other.example\r\nContent-Length: 3\r\n\r\nabc",
		"that asks before":   "Origin: https://other.example\r\nAccess-Control-Request-Method: POST\r\n\r\n",
		"that takes nothing": "Accept: image/png\r\nAccept-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
	}
	forms := map[string]func(token string) string{
		"path":       func(token string) string { return "/api/token/v1/" + token + " HTTP/1.1\r\nHost: h\r\n" },
		"path below": func(token string) string { return "/api/token/v1/" + token + "/a/b?x=1 HTTP/1.1\r\nHost: h\r\n" },
		"subscribe":  func(token string) string { return "/api/token/v1/" + token + "/subscribe HTTP/1.1\r\nHost: h\r\n" },
		"bearer": func(token string) string {
			return "/api/token/v1/- HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + token + "\r\n"
		},
		"bearer path": func(token string) string {
			return "/api/token/v1/-/a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + token + "\r\n"
		},
		"basic": func(token string) string {
			return "/api/token/v1/" + token + " HTTP/1.1\r\nHost: h\r\nAuthorization: Basic dTpw\r\n"
		},
		"websocket": func(token string) string { return "/ws/token/v1/" + token + " HTTP/1.1\r\nHost: h\r\n" },
	}
	compared := 0
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "SUBSCRIBE"} {
		for form, line := range forms {
			for kind, body := range bodies {
				first := exchange(method + " " + line(off) + "Connection: close\r\n" + body)
				second := exchange(method + " " + line(unknown) + "Connection: close\r\n" + body)
				if compared++; first != second || !strings.HasPrefix(first, "HTTP/1.1 404 ") {
					t.Errorf("%s, token in %s, body %s:\n%s\n%s", method, form, kind, first, second)
				}
				if strings.Contains(first, off) {
					t.Errorf("the token is in the answer: %s", first)
				}
			}
		}
	}
	t.Logf("%d pairs compared", compared)
}

// TestDisabledTokensTakeTheSameTime asks by turns on one connection. Noise of the
// machine shows in one round or the other; a difference would show in all.
func TestDisabledTokensTakeTheSameTime(t *testing.T) {
	s, off, unknown := disabled(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	ask := func(token string) time.Duration {
		sent := "POST /api/token/v1/" + token + " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
		began := time.Now()
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body) //nolint:errcheck // from memory mostly
		resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Fatalf("answered %d", resp.StatusCode)
		}
		return time.Since(began)
	}
	const pairs, rounds = 500, 10
	var told []string
	for range rounds {
		var first, second, apart []time.Duration
		for i := range pairs {
			var a, b time.Duration
			if i%2 == 0 {
				a, b = ask(off), ask(unknown)
			} else {
				b, a = ask(unknown), ask(off)
			}
			first, second, apart = append(first, a), append(second, b), append(apart, a-b)
		}
		usual := max(median(first), median(second))
		told = append(told, fmt.Sprintf("disabled %s, unknown %s, median difference %s", median(first), median(second), median(apart)))
		if between := median(apart).Abs(); between < usual/5 {
			t.Log(told)
			return
		}
	}
	t.Errorf("time tells disabled tokens from unknown ones:\n%s", strings.Join(told, "\n"))
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

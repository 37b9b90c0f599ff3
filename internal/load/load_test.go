package load_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/load"
)

func TestClosedLoopSendsExactlyTheLimit(t *testing.T) {
	var got atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "order" || r.Header.Get("X-Shop") != "1" || r.URL.String() != "/a?b=c" {
			w.WriteHeader(http.StatusBadRequest)
		}
		got.Add(1)
		io.WriteString(w, strings.Repeat("x", 10_000)) //nolint:errcheck // the client counts
	}))
	defer s.Close()
	target, path := parse(t, s.URL+"/a?b=c")

	r, err := load.Run(t.Context(), load.Options{
		Target: target, Connections: 7, Limit: 500,
		Request: target.Request("POST", path, http.Header{"X-Shop": {"1"}}, []byte("order")),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Load() != 500 || r.OK() != 500 || r.Failed != 0 || r.Latency.Count() != 500 {
		t.Errorf("server saw %d, result %+v", got.Load(), r)
	}
}

func TestEveryRequestHasItsOwnNumber(t *testing.T) {
	seen := make([]atomic.Int64, 100)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscanf(r.URL.Path, "/%d", &n) //nolint:errcheck // checked by the counts
		seen[n].Add(1)
	}))
	defer s.Close()
	target, _ := parse(t, s.URL)

	_, err := load.Run(t.Context(), load.Options{Target: target, Connections: 5, Limit: 100,
		Request: func(n int64, buf []byte) []byte {
			return fmt.Appendf(buf, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", n)
		}})
	if err != nil {
		t.Fatal(err)
	}
	for n := range seen {
		if c := seen[n].Load(); c != 1 {
			t.Errorf("request %d was sent %d times", n, c)
		}
	}
}

// In an open loop a stall of the server must show in the latencies of all
// requests that came due meanwhile, not only in the one that was under way.
func TestOpenLoopShowsAStall(t *testing.T) {
	release := make(chan struct{})
	var first atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if first.CompareAndSwap(false, true) {
			<-release
		}
	}))
	defer s.Close()
	target, path := parse(t, s.URL)
	time.AfterFunc(300*time.Millisecond, func() { close(release) })

	r, err := load.Run(t.Context(), load.Options{
		Target: target, Connections: 1, Rate: 100, Duration: 300 * time.Millisecond,
		Request: target.Request("GET", path, nil, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.OK() != 30 {
		t.Errorf("sent %d requests, want 30", r.OK())
	}
	if p50 := r.Latency.Quantile(0.5); p50 < 50*time.Millisecond {
		t.Errorf("median latency %v hides the stall of 300ms", p50)
	}
}

func TestOpenLoopEndsWithItsContext(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	target, path := parse(t, s.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := load.Run(ctx, load.Options{Target: target, Rate: 0.01, Duration: time.Hour,
		Request: target.Request("GET", path, nil, nil)}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("ended %v after its context", took)
	}
}

func TestRunRefuses(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	target, path := parse(t, closed.URL)
	for name, o := range map[string]load.Options{
		"no end":       {Target: target},
		"no listener":  {Target: target, Limit: 1, Request: target.Request("GET", path, nil, nil)},
		"no such host": {Target: load.Target{Address: "127.0.0.1:bad"}, Limit: 1},
	} {
		if _, err := load.Run(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for _, raw := range []string{"", "ftp://x/", "http://", "http://u:p@x/", "http://x/#f", "127.0.0.1:80", "http://%zz/"} {
		if _, _, err := load.ParseTarget(raw); err == nil {
			t.Errorf("%q was accepted", raw)
		}
	}
}

// answers plays one raw answer per request from a listener, then closes.
func TestAnswersOfEveryFraming(t *testing.T) {
	for name, c := range map[string]struct {
		raw    string
		status int // 0: a failure is expected
	}{
		"length":            {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200},
		"chunked":           {"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nTrailer: 1\r\n\r\n", 201},
		"continue first":    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204},
		"until the end":     {"HTTP/1.0 502 Bad Gateway\r\n\r\nsome text", 502},
		"lower case":        {"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", 200},
		"nothing":           {"", 0},
		"cut short":         {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok", 0},
		"no status":         {"hello, I am not HTTP\r\n\r\n", 0},
		"status no number":  {"HTTP/1.1 abc OK\r\n\r\n", 0},
		"length no number":  {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 0},
		"negative length":   {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0},
		"chunk no number":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0},
		"headers cut short": {"HTTP/1.1 200 OK\r\nContent-Le", 0},
		"endless header":    {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100_000), 0},
	} {
		t.Run(name, func(t *testing.T) {
			target, path := parse(t, "http://"+rawServer(t, c.raw)+"/")
			r, err := load.Run(t.Context(), load.Options{Target: target, Connections: 1, Limit: 1,
				Request: target.Request("POST", path, nil, []byte("x")), Timeout: 5 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if c.status == 0 && (r.Failed != 1 || r.FirstErr == nil || r.Answered() != 0) {
				t.Errorf("want one failure, got %+v", r)
			}
			if c.status != 0 && (r.Failed != 0 || r.Statuses[c.status] != 1) {
				t.Errorf("want status %d, got %+v", c.status, r)
			}
		})
	}
}

func rawServer(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.Copy(io.Discard, r.Body) //nolint:errcheck // the answer is the test
				io.WriteString(c, answer)   //nolint:errcheck // the answer is the test
			}
			c.Close()
		}
	}()
	return l.Addr().String()
}

func parse(t *testing.T, url string) (load.Target, string) {
	t.Helper()
	target, path, err := load.ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	return target, path
}

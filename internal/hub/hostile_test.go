package hub_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/hub"
)

// hasty is a server without patience, and a channel that takes 1 MiB.
func hasty(t *testing.T, change func(*hub.Options)) *site {
	t.Helper()
	return serveWith(t, map[string]string{
		"junctor.yaml": "channels:\n  length: { type: public, scenario: length, await: true, body_limit: 1MiB }\n",
		"scenarios/length.ts": `import type { Request } from "junctor";
export default (request: Request) => request.path === "/long" ? { text: "x".repeat(4000000) } : request.body.length;`,
	}, func(o *hub.Options) {
		short := time.Second // in which the honest are done on a busy machine, too
		o.Patience = hub.Patience{Header: short, Body: short, Answer: short, Idle: 2 * short}
		if change != nil {
			change(o)
		}
	})
}

// end is how long a test waits for what ought to end in seconds.
const end = 30 * time.Second

// connect opens a connection that cannot hang the test.
func (s *site) connect() *net.TCPConn {
	s.t.Helper()
	_, address, _ := strings.Cut(s.base, "://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(end)); err != nil {
		s.t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// until writes again and again, until the server ends the connection.
func until(t *testing.T, conn net.Conn, write string) (written int64) {
	t.Helper()
	for {
		n, err := io.WriteString(conn, write)
		written += int64(n)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after %d bytes the server still listens, or holds on to the connection", written)
		}
		if err != nil {
			return written
		}
	}
}

// serves wants others to be served meanwhile.
func (s *site) serves() {
	s.t.Helper()
	resp, body := s.send("POST", "length", "", "abc", "Connection", "close") // one that was kept might just be ending
	if resp.StatusCode != 200 || body != "3" {
		s.t.Errorf("others are answered %d %s", resp.StatusCode, body)
	}
}

// status is that of the first answer on the connection; 0 when it ends without.
func status(t *testing.T, conn io.Reader, method string) int {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("neither an answer nor an end")
	}
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestHostileRequests(t *testing.T) {
	s := hasty(t, nil)
	path := "/api/token/v1/" + s.token["length"]
	post := "POST " + path + " HTTP/1.1\r\nHost: h\r\n"
	long := strings.Repeat("x", 100<<10)
	for _, c := range []struct {
		name, sent string
		statuses   []int
	}{
		// Where does the body end?
		{"two lengths", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", []int{400}},
		{"a list of lengths", post + "Content-Length: 3, 4\r\n\r\nabcd", []int{400}},
		{"a length with a sign", post + "Content-Length: +3\r\n\r\nabc", []int{400}},
		{"a length in hexadecimal", post + "Content-Length: 0x3\r\n\r\nabc", []int{400}},
		{"a length with a space within", post + "Content-Length: 3 3\r\n\r\nabc", []int{400}},
		{"a space before the colon", post + "Content-Length : 3\r\n\r\nabc", []int{400}},
		{"a tab before the colon", post + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", []int{400}},
		{"a folded length", post + "Content-Length:\r\n 3\r\n\r\nabc", []int{200, 400}},
		{"a folded first header", "POST " + path + " HTTP/1.1\r\n Host: h\r\n\r\n", []int{400}},
		{"chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{400, 501}},
		{"chunked and more", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", []int{400, 501}},
		{"not quite chunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", []int{400, 501}},
		{"chunked and a control character", post + "Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n", []int{400, 501}},
		{"a chunk ended by a line feed alone", post + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", []int{400}},
		{"a chunk longer than it says", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", []int{400}},
		{"a chunk of negative size", post + "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n", []int{400}},
		{"a chunk beyond numbers", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc", []int{400}},
		{"a long line about a chunk", post + "Transfer-Encoding: chunked\r\n\r\n3;" + long + "\r\nabc\r\n0\r\n\r\n", []int{400}},
		{"line feeds alone", strings.ReplaceAll(post+"Content-Length: 3\r\n\r\n", "\r\n", "\n") + "abc", []int{200, 400}},
		{"a carriage return alone", "POST " + path + " HTTP/1.1\r\nHost: h\rContent-Length: 3\r\n\r\n", []int{400}},
		{"NUL in a header", post + "X: a\x00b\r\n\r\n", []int{400}},
		{"a header without a colon", post + "X\r\n\r\n", []int{400}},
		{"a header without a name", post + ": x\r\n\r\n", []int{400}},
		{"a body that stops", post + "Content-Length: 10\r\n\r\nabc", []int{408}},
		{"chunks that stop", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", []int{408}},
		{"too many headers, small ones", post + strings.Repeat("a: b\r\n", 10000) + "\r\n", []int{431}},
		{"too large a header", post + "X: " + long + "\r\n\r\n", []int{431}},
		{"too large a header, and a body that does not come", post + "Content-Length: 10\r\nX: " + long + "\r\n\r\n", []int{431}},
		{"far too large a header", post + "X: " + strings.Repeat(long, 3) + "\r\n\r\n", []int{431, 0}}, // nobody waits for who reads late
		{"10 GB announced", post + "Content-Length: 10737418240\r\n\r\nabc", []int{413}},

		// What is asked for?
		{"no target", "GET  HTTP/1.1\r\nHost: h\r\n\r\n", []int{400}},
		{"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", []int{400}},
		{"a third word", "GET / HTTP/1.1 x\r\nHost: h\r\n\r\n", []int{400}},
		{"a star", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", []int{400, 404}},
		{"a star to get", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", []int{400, 404}},
		{"two slashes", "GET //no/such HTTP/1.1\r\nHost: h\r\n\r\n", []int{307, 404}},
		{"NUL in the path", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", []int{404}},
		{"NUL in a code", "GET /api/v1/admin/runs/%00 HTTP/1.1\r\nHost: h\r\n\r\n", []int{401, 404}},
		{"NUL as it is", "GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n", []int{400}},
		{"dots", "GET /api/token/v1/../../v1/admin/runs HTTP/1.1\r\nHost: h\r\n\r\n", []int{404}},
		{"dots in disguise", "GET /api/token/v1/%2e%2e%2f%2e%2e/v1/admin/runs HTTP/1.1\r\nHost: h\r\n\r\n", []int{404}},
		{"a long path", "GET /" + long + " HTTP/1.1\r\nHost: h\r\n\r\n", []int{431}},
		{"a long query", "GET /?" + long + " HTTP/1.1\r\nHost: h\r\n\r\n", []int{431}},
		{"a broken escape", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", []int{400}},
		{"another server's URL", "GET http://other.example/no/such HTTP/1.1\r\nHost: h\r\n\r\n", []int{404}},
		{"another scheme's URL", "GET file:///etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", []int{404}},
		{"a broken URL", "GET http://[::1 HTTP/1.1\r\nHost: h\r\n\r\n", []int{400}},
		{"a tunnel", "CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n", []int{404, 405}},
		{"a tunnel to nowhere", "CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", []int{404, 405}},
		{"an upgrade", "GET /no/such HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", []int{404}},
		{"a method with a space", "G T / HTTP/1.1\r\nHost: h\r\n\r\n", []int{400}},
		{"a method that is none", "G@T / HTTP/1.1\r\nHost: h\r\n\r\n", []int{400}},
		{"an older version", "GET /\r\n\r\n", []int{400}},
		{"a later version", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", []int{505}},
		{"a version that is none", "GET / HTTP/1.x\r\nHost: h\r\n\r\n", []int{400}},
		{"no host", "GET / HTTP/1.1\r\n\r\n", []int{400}},
		{"two hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", []int{400}},
		{"a host with a space", "GET / HTTP/1.1\r\nHost: h i\r\n\r\n", []int{400}},
		{"a host with a tag", "GET / HTTP/1.1\r\nHost: <script>\r\n\r\n", []int{400}},
		{"a host with an escape", "GET / HTTP/1.1\r\nHost: h\x1b[2J\r\n\r\n", []int{400}},

		// Is it HTTP at all?
		{"nothing", "", []int{0}},
		{"empty lines", strings.Repeat("\r\n", 100), []int{400, 0}},
		{"noise", "\xff\xfe\x00\x01\x02\r\n\r\n", []int{400}},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 505), []int{400, 0}},
		{"HTTP/2 that stops", "PRI * HTTP/2.0\r\n\r\n", []int{0, 404}},
		{"HTTP/2 with a body of HTTP/1.1", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", []int{0}},
		{"a line that goes on", strings.Repeat("x", 1<<20), []int{400, 431, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &site{t: t, base: s.base, token: s.token}
			conn := s.connect()
			io.WriteString(conn, c.sent) //nolint:errcheck // the server may have heard enough
			method, _, _ := strings.Cut(c.sent, " ")
			if got := status(t, conn, method); !slices.Contains(c.statuses, got) {
				t.Errorf("answered %d, not %d", got, c.statuses)
			}
			s.serves()
		})
	}
}

// TestHeadersThatAreTooLarge are refused as everything is, in both protocols.
func TestHeadersThatAreTooLarge(t *testing.T) {
	s := hasty(t, nil)
	for _, http2 := range []bool{false, true} {
		for _, path := range []string{"/api/token/v1/" + s.token["length"], "/api/token/v1/other", "/healthz", "/no/such/path"} {
			resp, body := fetch(t, client(t, http2, nil), "POST", s.base+path, "abc", "X-Long", strings.Repeat("x", 70<<10))
			if resp.StatusCode != 431 || !strings.Contains(body, `"type":"/errors/header-too-large"`) {
				t.Errorf("%s: %d %s", path, resp.StatusCode, body)
			}
			(&site{t: t}).problem(resp, body)
		}
	}
}

// TestSmuggling: whatever two servers could read differently is not followed by
// another request on that connection. A length beside chunks is ignored, and its
// header dropped, by net/http: such a request is answered (RFC 9112, 6.3), and
// the connection ends with any message in chunks.
func TestSmuggling(t *testing.T) {
	s := hasty(t, nil)
	path := "/api/token/v1/" + s.token["length"]
	second := "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
	for name, first := range map[string]string{
		"length and chunks":      "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunks and length":      "POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
		"length and not chunks":  "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 60\r\nTransfer-Encoding: chunke\r\n\r\n",
		"chunks":                 "POST " + path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"chunks of HTTP/1.0":     "POST " + path + " HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"a refused length":       "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length : 60\r\n\r\n",
		"two lengths":            "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 60\r\n\r\n",
		"a body that is refused": "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n",
		"headers too large":      "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n",
		"broken compression":     "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &site{t: t, base: s.base, token: s.token}
			conn := s.connect()
			io.WriteString(conn, first+second)                                                         //nolint:errcheck // the server may have heard enough
			answers, _ := io.ReadAll(conn)                                                             // an end in any way is an end
			if n := strings.Count(string(answers), "HTTP/1."); n > 1 && name != "broken compression" { // that was read to its end
				t.Errorf("%s", answers)
			}
		})
	}
}

// TestSlowAndEndless: many senders who never come to an end are let go, and cost
// little until then.
func TestSlowAndEndless(t *testing.T) {
	s := hasty(t, nil)
	post := "POST /api/token/v1/" + s.token["length"] + " HTTP/1.1\r\nHost: h\r\n"
	drip := func(conn net.Conn) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := conn.Write([]byte("x")); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the server waits for ever")
				}
				return
			}
		}
	}
	for _, c := range []struct {
		name string
		send func(conn net.Conn)
		most int64 // bytes of memory for each
	}{
		{"a header, byte by byte", func(conn net.Conn) { io.WriteString(conn, post+"X: "); drip(conn) }, 256 << 10},
		{"a body, byte by byte", func(conn net.Conn) { io.WriteString(conn, post+"Content-Length: 1000000\r\n\r\n"); drip(conn) }, 256 << 10},
		{"an endless header", func(conn net.Conn) { io.WriteString(conn, post+"X: "); until(t, conn, strings.Repeat("x", 4096)) }, 2 << 20},
		{"endless headers", func(conn net.Conn) { io.WriteString(conn, post); until(t, conn, strings.Repeat("a: b\r\n", 1000)) }, 4 << 20},
		{"an endless first line", func(conn net.Conn) { until(t, conn, strings.Repeat("x", 4096)) }, 2 << 20},
		{"an endless body", func(conn net.Conn) {
			io.WriteString(conn, post+"Content-Length: 10737418240\r\n\r\n")
			until(t, conn, strings.Repeat("x", 64<<10))
		}, 1 << 20},
		{"endless chunks", func(conn net.Conn) {
			io.WriteString(conn, post+"Transfer-Encoding: chunked\r\n\r\n")
			until(t, conn, "10000\r\n"+strings.Repeat("x", 64<<10)+"\r\n")
		}, 4 << 20},
		{"chunks of a byte", func(conn net.Conn) {
			io.WriteString(conn, post+"Transfer-Encoding: chunked\r\n\r\n")
			until(t, conn, strings.Repeat("1\r\nx\r\n", 1000))
		}, 6 << 20},
		{"endless chunk extensions", func(conn net.Conn) {
			io.WriteString(conn, post+"Transfer-Encoding: chunked\r\n\r\n")
			until(t, conn, strings.Repeat("1;"+strings.Repeat("e", 1000)+"\r\nx\r\n", 10))
		}, 1 << 20},
		{"endless trailers", func(conn net.Conn) {
			io.WriteString(conn, post+"Transfer-Encoding: chunked\r\nTrailer: a\r\n\r\n0\r\n")
			until(t, conn, strings.Repeat("a: b\r\n", 1000))
		}, 4 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			const senders = 20
			serves := func() { (&site{t: t, base: s.base, token: s.token}).serves() }
			var before int64
			for range 10 { // what it costs to serve anybody comes and goes
				serves()
				before = max(before, heap())
			}
			var sending sync.WaitGroup
			var most atomic.Int64
			over := make(chan struct{})
			for range senders {
				conn := s.connect()
				sending.Go(func() { c.send(conn) })
			}
			go func() { sending.Wait(); close(over) }()
			for sampling := true; sampling; {
				serves()
				most.Store(max(most.Load(), heap()-before))
				select {
				case <-over:
					sampling = false
				case <-time.After(20 * time.Millisecond):
				}
			}
			t.Logf("at most %d KiB for each of %d senders", most.Load()>>10/senders, senders)
			if most.Load() > senders*c.most {
				t.Errorf("%d senders cost %d MiB", senders, most.Load()>>20)
			}
		})
	}
}

// TestReadersThatDoNotRead are hung up on: those who send requests until nothing
// moves any more, and read the answers later, do not get all of them.
func TestReadersThatDoNotRead(t *testing.T) {
	t.Parallel()
	s := hasty(t, nil)
	path := "/api/token/v1/" + s.token["length"]
	for name, request := range map[string]string{
		"long answers":         "GET " + path + "/long HTTP/1.1\r\nHost: h\r\n\r\n",
		"short answers":        "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n",
		"refusals":             "GET /no/such/path HTTP/1.1\r\nHost: h\r\n\r\n",
		"answers of a channel": "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &site{t: t, base: s.base, token: s.token}
			conn := s.connect()
			if err := conn.SetReadBuffer(4096); err != nil {
				t.Fatal(err)
			}
			var sent, moved int
			var err error
			for moved = 1; err == nil || moved > 0 && errors.Is(err, os.ErrDeadlineExceeded); sent += moved {
				conn.SetWriteDeadline(time.Now().Add(3 * time.Second)) //nolint:errcheck // the server may have hung up
				moved, err = io.WriteString(conn, strings.Repeat(request, 100))
			}
			s.serves()
			got, err := io.ReadAll(conn) // what was under way
			answers := strings.Count(string(got), "HTTP/1.1 ")
			t.Logf("%d answers to %d requests, then %v", answers, sent/len(request), err)
			if errors.Is(err, os.ErrDeadlineExceeded) || answers >= sent/len(request) {
				t.Error("the server has waited")
			}
		})
	}
}

func TestIdleConnections(t *testing.T) {
	s := hasty(t, func(o *hub.Options) { o.Patience.Header, o.Patience.Idle = 5*time.Second, 5*time.Second })
	const many = 1000
	before := heap()
	conns := make([]*net.TCPConn, many)
	for i := range conns {
		conns[i] = s.connect()
		if i%2 == 0 { // one half has asked before, the other never does
			fmt.Fprint(conns[i], "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
		}
	}
	s.serves()
	cost := (heap() - before) / many
	t.Logf("%d KiB for each", cost>>10)
	if cost > 64<<10 {
		t.Errorf("an idle connection costs %d KiB", cost>>10)
	}
	for _, conn := range conns {
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("it is kept for ever")
		}
	}
	s.serves()
}

func TestPipelining(t *testing.T) {
	s := hasty(t, nil)
	const many = 200
	var b strings.Builder
	for i := range many {
		fmt.Fprintf(&b, "POST /api/token/v1/%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", s.token["length"], i, strings.Repeat("x", i))
	}
	conn := s.connect()
	go io.WriteString(conn, b.String())
	answers := bufio.NewReader(conn)
	for i := range many {
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if resp.Body.Close(); err != nil || string(body) != fmt.Sprint(i) {
			t.Fatalf("answer %d is %s, %v", i, body, err)
		}
	}
}

// TestHalfClosed: who has said all there is to say is answered, or hung up on.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	s := hasty(t, nil)
	for _, sent := range []string{
		"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: h\r\n", "GET /heal", "",
		"POST /api/token/v1/" + s.token["length"] + " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
		"POST /api/token/v1/" + s.token["length"] + " HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabc",
	} {
		conn := s.connect()
		io.WriteString(conn, sent) //nolint:errcheck // the server may have heard enough
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q is neither answered nor hung up on", sent)
		}
		if strings.Contains(sent, "/api/token/") && strings.Contains(string(answer), " 200 ") {
			t.Errorf("%q was told\n%s", sent, answer) // whoever closes his side of an awaited channel is gone
		}
	}
	s.serves()
}

// A sender who closes his side once he has sent everything hears 200 only for a
// message that is stored.
func TestHalfClosedIsStoredOrNotAcknowledged(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]string{
		"junctor.yaml":         "channels:\n  kept: { type: public, scenario: nothing }\n",
		"scenarios/nothing.ts": "export default () => {};",
	})
	for range 20 {
		conn := s.connect()
		io.WriteString(conn, "POST /api/token/v1/"+s.token["kept"]+" HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc") //nolint:errcheck // seen in the answer
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			continue // nothing was acknowledged
		}
		resp.Body.Close()
		if resp.StatusCode != 200 || resp.Header.Get("Junctor-Run") == "" {
			t.Fatalf("%d %v", resp.StatusCode, resp.Header)
		}
		s.ended(resp.Header.Get("Junctor-Run"))
	}
}

func TestHostileTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own := sign(t, dir, "own", nil, time.Hour)
	s := hasty(t, func(o *hub.Options) { o.TLS.Cert, o.TLS.Key = own.cert, own.pem })
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
	for name, c := range map[string]struct{ sent, says string }{
		"plain text":             {"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.0 400 Bad Request"},
		"HTTP/2 without TLS":     {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""},
		"noise":                  {strings.Repeat("\x00\xff", 1000), ""},
		"nothing":                {"", ""},
		"a handshake that stops": {hello, ""},
		"a handshake of nothing": {hello + strings.Repeat("\x00", 600), ""},
		"a record too large":     {"\x16\x03\x01\xff\xff" + strings.Repeat("x", 70000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := (&site{t: t, base: s.base}).connect()
			io.WriteString(conn, c.sent) //nolint:errcheck // the server may have heard enough
			answer, err := io.ReadAll(conn)
			if errors.Is(err, os.ErrDeadlineExceeded) || !strings.HasPrefix(string(answer), c.says) || strings.Contains(string(answer), "200") {
				t.Errorf("%v: %s", err, answer)
			}
		})
	}
	if resp, body := fetch(t, client(t, false, &tls.Config{InsecureSkipVerify: true}), "GET", s.base+"/healthz", ""); resp.StatusCode != 200 { //nolint:gosec // the server is not in question
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

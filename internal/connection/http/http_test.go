package http

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/connection"
)

// serve starts a server and opens a connection to it.
func serve(t *testing.T, config Config, handler http.HandlerFunc) *Conn {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config.URL, config.AllowPrivate = server.URL+config.URL, true
	if config.Label == "" {
		config.Label = `connection "erp"`
	}
	conn, err := Open(config, func(ref string) (string, error) { return "value of " + ref, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestRequestArrives(t *testing.T) {
	var got *http.Request
	var body []byte
	conn := serve(t, Config{
		URL: "/api?tenant=5", Release: "1.2.3", Headers: map[string]string{"X-Site": "${env:SITE}", "X-Over": "config"},
		Auth: &Auth{Basic: &Basic{User: "u", Password: "${secret:p}"}},
	}, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("X-Answer", "1")
		w.WriteHeader(201)
		io.WriteString(w, "created")
	})
	res, err := conn.Do(t.Context(), Request{
		Method: "post", Path: "/orders", Query: url.Values{"q": {"a&b"}}, Body: []byte("hello"), IdempotencyKey: "run_1.4",
		Header: http.Header{"x-over": {"request"}, "X-Many": {"1", "2"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Status != 201 || string(res.Body) != "created" || res.Header.Get("X-Answer") != "1" || res.Failure() != nil {
		t.Errorf("response %+v", res)
	}
	user, password, _ := got.BasicAuth()
	for name, pair := range map[string][2]string{
		"method": {got.Method, "POST"}, "URL": {got.URL.String(), "/api/orders?tenant=5&q=a%26b"}, "body": {string(body), "hello"},
		"agent": {got.UserAgent(), "Junctor/1.2.3"}, "site": {got.Header.Get("X-Site"), "value of env:SITE"},
		"replaced": {got.Header.Get("X-Over"), "request"}, "many": {strings.Join(got.Header["X-Many"], ","), "1,2"},
		"user": {user, "u"}, "password": {password, "value of secret:p"}, "key": {got.Header.Get("Idempotency-Key"), "run_1.4"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
}

func TestCredentials(t *testing.T) {
	var got *http.Request
	handler := func(_ http.ResponseWriter, r *http.Request) { got = r.Clone(context.Background()) }
	bearer := serve(t, Config{Auth: &Auth{Bearer: "${secret:b}"}}, handler)
	header := serve(t, Config{Auth: &Auth{APIKey: &APIKey{Header: "x-key", Value: "k"}}}, handler)
	query := serve(t, Config{Auth: &Auth{APIKey: &APIKey{Query: "key", Value: "a&b=c"}}}, handler)
	do := func(c *Conn, r Request) string {
		t.Helper()
		if _, err := c.Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return got.Header.Get("Authorization") + "|" + got.Header.Get("X-Key") + "|" + got.URL.RawQuery
	}
	if got := do(bearer, Request{}); got != "Bearer value of secret:b||" {
		t.Error(got)
	}
	if got := do(header, Request{Path: "?a=1"}); got != "|k|a=1" {
		t.Error(got)
	}
	if got := do(query, Request{Path: "/x"}); got != "||key=a%26b%3Dc" {
		t.Error(got)
	}
	for name, refused := range map[string]func() error{
		"authorization": func() error {
			_, err := bearer.Do(t.Context(), Request{Header: http.Header{"authorization": {"x"}}})
			return err
		},
		"header key": func() error {
			_, err := header.Do(t.Context(), Request{Header: http.Header{"X-KEY": {"x"}}})
			return err
		},
		"query key":      func() error { _, err := query.Do(t.Context(), Request{Query: url.Values{"key": {"x"}}}); return err },
		"inline query":   func() error { _, err := query.Do(t.Context(), Request{Path: "/?a=1&key=x"}); return err },
		"encoded inline": func() error { _, err := query.Do(t.Context(), Request{Path: "/?%6bey=x"}); return err },
	} {
		if err := refused(); connection.ClassOf(err) != connection.Permanent || !strings.Contains(err.Error(), "credential") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRequestsThatCannotBeMade(t *testing.T) {
	conn := serve(t, Config{}, func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") })
	for name, r := range map[string]Request{
		"method":       {Method: "GET / HTTP/1.1\r\nX: y"},
		"connect":      {Method: "connect"},
		"trace":        {Method: "TRACE"},
		"path":         {Path: "/../x"},
		"line break":   {Header: http.Header{"X-A": {"1\r\nX-B: 2"}}},
		"newline":      {Header: http.Header{"X-A": {"1\nX-B: 2"}}},
		"NUL":          {Header: http.Header{"X-A": {"\x00"}}},
		"name":         {Header: http.Header{"X-A: b\r\nX-C": {"1"}}},
		"empty name":   {Header: http.Header{"": {"1"}}},
		"host":         {Header: http.Header{"host": {"evil.example"}}},
		"length":       {Header: http.Header{"content-length": {"3"}}},
		"transfer":     {Header: http.Header{"Transfer-Encoding": {"chunked"}}},
		"smuggled hop": {Header: http.Header{"connection": {"close"}}},
	} {
		if _, err := conn.Do(t.Context(), r); connection.ClassOf(err) != connection.Permanent || !strings.Contains(err.Error(), `connection "erp"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswerLimits(t *testing.T) {
	conn := serve(t, Config{MaxBody: 1000}, func(w http.ResponseWriter, r *http.Request) {
		size := map[string]int{"/fits": 1000, "/over": 1001, "/bomb": 1 << 20}[r.URL.Path]
		data := bytes.Repeat([]byte("a"), size)
		switch r.URL.Path {
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(data)
			z.Close()
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte("aaaaaaaaaaaaaaaa")); err != nil {
					return
				}
			}
		default:
			w.Write(data)
		}
	})
	if res, err := conn.Do(t.Context(), Request{Path: "/fits"}); err != nil || len(res.Body) != 1000 {
		t.Errorf("at the limit: %v", err)
	}
	for _, path := range []string{"/over", "/bomb", "/endless"} {
		_, err := conn.Do(t.Context(), Request{Path: path})
		if connection.ClassOf(err) != connection.Permanent || !strings.Contains(err.Error(), "larger than the 1000B that response_limit") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestGzipIsDecoded(t *testing.T) {
	conn := serve(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "accepts "+r.Header.Get("Accept-Encoding"))
		z.Close()
	})
	res, err := conn.Do(t.Context(), Request{})
	if err != nil || string(res.Body) != "accepts gzip" || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("%v, %v", res, err)
	}
}

func TestTimeouts(t *testing.T) {
	release := make(chan struct{})
	conn := serve(t, Config{Timeout: time.Minute}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
		}
		<-release
	})
	t.Cleanup(func() { close(release) })
	for _, path := range []string{"/head", "/body"} {
		_, err := conn.Do(t.Context(), Request{Path: path, Timeout: 30 * time.Millisecond})
		if connection.ClassOf(err) != connection.NotConnected || !strings.Contains(err.Error(), "within 30ms") || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := conn.Do(ctx, Request{}); !errors.Is(err, context.Canceled) || connection.ClassOf(err) != connection.NotConnected {
		t.Errorf("cancelled: %v", err)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	var mu sync.Mutex
	from := map[string]bool{}
	conn := serve(t, Config{}, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		from[r.RemoteAddr] = true
		mu.Unlock()
	})
	for range 50 {
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if _, err := conn.Do(t.Context(), Request{Method: "POST", Body: []byte("x")}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	if len(from) > 16 { // 8 at a time; a few more when one is slow to return
		t.Errorf("%d TCP connections for 400 requests, 8 at a time", len(from))
	}
}

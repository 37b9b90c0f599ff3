package ingress_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/ingress"
	"junctor/internal/run"
)

// noted counts what is read of a body.
type noted struct {
	io.ReadCloser
	arrived *atomic.Int64
}

func (n noted) Read(b []byte) (int, error) {
	read, err := n.ReadCloser.Read(b)
	n.arrived.Add(int64(read))
	return read, err
}

// TestManyLargeBodies: what does not find room is told to come again, small
// messages come in all the same, and room that was left is there again.
func TestManyLargeBodies(t *testing.T) {
	h := &house{accept: func(context.Context, run.Start) (run.Accepted, error) { return run.Accepted{Run: "run_1"}, nil }}
	h.open(t, io.Discard)
	h.door.Channel.BodyLimit = 600 << 10 // of which two find room
	var arrived atomic.Int64
	door := ingress.New(ingress.Options{
		Doors: h, Runs: h, Validator: h, BodyRoom: 1000 << 10, Log: slog.New(slog.DiscardHandler),
		Address: func(r *http.Request) string { return r.RemoteAddr }, BaseURL: func(*http.Request) string { return "http://h" },
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = noted{r.Body, &arrived}
		door.ServeHTTP(w, r)
	}))
	defer server.Close()
	const chunk = 100 << 10
	slow := make([]net.Conn, 10)
	for i := range slow {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // a connection that was made a moment ago
		fmt.Fprintf(conn, "POST /api/token/v1/t0ken HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", chunk, strings.Repeat("x", chunk))
		slow[i] = conn
	}
	for deadline := time.Now().Add(20 * time.Second); arrived.Load() < int64(len(slow)*chunk); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody reads what is sent")
		}
	}
	send := func(length int) (int, string) {
		resp, err := http.Post(server.URL+"/api/token/v1/t0ken", "", strings.NewReader(strings.Repeat("x", length)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	until := func(length, want int) (retry string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
			status, retry := send(length)
			if status == want {
				return retry
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d bytes are answered %d", length, status)
			}
		}
	}
	if retry := until(500<<10, http.StatusServiceUnavailable); retry != "1" {
		t.Errorf("Retry-After: %q", retry)
	}
	if status, _ := send(64 << 10); status != http.StatusOK {
		t.Errorf("a small message is answered %d", status)
	}
	for _, conn := range slow {
		io.WriteString(conn, "0\r\n\r\n") //nolint:errcheck // its answer tells
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Errorf("who was in is answered %d", resp.StatusCode)
		}
	}
	until(600<<10, http.StatusOK)
}

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
	"slices"
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

// street is a house with several doors: the token is the channel's code.
type street struct {
	*house
	codes []string
}

func (s *street) Door(token string) *ingress.Door {
	if !slices.Contains(s.codes, token) {
		return nil
	}
	door, own := s.door, *s.door.Channel
	own.Code = token
	door.Channel = &own
	return &door
}

// TestRoomIsShared: who fills a channel's share, or an address's, keeps nobody
// else out.
func TestRoomIsShared(t *testing.T) {
	h := &street{&house{accept: func(context.Context, run.Start) (run.Accepted, error) { return run.Accepted{Run: "run_1"}, nil }}, []string{"one", "two", "three"}}
	h.open(t, io.Discard)
	h.door.Channel.BodyLimit = 400 << 10
	var arrived atomic.Int64
	door := ingress.New(ingress.Options{
		Doors: h, Runs: h, Validator: h, BodyRoom: 1000 << 10, Log: slog.New(slog.DiscardHandler),
		Address: func(r *http.Request) string { return r.Header.Get("X-From") }, BaseURL: func(*http.Request) string { return "http://h" },
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = noted{r.Body, &arrived}
		door.ServeHTTP(w, r)
	}))
	defer server.Close()
	want := int64(0)
	// hold sends most of a body, and keeps the rest.
	hold := func(channel, from string, size int) net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // a connection that was made a moment ago
		fmt.Fprintf(conn, "POST /api/token/v1/%s HTTP/1.1\r\nHost: h\r\nX-From: %s\r\nContent-Length: %d\r\n\r\n%s", channel, from, size+1, strings.Repeat("x", size))
		want += int64(size)
		for deadline := time.Now().Add(20 * time.Second); arrived.Load() < want; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("nobody reads what is sent")
			}
		}
		return conn
	}
	status := func(channel, from string, size int) int {
		t.Helper()
		r, err := http.NewRequest("POST", server.URL+"/api/token/v1/"+channel, strings.NewReader(strings.Repeat("x", size)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-From", from)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	held := []net.Conn{hold("one", "192.0.2.1", 250<<10), hold("one", "192.0.2.2", 240<<10)}
	for _, c := range []struct {
		channel, from string
		size, status  int
	}{
		{"one", "192.0.2.3", 100 << 10, 503}, // the channel has its half
		{"one", "192.0.2.3", 60 << 10, 200},  // a small one needs no place
		{"two", "192.0.2.3", 250 << 10, 200},
		{"two", "192.0.2.3", 280 << 10, 503}, // more than is left for the next
		{"two", "192.0.2.3", 180 << 10, 200},
		{"two", "192.0.2.1", 180 << 10, 503}, // this address has as much in the other channel already
	} {
		if got := status(c.channel, c.from, c.size); got != c.status {
			t.Errorf("%d bytes for %s from %s: %d, not %d", c.size, c.channel, c.from, got, c.status)
		}
	}
	for _, conn := range held {
		io.WriteString(conn, "x") //nolint:errcheck // its answer tells
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Errorf("who was in is answered %d", resp.StatusCode)
		}
	}
	if got := status("two", "192.0.2.1", 390<<10); got != http.StatusOK {
		t.Errorf("room that was left is answered %d", got)
	}
}

// TestMessagesBeingAnsweredKeepTheirRoom: large messages that a slow scenario is
// at work on count until they are answered.
func TestMessagesBeingAnsweredKeepTheirRoom(t *testing.T) {
	begun, further := make(chan struct{}), make(chan struct{})
	h := &house{await: func(context.Context, run.Start) (run.Result, error) {
		begun <- struct{}{}
		<-further
		return run.Result{State: run.Succeeded, Output: []byte(`{}`)}, nil
	}}
	h.open(t, io.Discard)
	h.door.Channel.BodyLimit = 400 << 10
	server := httptest.NewServer(ingress.New(ingress.Options{
		Doors: h, Runs: h, Validator: h, BodyRoom: 1000 << 10, Log: slog.New(slog.DiscardHandler),
		Address: func(r *http.Request) string { return r.RemoteAddr }, BaseURL: func(*http.Request) string { return "http://h" },
	}))
	defer server.Close()
	send := func(size int) int {
		resp, err := http.Post(server.URL+"/api/token/v1/t0ken", "text/plain", strings.NewReader(strings.Repeat("x", size)))
		if err != nil {
			t.Error(err)
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	answers := make(chan int, 3)
	for _, size := range []int{300 << 10, 190 << 10, 64 << 10} { // the last one is small
		go func() { answers <- send(size) }()
		<-begun
	}
	if got := send(100 << 10); got != http.StatusServiceUnavailable {
		t.Errorf("beside those that wait for their answer: %d", got)
	}
	close(further)
	for range cap(answers) {
		if got := <-answers; got != http.StatusOK {
			t.Errorf("who was in is answered %d", got)
		}
	}
	go func() { <-begun }()
	if got := send(390 << 10); got != http.StatusOK {
		t.Errorf("room that was left is answered %d", got)
	}
}

package socket_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/fault"
	"junctor/internal/socket"
)

// until waits for something that comes by itself.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in 20 s: %s", what)
		}
	}
}

func TestHandshakes(t *testing.T) {
	p := open(t, socket.Options{})
	for name, c := range map[string]struct{ old, new, want string }{
		"no upgrade":         {"Upgrade: WebSocket\r\n", "", "This address is for websockets"},
		"another upgrade":    {"Upgrade: WebSocket", "Upgrade: h2c", "This address is for websockets"},
		"no connection":      {"Connection: keep-alive, Upgrade", "Connection: keep-alive", "This address is for websockets"},
		"HTTP/1.0":           {"HTTP/1.1", "HTTP/1.0", "This address is for websockets"},
		"no version":         {"Sec-WebSocket-Version: 13\r\n", "", "Sec-WebSocket-Version must be 13."},
		"version 8":          {"Version: 13", "Version: 8", "Sec-WebSocket-Version must be 13."},
		"two versions":       {"Version: 13", "Version: 13\r\nSec-WebSocket-Version: 13", "Sec-WebSocket-Version must be 13."},
		"no key":             {"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "Sec-WebSocket-Key must be"},
		"a key of 15 bytes":  {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", "Sec-WebSocket-Key must be"},
		"a key that is none": {"dGhlIHNhbXBsZSBub25jZQ==", "?", "Sec-WebSocket-Key must be"},
		"two keys":           {"Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key", "Sec-WebSocket-Key must be"},
		"POST":               {"GET", "POST", "A websocket is opened by GET."},
		"a body":             {"Host: h", "Host: h\r\nTransfer-Encoding: chunked", "A request that opens a websocket has no body."},
	} {
		t.Run(name, func(t *testing.T) {
			q := *p
			q.T = t
			client := q.dial()
			client.bytes([]byte(strings.Replace(handshake, c.old, c.new, 1)))
			if name == "a body" {
				client.bytes([]byte("0\r\n\r\n"))
			}
			resp, err := http.ReadResponse(client.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusTeapot || !strings.HasPrefix(string(text), c.want) {
				t.Errorf("%d %s", resp.StatusCode, text)
			}
		})
	}
	t.Run("subprotocol", func(t *testing.T) {
		q := *p
		q.T = t
		client := q.dial()
		client.bytes([]byte(strings.Replace(handshake, "Host: h", "Host: h\r\nSec-WebSocket-Protocol: chat, superchat", 1)))
		resp, err := http.ReadResponse(client.r, nil)
		if err != nil || resp.Header.Get("Sec-WebSocket-Protocol") != "chat" {
			t.Fatal(resp, err)
		}
	})
	t.Run("a client that does not wait", func(t *testing.T) {
		q := *p
		q.T = t
		client := q.dial()
		client.bytes(append([]byte(handshake), frame(0x81, "early")...))
		if _, err := http.ReadResponse(client.r, nil); err != nil {
			t.Fatal(err)
		}
		client.want("text early")
	})
}

// TestPlaces: there are so many connections and no more, and a place that was
// left is there again.
func TestPlaces(t *testing.T) {
	p := open(t, socket.Options{Connections: 2})
	first := p.connect()
	p.connect()
	third := p.dial()
	third.bytes([]byte(handshake))
	resp, err := http.ReadResponse(third.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); !strings.Contains(string(text), "as many websocket connections as it may have (2)") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	first.bytes(frame(0x88, ""))
	first.want("close", "end")
	until(t, "a place is free", func() bool { return len(p.Group("/g")) == 1 })
	p.connect()
	p.SetConnections(3)
	p.connect()
}

// TestPeerWhoDoesNotRead costs no more than its buffer, and hears why it was
// closed when it reads after all.
func TestPeerWhoDoesNotRead(t *testing.T) {
	p := open(t, socket.Options{Send: time.Second})
	client := p.connect()
	until(t, "the connection is there", func() bool { return p.opened() != nil })
	c := p.opened()
	message := bytes.Repeat([]byte("x"), 64<<10)
	var err error
	sent, most := 0, int64(0)
	for err == nil {
		err = c.Send(t.Context(), socket.Binary, message)
		sent++
		most = max(most, c.Buffered())
	}
	if !errors.Is(err, socket.ErrClosed) || most > 200<<10 {
		t.Errorf("%v, up to %d bytes waited", err, most)
	}
	got := 0
	for got = 0; got <= sent; got++ {
		if next := client.next(); !strings.HasPrefix(next, "bytes ") {
			if next != "close 1013 Nothing was read by you for 1s; connect again, and read faster." {
				t.Errorf("%.100s", next)
			}
			break
		}
	}
	client.want("end")
	if end := p.end(); end.Code != socket.TryAgainLater || end.ByPeer {
		t.Errorf("%+v", end)
	}
	if c.Context().Err() == nil {
		t.Error("the context goes on")
	}
}

// TestPeerWhoReadsSlowly, a byte at a time, is as good as one who does not.
func TestPeerWhoReadsSlowly(t *testing.T) {
	p := open(t, socket.Options{Send: time.Second})
	client := p.connect()
	until(t, "the connection is there", func() bool { return p.opened() != nil })
	c := p.opened()
	message := bytes.Repeat([]byte("x"), 64<<10)
	failed := make(chan error)
	go func() {
		var err error
		for err == nil {
			err = c.Send(t.Context(), socket.Binary, message)
		}
		failed <- err
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var err error
	var first []byte
	for err == nil {
		select {
		case err = <-failed:
		case <-tick.C:
			b, err := client.r.ReadByte()
			if err != nil {
				t.Fatal(err)
			}
			first = append(first, b)
		}
	}
	if !errors.Is(err, socket.ErrClosed) || len(first) == 0 {
		t.Error(err)
	}
	client.r = bufio.NewReader(io.MultiReader(bytes.NewReader(first), client.r))
	next := client.next()
	for strings.HasPrefix(next, "bytes ") {
		next = client.next()
	}
	if !strings.HasPrefix(next, "close 1013 Nothing was read by you") {
		t.Errorf("%.100s", next)
	}
}

// TestPostDoesNotWait: what is sent to many is not held up by one.
func TestPostDoesNotWait(t *testing.T) {
	p := open(t, socket.Options{Send: 10 * time.Second})
	client := p.connect()
	until(t, "the connection is there", func() bool { return p.opened() != nil })
	message := socket.Prepare(socket.Binary, make([]byte, 256<<10))
	n := 0
	for ; p.opened().Post(message) == nil; n++ {
		if n > 1000 {
			t.Fatal("everything is taken")
		}
	}
	for next := client.next(); ; next = client.next() {
		if strings.HasPrefix(next, "bytes ") {
			continue
		}
		if !strings.HasPrefix(next, "close 1013 More than ") {
			t.Errorf("%.100s", next)
		}
		break
	}
}

// TestPeerWhoPings and reads nothing makes nobody keep the answers.
func TestPeerWhoPings(t *testing.T) {
	p := open(t, socket.Options{Send: 300 * time.Millisecond})
	client := p.connect()
	ping := bytes.Repeat(frame(0x89, strings.Repeat("p", 125)), 1000)
	for range 200 {
		if _, err := client.Write(ping); err != nil {
			break
		}
		if c := p.opened(); c != nil && c.Buffered() > 1<<10 {
			t.Fatalf("%d bytes wait", c.Buffered())
		}
	}
}

// TestMessagesWait: a handler that is busy holds the peer's sending up, and the
// connection is watched all the same.
func TestMessagesWait(t *testing.T) {
	p := open(t, socket.Options{})
	release, took := make(chan struct{}), atomic.Int64{}
	p.took = func(ctx context.Context, c *socket.Conn, m socket.Message) {
		<-release
		took.Add(1)
		c.Send(ctx, m.Kind, m.Data) //nolint:errcheck // the client sees what comes
	}
	client := p.connect()
	client.bytes(frame(0x82, "first"))
	client.bytes(frame(0x89, "still there?"))
	client.want("pong still there?")
	sent := make(chan int)
	go func() {
		n := 0
		for ; n < 2000; n++ { // 32 MiB: more than the system takes
			client.SetWriteDeadline(time.Now().Add(time.Second)) //nolint:errcheck // the write tells
			if _, err := client.Write(frame(0x82, strings.Repeat("x", 16<<10))); err != nil {
				break
			}
		}
		sent <- n
	}()
	if n := <-sent; n == 2000 {
		t.Error("the peer is not held up")
	}
	close(release)
	client.want("bytes first", "bytes x*")
	client.Close()
	end := p.end()
	if n := took.Load(); n < 5 || end.Code != socket.Abnormal {
		t.Errorf("%d messages were handed over, %+v", n, end)
	}
}

// TestAnnouncedLength: memory comes with bytes, not with what is announced, and
// is bounded for all connections together: see TestRoomOfMessagesBeingHandled.
func TestAnnouncedLength(t *testing.T) {
	p := open(t, socket.Options{Message: 3 << 20, Room: 6 << 20})
	announced := []byte{0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0x2f, 0, 0, 0, 0, 0, 0}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		p.connect().bytes(announced)
	}
	until(t, "100 connections", func() bool { return len(p.Group("/g")) == 100 })
	runtime.ReadMemStats(&after)
	if more := int64(after.HeapAlloc) - int64(before.HeapAlloc); more > 20<<20 {
		t.Errorf("%d MiB", more>>20)
	}
}

// TestRoomOfMessagesBeingHandled: a long message has its room until the handler is
// done with it.
func TestRoomOfMessagesBeingHandled(t *testing.T) {
	p := open(t, socket.Options{Room: 2 << 20})
	began, release := make(chan struct{}), make(chan struct{})
	p.took = func(ctx context.Context, c *socket.Conn, m socket.Message) {
		if len(m.Data) > 100<<10 {
			began <- struct{}{}
			<-release
		}
		c.Send(ctx, m.Kind, m.Data[:1]) //nolint:errcheck // the client sees what comes
	}
	long := frame(0x82, strings.Repeat("x", 900<<10))
	first, second, third := p.connect(), p.connect(), p.connect()
	first.bytes(long)
	<-began
	third.bytes(frame(0x82, "short"))
	third.want("bytes s")
	go second.bytes(long) // it is hung up on in the middle
	second.want("close 1013 Too many long messages are being received or handled at the moment; connect again in a while.")
	close(release)
	first.want("bytes x")
	go func() { <-began }()
	third.bytes(long)
	third.want("bytes x")
}

// TestStop: what has come in is answered, then everybody is told why, and nobody
// is let in any more.
func TestStop(t *testing.T) {
	p := open(t, socket.Options{})
	began, release := make(chan struct{}), make(chan struct{})
	p.took = func(ctx context.Context, c *socket.Conn, m socket.Message) {
		close(began)
		<-release
		c.Send(ctx, m.Kind, m.Data) //nolint:errcheck // the client sees what comes
	}
	idle, busy := p.connect(), p.connect()
	busy.bytes(frame(0x81, "work"))
	<-began
	stopped := make(chan struct{})
	go func() { p.Close(t.Context(), socket.Restart, "again at once"); close(stopped) }()
	idle.want("close 1012 again at once", "end")
	late := p.dial()
	late.bytes([]byte(handshake))
	if resp, err := http.ReadResponse(late.r, nil); err != nil || resp.StatusCode != http.StatusTeapot {
		t.Errorf("%v %v", resp, err)
	}
	close(release)
	busy.want("text work", "close 1012 again at once", "end")
	<-stopped
}

// TestStopThatIsImpatient hangs up, and tells handlers.
func TestStopThatIsImpatient(t *testing.T) {
	p := open(t, socket.Options{})
	began, told := make(chan struct{}), make(chan error, 1)
	p.took = func(ctx context.Context, _ *socket.Conn, _ socket.Message) {
		close(began)
		<-ctx.Done()
		told <- ctx.Err()
	}
	client := p.connect()
	client.bytes(frame(0x81, "work"))
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Close(ctx, socket.GoingAway, "")
	client.want("e*") // the end, in whichever way the system tells it
	if err := <-told; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestCloseFromInside: a handler may close its own connection.
func TestCloseFromInside(t *testing.T) {
	p := open(t, socket.Options{})
	p.took = func(ctx context.Context, c *socket.Conn, m socket.Message) {
		c.Send(ctx, m.Kind, m.Data) //nolint:errcheck // the client sees what comes
		c.Close(4000, strings.Repeat("ž", 100))
		if err := c.Send(ctx, m.Kind, m.Data); err != nil && !errors.Is(err, socket.ErrClosed) {
			t.Error(err)
		}
		<-c.Context().Done()
	}
	client := p.connect()
	client.bytes(frame(0x81, "a"))
	client.want("text a")
	got := client.next()
	if got == "text a" {
		got = client.next()
	}
	if got != "close 4000 "+strings.Repeat("ž", 61) { // 123 bytes, and no half character
		t.Error(got)
	}
}

// TestHandlerThatPanics costs its connection.
func TestHandlerThatPanics(t *testing.T) {
	p := open(t, socket.Options{})
	p.took = func(context.Context, *socket.Conn, socket.Message) { panic("a mistake") }
	client := p.connect()
	client.bytes(frame(0x81, "a"))
	client.want("close 1011 The server made a mistake; its log says more.")
	p.took = nil
	other := p.connect()
	other.bytes(frame(0x81, "a"))
	other.want("text a")
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	p := open(t, socket.Options{Metrics: reg})
	client := p.connect()
	client.bytes(append(frame(0x81, "a"), frame(0x88, "\x0b\xb8")...))
	client.want("text a", "close 3000 ")
	p.end()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			text := f.GetName()
			for _, l := range m.GetLabel() {
				text += " " + l.GetValue()
			}
			got = append(got, fmt.Sprint(text, " ", m.GetCounter().GetValue()+m.GetGauge().GetValue()))
		}
	}
	for _, want := range []string{
		"junctor_websocket_closed_total peer private 1", "junctor_websocket_messages_total in 1", "junctor_websocket_messages_total out 1",
		"junctor_websocket_opened_total 1",
	} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s is missing of %v", want, got)
		}
	}
}

// TestAdmitWithoutOpen: a place that is given up is there again.
func TestAdmitWithoutOpen(t *testing.T) {
	s := socket.NewServer(socket.Options{Connections: 1})
	r, err := http.NewRequest("GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		r.Header.Set(name, value)
	}
	c, err := s.Admit(r, socket.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), socket.Text, nil); !errors.Is(err, socket.ErrClosed) {
		t.Error(err)
	}
	if _, err := s.Admit(r, socket.Limits{}); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	c.Leave()
	if _, err := s.Admit(r, socket.Limits{}); err != nil {
		t.Error(err)
	}
}

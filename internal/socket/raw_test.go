package socket_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"

	"junctor/internal/socket"
)

// echo sends every message back, and notes how connections end.
type echo struct {
	ends chan socket.End

	mu   sync.Mutex
	conn *socket.Conn
	took func(ctx context.Context, c *socket.Conn, m socket.Message) // instead of sending it back
}

func (e *echo) Message(ctx context.Context, c *socket.Conn, m socket.Message) {
	if e.took != nil {
		e.took(ctx, c, m)
		return
	}
	c.Send(ctx, m.Kind, m.Data) //nolint:errcheck // the test sees what comes
}

func (e *echo) Closed(_ *socket.Conn, end socket.End) { e.ends <- end }

func (e *echo) opened() *socket.Conn {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.conn
}

// place is a server of websockets that sends everything back.
type place struct {
	*testing.T
	*socket.Server
	*echo
	limits *socket.Limits
	http   *httptest.Server
}

func open(t *testing.T, o socket.Options) *place {
	t.Helper()
	if o.Linger == 0 {
		o.Linger = 100 * time.Millisecond // clients here do not hang up
	}
	p := &place{T: t, Server: socket.NewServer(o), echo: &echo{ends: make(chan socket.End, 1000)}, limits: &socket.Limits{}}
	p.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limits := *p.limits
		limits.Group = r.URL.Path
		c, err := p.Upgrade(w, r, limits, p.echo)
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, err.Error()) //nolint:errcheck // the test sees what comes
			return
		}
		p.mu.Lock()
		p.conn = c
		p.mu.Unlock()
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		p.Close(ctx, socket.GoingAway, "the test is over")
		p.http.Close()
	})
	return p
}

// end waits for the end of a connection.
func (p *place) end() socket.End {
	p.Helper()
	select {
	case end := <-p.ends:
		return end
	case <-time.After(20 * time.Second):
		p.Fatal("the connection does not end")
		return socket.End{}
	}
}

const handshake = "GET /g HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// raw is a client that sends what it is told to, byte by byte.
type raw struct {
	*testing.T
	net.Conn
	r *bufio.Reader
}

func (p *place) dial() *raw {
	p.Helper()
	conn, err := net.Dial("tcp", p.http.Listener.Addr().String())
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second)) //nolint:errcheck // a connection that was made a moment ago
	return &raw{p.T, conn, bufio.NewReader(conn)}
}

// connect opens a websocket.
func (p *place) connect() *raw {
	p.Helper()
	c := p.dial()
	c.bytes([]byte(handshake))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		p.Fatal(err)
	}
	if resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455, 1.3
		p.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	return c
}

func (c *raw) bytes(b []byte) {
	c.Helper()
	if _, err := c.Write(b); err != nil && !errors.Is(err, net.ErrClosed) {
		c.Logf("sending: %v", err)
	}
}

// frame is one of a client: first is FIN, the reserved bits and the opcode.
func frame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i&3])
	}
	return b
}

// next is what the server sends next, as text: OPCODE and the payload, of a close
// frame with its code.
func (c *raw) next() string {
	c.Helper()
	var head [2]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return "end"
		}
		return "error " + err.Error()
	}
	n := int64(head[1] & 0x7f)
	switch n {
	case 126:
		var more [2]byte
		io.ReadFull(c.r, more[:]) //nolint:errcheck // the payload tells
		n = int64(binary.BigEndian.Uint16(more[:]))
	case 127:
		var more [8]byte
		io.ReadFull(c.r, more[:]) //nolint:errcheck // the payload tells
		n = int64(binary.BigEndian.Uint64(more[:]))
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(c.r, payload); err != nil {
		return "broken " + err.Error()
	}
	if head[0]&0x80 == 0 || head[1]&0x80 != 0 {
		return fmt.Sprintf("a frame in pieces or masked: %x", head)
	}
	if head[0]&0x40 != 0 {
		unpacked, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
		if err != nil {
			return "broken " + err.Error()
		}
		return "packed " + map[byte]string{1: "text ", 2: "bytes "}[head[0]&0x0f] + string(unpacked)
	}
	switch head[0] & 0x7f {
	case 1:
		return "text " + string(payload)
	case 2:
		return "bytes " + string(payload)
	case 8:
		if len(payload) < 2 {
			return "close"
		}
		return fmt.Sprintf("close %d %s", binary.BigEndian.Uint16(payload), payload[2:])
	case 9:
		return "ping " + string(payload)
	case 10:
		return "pong " + string(payload)
	}
	return fmt.Sprintf("a frame %x", head)
}

// want holds what the server sends against what it should, the first word of
// which may be followed by anything when it ends in *.
func (c *raw) want(wanted ...string) {
	c.Helper()
	for _, one := range wanted {
		got := c.next()
		if prefix, any := strings.CutSuffix(one, "*"); got != one && (!any || !strings.HasPrefix(got, prefix)) {
			c.Fatalf("the server sends %.200q, not %q", got, one)
		}
	}
}

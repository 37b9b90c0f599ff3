package hub_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/hub"
)

// The frames of HTTP/2 (RFC 9113, 6) that are used here, and their flags.
const (
	frameData, frameHeaders, frameReset, frameSettings = 0, 1, 3, 4
	framePing, frameGoAway, frameWindow, frameMore     = 6, 7, 8, 9

	flagEndStream, flagEndHeaders, flagAck = 1, 4, 1
)

func frame(kind, flags byte, stream uint32, payload string) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	return string(binary.BigEndian.AppendUint32(append(head, flags), stream)) + payload
}

// header is one in HPACK, written out (RFC 7541, 6.2.2).
func header(name, value string) string {
	return "\x00" + hpackText(name) + hpackText(value)
}

func hpackText(s string) string {
	n := len(s)
	if n < 127 {
		return string([]byte{byte(n)}) + s
	}
	head := []byte{127}
	for n -= 127; n >= 128; n >>= 7 {
		head = append(head, byte(n)|128)
	}
	return string(append(head, byte(n))) + s
}

// begin is the start of a connection, with settings as pairs of 2 and 4 bytes.
func begin(settings string) string {
	return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(frameSettings, 0, 0, settings)
}

func asks(method, path string) string {
	return header(":method", method) + header(":scheme", "http") + header(":authority", "h") + header(":path", path)
}

// frames reads until the connection ends, or over says so of a frame.
func frames(conn net.Conn, over func(kind byte, stream uint32, payload []byte) bool) error {
	for head := make([]byte, 9); ; {
		if _, err := io.ReadFull(conn, head); err != nil {
			return err
		}
		payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
		if _, err := io.ReadFull(conn, payload); err != nil {
			return err
		}
		if over(head[3], binary.BigEndian.Uint32(head[5:]), payload) {
			return nil
		}
	}
}

// TestHostileHTTP2: floods and stalls end the connection, or do no harm, within
// little memory; others are served meanwhile.
func TestHostileHTTP2(t *testing.T) {
	s := hasty(t, nil)
	path := "/api/token/v1/" + s.token["length"]
	get, post := asks("GET", path), asks("POST", path)
	odd := func(i int) uint32 { return uint32(2*i + 1) }
	// flood writes what next gives until the server has had enough.
	flood := func(first string, next func(i int) string) func(*testing.T, net.Conn) {
		return func(t *testing.T, conn net.Conn) {
			t.Helper()
			_, err := io.WriteString(conn, first)
			for i := 0; err == nil; i++ {
				_, err = io.WriteString(conn, next(i))
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the server neither reads on nor ends the connection")
			}
		}
	}
	for _, c := range []struct {
		name string
		send func(*testing.T, net.Conn)
	}{
		{"an endless list of headers", flood(begin("")+frame(frameHeaders, 0, 1, get), func(i int) string {
			return frame(frameMore, 0, 1, strings.Repeat(header("x", strings.Repeat("y", 100)), 100))
		})},
		{"endless pieces of nothing", flood(begin("")+frame(frameHeaders, 0, 1, get), func(int) string {
			return strings.Repeat(frame(frameMore, 0, 1, ""), 100)
		})},
		{"headers from the table, again and again", flood(begin("")+frame(frameHeaders, 0, 1, get+"\x40"+hpackText("x")+hpackText(strings.Repeat("y", 4000))), func(int) string {
			return frame(frameMore, 0, 1, strings.Repeat("\xbe", 16000))
		})},
		{"pings", flood(begin(""), func(int) string { return strings.Repeat(frame(framePing, 0, 0, "12345678"), 100) })},
		{"settings", flood(begin(""), func(int) string { return strings.Repeat(frame(frameSettings, 0, 0, ""), 100) })},
		{"a frame too large", flood(begin("")+frame(frameHeaders, flagEndHeaders, 1, post), func(int) string {
			return frame(frameData, 0, 1, strings.Repeat("x", 65<<10))
		})},
		{"more than the window", flood(begin("")+frame(frameHeaders, flagEndHeaders, 1, asks("POST", path)+header("content-length", "1000000")), func(int) string {
			return frame(frameData, 0, 1, strings.Repeat("x", 16<<10))
		})},
		{"streams out of order", flood(begin(""), func(i int) string { return frame(frameHeaders, flagEndHeaders|flagEndStream, 9-odd(min(i, 3)), get) })},
		{"noise", flood(begin(""), func(int) string { return strings.Repeat("\xff\x00", 500) })},
	} {
		t.Run(c.name, func(t *testing.T) { s.endure(t, c.send) })
	}
	t.Run("rapid resets", func(t *testing.T) {
		s.endure(t, func(t *testing.T, conn net.Conn) {
			t.Helper()
			io.WriteString(conn, begin("")) //nolint:errcheck // as below
			go frames(conn, func(byte, uint32, []byte) bool { return false })
			for i := range 5000 {
				if _, err := io.WriteString(conn, frame(frameHeaders, flagEndHeaders|flagEndStream, odd(i), get)+frame(frameReset, 0, odd(i), "\x00\x00\x00\x08")); err != nil {
					return // it has had enough
				}
			}
		})
	})
}

// TestHostsOfHTTP2: a host beside the :authority has to be the same one, and is
// seen once.
func TestHostsOfHTTP2(t *testing.T) {
	const ok, refused = 0x88, 0x8c // :status 200 and 400 (RFC 7541, appendix A)
	s := hasty(t, nil)
	path := "/api/token/v1/" + s.token["length"]
	for _, c := range []struct {
		name, headers string
		status        byte
	}{
		{"none", "", ok},
		{"the same", header("host", "h"), ok},
		{"in capitals", header("host", "H"), ok},
		{"another", header("host", "evil"), refused},
		{"two", header("host", "h") + header("host", "evil"), refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := (&site{t: t, base: s.base}).connect()
			io.WriteString(conn, begin("")+frame(frameHeaders, flagEndHeaders|flagEndStream, 1, asks("POST", path)+c.headers)) //nolint:errcheck // its answer tells
			got := byte(0)
			err := frames(conn, func(kind byte, _ uint32, payload []byte) bool {
				if kind == frameHeaders {
					got = payload[0]
				}
				return kind == frameHeaders
			})
			if err != nil || got != c.status {
				t.Errorf("answered %#x, %v", got, err)
			}
		})
	}
}

// endure lets several senders do their worst. Each brings about its own end.
func (s *site) endure(t *testing.T, send func(*testing.T, net.Conn)) {
	t.Helper()
	const senders, most = 10, 12 << 20 // bytes for each, with what this test itself holds of its sending
	before := heap()
	var sending sync.WaitGroup
	var cost atomic.Int64
	over := make(chan struct{})
	for range senders {
		conn := s.connect()
		sending.Go(func() { send(t, conn) })
	}
	go func() { sending.Wait(); close(over) }()
	for going := true; going; {
		(&site{t: t, base: s.base, token: s.token}).serves()
		cost.Store(max(cost.Load(), heap()-before))
		select {
		case <-over:
			going = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Logf("at most %d KiB for each", cost.Load()>>10/senders)
	if cost.Load() > senders*most {
		t.Errorf("%d senders cost %d MiB", senders, cost.Load()>>20)
	}
}

// TestWindowOfNothing: an answer that its receiver does not let through is given
// up, and so is one that it lets through byte by byte.
func TestWindowOfNothing(t *testing.T) {
	t.Parallel()
	s := hasty(t, nil)
	path := "/api/token/v1/" + s.token["length"] + "/long"
	for name, drip := range map[string]bool{"nothing": false, "a byte at a time": true} {
		t.Run(name, func(t *testing.T) {
			conn := (&site{t: t, base: s.base}).connect()
			io.WriteString(conn, begin("\x00\x04\x00\x00\x00\x00")+frame(frameHeaders, flagEndHeaders|flagEndStream, 1, asks("GET", path)))
			over := make(chan struct{})
			defer close(over)
			go func() {
				for drip {
					select {
					case <-over:
						return
					case <-time.After(10 * time.Millisecond):
						io.WriteString(conn, frame(frameWindow, 0, 1, "\x00\x00\x00\x01")) //nolint:errcheck // until it is over
					}
				}
			}()
			err := frames(conn, func(kind byte, stream uint32, _ []byte) bool {
				return kind == frameReset && stream == 1 || kind == frameGoAway
			})
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the server waits for ever")
			}
		})
	}
	s.serves()
}

// TestManyStreams: no more than the server says are open on a connection, and a
// connection on which nothing happens ends.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	s := hasty(t, func(o *hub.Options) { o.Patience.Body = 2 * time.Second })
	conn := s.connect()
	const sent = 150
	var b strings.Builder
	b.WriteString(begin(""))
	for i := range sent {
		b.WriteString(frame(frameHeaders, flagEndHeaders, uint32(2*i+1), asks("POST", "/api/token/v1/"+s.token["length"]))) // and no body
	}
	go io.WriteString(conn, b.String())
	refused, answered := 0, 0
	err := frames(conn, func(kind byte, _ uint32, payload []byte) bool {
		switch {
		case kind == frameReset && binary.BigEndian.Uint32(payload) == 7: // REFUSED_STREAM
			refused++
		case kind == frameHeaders:
			answered++
		}
		return false
	})
	if errors.Is(err, os.ErrDeadlineExceeded) || refused != 50 || answered != 100 {
		t.Errorf("%d are refused and %d answered, then %v", refused, answered, err)
	}
	s.serves()
}

// TestSilentHTTP2: connections on which a frame never ends, or nothing comes at
// all, end by themselves.
func TestSilentHTTP2(t *testing.T) {
	t.Parallel()
	s := hasty(t, nil)
	get := asks("GET", "/api/token/v1/"+s.token["length"])
	for name, sent := range map[string]string{
		"nothing":                       begin(""),
		"half a frame":                  begin("") + frame(frameHeaders, flagEndHeaders|flagEndStream, 1, get)[:12],
		"headers without an end":        begin("") + frame(frameHeaders, 0, 1, get),
		"headers and a piece of more":   begin("") + frame(frameHeaders, 0, 1, get) + frame(frameMore, 0, 1, strings.Repeat("x", 1000))[:9],
		"settings that nobody confirms": begin("") + frame(frameSettings, 0, 0, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := (&site{t: t, base: s.base}).connect()
			io.WriteString(conn, sent) //nolint:errcheck // its end tells
			go func() {
				for range time.Tick(50 * time.Millisecond) { // a byte of a header block at a time, where there is one
					if name != "headers and a piece of more" {
						return
					}
					if _, err := conn.Write([]byte("x")); err != nil {
						return
					}
				}
			}()
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the server waits for ever")
			}
		})
	}
}

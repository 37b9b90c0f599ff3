package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// The opcodes of frames (RFC 6455, 11.8).
const (
	Text   = 1
	Binary = 2
	Close  = 8
	ping   = 9
	pong   = 10
)

// Socket is the client's side of a websocket: as much of RFC 6455 as a server
// that keeps to it demands. It is for one goroutine.
type Socket struct {
	net.Conn
	in  *bufio.Reader
	out []byte
	set time.Time
}

// DialSocket opens a websocket. An answer other than 101 is a *Refused.
func DialSocket(ctx context.Context, t Target, path string, header http.Header) (*Socket, error) {
	c, err := dial(ctx, t)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		c.net.SetDeadline(deadline)          //nolint:errcheck // the next write tells
		defer c.net.SetDeadline(time.Time{}) //nolint:errcheck // as above
	}
	s := &Socket{Conn: c.net, in: c.in}
	if err := s.Open(t.Host, path, header); err != nil {
		c.close()
		return nil, err
	}
	return s, nil
}

// NewSocket is a websocket to be, on a connection that the caller has made.
func NewSocket(c net.Conn) *Socket { return &Socket{Conn: c, in: bufio.NewReader(c)} }

// Open makes the handshake. An answer other than 101 is a *Refused.
func (s *Socket) Open(host, path string, header http.Header) error {
	h := header.Clone()
	if h == nil {
		h = http.Header{}
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		h.Set(name, value)
	}
	if _, err := s.Write(Target{Host: host}.Bytes(http.MethodGet, path, h, nil)); err != nil {
		return fmt.Errorf("sending the handshake: %w", err)
	}
	resp, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return fmt.Errorf("reading the answer to the handshake: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) //nolint:errcheck // what there is of it
		return &Refused{resp.StatusCode, resp.Header, body}
	}
	return nil
}

// Refused is an answer to a handshake that opens no websocket.
type Refused struct {
	Status int
	Header http.Header
	Body   []byte
}

func (r *Refused) Error() string {
	return fmt.Sprintf("the handshake was answered %d %s", r.Status, r.Body)
}

// Send sends one frame with the opcode.
func (s *Socket) Send(opcode byte, data []byte) error {
	b := s.out[:0]
	b = append(b, 0x80|opcode)
	switch n := len(data); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	var mask [4]byte
	rand.Read(mask[:]) //nolint:errcheck // never fails
	b = append(b, mask[:]...)
	at := len(b)
	b = append(b, data...)
	for i := range data {
		b[at+i] ^= mask[i&3]
	}
	s.out = b
	_, err := s.Write(b)
	return err
}

// Receive is the next frame that is no ping or pong; pings are answered. The data
// of a close frame are its code and reason.
func (s *Socket) Receive() (opcode byte, data []byte, err error) {
	for {
		var head [10]byte
		if _, err := io.ReadFull(s.in, head[:2]); err != nil {
			return 0, nil, err
		}
		n := uint64(head[1] & 0x7f)
		if more := map[uint64]int{126: 2, 127: 8}[n]; more > 0 {
			if _, err := io.ReadFull(s.in, head[10-more:]); err != nil {
				return 0, nil, err
			}
			n = binary.BigEndian.Uint64(head[2:])
		}
		if head[0]&0xf0 != 0x80 || n > 1<<30 {
			return 0, nil, errors.New("a frame that this client does not know")
		}
		data = make([]byte, n)
		if _, err := io.ReadFull(s.in, data); err != nil {
			return 0, nil, err
		}
		switch opcode = head[0] & 0x0f; opcode {
		case ping:
			if err := s.Send(pong, data); err != nil {
				return 0, nil, err
			}
		case pong:
		default:
			return opcode, data, nil
		}
	}
}

// exchange sends a text and receives what it is answered with: 200, or 500 for
// an error, a frame that closes or one of bytes.
func (s *Socket) exchange(request []byte, timeout time.Duration) (status int, err error) {
	now := time.Now()
	if s.set.IsZero() || now.Sub(s.set) > timeout/4 {
		if err := s.SetDeadline(now.Add(timeout)); err != nil {
			return 0, err
		}
		s.set = now
	}
	if err := s.Send(Text, request); err != nil {
		return 0, fmt.Errorf("sending the message: %w", err)
	}
	opcode, data, err := s.Receive()
	switch {
	case err != nil:
		return 0, fmt.Errorf("reading the answer: %w", err)
	case opcode != Text || bytes.HasPrefix(data, []byte(`{"error":`)):
		return http.StatusInternalServerError, nil
	}
	return http.StatusOK, nil
}

func (s *Socket) close()    { s.Close() } //nolint:errcheck // nothing is written any more
func (*Socket) ended() bool { return false }

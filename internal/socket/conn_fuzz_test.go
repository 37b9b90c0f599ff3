package socket

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"testing"
	"time"
)

// taken keeps what is handed over.
type taken struct {
	messages []Message
	ended    chan End
}

func (k *taken) Message(_ context.Context, _ *Conn, m Message) { k.messages = append(k.messages, m) }
func (k *taken) Closed(_ *Conn, end End)                       { k.ended <- end }

// FuzzConnection: whatever a peer sends, the connection ends when the peer does,
// and nothing longer than may be is handed over.
func FuzzConnection(f *testing.F) {
	masked := func(first byte, data string) []byte {
		b := appendHeader(nil, header{final: first&bitFinal != 0, opcode: first & 0x0f, length: int64(len(data)), masked: true, mask: [4]byte{1, 2, 3, 4}})
		at := len(b)
		b = append(b, data...)
		unmask(b[at:], [4]byte{1, 2, 3, 4}, 0)
		return b
	}
	f.Add(masked(0x81, "Hello"))
	f.Add(append(masked(1, "Hel"), masked(0x80, "lo")...))
	f.Add(append(masked(0x89, "ping"), masked(0x88, "\x03\xe8")...))
	f.Add([]byte{0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4})
	f.Add(masked(0x81, ""))
	packed := masked(0x81, string(pack([]byte("Hello, Hello, Hello"))))
	packed[0] |= bitPacked
	f.Add(packed)
	f.Fuzz(func(t *testing.T, sent []byte) {
		s := NewServer(Options{Message: 1000, Linger: time.Millisecond, Receive: 5 * time.Second, Send: 5 * time.Second})
		ours, theirs := net.Pipe()
		k := &taken{ended: make(chan End, 1)}
		c := &Conn{server: s, limits: Limits{Message: 1000}, id: "con_fuzz", handler: k, conn: ours, r: bufio.NewReader(ours), deflate: true}
		c.ctx, c.off = context.WithCancel(context.Background())
		go c.serve()
		go func() {
			theirs.Write(sent) //nolint:errcheck // the server may hang up
			theirs.Close()
		}()
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			b := bytes.Buffer{}
			b.ReadFrom(theirs) //nolint:errcheck // until it ends
		}()
		select {
		case <-k.ended:
		case <-time.After(20 * time.Second):
			t.Fatal("the connection does not end")
		}
		<-drained
		for _, m := range k.messages {
			if len(m.Data) > 1000 || m.Kind != Text && m.Kind != Binary {
				t.Errorf("%d bytes of kind %d", len(m.Data), m.Kind)
			}
		}
		if n := s.room.Taken(); n != 0 {
			t.Errorf("%d bytes of the room stay taken", n)
		}
	})
}

package socket

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"junctor/internal/unit"
)

// writePiece is how much a peer has the time of Options.Send for.
const writePiece = 64 << 10

// ErrClosed is what sending on a connection gives that ends or has ended.
var ErrClosed = errors.New("the connection is closed")

// Prepared is a message as it is sent; one serves any number of connections.
type Prepared struct {
	frame  []byte
	packed func() []byte // the same for those who unpack; nil when it is not worth it
}

// Prepare makes a message ready for sending. Text must be UTF-8.
func Prepare(kind Kind, data []byte) Prepared {
	p := Prepared{frame: frame(byte(kind), data)}
	if len(data) >= packFrom {
		p.packed = sync.OnceValue(func() []byte {
			small := pack(data)
			return append(appendHeader(nil, header{final: true, packed: true, opcode: byte(kind), length: int64(len(small))}), small...)
		})
	}
	return p
}

// of is the message for a connection.
func (p Prepared) of(c *Conn) []byte {
	if c.deflate && p.packed != nil {
		return p.packed()
	}
	return p.frame
}

// Send gives a message to the connection, after those that wait. It returns when
// it is among them: while more than the server's Buffer would wait it blocks,
// until ctx ends. A peer that does not take what waits is closed with a reason
// after Options.Send. Errors: ErrClosed, or why ctx ended.
func (c *Conn) Send(ctx context.Context, kind Kind, data []byte) error {
	return c.SendPrepared(ctx, Prepare(kind, data))
}

// SendPrepared is Send for a message that is sent more than once.
func (c *Conn) SendPrepared(ctx context.Context, p Prepared) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.wait(ctx, 0, func() bool { return c.shut || c.broken || c.fits(p) })
	if err != nil {
		return fmt.Errorf("send on %s: %w", c.id, err)
	}
	return c.add(p)
}

// Taken returns when nothing waits to be sent any more: the system has taken all
// of it, as it does while the peer reads. Errors: ErrClosed, or why ctx ended.
func (c *Conn) Taken(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.wait(ctx, 0, func() bool { return c.shut || c.broken || !c.writing })
	switch {
	case err != nil:
		return fmt.Errorf("send on %s: %w", c.id, err)
	case c.shut || c.broken:
		return ErrClosed
	}
	return nil
}

// mostPosted is how much Post lets wait on a connection.
const mostPosted = 1 << 20

// Post is SendPrepared that never blocks: a connection whose peer has left more
// than 1 MiB waiting is closed instead, as too slow.
func (c *Conn) Post(p Prepared) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.shut && !c.broken && c.unsent > 0 && c.unsent+int64(len(p.frame)) > max(mostPosted, c.server.Buffer) {
		c.tooSlow(fmt.Sprintf("More than %s wait to be read by you; connect again, and read faster.", unit.FormatSize(c.unsent)))
		return ErrClosed
	}
	return c.add(p)
}

// fits reports whether a message may wait beside those that do.
func (c *Conn) fits(p Prepared) bool {
	return c.unsent == 0 || c.unsent+int64(len(p.frame)) <= c.server.Buffer
}

func (c *Conn) add(p Prepared) error {
	if c.shut || c.broken || c.conn == nil {
		return ErrClosed
	}
	c.server.metrics.sent.Inc()
	c.push(p.of(c))
	return nil
}

// push is called with the lock.
func (c *Conn) push(f []byte) {
	if c.broken {
		return
	}
	c.out, c.unsent = append(c.out, f), c.unsent+int64(len(f))
	c.flushing()
}

// flushing sees to it that what waits is sent; an idle connection needs no
// goroutine for it. It is called with the lock.
func (c *Conn) flushing() {
	if !c.writing {
		c.writing = true
		go c.flush()
	}
}

// flush sends what waits.
func (c *Conn) flush() {
	for {
		c.mu.Lock()
		f := c.next()
		c.mu.Unlock()
		if f == nil {
			return
		}
		n, err := c.write(f)
		c.mu.Lock()
		c.sent(f, n, err)
		c.mu.Unlock()
	}
}

// next is the frame to be sent now, nil when there is none. It is called with
// the lock.
func (c *Conn) next() (f []byte) {
	switch {
	case c.pong != nil:
		f, c.pong = c.pong, nil
		c.unsent += int64(len(f))
	case len(c.out) > 0:
		f, c.out[0] = c.out[0], nil
		c.out = c.out[1:]
	default:
		c.out, c.writing = nil, false
		c.signal()
	}
	return f
}

// sent takes note of how far a frame was sent. What a slow peer was sent half of
// it gets whole, so that it can read the close frame behind it. It is called with
// the lock.
func (c *Conn) sent(f []byte, n int, err error) {
	c.unsent -= int64(len(f))
	defer c.signal()
	if err == nil {
		return
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) || c.shut {
		c.breakOff()
		c.leaveLocked(End{Code: Abnormal, Reason: "The connection ended without a close frame.", ByPeer: true}, false)
		return
	}
	c.tooSlow("Nothing was read by you for " + unit.FormatDuration(c.server.Send) + "; connect again, and read faster.")
	if rest := f[n:]; len(rest) > 0 {
		c.out, c.unsent = append(c.out, rest), c.unsent+int64(len(rest))
	}
}

// tooSlow ends a connection whose peer does not read, and forgets what waits for
// it. It is called with the lock.
func (c *Conn) tooSlow(reason string) {
	for _, f := range c.out {
		c.unsent -= int64(len(f))
	}
	c.out, c.pong, c.shut = nil, nil, true
	c.leaveLocked(End{Code: TryAgainLater, Reason: reason}, false)
}

// write sends a frame, piece by piece: a peer that takes little at a time has
// the time for each.
func (c *Conn) write(f []byte) (n int, err error) {
	for n < len(f) && err == nil {
		var written int
		c.conn.SetWriteDeadline(time.Now().Add(c.server.Send)) //nolint:errcheck // the write tells
		written, err = c.conn.Write(f[n:min(n+writePiece, len(f))])
		n += written
	}
	return n, err
}

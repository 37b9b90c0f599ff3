package socket

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"junctor/internal/fault"
)

// readBuffer holds most messages whole; a longer one is read past it.
const readBuffer = 2 << 10

// Conn is one websocket. Its methods are safe for concurrent use.
type Conn struct {
	id       string
	server   *Server
	limits   Limits
	key      string // of the handshake, until it is answered
	protocol string // as well
	deflate  bool   // messages may be packed
	handler  Handler
	conn     net.Conn
	r        *bufio.Reader
	ctx      context.Context // ends when nothing can be sent any more
	off      context.CancelFunc

	mu      sync.Mutex
	changed chan struct{} // closed at the next change of what follows; nil while nobody waits
	queue   []Message     // that wait for the handler
	queued  int64         // their bytes
	working bool          // the handler is at work
	out     [][]byte      // frames that wait to be sent
	pong    []byte        // one that goes before them; nil for none
	unsent  int64         // bytes of frames, that which is being sent included
	writing bool          // frames are being sent
	leaving bool          // nothing more is read
	patient bool          // what has come in may be answered first
	shut    bool          // nothing more is taken for sending
	broken  bool          // nothing can be sent
	end     End           // why it ends; set with leaving
}

// ID names the connection: con_..., in all the domain.
func (c *Conn) ID() string { return c.id }

// From is the address that it was opened from, as Limits says it.
func (c *Conn) From() string { return c.limits.From }

// Context ends when the connection does, for whatever reason.
func (c *Conn) Context() context.Context { return c.ctx }

// Buffered is how many bytes wait to be taken by the peer.
func (c *Conn) Buffered() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unsent
}

// Open answers the handshake and begins to read: the connection is the server's
// from now on, and w is of no more use. When there is an error the connection has
// not come about, its place is free, and nothing may be written to w unless the
// error is a fault.UpgradeRequired.
func (c *Conn) Open(w http.ResponseWriter, h Handler) error {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		c.Leave()
		return fault.Wrap(err, fault.UpgradeRequired, "This connection cannot become a websocket; connect over HTTP/1.1 (RFC 6455).")
	}
	c.mu.Lock()
	c.handler, c.conn = h, conn
	c.mu.Unlock()
	conn.SetDeadline(time.Now().Add(c.server.Send)) //nolint:errcheck // the next write tells
	if _, err := conn.Write(answer(c.key, c.protocol, c.deflate)); err != nil {
		conn.Close() //nolint:errcheck // it has ended
		c.Leave()
		return fmt.Errorf("answer the handshake: %w", err)
	}
	c.key, c.protocol = "", "" // parts of what was read of the request
	var from io.Reader = conn
	if n := buffered.Reader.Buffered(); n > 0 { // a client that did not wait for the answer
		early, _ := buffered.Peek(n) //nolint:errcheck // they are there
		from = io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)
	}
	c.r = bufio.NewReaderSize(from, readBuffer)
	c.server.metrics.opened.Inc()
	go c.serve()
	return nil
}

// Leave gives up a place whose connection was not opened.
func (c *Conn) Leave() {
	c.off()
	c.server.remove(c)
}

// Close ends the connection with a code and a reason, of which at most 123 bytes
// are sent. What waits to be sent is sent first, as far as the peer takes it. The
// first end counts; Close does not wait for it.
func (c *Conn) Close(code int, reason string) { c.leave(End{Code: code, Reason: reason}, false) }

// leave makes the connection end. A patient end waits until what has come in was
// answered.
func (c *Conn) leave(end End, patient bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaveLocked(end, patient)
}

func (c *Conn) leaveLocked(end End, patient bool) {
	if c.leaving {
		return
	}
	c.leaving, c.patient, c.end = true, patient, end
	if c.conn != nil {
		c.conn.SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // it ends in any case
	}
	c.signal()
}

// hangUp ends the connection without a word.
func (c *Conn) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaveLocked(End{Code: Abnormal}, false)
	c.breakOff()
}

// breakOff is called with the lock when nothing more can be sent.
func (c *Conn) breakOff() {
	c.broken, c.out, c.pong = true, nil, nil
	if c.conn != nil {
		c.conn.Close() //nolint:errcheck // nobody listens
	}
	c.signal()
}

// serve reads until the connection ends, and sees to its end.
func (c *Conn) serve() {
	c.mu.Lock()
	if c.leaving { // it was closed before it began
		c.conn.SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // it ends in any case
	}
	c.mu.Unlock()
	end := c.read()
	c.leave(end, end.Code != Abnormal) // a peer who is still there may hear the answers
	c.mu.Lock()
	end = c.end
	if c.patient {
		c.wait(context.Background(), c.server.Receive, func() bool { return c.broken || !c.working }) //nolint:errcheck // or it takes too long
	}
	c.shut = true
	if end.Code != Abnormal && !c.broken {
		c.push(frame(opClose, closing(end.Code, end.Reason)))
	}
	c.wait(context.Background(), c.server.Send, func() bool { return c.broken || !c.writing }) //nolint:errcheck // as above
	linger := !c.broken && !c.writing && end.Code != Abnormal && !end.ByPeer
	c.mu.Unlock()
	if linger {
		c.linger()
	}
	c.mu.Lock()
	c.breakOff()
	c.mu.Unlock()
	c.off()
	c.mu.Lock()
	c.wait(context.Background(), 0, func() bool { return !c.working }) //nolint:errcheck // it cannot fail
	c.mu.Unlock()
	c.server.metrics.closed(end)
	c.handler.Closed(c, end)
	c.server.remove(c)
}

// linger waits until the peer has ended as well: who hangs up on what was not
// read makes the system throw away what the peer has not read either, the close
// frame among it.
func (c *Conn) linger() {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite() //nolint:errcheck // then the peer hears of it by the end
	}
	c.conn.SetReadDeadline(time.Now().Add(c.server.Linger)) //nolint:errcheck // the reading tells
	io.Copy(io.Discard, c.conn)                             //nolint:errcheck // the end is all that is waited for
}

// wait is called with the lock, and returns with it when ready says so, or with
// an error when ctx or the time has ended before; 0 is for ever.
func (c *Conn) wait(ctx context.Context, most time.Duration, ready func() bool) error {
	var over <-chan time.Time
	for !ready() {
		if over == nil && most > 0 {
			timer := time.NewTimer(most)
			defer timer.Stop()
			over = timer.C
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		case <-over:
			err = context.DeadlineExceeded
		}
		c.mu.Lock()
		if err != nil {
			return err
		}
	}
	return nil
}

// signal is called with the lock after a change that somebody may wait for.
func (c *Conn) signal() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"junctor/internal/limit"
	"junctor/internal/unit"
)

// What may wait for the handler of one connection; one message may in any case.
const (
	queueMessages = 16
	queueBytes    = 64 << 10
)

// promised is how much memory a message gets for what its frame announces; the
// rest comes with its bytes.
const promised = 16 << 10

// incoming is a message that is not whole yet.
type incoming struct {
	kind   Kind // 0: there is none
	packed bool
	data   []byte
	place  *limit.Place // of a long one, in the server's room; it is given back when the handler is done with the message
	room   int64        // that it takes there
}

// leave gives back the room that a message has.
func leave(place *limit.Place) {
	if place != nil {
		place.Leave()
	}
}

// read takes frames until the connection ends, and says how it ends.
func (c *Conn) read() (end End) {
	var m incoming
	defer func() { leave(m.place) }()
	for {
		if end, ok := c.begins(m.kind != 0); !ok {
			return end
		}
		h, err := readHeader(c.r, true, c.deflate)
		if err == nil && h.control() {
			var over bool
			if end, over, err = c.control(h); over {
				return end
			}
		} else if err == nil {
			err = c.data(h, &m)
		}
		if err != nil {
			return c.failed(err)
		}
		if m.kind != 0 && h.final && !h.control() {
			if m.packed {
				if err := c.unpack(&m); err != nil {
					return c.failed(err)
				}
			}
			if m.kind == Text && !utf8.Valid(m.data) {
				return c.failed(&violation{NotUTF8, "a text message is not UTF-8"})
			}
			whole := Message{m.kind, m.data, m.place}
			m = incoming{}
			c.deliver(whole)
		}
	}
}

// until gives what is read next its time, unless the connection is ending.
func (c *Conn) until(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leaving {
		c.conn.SetReadDeadline(t) //nolint:errcheck // the reading tells
	}
}

// begins waits for the next frame. Between messages silence is asked about; a
// message that has begun has its time, and what comes between its frames does
// not add to that.
func (c *Conn) begins(within bool) (end End, ok bool) {
	for asked := false; ; asked = true {
		if !within && c.r.Buffered() == 0 {
			c.until(time.Now().Add(c.server.Ping))
		}
		_, err := c.r.Peek(1)
		switch {
		case err == nil:
			if !within {
				c.until(time.Now().Add(c.server.Receive))
			}
			return End{}, true
		case !errors.Is(err, os.ErrDeadlineExceeded) || within || c.ends():
			return c.failed(err), false
		case asked:
			return End{Code: Policy, Reason: "No answer to a ping came within " + unit.FormatDuration(c.server.Ping) + "."}, false
		}
		c.mu.Lock()
		c.push(frame(opPing, nil))
		c.mu.Unlock()
	}
}

func (c *Conn) ends() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaving
}

// failed is the end that an error of reading makes.
func (c *Conn) failed(err error) End {
	var v *violation
	switch {
	case errors.As(err, &v):
		return End{Code: v.code, Reason: v.reason}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return End{Code: Policy, Reason: "A message did not come in whole within " + unit.FormatDuration(c.server.Receive) + "."}
	}
	return End{Code: Abnormal, Reason: "The connection ended without a close frame.", ByPeer: true}
}

// control takes a control frame; over is for the one that ends the connection.
func (c *Conn) control(h header) (end End, over bool, err error) {
	data := make([]byte, h.length)
	if _, err := io.ReadFull(c.r, data); err != nil {
		return End{}, false, err
	}
	unmask(data, h.mask, 0)
	switch h.opcode {
	case opPing: // of several it is enough to answer the last (RFC 6455, 5.5.3)
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.shut && !c.broken {
			c.pong = frame(opPong, data)
			c.flushing()
		}
	case opClose:
		code, reason, err := readClosing(data)
		return End{Code: code, Reason: reason, ByPeer: true}, err == nil, err
	}
	return End{}, false, nil
}

// data takes a frame of a message. Errors: *violation, and those of reading.
func (c *Conn) data(h header, m *incoming) error {
	switch {
	case h.opcode == opContinuation && m.kind == 0:
		return breach("a message is continued that has not begun")
	case h.opcode != opContinuation && m.kind != 0:
		return breach("a message begins within another one")
	case h.length > c.limits.Message-int64(len(m.data)):
		return c.tooBig()
	case m.kind == 0:
		m.kind, m.packed = Kind(h.opcode), h.packed
	}
	for left := h.length; left > 0; {
		if len(m.data) == cap(m.data) {
			if err := c.grow(m, left); err != nil {
				return err
			}
		}
		at := len(m.data)
		piece := m.data[at:min(int64(cap(m.data)), int64(at)+left)]
		n, err := c.r.Read(piece)
		unmask(piece[:n], h.mask, h.length-left)
		m.data, left = m.data[:at+n], left-int64(n)
		if err != nil && left > 0 {
			return unexpected(err)
		}
	}
	return nil
}

func (c *Conn) tooBig() error {
	return &violation{TooBig, "A message may have at most " + unit.FormatSize(c.limits.Message) + "."}
}

// grow makes room for more of a message, as much as there is already.
func (c *Conn) grow(m *incoming, left int64) error {
	size := int64(len(m.data)) + min(left, max(promised, int64(len(m.data))))
	if size > promised {
		if m.place == nil {
			m.place = c.server.room.Place(c.limits.Message, "group "+c.limits.Group, "from "+limit.Network(c.limits.From))
		}
		more := size - m.room
		m.room = size
		if !m.place.Grow(more) {
			return &violation{TryAgainLater, "Too many long messages are being received or handled at the moment; connect again in a while."}
		}
	}
	data := make([]byte, len(m.data), size)
	copy(data, m.data)
	m.data = data
	return nil
}

// deliver lets a message wait for the handler, and waits itself where too many
// do.
func (c *Conn) deliver(m Message) {
	c.server.metrics.received.Inc()
	size := int64(len(m.Data))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wait(context.Background(), 0, func() bool { //nolint:errcheck // it cannot fail
		return c.leaving || len(c.queue) == 0 || len(c.queue) < queueMessages && c.queued+size <= queueBytes
	})
	c.queue, c.queued = append(c.queue, m), c.queued+size
	if !c.working {
		c.working = true
		go c.work()
	}
}

// work hands the messages over that wait. An idle connection needs no goroutine
// for it.
func (c *Conn) work() {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.queue, c.working = nil, false
			c.signal()
			c.mu.Unlock()
			return
		}
		m := c.queue[0]
		c.queue[0] = Message{}
		c.queue, c.queued = c.queue[1:], c.queued-int64(len(m.Data))
		c.signal()
		c.mu.Unlock()
		c.handle(m)
	}
}

// handle hands one message over. What the handler does wrong costs the
// connection, not the process.
func (c *Conn) handle(m Message) {
	defer leave(m.place)
	defer func() {
		if wrong := recover(); wrong != nil {
			c.server.Log.Error("a websocket message could not be handled", "connection", c.id, "error", fmt.Sprint(wrong), "stack", string(debug.Stack()))
			c.Close(InternalError, "The server made a mistake; its log says more.")
		}
	}()
	c.handler.Message(c.server.ctx, c, m)
}

package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// conn is one keep-alive connection. Its parser knows as much of HTTP/1.1 as
// counting answers needs: status, length, chunks, end of connection.
type conn struct {
	net  net.Conn
	in   *bufio.Reader
	last bool // the server closes after this answer
	set  time.Time
}

func dial(ctx context.Context, t Target) (*conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return nil, err
	}
	if t.TLS {
		name, _, err := net.SplitHostPort(t.Address)
		if err != nil {
			c.Close() //nolint:errcheck // the address is what is wrong
			return nil, err
		}
		c = tls.Client(c, &tls.Config{ServerName: name, NextProtos: []string{"http/1.1"}})
	}
	return &conn{net: c, in: bufio.NewReaderSize(c, 8<<10)}, nil
}

func (c *conn) close()      { c.net.Close() } //nolint:errcheck // nothing is written any more
func (c *conn) ended() bool { return c.last }

// exchange sends one request and reads its answer to the end.
func (c *conn) exchange(request []byte, timeout time.Duration) (status int, err error) {
	// Setting a deadline costs as much as a small answer: only when the last
	// one has lost a quarter of its time.
	now := time.Now()
	if c.set.IsZero() || now.Sub(c.set) > timeout/4 {
		if err := c.net.SetDeadline(now.Add(timeout)); err != nil {
			return 0, err
		}
		c.set = now
	}
	if _, err := c.net.Write(request); err != nil {
		return 0, fmt.Errorf("sending the request: %w", err)
	}
	for status < 200 { // 1xx answers come before the real one
		if status, err = c.answer(); err != nil {
			return 0, fmt.Errorf("reading the answer: %w", err)
		}
	}
	return status, nil
}

// answer reads one status line, the headers and the body.
func (c *conn) answer() (int, error) {
	line, err := c.line()
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, fmt.Errorf("%q is not a status line of HTTP/1.1", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, fmt.Errorf("%q is not a status line of HTTP/1.1", line)
	}
	length, chunked := int64(-1), false
	for {
		if line, err = c.line(); err != nil {
			return 0, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case is(name, "content-length"):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil || length < 0 {
				return 0, fmt.Errorf("Content-Length %q is not a length", value)
			}
		case is(name, "transfer-encoding"):
			chunked = is(value, "chunked")
		case is(name, "connection"):
			c.last = is(value, "close")
		}
	}
	switch {
	case status < 200 || status == 204 || status == 304:
		return status, nil
	case chunked:
		return status, c.chunks()
	case length >= 0:
		_, err = c.in.Discard(int(length))
		return status, err
	default: // the body ends with the connection
		c.last = true
		_, err = io.Copy(io.Discard, c.in)
		return status, err
	}
}

func (c *conn) chunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is not the size of a chunk", line)
		}
		if n == 0 {
			return c.trailer()
		}
		if _, err := c.in.Discard(int(n) + 2); err != nil {
			return err
		}
	}
}

func (c *conn) trailer() error {
	for {
		line, err := c.line()
		if err != nil || len(line) == 0 {
			return err
		}
	}
}

// line reads one line without its end; it is valid until the next read.
func (c *conn) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = io.ErrUnexpectedEOF
	}
	return bytes.TrimRight(line, "\r\n"), err
}

// is compares without regard to case and without making anything new.
func is(b []byte, lower string) bool {
	return len(b) == len(lower) && bytes.EqualFold(b, []byte(lower))
}

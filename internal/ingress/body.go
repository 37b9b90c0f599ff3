package ingress

import (
	"bufio"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"junctor/internal/channel"
	"junctor/internal/fault"
	"junctor/internal/limit"
	"junctor/internal/unit"
)

// A body must arrive within bodyTime, unless the options say otherwise; a
// sender that needs longer is too slow to be served.
const bodyTime = time.Minute

// bodyRoom is how many bytes of bodies are in memory at the same time, from their
// first byte until their sender has his answer, unless the options say otherwise.
// Each body is bounded, but many slow senders of large ones would take all of the
// memory together, and so would many messages that a slow scenario is to answer.
// Small ones (see promised) come in without a place: what they take is bounded by
// the connections.
const bodyRoom = 128 << 20

var errNoRoom = fault.New(fault.Unavailable, "Too many large messages are being received or answered at the moment; nothing was accepted.").WithRetryAfter(time.Second)

// promised is how much room a body gets for what its Content-Length says: a
// sender that announces much and sends nothing must not cost memory.
const promised = 64 << 10

// readBody reads and decompresses a body within the channel's limit, counted both
// before and after decompression; from is the sender's address. leave is to be
// called, without an error, when the body is not needed any more. Errors:
// fault.TooLarge, fault.Invalid for broken framing or compression,
// fault.Unsupported for an unknown compression, fault.Timeout for a slow sender,
// fault.Unavailable when too much is being received.
func (d *door) readBody(w http.ResponseWriter, r *http.Request, c *channel.Config, from string) (body []byte, leave func(), err error) {
	leave = func() {}
	most := c.BodyLimit
	if r.ContentLength == 0 {
		return nil, leave, nil
	}
	if r.ContentLength > most {
		return nil, nil, tooLarge(most)
	}
	limited := http.MaxBytesReader(w, r.Body, most)
	reader, err := decompress(limited, r.Header.Values("Content-Encoding"), most)
	if err != nil {
		return nil, nil, d.bodyError(err, most)
	}
	if reader == io.Reader(limited) && 0 < r.ContentLength && r.ContentLength <= promised {
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(reader, body)
	} else {
		place := d.room.Place(most, "channel "+c.Code, "address "+limit.Network(from))
		leave = place.Leave
		body, err = io.ReadAll(place.Of(io.LimitReader(reader, most+1), errNoRoom))
	}
	if err == nil && int64(len(body)) > most {
		err = tooLarge(most)
	}
	if err != nil {
		leave()
		return nil, nil, d.bodyError(err, most)
	}
	// What comes now may take its time: the scenario is at work.
	http.NewResponseController(w).SetReadDeadline(time.Time{}) //nolint:errcheck // see hurry
	return body, leave, nil
}

// hurry gives the sender a time for the body. It holds for a body that nobody
// reads as well: the server looks for its end before it answers.
func (d *door) hurry(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(d.BodyTime)) //nolint:errcheck // a connection that cannot has ended
	}
}

// decompress undoes the encodings in the reverse order of their application. What
// comes out of each is bounded: two of them may make much of little, and then
// little of much.
func decompress(r io.Reader, encodings []string, limit int64) (io.Reader, error) {
	names := strings.FieldsFunc(strings.ToLower(strings.Join(encodings, ",")), func(c rune) bool { return c == ',' || c == ' ' })
	if len(names) > 2 {
		return nil, fault.New(fault.Unsupported, "A body may be compressed twice at most.")
	}
	for i := len(names) - 1; i >= 0; i-- {
		var err error
		switch names[i] {
		case "identity":
		case "gzip", "x-gzip":
			r, err = gzip.NewReader(r)
		case "deflate":
			r, err = inflate(r)
		default:
			return nil, fault.New(fault.Unsupported, "The Content-Encoding %q is not known; send gzip, deflate or identity.", names[i])
		}
		if err != nil {
			return nil, err
		}
		if i > 0 {
			r = &bounded{r, limit, limit}
		}
	}
	return r, nil
}

// bounded fails where more than limit bytes are read from it.
type bounded struct {
	from        io.Reader
	left, limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge(b.limit)
	}
	return n, err
}

// inflate reads deflate as the RFC has it, in the zlib format, and as some
// senders do it, bare.
func inflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		z, err := zlib.NewReader(b)
		return &whole{z, b}, err
	}
	return &whole{flate.NewReader(b), b}, nil
}

// whole is what is decompressed of all that there is: deflate, unlike gzip, says
// nothing about what follows its end.
type whole struct {
	io.Reader
	packed *bufio.Reader
}

func (w *whole) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if errors.Is(err, io.EOF) {
		if _, more := w.packed.Peek(1); more == nil {
			err = errors.New("there is more behind its end")
		} else {
			err = more
		}
	}
	return n, err
}

func tooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "The body is larger than the %s this channel takes, before or after decompression.", unit.FormatSize(limit))
}

func (d *door) bodyError(err error, limit int64) error {
	var f *fault.Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &large):
		return tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fault.New(fault.Timeout, "The body did not arrive within %s.", unit.FormatDuration(d.BodyTime))
	}
	return fault.Wrap(err, fault.Invalid, "The body cannot be read: its framing or compression is broken.")
}

package odata

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// receive reads the body; that of a file is left to putFile.
func (q *request) receive(w http.ResponseWriter, r *http.Request) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return fault.New(fault.Unsupported, "Bodies are taken uncompressed here; Content-Encoding is %.100q.", encoding)
	}
	limit := q.bodyLimit()
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	b := &incoming{limit: limit, connection: http.NewResponseController(w), patience: 30*time.Second + time.Duration(limit>>20)*2*time.Second}
	b.from = http.MaxBytesReader(w, r.Body, limit)
	b.timed = b.connection.SetReadDeadline(time.Now().Add(b.patience)) == nil // only a test's connection has no deadlines
	large := r.ContentLength < 0 || r.ContentLength > small
	if q.storesFile() {
		if q.content = b; large && !q.place.Grow(db.PieceSize) {
			return errNoRoom
		}
		return nil
	}
	times := int64(1)
	if q.route == &batch {
		times = 2 // it is copied when it is taken apart
	}
	var err error
	switch {
	case large && r.ContentLength > 0:
		if !q.place.Grow(times * r.ContentLength) {
			return errNoRoom
		}
		q.body = make([]byte, r.ContentLength)
		if _, err = io.ReadFull(b, q.body); err == nil {
			_, err = io.Copy(io.Discard, b) // there is nothing but its end
		}
	case large:
		for range times {
			b.from = q.place.Of(b.from, errNoRoom)
		}
		fallthrough
	default:
		q.body, err = io.ReadAll(b)
	}
	return err
}

// storesFile reports whether the request is one that stores a file.
func (q *request) storesFile() bool {
	return q.route.limit == fileLimit && q.isFile()
}

// bodyLimit is how large a body may be: only a file's may be as large as a file.
func (q *request) bodyLimit() int64 {
	if q.route.limit == fileLimit && !q.storesFile() {
		return bodyLimit
	}
	return q.route.bodyLimit()
}

// incoming is a body within its limits of size and time. The limit of time stays
// where it was not kept: the rest is not waited for either.
type incoming struct {
	from       io.Reader
	limit      int64
	connection *http.ResponseController
	patience   time.Duration
	timed      bool
}

// Read implements io.Reader.
func (b *incoming) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	var large *http.MaxBytesError
	var known *fault.Error
	switch {
	case err == nil || errors.As(err, &known):
	case errors.Is(err, io.EOF):
		if b.timed {
			b.connection.SetReadDeadline(time.Time{}) //nolint:errcheck // it could be set before
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fault.New(fault.Timeout, "The body did not arrive within %s.", b.patience)
	case errors.As(err, &large):
		err = tooLarge(b.limit)
	default:
		err = fault.Wrap(err, fault.Invalid, "The body ended early.")
	}
	return n, err
}

func tooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "The body is larger than the %d bytes that are taken here.", limit)
}

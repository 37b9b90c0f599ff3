package hub

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"junctor/internal/fault"
)

// headerBytes bounds the headers of a request, its first line included. Each
// header counts 32 bytes more than it has, which is how HTTP/2 counts (RFC 9113,
// 6.5.2) and what keeping it costs. net/http itself ends what is twice as long.
const headerBytes = 64 << 10

// guard lets requests of bounded headers through that can be read in one way
// only, and sees to it that nobody who does not take an answer holds on to it.
func guard(next http.Handler, patience Patience) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w, control: http.NewResponseController(w), patience: patience.Answer}
		defer a.extend() // what is still to be sent when the handler has returned
		if headerSize(r) > headerBytes {
			a.control.SetReadDeadline(time.Now().Add(patience.Header)) //nolint:errcheck // for a body that nobody reads; a connection that cannot has ended
			a.Header().Set("Connection", "close")
			fault.Write(a, fault.New(fault.HeaderTooLarge, "The headers are larger than 64 KiB."))
			return
		}
		if ambiguous(r) {
			fault.Write(a, fault.New(fault.Invalid, "The headers :authority and host name different servers; send one of them."))
			return
		}
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			// net/http has dropped a Content-Length beside the chunks, which somebody on
			// the way may have gone by (RFC 9112, 6.3): nothing follows on this connection.
			a.Header().Set("Connection", "close")
		}
		next.ServeHTTP(a, r)
	})
}

// ambiguous reports whether an HTTP/2 request has a host beside its :authority,
// and another one (RFC 9113, 8.3.1). One that is the same is taken out: it is no
// header of its own.
func ambiguous(r *http.Request) bool {
	hosts := r.Header["Host"]
	if r.ProtoMajor < 2 || len(hosts) == 0 {
		return false
	}
	delete(r.Header, "Host")
	return slices.ContainsFunc(hosts, func(h string) bool { return !strings.EqualFold(h, r.Host) })
}

func headerSize(r *http.Request) int {
	n := len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			n += len(name) + len(value) + 32
		}
	}
	return n
}

// answerPiece is how much of an answer its receiver has the patience's time for.
const answerPiece = 64 << 10

// answer is a ResponseWriter whose receiver has to take what is written in time.
// The receiver of an HTTP/2 answer may refuse to by a window of 0, when no
// connection's deadline would end the waiting.
type answer struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	extended time.Time
	hijacked bool
}

// extend gives the receiver its time, once a second at most.
func (a *answer) extend() {
	if now := time.Now(); !a.hijacked && now.Sub(a.extended) > min(time.Second, a.patience/4) {
		a.extended = now
		a.control.SetWriteDeadline(now.Add(a.patience)) //nolint:errcheck // a connection that cannot has ended
	}
}

// WriteHeader is that of http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.extend()
	a.ResponseWriter.WriteHeader(status)
}

// Write is that of http.ResponseWriter.
func (a *answer) Write(b []byte) (n int, err error) {
	for {
		piece := b[n:min(n+answerPiece, len(b))]
		a.extend()
		written, err := a.ResponseWriter.Write(piece)
		if n += written; err != nil || n == len(b) {
			return n, err
		}
	}
}

// Flush is that of http.Flusher.
func (a *answer) Flush() { a.FlushError() } //nolint:errcheck // the interface has no place for it

// FlushError is for http.ResponseController. Until more is written no time runs:
// HTTP/2 would end a stream on which nothing happens as well.
func (a *answer) FlushError() error {
	a.extend()
	err := a.control.Flush()
	a.extended = time.Time{}
	return errors.Join(err, a.control.SetWriteDeadline(time.Time{}))
}

// Hijack is that of http.Hijacker: the connection is the handler's from now on,
// without deadlines. Errors: http.ErrNotSupported, of HTTP/2.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := a.control.Hijack()
	a.hijacked = err == nil
	return conn, buffered, err
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

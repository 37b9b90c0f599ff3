package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"junctor/internal/connection"
	"junctor/internal/unit"
)

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = 24 * time.Hour

// Failure is nil for a status below 400. Otherwise it is the answer as an
// error: BackOff for 408, 425, 429 and 5xx, Permanent for the rest.
func (r *Response) Failure() error {
	if r.Status < 400 {
		return nil
	}
	e := &connection.Error{
		Class:   connection.Permanent,
		Message: fmt.Sprintf("%s answered %s to %s", r.label, statusText(r.Status), r.asked),
	}
	if retryable(r.Status) {
		e.Class, e.After = connection.BackOff, r.RetryAfter
	}
	return e
}

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

func retryable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// retryAfter reads Retry-After, seconds or a date. A date is compared with the
// answer's own Date where it has one, so that clocks need not agree.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// errTooLarge is an answer over the limit.
var errTooLarge = errors.New("answer over the size limit")

// read takes the body in, decoded, up to the limit.
func (c *Conn) read(res *http.Response) ([]byte, error) {
	if res.ContentLength > c.maxBody && res.Request.Method != http.MethodHead {
		return nil, errTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, c.maxBody+1))
	if int64(len(body)) > c.maxBody {
		return nil, errTooLarge
	}
	return body, err
}

// spared is how much of an answer that nobody wants is read all the same, so that
// its connection can be used again.
const spared = 64 << 10

// enough takes the beginning of a body in, decoded; of one that breaks off, or
// does not come in time, what there is: the status has said what counts.
func enough(res *http.Response, most int64) (body []byte, cut bool) {
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if int64(len(body)) <= most {
		return body, err != nil
	}
	io.CopyN(io.Discard, res.Body, spared) //nolint:errcheck // nobody wants it
	return body[:most], true
}

// failure turns what net/http says into an error of the connection, without
// the URL, which may hold a credential. what says what was being done.
func (c *Conn) failure(ctx context.Context, what string, timeout time.Duration, err error) error {
	var refused *refusal
	var classed *connection.Error
	switch {
	case errors.As(err, &classed):
		return classed
	case errors.As(err, &refused):
		return c.permanent("%s", refused.explain(what, c.lets))
	case errors.Is(err, errTooLarge):
		e := c.permanent("%s: the answer is larger than the %s that response_limit allows", what, unit.FormatSize(c.maxBody))
		e.Cause = errTooLarge
		return e
	case errors.Is(err, errRedirects):
		return c.permanent("%s: was %v", what, errRedirects)
	case ctx.Err() != nil:
		return c.notConnected(ctx.Err(), "%s: given up before an answer came: %v", what, ctx.Err())
	case errors.Is(err, context.DeadlineExceeded):
		return c.notConnected(err, "%s: no complete answer within %s", what, unit.FormatDuration(timeout))
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	why, permanent := c.explain(err)
	if permanent {
		e := c.permanent("%s: %s", what, why)
		e.Cause = err
		return e
	}
	return c.notConnected(err, "%s: %s", what, why)
}

func (c *Conn) permanent(format string, args ...any) *connection.Error {
	return &connection.Error{Class: connection.Permanent, Message: c.hidden(fmt.Sprintf(format, args...))}
}

func (c *Conn) notConnected(cause error, format string, args ...any) *connection.Error {
	return &connection.Error{Class: connection.NotConnected, Message: c.hidden(fmt.Sprintf(format, args...)), Cause: cause}
}

// shown is the request for messages: its method, and the path below the
// connection's URL where it has one, without a query.
func (r Request) shown() string {
	path, _, _ := strings.Cut(r.Path, "?")
	return strings.TrimSpace(method(r) + " " + path)
}

func method(r Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return strings.ToUpper(r.Method)
}

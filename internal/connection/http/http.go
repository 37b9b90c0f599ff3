// Package http is the connection to an HTTP server: a base URL with credentials,
// through which scenarios make requests below that URL.
//
// What a request can do is bounded: its path cannot leave the base URL, its
// headers cannot replace the connection's credentials, and its target is
// refused at the moment of connecting when it is not on the public internet,
// unless allow_private is set. Redirects are followed for GET and HEAD, within
// the same scheme, host and port, five times at most, and each counts against rate
// as a request; every other 3xx answer is returned as it is. Answers in gzip are decoded and limited in size. The
// environment's proxy settings are not used, the connection's own are. A request
// whose kept connection turns out to be closed before an answer begins is sent
// again at once, with the same Idempotency-Key, when it has one or its method
// allows it.
//
// How much a destination gets is bounded as well: by concurrency, rate and
// breaker, which hold requests back (connection.Held). All of it is counted by
// this process alone.
//
// An answer that repeats a credential of the connection has *** in its place: what
// comes of a request is kept with the run, and credentials are not. Credentials
// of less than 8 bytes are not looked for: they stand in other words too.
//
// It must not know runs or scenarios: journalling and retrying are not its work.
package http

import (
	"bytes"
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"junctor/internal/connection"
	"junctor/internal/unit"
)

// Secrets resolves references.
type Secrets = connection.Secrets

// Conn is an open connection, safe for concurrent use.
type Conn struct {
	label   string
	lets    string // what lets private addresses be reached
	base    *url.URL
	header  http.Header // of every request, credentials included
	sealed  []string    // canonical names of headers that a request may not set
	key     [2]string   // query parameter with a credential; "" for none
	tokens  *tokens     // nil: no OAuth 2
	tls     *tls.Config
	proxy   *url.URL      // nil: none
	slots   chan struct{} // nil: as many requests at once as come
	rate    unit.Rate
	pace    *pace    // nil: as many requests in a time as come
	breaker *breaker // nil: none
	timeout time.Duration
	maxBody int64
	client  *http.Client
	idle    func() // drops connections that are not in use
	hide    *connection.Expander
	secret  spellings // credentials that an answer may repeat
	closed  atomic.Bool
}

// Request is one request below the connection's URL.
type Request struct {
	Method         string        // GET when empty; CONNECT and TRACE are refused
	Path           string        // joined to the base's path; may end in ?query, which is sent as written
	Query          url.Values    // added to the query, sorted by name
	Header         http.Header   // replaces the connection's headers of the same name, except its credentials
	Body           []byte        // nil: none
	Timeout        time.Duration // of the whole exchange; the connection's when 0
	IdempotencyKey string        // sent as Idempotency-Key unless Header has one
	Enough         int64         // so many bytes of the answer's body are enough: what follows is left out, however long it is, and also when it does not come; 0: all of it, within the connection's limit
}

// Response is a complete answer, of any status.
type Response struct {
	Status     int
	Header     http.Header
	Body       []byte
	RetryAfter time.Duration // what Retry-After asked for, at most 24 h; 0 when it did not
	Cut        bool          // of a request with Enough: there was more of the body, or it broke off

	label, asked string
}

// Do makes the request and reads the whole answer. Every answer is a Response,
// whatever its status: see Response.Failure. The error is a *connection.Error:
// Permanent for a request that cannot be made, a refused target, a certificate
// that cannot be trusted, a token that is not given and an answer over the size
// limit; Held for a request that was not sent, because concurrency, rate or
// breaker held it back; BackOff for a token endpoint that cannot now;
// NotConnected for everything else the network does. When ctx ended, errors.Is
// finds its error.
func (c *Conn) Do(ctx context.Context, r Request) (*Response, error) {
	if c.closed.Load() {
		return nil, c.notConnected(nil, "%s is closed: its configuration was changed or the server is stopping", c.label)
	}
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = c.timeout
	}
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := c.request(ctx, r)
	if err != nil {
		return nil, err
	}
	x := exchange{Conn: c, ctx: ctx, waiting: waiting, req: req, r: r, timeout: timeout}
	return x.guarded()
}

// request builds what is sent and refuses what may not be.
func (c *Conn) request(ctx context.Context, r Request) (*http.Request, error) {
	method := method(r)
	if method == http.MethodConnect || method == http.MethodTrace || !isToken(method) {
		return nil, c.permanent("%s: %q is not a method that can be used", c.label, r.Method)
	}
	u, err := target(c.base, r.Path, r.Query)
	if err != nil {
		return nil, c.permanent("%s: %v", c.label, err)
	}
	if name := c.key[0]; name != "" {
		if u.Query().Has(name) {
			return nil, c.permanent("%s: the query parameter %s is its credential and cannot be set by a request", c.label, name)
		}
		c.addKey(u)
	}
	req, err := http.NewRequestWithContext(ctx, method, "", bytes.NewReader(r.Body))
	if err != nil {
		return nil, c.permanent("%s: the request cannot be built: %v", c.label, err)
	}
	req.URL, req.Host = u, u.Host
	req.Header = c.header.Clone()
	for name, values := range r.Header {
		if err := c.checkHeader(name, values); err != nil {
			return nil, err
		}
		req.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	if r.IdempotencyKey != "" && req.Header.Get("Idempotency-Key") == "" {
		req.Header.Set("Idempotency-Key", r.IdempotencyKey)
	}
	return req, nil
}

// addKey puts the credential of the query behind what is there.
func (c *Conn) addKey(u *url.URL) {
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+url.Values{c.key[0]: {c.key[1]}}.Encode(), "&")
}

func (c *Conn) checkHeader(name string, values []string) error {
	if err := checkHeaderName(name); err != nil {
		return c.permanent("%s: %v", c.label, err)
	}
	if slices.Contains(c.sealed, http.CanonicalHeaderKey(name)) {
		return c.permanent("%s: the header %s is its credential and cannot be set by a request", c.label, name)
	}
	for _, v := range values {
		if err := checkHeaderValue(v); err != nil {
			return c.permanent("%s: header %s: %v", c.label, name, err)
		}
	}
	return nil
}

// Check asks for the head of the base URL. Any answer shows that the server is
// there; 401 and 403 are a Permanent failure, 408, 425, 429 and 5xx a BackOff.
func (c *Conn) Check(ctx context.Context) error {
	res, err := c.Do(ctx, Request{Method: http.MethodHead})
	if err != nil {
		return err
	}
	if retryable(res.Status) || res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden {
		return res.Failure()
	}
	return nil
}

// Close drops the idle connections; requests under way finish.
func (c *Conn) Close() error {
	c.closed.Store(true)
	c.idle()
	return nil
}

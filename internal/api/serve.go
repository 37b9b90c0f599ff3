package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"junctor/internal/access"
	"junctor/internal/fault"
	"junctor/internal/limit"
)

// ServeHTTP finds the route. What the router would answer as plain text
// becomes a problem.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if r.ContentLength != 0 {
		// For a body that no route reads, and that net/http waits for in vain
		// before it sends the refusal. Whoever reads a body sets its own limit.
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(d.patience(0))) //nolint:errcheck // only a test's connection has no deadlines
	}
	handler, pattern := d.mux.Handler(r)
	if pattern != "" {
		d.mux.ServeHTTP(w, r)
		return
	}
	refusal := &peek{header: http.Header{}}
	handler.ServeHTTP(refusal, r)
	if refusal.status == http.StatusMethodNotAllowed {
		allowed := refusal.header.Get("Allow")
		w.Header().Set("Allow", allowed)
		fault.Write(w, fault.New(fault.MethodNot, "%s does not take %s; it takes %s", r.URL.Path, r.Method, allowed))
		return
	}
	// The path is not repeated: it may have a token in it, mistyped or of a later release.
	fault.Write(w, fault.New(fault.NotFound, "there is nothing at this address; /openapi.json lists what there is"))
}

// peek is where the router's own refusal goes.
type peek struct {
	header http.Header
	status int
}

func (p *peek) Header() http.Header         { return p.header }
func (p *peek) Write(b []byte) (int, error) { return len(b), nil }
func (p *peek) WriteHeader(status int)      { p.status = status }

// secure sets what every answer carries. Nothing here is made to be framed,
// scripted, guessed at or cached.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Cache-Control", "no-store")
}

// serve is the one way through a route: who is calling, may they, what do
// they send, what is the answer.
func (d *door) serve(r *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := &call{door: d, route: r, w: w, r: req, address: d.Address(req)}
		defer func() {
			p := recover()
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			if p != nil {
				d.Log.Error("panic in a handler", "route", r.method+" "+r.pattern, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				fault.Write(w, errors.New("panic"))
			}
		}()
		defer func() {
			if c.place != nil {
				c.place.Leave()
			}
		}()
		answer, err := c.do()
		if err != nil {
			d.refuse(c, err)
			return
		}
		if !c.answered {
			c.answer(answer)
		}
	})
}

// do passes the checks in the order in which a caller should hear of them.
func (c *call) do() (any, error) {
	caller, err := c.door.authenticate(c)
	if err != nil {
		return nil, err
	}
	c.caller = caller
	key := "account " + caller.Account.Login
	if caller.Rights == nil {
		key = "address " + limit.Network(c.address)
	}
	c.place = c.door.Room.Place(0, key)
	if err := c.checkPath(); err != nil {
		return nil, err
	}
	if c.route.output != nil && !accepts(c.r.Header.Values("Accept"), "application/json") {
		return nil, fault.New(fault.NotAcceptable, "this answers application/json only; Accept is %q", c.r.Header.Get("Accept"))
	}
	if err := c.unchanged(); err != nil {
		return nil, err
	}
	answer, err := c.route.serve(c)
	if err != nil {
		return nil, err
	}
	if c.route.action != "" && !c.dryRun {
		c.record()
	}
	return answer, nil
}

// record writes what was done to the audit log. It is done already: that it
// could not be written down goes to the server's log.
func (c *call) record() {
	err := c.door.Access.Record(c.r.Context(), access.Entry{
		Author: c.caller.Author(), Address: c.address,
		Action: c.route.action, Object: c.object(), Detail: c.detail,
	})
	if err != nil {
		c.door.Log.Error("the audit log could not be written", "action", c.route.action, "object", c.object(), "author", c.caller.Author(), "error", err)
	}
}

// refuse is the one place that turns an error into HTTP.
func (d *door) refuse(c *call, err error) {
	status := fault.Status(fault.CodeOf(err))
	level := slog.LevelDebug
	told := fault.Is(err, fault.ScenarioFailed) || fault.Is(err, fault.AnswerTimeout) // by the run
	switch {
	case errors.Is(err, errNoRoom):
		level = slog.LevelWarn
	case status >= 500 && !told && c.r.Context().Err() == nil: // that somebody has left is no mistake
		level = slog.LevelError
	}
	d.Log.Log(c.r.Context(), level, "call refused", "route", c.route.method+" "+c.route.pattern, "status", status, "address", c.address, "error", err)
	if status == http.StatusUnauthorized {
		c.w.Header().Add("WWW-Authenticate", `Bearer realm="junctor"`)
		c.w.Header().Add("WWW-Authenticate", `Basic realm="junctor", charset="UTF-8"`)
	}
	var held *access.HeldError
	if errors.As(err, &held) {
		err = &heldError{err, held.Holder}
	}
	var more extendedError
	if errors.As(err, &more) {
		if body, err := json.Marshal(more.extended(c.w.Header())); err == nil {
			fault.WriteAs(c.w, more, "application/problem+json", append(body, '\n'))
			return
		}
	}
	fault.Write(c.w, err)
}

// extendedError is an error whose problem has further members, and headers.
type extendedError interface {
	error
	extended(http.Header) any
}

// answer writes what the route's function returned.
func (c *call) answer(value any) {
	status := c.route.status
	if c.status != 0 {
		status = c.status
	}
	if status == 0 {
		status = http.StatusOK
	}
	if c.route.output == nil {
		c.w.WriteHeader(status)
		return
	}
	body, err := json.Marshal(value)
	if err != nil {
		c.door.refuse(c, fmt.Errorf("write the answer: %w", err))
		return
	}
	if err := c.fits(len(body)); err != nil {
		c.door.refuse(c, err)
		return
	}
	if c.w.Header().Get("ETag") == "" && c.r.Method == http.MethodGet && c.route.object() {
		c.w.Header().Set("ETag", etag(digest(body)))
	}
	if etag := c.w.Header().Get("ETag"); etag != "" && c.r.Method == http.MethodGet && slices.Contains(tags(c.r.Header.Values("If-None-Match")), etag) {
		c.w.WriteHeader(http.StatusNotModified)
		return
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	c.w.Write(append(body, '\n')) //nolint:errcheck // the client is gone, nobody is left to tell
}

// checkPath refuses what no code or id can be, before a database sees it.
func (c *call) checkPath() error {
	for _, name := range c.route.parameters() {
		if !printable(c.r.PathValue(name)) {
			return fault.New(fault.NotFound, "there is nothing called %q", c.r.PathValue(name))
		}
	}
	return nil
}

// parameters are the names in the pattern's braces.
func (r *route) parameters() []string {
	var names []string
	for part := range strings.SplitSeq(r.pattern, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && name != "$}" {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

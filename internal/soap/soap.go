// Package soap is the SOAP door, at /soap/v1: records and functions for SOAP 1.1
// and 1.2, document/literal wrapped, with a WSDL that is made for the caller's
// rights.
//
// It translates between XML and packages record, function and access, which hold
// the rules. What there is for a caller stands in one list of operations
// (service.go); the WSDL and the dispatch are made from it.
//
// The package must not know how records are stored or runs executed.
package soap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"junctor/internal/access"
	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/content"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/limit"
	"junctor/internal/record"
	"junctor/internal/run"
	"junctor/internal/stored"
)

// Base is where the door is.
const Base = "/soap/v1"

// namespace is that of everything in the WSDL.
const namespace = "urn:junctor:v1"

// Limits of what is taken.
const (
	bodyLimit   = 10 << 20 // bytes
	headLimit   = 64 << 10 // bytes of an envelope up to its body, and of one without credentials
	mostRecords = 1000     // of one call
	// treeSize is about how many times as large as its text an envelope is in memory.
	treeSize = 4
)

var errNoRoom = fault.New(fault.Unavailable, "Too much is being received and answered at the moment; nothing was done. Try again in a moment.").WithRetryAfter(time.Second)

// Services are what the door leads to. All must be set, but those that say
// otherwise.
type Services struct {
	DB        *db.DB
	Committer *db.Committer
	Access    *access.Store
	Records   *record.Store
	// Model is the classes as they are in use; Reload brings the newest into use.
	Model  func() *class.Model
	Reload func(context.Context) error
	// Queries are the stored queries in use, by code.
	Queries func() map[string]*stored.Query
	// Press starts a run of a button's scenario for each of the records, all or
	// none. Its refusals come before anything is written.
	Press func(*db.Tx, *class.Model, record.Actor, record.Pressing) (record.Pressed, error)
	// Functions are the enabled ones, by code.
	Functions func() []*function.Function
	Runs      Runs
	// Caller says who makes a request by its Authorization header; its errors are
	// those of package access.
	Caller func(*http.Request) (access.Caller, error)
	// Address is the client's, BaseURL scheme://host as it sees the server.
	Address func(*http.Request) string
	BaseURL func(*http.Request) string
	// Room is what bodies and answers share with other doors.
	Room *limit.Room
	Log  *slog.Logger
}

// Runs executes functions.
type Runs interface {
	Await(ctx context.Context, s run.Start, timeout time.Duration) (run.Result, error)
}

// New makes the door. It answers Base alone.
func New(s Services) http.Handler { return &door{Services: s} }

type door struct {
	Services
	last atomic.Pointer[catalog]
}

// call is one request on its way.
type call struct {
	*door
	w         http.ResponseWriter
	r         *http.Request
	version   version
	caller    access.Caller
	actor     record.Actor
	challenge bool // the credentials are those of HTTP, or are missing
	place     *limit.Place
	model     *class.Model
	shapes    map[*class.Class]*shape
	in        *node // the operation's element
}

// ServeHTTP answers one request.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	c := &call{door: d, w: w, r: r, version: versionOf(r.Header), model: d.Model()}
	defer func() {
		p := recover()
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		if p != nil {
			d.Log.Error("panic in a handler", "method", r.Method, "path", Base, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			c.refuse(errors.New("panic"))
		}
	}()
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		c.describe()
	case http.MethodPost:
		if err := c.serve(); err != nil {
			c.note(err)
			c.refuse(err)
		}
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		fault.Write(w, fault.New(fault.MethodNot, "%s takes POST for calls, and GET for %s?wsdl.", Base, Base))
	}
}

// describe answers the WSDL.
func (c *call) describe() {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	wanted := false
	for name := range query {
		wanted = wanted || strings.EqualFold(name, "wsdl")
	}
	if err != nil || !wanted {
		fault.Write(c.w, fault.New(fault.NotFound, "The description of this service is at %s?wsdl; calls are sent by POST.", Base))
		return
	}
	if c.caller, err = c.Caller(c.r); err != nil {
		if fault.Is(err, fault.Unauthorized) {
			challenge(c.w.Header())
		}
		fault.Write(c.w, err)
		return
	}
	c.actor = record.Actor{Rights: c.caller.Rights, By: c.caller.Account.Login}
	c.w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	c.w.Write(c.service().wsdl(c.BaseURL(c.r) + Base)) //nolint:errcheck // the client is gone, nobody is left to tell
}

// serve passes the checks in the order in which a caller should hear of them. Who
// calls is known before more than the beginning of what he sends is read.
func (c *call) serve() error {
	b, err := c.receive()
	if err != nil {
		return err
	}
	head, err := readHead(content.Text(b.kind, b.begun), b.whole)
	if head != nil {
		c.version = head.version
	}
	if err != nil {
		return err
	}
	known, err := c.authenticate(head)
	if err != nil {
		return err
	}
	if !known && !b.whole {
		return errNobody
	}
	key := "address " + limit.Network(c.Address(c.r))
	if known {
		key = "account " + c.caller.Account.Login
	}
	c.place = c.Room.Place(0, key)
	defer c.place.Leave()
	text, err := b.rest()
	if err != nil {
		return err
	}
	if !b.whole && !c.place.Grow((treeSize-1)*int64(len(text))) {
		return errNoRoom
	}
	in, err := readBody(text)
	if err != nil {
		return err
	}
	c.in = in
	if !known && in.local != loginName {
		return errNobody
	}
	return c.run()
}

var errNobody = fault.New(fault.Unauthorized,
	"Send a session's token or an API token in the header Session, a WS-Security UsernameToken, or HTTP's Authorization (Bearer or Basic). The operation login begins a session.")

// authenticate finds who calls: by the envelope's header, then by HTTP's. It is
// false for nobody.
func (c *call) authenticate(h *head) (bool, error) {
	var err error
	switch {
	case h.session != "":
		c.caller, err = c.Access.Authenticate(c.r.Context(), h.session, c.Address(c.r))
	case h.login != "":
		c.caller, err = c.Access.AuthenticatePassword(c.r.Context(), h.login, h.password, c.Address(c.r))
	case c.r.Header.Get("Authorization") != "":
		c.challenge = true
		c.caller, err = c.Caller(c.r)
	default:
		c.challenge = true
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c.actor = record.Actor{Rights: c.caller.Rights, By: c.caller.Account.Login}
	return true, nil
}

// run does the operation. When a class has changed meanwhile the classes are read
// anew, and it is tried again.
func (c *call) run() error {
	const tries = 3
	for try := 1; ; try++ {
		op, err := c.operation()
		if err != nil {
			return err
		}
		answer, err := op.serve(c)
		if err == nil {
			c.answer(op, answer)
			return nil
		}
		if !op.records || try == tries || !outdated(err) {
			return err
		}
		if reloadErr := c.Reload(c.r.Context()); reloadErr != nil {
			return errors.Join(err, reloadErr)
		}
		c.model = c.Model()
	}
}

// outdated reports whether an error may come of a table that has changed, and
// nothing is stored: a database says in its own words that a column is not there.
func outdated(err error) bool {
	if errors.Is(err, table.ErrStale) {
		return true
	}
	for _, other := range []error{db.ErrUnknown, db.ErrClosed, db.ErrUnique, db.ErrRefused, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, other) {
			return false
		}
	}
	var coded *fault.Error
	return !errors.As(err, &coded)
}

// note writes the server's log, and the audit log of what somebody may not do.
func (c *call) note(err error) {
	code := fault.CodeOf(err)
	level := slog.LevelDebug
	told := code == fault.ScenarioFailed || code == fault.AnswerTimeout // by the run
	switch {
	case errors.Is(err, errNoRoom):
		level = slog.LevelWarn
	case fault.Status(code) >= http.StatusInternalServerError && !told && c.r.Context().Err() == nil:
		level = slog.LevelError
	}
	if errors.Is(err, db.ErrRefused) {
		level = slog.LevelWarn
	}
	operation := ""
	if c.in != nil {
		operation = c.in.local
	}
	c.Log.Log(c.r.Context(), level, "call refused", "method", c.r.Method, "path", Base, "operation", fmt.Sprintf("%.100s", operation), "error", err)
	if code == fault.Forbidden && c.actor.Rights != nil {
		c.Access.NoteRefusal(c.r.Context(), access.Entry{Author: c.caller.Author(), Address: c.Address(c.r), Action: "call.refuse", Object: "POST " + Base})
	}
}

// body is what a caller sends.
type body struct {
	call  *call
	kind  string // its Content-Type
	begun []byte // up to headLimit bytes of it
	whole bool   // that is all
	from  io.Reader
	timed bool
}

// patience is how long a body may take. The limit stays where it was not kept: the
// rest is not waited for either.
const patience = 50 * time.Second

// receive reads the beginning of the body.
func (c *call) receive() (*body, error) {
	b := &body{call: c, kind: c.r.Header.Get("Content-Type")}
	switch media(c.r.Header) {
	case "text/xml", "application/soap+xml", "application/xml":
	default:
		return nil, fault.New(fault.Unsupported, "Send an envelope as text/xml (SOAP 1.1) or application/soap+xml (SOAP 1.2); Content-Type is %.100q.", b.kind)
	}
	if encoding := c.r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, fault.New(fault.Unsupported, "Bodies are taken uncompressed here; Content-Encoding is %.100q.", encoding)
	}
	b.timed = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(patience)) == nil // only a test's connection has no deadlines
	b.from = http.MaxBytesReader(c.w, c.r.Body, bodyLimit)
	var err error
	b.begun, err = b.read(io.LimitReader(b.from, headLimit))
	b.whole = len(b.begun) < headLimit
	return b, err
}

// rest reads the body to its end, as text.
func (b *body) rest() (string, error) {
	more, err := b.read(b.call.place.Of(b.from, errNoRoom))
	if err != nil {
		return "", err
	}
	if b.timed {
		if err := http.NewResponseController(b.call.w).SetReadDeadline(time.Time{}); err != nil {
			return "", err
		}
	}
	all := slices.Concat(b.begun, more)
	if err := content.Check(b.kind, all); err != nil {
		return "", err
	}
	return content.Text(b.kind, all), nil
}

func (b *body) read(from io.Reader) ([]byte, error) {
	read, err := io.ReadAll(from)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, errNoRoom):
		return nil, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fault.New(fault.Timeout, "The body did not arrive within %s.", patience)
	case errors.As(err, &tooLarge):
		return nil, fault.New(fault.TooLarge, "The body is larger than the %d bytes that are taken here.", int64(bodyLimit))
	case err != nil:
		return nil, fault.Wrap(err, fault.Invalid, "The body ended early.")
	}
	return read, nil
}

// secure sets what every answer carries. Nothing here is made to be framed,
// scripted, guessed at or cached.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
}

func challenge(h http.Header) {
	h.Add("WWW-Authenticate", `Bearer realm="junctor"`)
	h.Add("WWW-Authenticate", `Basic realm="junctor", charset="UTF-8"`)
}

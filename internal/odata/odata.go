// Package odata is the data door: the records of classes by OData 4.0 and 4.01,
// at /api/v1/data.
//
// It translates between HTTP and package record, which holds the rules. There is
// one table of routes (route.go); the router, the Allow header and the test of
// every route with every credential are made from it.
//
// The package must not know how records are stored, nor how a caller proves who
// he is: hub says who is calling.
package odata

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"junctor/internal/access"
	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/limit"
	"junctor/internal/record"
	"junctor/internal/stored"
)

// Base is where the door is.
const Base = "/api/v1/data"

// Limits of what is taken.
const (
	bodyLimit  = 2 << 20  // bytes of a record
	batchLimit = 16 << 20 // bytes of a batch
	batchItems = 1000     // requests of a batch
	// answerLimit is how many bytes the answers of a batch have before no more is
	// tried.
	answerLimit = 32 << 20
	small       = 64 << 10 // bytes of a body or an answer that needs no room
)

var errNoRoom = fault.New(fault.Unavailable, "Too much is being received and answered at the moment; nothing was done. Try again in a moment.").WithRetryAfter(time.Second)

// Services are what the door leads to. All must be set, but those that say
// otherwise.
type Services struct {
	DB        *db.DB
	Committer *db.Committer
	Records   *record.Store
	// Model is the classes as they are in use; Reload brings the newest into use.
	Model  func() *class.Model
	Reload func(context.Context) error
	// Queries are the stored queries in use, by code.
	Queries func() map[string]*stored.Query
	// Press starts a run of a button's scenario for each of the records, all or
	// none. Its refusals come before anything is written.
	Press func(*db.Tx, *class.Model, record.Actor, record.Pressing) (record.Pressed, error)
	// Caller says who makes a request, with his rights; its errors are those of
	// package access.
	Caller func(*http.Request) (access.Caller, error)
	// Refused is told of what a caller may not do; may be nil.
	Refused func(who access.Caller, r *http.Request, what string)
	// BaseURL is scheme://host as the caller sees it; nil means as it was asked.
	BaseURL func(*http.Request) string
	// Room is what bodies and answers share with other doors. What is small needs none.
	Room *limit.Room
	Log  *slog.Logger
}

// New makes the door. It answers every path below Base.
func New(s Services) http.Handler {
	if s.BaseURL == nil {
		s.BaseURL = func(r *http.Request) string { return "http://" + r.Host }
	}
	return &door{s, routes()}
}

type door struct {
	Services
	routes []route
}

// ServeHTTP answers one request.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	defer func() {
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // it is passed by as it is
			panic(p)
		} else if p != nil {
			d.Log.Error("panic in a handler", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			refusal(errors.New("panic"), version40).write(w, r)
		}
	}()
	q := &request{door: d, http: r, ctx: r.Context(), method: r.Method, header: r.Header, query: r.URL.RawQuery, base: d.BaseURL(r) + Base, model: d.Model(), queries: d.Queries()}
	q.path = strings.TrimPrefix(r.URL.EscapedPath(), Base)
	defer func() {
		if q.place != nil {
			q.place.Leave()
		}
	}()
	a, err := d.answer(q, w, r)
	if err == nil {
		err = q.fits(a)
	}
	if err == nil && a.file != nil {
		err = q.sendFile(w, a)
		if err == nil {
			return
		}
	}
	if err != nil {
		q.note(err)
		a = q.refuse(err)
	}
	a.write(w, r)
}

// answer passes the checks in the order in which a caller should hear of them.
func (d *door) answer(q *request, w http.ResponseWriter, r *http.Request) (*answer, error) {
	var err error
	if q.caller, err = d.Caller(r); err != nil {
		return nil, err
	}
	q.actor = record.Actor{Rights: q.caller.Rights, By: q.caller.Account.Login}
	q.place = d.Room.Place(0, "account "+q.caller.Account.Login)
	if err := q.prepare(); err != nil {
		return nil, err
	}
	if q.route.takesBody() {
		if err := q.receive(w, r); err != nil {
			return nil, err
		}
	}
	return q.run()
}

// fits refuses an answer that was only read and finds no room to wait in for its
// caller to take it. What was written is answered in any case.
func (q *request) fits(a *answer) error {
	if len(a.body) > small && !q.place.Grow(int64(len(a.body))) && q.route.read != nil {
		return errNoRoom
	}
	return nil
}

// note writes the server's log, and the audit log of what somebody may not do.
func (q *request) note(err error) {
	code := fault.CodeOf(err)
	level := slog.LevelDebug
	switch {
	case errors.Is(err, errNoRoom), errors.Is(err, db.ErrRefused):
		level = slog.LevelWarn
	case fault.Status(code) >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	q.door.Log.Log(q.ctx, level, "call refused", "method", q.method, "path", q.path, "error", err)
	if code == fault.Forbidden && q.route != nil && q.door.Refused != nil {
		q.door.Refused(q.caller, q.http, q.method+" "+Base+q.target.named(q.route.pattern))
	}
}

// secure sets what every answer carries. Nothing here is made to be framed,
// scripted, guessed at or cached. The values are shared: nobody adds to them.
func secure(h http.Header) {
	for _, s := range secured {
		h[s.name] = s.value
	}
}

var secured = []struct {
	name  string
	value []string
}{
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"X-Frame-Options", []string{"DENY"}},
	{"Referrer-Policy", []string{"no-referrer"}},
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
	{"Cache-Control", []string{"no-store"}},
}

// Package ingress is the outside world's door: the token endpoints
// /api/token/v1/TOKEN (O3, O5, O6) and /ws/token/v1/TOKEN (O4) of public
// channels, and .../subscribe of eventing ones (O9).
//
// It translates requests and messages into runs and their outcomes into answers. What is
// allowed, kept and executed is decided by channel and run; it must not know
// how.
package ingress

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/channel"
	"junctor/internal/content"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/limit"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/subscription"
)

// Base is the path below which the token endpoints are.
const Base = "/api/token/v1/"

// Door is one channel ready to take messages.
type Door struct {
	Channel   *channel.Config
	Version   string // of its scenario; "" without one
	Websocket string // the version of its websocket scenario; "" without one
	Verifier  *channel.Verifier
	Gate      *channel.Gate
	Allowed   subscription.Allowed // of an eventing channel: of what its subscribers may hear
	Refused   error                // every message gets it: the channel is not set up completely
}

// Doors finds channels by their tokens, in memory.
type Doors interface {
	// Door is the enabled channel with the token, nil when there is none.
	Door(token string) *Door
}

// Runs starts runs; *run.Engine is it.
type Runs interface {
	Accept(ctx context.Context, s run.Start) (run.Accepted, error)
	Await(ctx context.Context, s run.Start, timeout time.Duration) (run.Result, error)
}

// Validator is the channels' own check of messages; *scenario.Validator is it.
type Validator interface {
	Has(ctx context.Context, code, version string) (bool, error)
	Validate(ctx context.Context, code, version string, in scenario.Input) (func(*db.Tx) ([]db.Op, error), error)
}

// Nonces are those that channels have taken; *channel.Nonces is it.
type Nonces interface {
	Check(ctx context.Context, channel, nonce string, at time.Time) error
	Take(channel, nonce string, at time.Time, window time.Duration) func(*db.Tx) ([]db.Op, error)
	TakeAlone(ctx context.Context, channel, nonce string, at time.Time, window time.Duration) error
}

// Options is what the door is made of; all are required but Sockets, Metrics,
// BodyTime, BodyRoom and Now.
type Options struct {
	Doors     Doors
	Runs      Runs
	Validator Validator
	Nonces    Nonces
	Events    Subscriptions
	Sockets   *Sockets                   // nil: there are no websockets
	Address   func(*http.Request) string // the client's address, behind trusted proxies
	BaseURL   func(*http.Request) string // scheme://host as the sender sees it
	Log       *slog.Logger
	Metrics   prometheus.Registerer
	BodyTime  time.Duration    // in which a body must have arrived; 0: 1 min
	BodyRoom  int64            // bytes of bodies that are received or answered at the same time; 0: 128 MiB
	Now       func() time.Time // what the times of messages are held against; nil: time.Now
}

// New makes the door's handler. What is not below Base or SocketBase gets the answer of an
// unknown token.
func New(o Options) http.Handler {
	if o.BodyTime == 0 {
		o.BodyTime = bodyTime
	}
	if o.BodyRoom == 0 {
		o.BodyRoom = bodyRoom
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &door{Options: o, metrics: newMetrics(o.Metrics), packer: newPacker(), room: limit.NewRoom(o.BodyRoom)}
}

type door struct {
	Options
	metrics *metrics
	packer  *packer
	room    *limit.Room
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	d.hurry(w, r)
	code, status := "", 0
	base, enter := Base, d.serve
	if strings.HasPrefix(r.URL.Path, SocketBase) {
		base, enter = SocketBase, d.upgrade
	}
	entry := d.find(r, base)
	var err error
	if entry == nil {
		err = fault.New(fault.NotFound, "There is nothing here; check the token in the address, and whether its channel takes requests or websockets.")
	} else {
		code = entry.door.Channel.Code
		var preflight bool
		if preflight, err = cors(w, r, entry.door.Channel.CORS); preflight {
			status = http.StatusNoContent
		} else if err == nil {
			status, err = enter(w, r, entry)
		}
	}
	if err != nil {
		if entry != nil && entry.door.Channel.Redact.Any() {
			err = silent(err)
		}
		status = d.refuse(w, r, code, err)
	}
	d.metrics.done(code, status, time.Since(began))
	if status == senderLeft {
		panic(http.ErrAbortHandler) // or net/http would say 200 to one who has closed his side only
	}
}

// silent leaves out why a scenario's check failed: its words may be the message's.
func silent(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.ScenarioFailed {
		return err
	}
	told := *f
	told.Cause = errors.New("why is not logged, since the channel has redact")
	return &told
}

// senderLeft is what the metrics have in the place of a status.
const senderLeft = 499

// found is a door, and how the request got there.
type found struct {
	door   *Door
	token  string
	path   string // below the token
	bearer bool   // the token came in the Authorization header

	at    time.Time // when the message came
	nonce string    // "" when the channel demands none
	body  []byte    // of a request to an eventing channel
}

// find reads the token from the path below base, or from the Authorization
// header where the path has "-" in its place. An unknown token and a disabled
// one take the same way, and so does that of a channel without such an entrance.
func (d *door) find(r *http.Request, base string) *found {
	rest, below := strings.CutPrefix(r.URL.Path, base)
	if !below {
		return nil
	}
	token, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		token, path = rest[:i], rest[i:]
	}
	f := &found{path: path, at: d.Now()}
	if token == "-" {
		scheme, sent, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return nil
		}
		token, f.bearer = strings.TrimSpace(sent), true
	}
	f.door, f.token = d.Doors.Door(token), token
	if f.door == nil || !d.opens(f, base) {
		return nil
	}
	return f
}

// opens reports whether the channel has something behind the path. Those who
// subscribe do it at eventing channels, which have nothing else: at a public one
// they are not told that it was well.
func (d *door) opens(f *found, base string) bool {
	if base == SocketBase {
		eventing := f.door.Channel.Type == channel.Eventing
		return d.Sockets != nil && f.door.Channel.Websockets() && eventing == (f.path == subscribePath)
	}
	if f.subscribes() {
		return f.door.Channel.Type == channel.Eventing
	}
	return f.door.Channel.Scenario != ""
}

// take lets a message in, answers it and returns the answer's status. An error
// has not been answered yet.
//
// A channel with verification demands it of every message: one whose header
// Authorization is taken by the token cannot show credentials as well. What can
// be refused without the body is refused before it is read.
func (d *door) take(w http.ResponseWriter, r *http.Request, f *found) (int, error) {
	if f.door.Refused != nil {
		return 0, f.door.Refused
	}
	from := d.Address(r)
	claims, err := knock(r, f, from)
	if err != nil {
		return 0, err
	}
	body, leave, err := d.readBody(w, r, f.door.Channel, from)
	if err != nil {
		return 0, err
	}
	defer leave()
	if err := claims.Check(body); err != nil {
		return 0, err
	}
	if err := content.Check(r.Header.Get("Content-Type"), body); err != nil {
		return 0, err
	}
	if n := f.door.Channel.Nonce; n != nil { // first of all: a message that was taken before is none for anything else
		if err := d.Nonces.Check(r.Context(), f.door.Channel.Code, f.nonce, f.at); err != nil {
			return 0, err
		}
	}
	if err := f.door.Gate.Admit(); err != nil {
		return 0, err
	}
	for try := 1; ; try++ {
		status, err := d.begin(w, r, f, body)
		if try == decisions || !errors.Is(err, scenario.ErrMoved) {
			return status, err
		}
	}
}

// knock judges a request by what is known without its body: where it comes from,
// its credentials and its nonce.
func knock(r *http.Request, f *found, from string) (channel.Claims, error) {
	if err := f.door.Gate.From(from); err != nil {
		return nil, err
	}
	claims, err := f.door.Verifier.Before(r, f.at)
	if _, _, password := r.BasicAuth(); err != nil || password && len(claims) > 0 {
		f.door.Gate.Refused(from) // a wrong password counts before the body, or many at once would not
	}
	if err != nil {
		return nil, err
	}
	if n := f.door.Channel.Nonce; n != nil {
		if f.nonce, err = n.Of(r.Header); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// decisions is how often a channel's own check is asked about a message while
// others change what it decides by.
const decisions = 20

// begin lets the scenario's own check decide, starts the run and answers.
func (d *door) begin(w http.ResponseWriter, r *http.Request, f *found, body []byte) (int, error) {
	start, err := d.start(r, f, body)
	var answered *scenario.Answered
	if errors.As(err, &answered) {
		return d.answer(w, r, run.Result{Output: answered.Output})
	}
	if err != nil {
		return 0, err
	}
	if f.door.Channel.Await {
		return d.await(w, r, f, start)
	}
	// The run is stored though the sender may have closed his side meanwhile: he
	// may still hear the answer.
	accepted, err := d.Runs.Accept(context.WithoutCancel(r.Context()), *start)
	if err != nil {
		return 0, err
	}
	h := w.Header()
	h.Set("Junctor-Run", accepted.Run)
	if accepted.Duplicate {
		h.Set("Junctor-Duplicate", "true")
	}
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	return http.StatusOK, nil
}

// errPaused marks the refusals of paused channels: they are no news for the log.
var errPaused = errors.New("the channel is paused")

func paused() error {
	return fault.Wrap(errPaused, fault.Unavailable, "This channel is paused; nothing was accepted.").WithRetryAfter(time.Minute)
}

func (d *door) await(w http.ResponseWriter, r *http.Request, f *found, start *run.Start) (int, error) {
	c := f.door.Channel
	if c.Paused {
		return 0, paused()
	}
	res, err := d.Runs.Await(r.Context(), *start, c.Timeout)
	if err != nil {
		return 0, err
	}
	if err := failed(res); err != nil {
		return 0, err
	}
	return d.answer(w, r, res)
}

// failed is what a caller is told whose run has no answer; nil when it has.
func failed(res run.Result) error {
	if res.Failure == nil && (res.State == run.Succeeded || res.Answered) {
		return nil
	}
	err := fault.New(fault.ScenarioFailed, "The scenario did not complete; its run tells why.")
	err.Run = res.Run
	return err
}

// answer writes what the scenario answered.
func (d *door) answer(w http.ResponseWriter, r *http.Request, res run.Result) (int, error) {
	a, err := content.DecodeAnswer(res.Output)
	if err != nil {
		return 0, err
	}
	h := w.Header()
	if res.Run != "" {
		h.Set("Junctor-Run", res.Run)
	}
	if res.Duplicate {
		h.Set("Junctor-Duplicate", "true")
	}
	if a.Data {
		h.Add("Vary", "Accept")
	}
	if err := a.Negotiate(r.Header.Values("Accept")); err != nil {
		return 0, ofRun(err, res.Run)
	}
	for name, values := range a.Header {
		if name == "Vary" { // the door's own reasons stay
			values = append(h.Values(name), values...)
		}
		h[name] = values
	}
	d.writeAnswer(w, r, a)
	return a.Status, nil
}

// ofRun names the run in an error about its answer.
func ofRun(err error, run string) error {
	var f *fault.Error
	if errors.As(err, &f) {
		f.Run = run
	}
	return err
}

// refuse answers with the error and logs what is not the sender's fault.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, code string, err error) int {
	if r.Context().Err() != nil && errors.Is(err, r.Context().Err()) {
		return senderLeft // the run, if there is one, goes on
	}
	status := d.note(code, err)
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="junctor", Bearer realm="junctor"`)
	case http.StatusUpgradeRequired:
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Sec-WebSocket-Version", "13") //nolint:canonicalheader // as RFC 6455 writes it
	}
	writeProblem(w, r, err)
	return status
}

// note logs what is not the sender's fault, and returns the error's status.
func (d *door) note(code string, err error) int {
	status := fault.Status(fault.CodeOf(err))
	switch {
	case errors.Is(err, errPaused): // as somebody wanted it
	case status == http.StatusInternalServerError || status == http.StatusServiceUnavailable || errors.Unwrap(err) != nil && status >= 500:
		d.Log.Error("a message was refused", "channel", code, "error", err)
	case status == http.StatusUnauthorized:
		d.Log.Debug("a message was refused", "channel", code, "why", err)
	}
	return status
}

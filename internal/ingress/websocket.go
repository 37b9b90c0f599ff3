package ingress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"junctor/internal/channel"
	"junctor/internal/content"
	"junctor/internal/fault"
	"junctor/internal/limit"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/socket"
)

// SocketBase is the path below which the websockets are.
const SocketBase = "/ws/token/v1/"

// Sockets is what the door needs for websockets; all are required.
type Sockets struct {
	Server    *socket.Server
	Directory Directory
	Runs      Runs
	Limits    func() socket.Limits // those of the moment, for every connection
}

// Directory is told which connections there are, so that any node finds them.
type Directory interface {
	// Connected is called before a connection is opened, and lets it come about.
	Connected(ctx context.Context, c channel.Connection) error
	// Disconnected is called when it has ended, or has not come about.
	Disconnected(c channel.Connection, end socket.End)
}

// upgrade lets a websocket in. What a message would be judged by before its body
// is read, the handshake is: it is a request without a body.
func (d *door) upgrade(w http.ResponseWriter, r *http.Request, f *found) (int, error) {
	c := f.door.Channel
	if f.door.Refused != nil {
		return 0, f.door.Refused
	}
	from := d.Address(r)
	claims, err := knock(r, f, from)
	if err != nil {
		return 0, err
	}
	if err := claims.Check(nil); err != nil {
		return 0, err
	}
	if err := sameOrigin(r, c.CORS, d.BaseURL(r)); err != nil {
		return 0, err
	}
	if err := brief(f, r); err != nil {
		return 0, err
	}
	limits := d.Sockets.Limits()
	limits.Group, limits.From = c.Code, strings.Clone(from)
	if limits.Message == 0 {
		limits.Message = socket.DefaultMessage
	}
	limits.Message = min(limits.Message, c.BodyLimit)
	conn, err := d.Sockets.Server.Admit(r, limits)
	if err != nil {
		return 0, noPlace(err)
	}
	if c.Nonce != nil {
		if err := d.Nonces.TakeAlone(r.Context(), c.Code, f.nonce, f.at, c.Nonce.Window); err != nil {
			conn.Leave()
			return 0, err
		}
	}
	row := channel.Connection{ID: conn.ID(), Channel: c.Code, Address: conn.From(), OpenedAt: f.at}
	// The request's texts are parts of what was read of it: what stays is a copy.
	token := strings.Clone(f.token)
	var handler socket.Handler = &peer{
		d: d, token: token, path: strings.Clone(f.path), query: strings.Clone(r.URL.RawQuery), headers: c.Handshake(r.Header), row: row,
	}
	if c.Type == channel.Eventing {
		handler = d.follow(conn, token, row)
	}
	if err := d.Sockets.Directory.Connected(r.Context(), row); err != nil {
		conn.Leave()
		return 0, err
	}
	if err := conn.Open(w, handler); err != nil {
		d.Sockets.Directory.Disconnected(row, socket.End{Code: socket.Abnormal, ByPeer: true})
		if fault.Is(err, fault.UpgradeRequired) {
			return 0, err
		}
		d.Log.Debug("a websocket could not be opened", "channel", c.Code, "error", err)
	}
	return http.StatusSwitchingProtocols, nil
}

// noPlace says what was full, when that is why a websocket is not let in.
func noPlace(err error) error {
	var f *fault.Error
	var full *limit.Full
	if !errors.As(err, &f) || !errors.As(err, &full) {
		return err
	}
	return fault.Wrap(full, f.Code, "%s Beside them there are %d more for channels that have fewer, and this channel has %d; and %d for addresses that have fewer, and yours has %d.",
		f.Detail, full.Left[0], full.Has[0], full.Left[1], full.Has[1]).WithRetryAfter(f.RetryAfter)
}

// sameOrigin keeps pages of other origins out, unless the channel's cors lets
// them in: browsers ask nobody before they open a websocket, and send the
// credentials that they have kept. Programs send no Origin.
func sameOrigin(r *http.Request, c *channel.CORS, own string) error {
	origin := r.Header.Get("Origin")
	if origin == "" || strings.EqualFold(origin, own) || c != nil && c.Allows(origin) {
		return nil
	}
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return nil
	}
	return fault.New(fault.Forbidden, "Pages of the origin %q may not open a websocket of this channel; its cors setting lists those that may.", origin)
}

// longestAddress is how many bytes path and query behind the token may have
// together: a connection keeps them for as long as it lives.
const longestAddress = 8 << 10

// brief refuses what would have to be kept of a handshake, and is too long.
func brief(f *found, r *http.Request) error {
	if n := len(f.path) + len(r.URL.RawQuery); n > longestAddress {
		return fault.New(fault.HeaderTooLarge, "The address of this websocket has a path and a query of %d bytes behind its token; %d are possible. What is longer can be its first message.", n, longestAddress)
	}
	return nil
}

// peer is the other side of one websocket: its messages become runs, one after
// another, and what these return goes back to it in the same order.
type peer struct {
	d       *door
	token   string
	path    string      // below the token
	query   string      // of the request that opened it
	headers http.Header // and these of its headers, see channel.Config.Handshake
	row     channel.Connection
}

// Closed implements socket.Handler.
func (p *peer) Closed(_ *socket.Conn, end socket.End) { p.d.Sockets.Directory.Disconnected(p.row, end) }

// Message implements socket.Handler.
func (p *peer) Message(ctx context.Context, c *socket.Conn, m socket.Message) {
	door := p.d.Doors.Door(p.token)
	if door == nil || door.Channel.Code != p.row.Channel || door.Channel.WebsocketScenario == "" {
		c.Close(socket.Policy, ChannelGone)
		return
	}
	kind, reply, err := p.reply(ctx, door, c, m)
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return // the server ends; the run, if there is one, goes on
	case err != nil:
		if door.Channel.Redact.Any() {
			err = silent(err)
		}
		p.d.note(door.Channel.Code, err)
		kind, reply = socket.Text, wrapped(fault.ProblemOf(err).JSON())
	case reply == nil:
		return
	}
	c.Send(c.Context(), kind, reply) //nolint:errcheck // who has left is not answered
}

// ChannelGone is the reason for closing the websockets of a channel that is
// disabled, or has no websocket scenario any more.
const ChannelGone = "The channel is not there any more."

// wrapped is how a problem is sent.
func wrapped(problem []byte) []byte {
	return append(append([]byte(`{"error":`), bytes.TrimSpace(problem)...), '}')
}

// reply makes a run of a message and returns what it is answered with, nil for
// nothing.
func (p *peer) reply(ctx context.Context, door *Door, c *socket.Conn, sent socket.Message) (socket.Kind, []byte, error) {
	if door.Refused != nil {
		return 0, nil, door.Refused
	}
	if err := door.Gate.From(p.row.Address); err != nil {
		return 0, nil, err
	}
	if err := door.Gate.Admit(); err != nil {
		return 0, nil, err
	}
	if door.Channel.Paused {
		return 0, nil, paused()
	}
	m := channel.Message{
		Channel: door.Channel, Token: p.token, Path: p.path, Body: sent.Data,
		RemoteAddress: p.row.Address, Mode: "production", Connection: c.ID(), Binary: sent.Kind == socket.Binary,
		Request: &http.Request{URL: &url.URL{RawQuery: p.query}, Header: p.headers},
	}
	for try := 1; ; try++ {
		kind, reply, err := p.run(ctx, door, &m)
		if try == decisions || !errors.Is(err, scenario.ErrMoved) {
			return kind, reply, err
		}
	}
}

func (p *peer) run(ctx context.Context, door *Door, m *channel.Message) (socket.Kind, []byte, error) {
	code := door.Channel.WebsocketScenario
	start, kept, err := compose(m, scenario.ProgramName(code), door.Websocket)
	if err == nil {
		err = p.d.validate(ctx, start, m, kept, code)
	}
	var answered *scenario.Answered
	if errors.As(err, &answered) {
		return message(run.Result{Output: answered.Output})
	}
	if err != nil {
		return 0, nil, err
	}
	res, err := p.d.Sockets.Runs.Await(ctx, *start, door.Channel.Timeout)
	if err == nil {
		err = failed(res)
	}
	if err != nil {
		return 0, nil, err
	}
	return message(res)
}

// message is what a run's output is on a websocket: content as it is, text or
// bytes, data as JSON, a Problem as an error, and nothing for nothing.
func message(res run.Result) (socket.Kind, []byte, error) {
	a, err := content.DecodeAnswer(res.Output)
	if err != nil {
		return 0, nil, ofRun(err, res.Run)
	}
	if a.Status >= http.StatusBadRequest && a.Header.Get("Content-Type") == "application/problem+json" && json.Valid(a.Body) {
		return socket.Text, wrapped(a.Body), nil
	}
	if a.Bytes || !utf8.Valid(a.Body) {
		return socket.Binary, a.Body, nil
	}
	return socket.Text, a.Body, nil
}

var _ socket.Handler = (*peer)(nil)

// Package socket is the server's side of websockets (RFC 6455): it upgrades
// requests within limits, reads and writes messages, answers pings, notices who
// has gone, bounds what a connection costs, and says in the close frame why one
// ends.
//
// It knows frames and connections. It must not know what a message is for, nor
// what a channel or a subscription is.
package socket

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/fault"
	"junctor/internal/id"
	"junctor/internal/limit"
)

// Kind is what a message consists of.
type Kind byte

// The two kinds of messages; their values are the frames' opcodes.
const (
	Text   Kind = 1 // UTF-8
	Binary Kind = 2
)

// Message is one that the peer has sent.
type Message struct {
	Kind Kind
	Data []byte // the handler's to keep

	place *limit.Place // of a long one
}

// Handler takes what comes on a connection.
type Handler interface {
	// Message is called for one message after another, in their order. Meanwhile a
	// few further ones wait, and the connection is watched; when too many wait, the
	// peer's sending is held up. Every message that has come in whole is handed over,
	// also when the connection has ended before its turn.
	// ctx ends when the server gives up what is still under way at its end, and not
	// with the connection.
	Message(ctx context.Context, c *Conn, m Message)
	// Closed is called once, when the connection has ended and all messages have
	// been handed over.
	Closed(c *Conn, end End)
}

// End is how a connection ended.
type End struct {
	Code   int    // of the close frame; Abnormal when there was none
	Reason string // of the close frame
	ByPeer bool   // the peer closed it, or has just gone
}

// Options is what a server is made of. What is 0 is as the comment says.
type Options struct {
	Connections int           // at the same time, see limit.Places; 5,000
	Message     int64         // bytes of the longest message; 1 MiB
	Room        int64         // bytes of long messages that are received or handled at the same time, on all connections; 128 MiB. See limit.Room
	Buffer      int64         // bytes that may wait to be sent on a connection, beside one message; 64 KiB
	Ping        time.Duration // of silence, after which a peer is asked whether it is there; and after as long again it is not; 30s
	Receive     time.Duration // in which a message that has begun must have come in; 1m
	Send        time.Duration // in which a peer must take the next 64 KiB; 20s
	Linger      time.Duration // how long a peer that is told the end may take to end as well; 2s
	Log         *slog.Logger  // nil: nowhere
	Metrics     prometheus.Registerer
}

// The limits of a server whose options set no others.
const (
	DefaultConnections = 5000
	DefaultMessage     = 1 << 20
)

func (o Options) withDefaults() Options {
	for into, standard := range map[*time.Duration]time.Duration{
		&o.Ping: 30 * time.Second, &o.Receive: time.Minute, &o.Send: 20 * time.Second, &o.Linger: 2 * time.Second,
	} {
		if *into == 0 {
			*into = standard
		}
	}
	for into, standard := range map[*int64]int64{&o.Message: DefaultMessage, &o.Room: 128 << 20, &o.Buffer: 64 << 10} {
		if *into == 0 {
			*into = standard
		}
	}
	if o.Connections == 0 {
		o.Connections = DefaultConnections
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Server keeps the connections of one node. It is safe for concurrent use.
type Server struct {
	Options
	metrics *metrics
	ids     id.Maker
	room    *limit.Room

	places   *limit.Places
	mu       sync.Mutex
	open     map[string]*Conn
	groups   map[string]map[*Conn]struct{}
	stopping bool
	emptied  chan struct{}   // closed when the last connection has ended after Close; nil before
	ctx      context.Context // ends when Close waits no longer
	off      context.CancelFunc
}

// NewServer makes a server without connections.
func NewServer(o Options) *Server {
	o = o.withDefaults()
	s := &Server{Options: o, places: limit.NewPlaces(o.Connections, 2), open: map[string]*Conn{}, groups: map[string]map[*Conn]struct{}{}, room: limit.NewRoom(o.Room)}
	s.ctx, s.off = context.WithCancel(context.Background())
	s.metrics = newMetrics(o.Metrics, s)
	return s
}

// SetConnections changes how many connections there may be at the same time; 0
// is the default. Those that are open stay.
func (s *Server) SetConnections(most int) {
	if most == 0 {
		most = DefaultConnections
	}
	s.places.Set(most)
}

// Limits are those of one connection.
type Limits struct {
	Message int64  // bytes of the longest message; 0: the server's
	Deflate bool   // messages may be packed, if the peer offers it (RFC 7692)
	Group   string // connections that are found together, and have their share of the places; "": in none
	From    string // the address that it comes from, whose network has its share of the places besides
}

// Admit checks a request for an upgrade and gives it a place. The connection is
// then opened by Open, or given up by Leave. Errors: fault.UpgradeRequired and
// fault.Invalid for what is no handshake of RFC 6455, fault.Unavailable when the
// server is stopping and, with a *limit.Full as its cause, when there is no place
// for its group and for whom it comes from.
func (s *Server) Admit(r *http.Request, limits Limits) (*Conn, error) {
	const again = 5 * time.Second
	key, err := handshake(r)
	if err != nil {
		return nil, err
	}
	if limits.Message == 0 {
		limits.Message = s.Message
	}
	c := &Conn{
		server: s, limits: limits, key: key, protocol: firstProtocol(r), id: s.ids.New("con", time.Now()),
		deflate: limits.Deflate && offersDeflate(r.Header),
	}
	c.ctx, c.off = context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil, fault.New(fault.Unavailable, "The server is stopping; connect again, to another one or in a moment.").WithRetryAfter(time.Second)
	}
	if full := s.places.Take(limits.Group, limit.Network(limits.From)); full != nil {
		return nil, fault.Wrap(full, fault.Unavailable, "This server has as many websocket connections as it may have (%d).", full.Most).WithRetryAfter(again)
	}
	s.open[c.id] = c
	if limits.Group != "" {
		if s.groups[limits.Group] == nil {
			s.groups[limits.Group] = map[*Conn]struct{}{}
		}
		s.groups[limits.Group][c] = struct{}{}
	}
	return c, nil
}

// Upgrade is Admit and Open in one.
func (s *Server) Upgrade(w http.ResponseWriter, r *http.Request, limits Limits, h Handler) (*Conn, error) {
	c, err := s.Admit(r, limits)
	if err != nil {
		return nil, err
	}
	return c, c.Open(w, h)
}

// Conn is the open connection with the id, nil when this server has none.
func (s *Server) Conn(id string) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[id]
}

// Group are the connections of a group, in no order.
func (s *Server) Group(name string) []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.groups[name]))
}

// Groups are the names of those that have connections.
func (s *Server) Groups() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.groups))
}

func (s *Server) all() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.open))
}

// Close lets nobody in any more and closes every connection: what has come in
// is handed over and may be answered first. When ctx ends the rest is hung up
// on.
func (s *Server) Close(ctx context.Context, code int, reason string) {
	s.mu.Lock()
	if !s.stopping {
		s.stopping, s.emptied = true, make(chan struct{})
		if len(s.open) == 0 {
			close(s.emptied)
		}
	}
	s.mu.Unlock()
	for _, c := range s.all() {
		c.leave(End{Code: code, Reason: reason}, true)
	}
	select {
	case <-s.emptied:
		return
	case <-ctx.Done():
	}
	s.off()
	for _, c := range s.all() {
		c.hangUp()
	}
}

func (s *Server) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[c.id] == nil {
		return
	}
	delete(s.open, c.id)
	s.places.Give(c.limits.Group, limit.Network(c.limits.From))
	if group := s.groups[c.limits.Group]; group != nil {
		if delete(group, c); len(group) == 0 {
			delete(s.groups, c.limits.Group)
		}
	}
	if s.stopping && len(s.open) == 0 {
		select {
		case <-s.emptied:
		default:
			close(s.emptied)
		}
	}
}

package hub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"junctor/internal/channel"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/host"
	"junctor/internal/id"
	"junctor/internal/ingress"
	"junctor/internal/run"
	"junctor/internal/socket"
	"junctor/internal/strict"
)

// topicSockets is what a node is told under (db.Listen) when it is asked to do
// something with a connection of its own.
const topicSockets = "sockets"

// sockets are the websockets of channels: those of this node, and what is known
// of the others'.
type sockets struct {
	h      *Hub
	server *socket.Server
	kept   *channel.Connections
	ids    id.Maker
	asked  chan struct{} // holds one when another node has asked for something
}

func (h *Hub) openSockets() {
	h.sockets = &sockets{
		h: h, kept: channel.NewConnections(h.db), asked: make(chan struct{}, 1),
		server: socket.NewServer(socket.Options{Log: h.log, Metrics: h.metrics}),
	}
}

// door is what the entrance needs for websockets.
func (s *sockets) door() *ingress.Sockets {
	return &ingress.Sockets{
		Server: s.server, Directory: s, Runs: arriving{s.h},
		Limits: func() socket.Limits {
			set := s.h.live.Load().snapshot.Settings.Websockets
			return socket.Limits{Message: set.Message, Deflate: set.Compress}
		},
	}
}

// arriving counts the messages of websockets among those at the door.
type arriving struct{ h *Hub }

func (a arriving) Accept(ctx context.Context, s run.Start) (run.Accepted, error) {
	return a.h.runs.Accept(ctx, s)
}

func (a arriving) Await(ctx context.Context, s run.Start, timeout time.Duration) (run.Result, error) {
	a.h.arriving.Add(1)
	defer a.h.arriving.Add(-1)
	return a.h.runs.Await(ctx, s, timeout)
}

// socketEvent is what is told of a connection.
type socketEvent struct {
	Connection string `json:"connection"`
	Channel    string `json:"channel"`
	Address    string `json:"address"`
	Code       int    `json:"code,omitempty"`
	Reason     string `json:"reason,omitempty"`
	By         string `json:"by,omitempty"` // who closed it: peer or server
}

// Connected implements ingress.Directory.
func (s *sockets) Connected(ctx context.Context, c channel.Connection) error {
	c.Node = s.h.runs.Node()
	return s.h.committer.Commit(ctx, db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
		if err := s.kept.Open(tx, c); err != nil {
			return nil, err
		}
		return nil, s.h.tell(tx, "channel."+c.Channel+".connected", c.ID, socketEvent{Connection: c.ID, Channel: c.Channel, Address: c.Address})
	}})
}

// Disconnected implements ingress.Directory.
func (s *sockets) Disconnected(c channel.Connection, end socket.End) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := s.h.committer.Commit(ctx, db.Item{Func: func(tx *db.Tx) ([]db.Op, error) { return nil, s.ended(tx, c, end) }})
	if err != nil {
		s.h.log.Warn("the end of a websocket could not be noted; it is when the node has gone", "connection", c.ID, "error", err)
	}
}

// ended forgets a connection and tells of its end, once.
func (s *sockets) ended(tx *db.Tx, c channel.Connection, end socket.End) error {
	known, err := s.kept.Close(tx, c.ID)
	if err != nil || !known {
		return err
	}
	by := "server"
	if end.ByPeer {
		by = "peer"
	}
	return s.h.tell(tx, "channel."+c.Channel+".disconnected", c.ID,
		socketEvent{Connection: c.ID, Channel: c.Channel, Address: c.Address, Code: end.Code, Reason: strings.ToValidUTF8(end.Reason, "\uFFFD"), By: by})
}

// sweep closes the connections of channels that are not there any more, or do not
// let their addresses in any more.
func (s *sockets) sweep(l *live) {
	s.server.SetConnections(l.snapshot.Settings.Websockets.Connections)
	doors := map[string]*ingress.Door{}
	for _, door := range l.doors {
		doors[door.Channel.Code] = door
	}
	for _, code := range s.server.Groups() {
		c, ok := l.snapshot.Channels[code]
		there := ok && c.Enabled && c.Websockets() && doors[code] != nil
		for _, conn := range s.server.Group(code) {
			if !there {
				conn.Close(socket.Policy, ingress.ChannelGone)
			} else if err := doors[code].Gate.Lets(conn.From()); err != nil {
				conn.Close(socket.Policy, err.Error())
			}
		}
	}
}

// living are the nodes that live; in a data directory there is no other.
func (s *sockets) living(ctx context.Context) (map[string]bool, error) {
	alive := map[string]bool{s.h.runs.Node(): true}
	if !s.h.db.Postgres() {
		return alive, nil
	}
	nodes, err := s.h.runs.Nodes(ctx)
	for _, n := range nodes {
		if n.Alive {
			alive[n.ID] = true
		}
	}
	return alive, err
}

// undone is how long a node is given for what it is asked to do.
const undone = 10 * time.Minute

// forget tells of the ends of connections whose nodes have gone.
func (s *sockets) forget(ctx context.Context) error {
	const batch = 500
	alive, err := s.living(ctx)
	if err != nil {
		return err
	}
	if s.h.db.Postgres() {
		err := s.h.db.Write(ctx, func(tx *db.Tx) error { return s.kept.DropOrders(tx, s.h.runs.Now().Add(-undone)) })
		if err != nil {
			return fmt.Errorf("forget what nobody has done: %w", err)
		}
	}
	var counts map[string]int
	err = s.h.db.Read(ctx, func(tx *db.Tx) (err error) {
		counts, err = s.kept.AllNodes(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, node := range slices.Sorted(maps.Keys(counts)) {
		for left := counts[node]; left > 0 && !alive[node]; left -= batch {
			err := s.h.committer.Commit(ctx, db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
				gone, err := s.kept.List(tx, "", node, "", batch)
				for _, c := range gone {
					if err == nil {
						err = s.ended(tx, c, socket.End{Code: socket.Abnormal, Reason: "The node that had the connection has gone."})
					}
				}
				return nil, err
			}})
			if err != nil {
				return fmt.Errorf("forget the connections of node %s: %w", node, err)
			}
		}
	}
	return nil
}

// channelThere errs when no channel takes websockets under the code.
func (s *sockets) channelThere(code string) error {
	channels := s.h.live.Load().snapshot.Channels
	if c, ok := channels[code]; ok && c.WebsocketScenario != "" {
		return nil
	}
	hint := "."
	if near := strict.Nearest(code, slices.Sorted(maps.Keys(channels))); near != "" && near != code {
		hint = fmt.Sprintf(", did you mean %q?", near)
	}
	return fault.New(fault.NotFound, "There is no channel %q with a websocket_scenario%s", code, hint)
}

func noConnection(id string) error {
	return fault.New(fault.NotFound, "The connection %s is not there any more.", id)
}

// find is the connection with the id, at any node that lives.
func (s *sockets) find(ctx context.Context, id string) (c channel.Connection, err error) {
	if strings.Contains(id, "\x00") { // no database looks for that
		return c, noConnection(id)
	}
	err = s.h.db.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = s.kept.Find(tx, id)
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return c, noConnection(id)
	}
	if err != nil {
		return c, err
	}
	alive, err := s.living(ctx)
	if err == nil && (!alive[c.Node] || c.Node == s.h.runs.Node()) { // one of this node's would have been found
		err = noConnection(id)
	}
	return c, err
}

// SendTo implements host.Sockets.
func (s *sockets) SendTo(ctx context.Context, key, to string, binary bool, data []byte) (int, error) {
	kind := socket.Text
	if binary {
		kind = socket.Binary
	}
	if !strings.HasPrefix(to, host.Connection) || s.channelThere(to) == nil {
		return s.broadcast(ctx, channel.Order{ID: key, Channel: to, Binary: binary, Data: data}, socket.Prepare(kind, data))
	}
	if c := s.server.Conn(to); c != nil {
		if err := c.Send(ctx, kind, data); errors.Is(err, socket.ErrClosed) {
			return 0, noConnection(to)
		} else if err != nil {
			return 0, err
		}
		return 1, nil
	}
	c, err := s.find(ctx, to)
	if err != nil {
		return 0, err
	}
	return 1, s.ask(ctx, c.Node, channel.Order{ID: key, Connection: to, Binary: binary, Data: data})
}

// broadcast sends to all connections of a channel, at all nodes.
func (s *sockets) broadcast(ctx context.Context, o channel.Order, p socket.Prepared) (sent int, err error) {
	if err := s.channelThere(o.Channel); err != nil {
		return 0, err
	}
	sent = s.post(o.Channel, p)
	if !s.h.db.Postgres() {
		return sent, nil
	}
	var counts map[string]int
	err = s.h.db.Read(ctx, func(tx *db.Tx) (err error) {
		counts, err = s.kept.Nodes(tx, o.Channel)
		return err
	})
	if err != nil {
		return sent, err
	}
	alive, err := s.living(ctx)
	if err != nil {
		return sent, err
	}
	for node, n := range counts {
		if node == s.h.runs.Node() || !alive[node] {
			continue
		}
		if err := s.ask(ctx, node, o); err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}

// post sends to the connections of a channel that are here.
func (s *sockets) post(code string, p socket.Prepared) (sent int) {
	for _, c := range s.server.Group(code) {
		if c.Post(p) == nil {
			sent++
		}
	}
	return sent
}

// ask has another node do something.
func (s *sockets) ask(ctx context.Context, node string, o channel.Order) error {
	o.At = s.h.runs.Now()
	return s.h.committer.Commit(ctx, db.Item{Size: len(o.Data), Func: func(tx *db.Tx) ([]db.Op, error) {
		tx.Notify(topicSockets, node)
		return nil, s.kept.Post(tx, node, o)
	}})
}

// CloseSocket implements host.Sockets.
func (s *sockets) CloseSocket(ctx context.Context, key, id string, code int, reason string) error {
	if c := s.server.Conn(id); c != nil {
		c.Close(code, reason)
		return nil
	}
	c, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	return s.ask(ctx, c.Node, channel.Order{ID: key, Connection: id, Code: code, Reason: reason})
}

// mostListed is how many connections a scenario is told of.
const mostListed = 10_000

// SocketsOf implements host.Sockets.
func (s *sockets) SocketsOf(tx *db.Tx, code string) ([]host.Socket, error) {
	if err := s.channelThere(code); err != nil {
		return nil, err
	}
	found, err := s.kept.List(tx, code, "", "", mostListed)
	all := make([]host.Socket, len(found))
	for i, c := range found {
		all[i] = host.Socket{ID: c.ID, RemoteAddress: c.Address, OpenedAt: c.OpenedAt}
	}
	return all, err
}

// run does what other nodes ask this one to do, until ctx ends.
func (s *sockets) run(ctx context.Context) {
	if !s.h.db.Postgres() {
		return
	}
	own := s.h.runs.Node()
	defer s.h.db.Listen(topicSockets, func(node string) {
		if node != own {
			return
		}
		select {
		case s.asked <- struct{}{}:
		default:
		}
	})()
	const lookEvery = time.Second
	for {
		look, stop := s.h.options.Clock.After(lookEvery)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-s.asked:
		case <-look:
		}
		stop()
		if err := s.orders(ctx); err != nil && ctx.Err() == nil {
			s.h.log.Warn("what other nodes ask for could not be read; trying again in a second", "error", err)
		}
	}
}

// orders does all that this node is asked to do.
func (s *sockets) orders(ctx context.Context) error {
	const batch = 64
	own := s.h.runs.Node()
	for n := batch; n == batch; {
		if len(s.server.Groups()) == 0 {
			return nil // who asked was late; the orders go with the node
		}
		var some []channel.Order
		err := s.h.db.Write(ctx, func(tx *db.Tx) (err error) {
			some, err = s.kept.Take(tx, own, batch)
			return err
		})
		if err != nil {
			return err
		}
		for _, o := range some {
			s.carryOut(o)
		}
		n = len(some)
	}
	return nil
}

func (s *sockets) carryOut(o channel.Order) {
	kind := socket.Text
	if o.Binary {
		kind = socket.Binary
	}
	if o.Channel != "" {
		s.post(o.Channel, socket.Prepare(kind, o.Data))
		return
	}
	c := s.server.Conn(o.Connection)
	switch {
	case c == nil: // it has ended meanwhile
	case o.Code != 0:
		c.Close(o.Code, o.Reason)
	default:
		c.Post(socket.Prepare(kind, o.Data)) //nolint:errcheck // as above
	}
}

// stop closes the connections: what has come in is answered first.
func (s *sockets) stop(ctx context.Context, restart bool) {
	code, reason := socket.GoingAway, "The server is stopping; connect again."
	if restart {
		code, reason = socket.Restart, "The server is restarting; connect again."
	}
	s.server.Close(ctx, code, reason)
}

// HasChannel implements api.Sockets.
func (s *sockets) HasChannel(code string) bool {
	_, ok := s.h.live.Load().snapshot.Channels[code]
	return ok
}

// ListSockets implements api.Sockets.
func (s *sockets) ListSockets(ctx context.Context, code, node, after string, limit int) (list []channel.Connection, next string, err error) {
	err = s.h.db.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = s.kept.List(tx, code, node, after, limit+1)
		return err
	})
	if len(list) > limit {
		list, next = list[:limit], list[limit-1].ID
	}
	return list, next, err
}

// EndSocket implements api.Sockets.
func (s *sockets) EndSocket(ctx context.Context, code, id string, status int, reason string) error {
	var c channel.Connection
	err := s.h.db.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = s.kept.Find(tx, id)
		return err
	})
	if errors.Is(err, db.ErrNoRows) || err == nil && c.Channel != code {
		return noConnection(id)
	}
	if err != nil {
		return err
	}
	return s.CloseSocket(ctx, s.ids.New("ord", s.h.runs.Now()), id, status, reason)
}

package ingress

import (
	"context"

	"junctor/internal/channel"
	"junctor/internal/fault"
	"junctor/internal/socket"
	"junctor/internal/subscription"
)

// follower is the other side of a websocket by which an eventing channel is
// subscribed to.
type follower struct {
	d       *door
	token   string
	row     channel.Connection
	session *subscription.Session
}

// follow makes the handler of a connection that has its place.
func (d *door) follow(conn *socket.Conn, token string, row channel.Connection) *follower {
	f := &follower{d: d, token: token, row: row}
	f.session = d.Events.NewSession(conn, row.Channel, f)
	return f
}

// door is the channel as it is now, nil when it is not there any more.
func (f *follower) door() *Door {
	door := f.d.Doors.Door(f.token)
	if door == nil || door.Channel.Code != f.row.Channel || door.Channel.Type != channel.Eventing {
		return nil
	}
	return door
}

// Allowed implements subscription.Entrance.
func (f *follower) Allowed() (subscription.Allowed, error) {
	door := f.door()
	if door == nil {
		return subscription.Allowed{}, fault.New(fault.NotFound, "%s", ChannelGone)
	}
	return door.Allowed, door.Gate.Lets(f.row.Address)
}

// Admit implements subscription.Entrance.
func (f *follower) Admit() error {
	door := f.door()
	switch {
	case door == nil:
		return fault.New(fault.NotFound, "%s", ChannelGone)
	case door.Refused != nil:
		return door.Refused
	}
	if err := door.Gate.From(f.row.Address); err != nil {
		return err
	}
	return door.Gate.Admit()
}

// Message implements socket.Handler.
func (f *follower) Message(ctx context.Context, c *socket.Conn, m socket.Message) {
	if f.door() == nil {
		c.Close(socket.Policy, ChannelGone)
		return
	}
	if m.Kind != socket.Text {
		c.Close(socket.Unacceptable, "Messages are JSON in text frames.")
		return
	}
	f.session.Message(ctx, m.Data)
}

// Closed implements socket.Handler.
func (f *follower) Closed(_ *socket.Conn, end socket.End) {
	f.session.Closed()
	f.d.Sockets.Directory.Disconnected(f.row, end)
}

var (
	_ socket.Handler        = (*follower)(nil)
	_ subscription.Line     = (*socket.Conn)(nil)
	_ subscription.Entrance = (*follower)(nil)
)

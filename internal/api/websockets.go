package api

import (
	"context"

	"junctor/internal/channel"
	"junctor/internal/socket"
)

// Sockets is what the door needs of the channels' websockets.
type Sockets interface {
	// ListSockets goes by id; next is the id to continue after, "" at the end.
	// Errors: fault.NotFound when no channel has the code.
	ListSockets(ctx context.Context, channel, after string, limit int) (list []channel.Connection, next string, err error)
	// EndSocket closes a connection of a channel. Errors: fault.NotFound.
	EndSocket(ctx context.Context, channel, id string, code int, reason string) error
}

func (d *door) listSockets(c *call, q paging, _ nothing) (page[channel.Connection], error) {
	return listByKey(q, func(after string, limit int) ([]channel.Connection, string, error) {
		return d.Sockets.ListSockets(c.r.Context(), c.path("code"), after, limit)
	})
}

func (d *door) endSocket(c *call, _, _ nothing) (any, error) {
	return nil, d.Sockets.EndSocket(c.r.Context(), c.path("code"), c.path("id"), socket.Policy, "An administrator has closed the connection.")
}

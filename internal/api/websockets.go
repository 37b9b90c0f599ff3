package api

import (
	"context"

	"junctor/internal/channel"
	"junctor/internal/fault"
	"junctor/internal/socket"
)

// Sockets is what the door needs of the channels' websockets.
type Sockets interface {
	HasChannel(code string) bool
	// ListSockets goes by id; next is the id to continue after, "" at the end. Of a
	// channel, and at a node, when these are given.
	ListSockets(ctx context.Context, channel, node, after string, limit int) (list []channel.Connection, next string, err error)
	// EndSocket closes a connection of a channel. Errors: fault.NotFound.
	EndSocket(ctx context.Context, channel, id string, code int, reason string) error
}

func (d *door) listSockets(c *call, q paging, _ nothing) (page[channel.Connection], error) {
	code := c.path("code")
	if !d.Sockets.HasChannel(code) {
		return page[channel.Connection]{}, fault.New(fault.NotFound, "There is no channel %q.", code)
	}
	return d.listAllSockets(c, socketsQuery{paging: q, Channel: code}, nothing{})
}

type socketsQuery struct {
	paging
	Channel string `query:"channel" doc:"code"`
	Node    string `query:"node" doc:"id of the process that has it"`
}

func (d *door) listAllSockets(c *call, q socketsQuery, _ nothing) (page[channel.Connection], error) {
	return listByKey(q.paging, func(after string, limit int) ([]channel.Connection, string, error) {
		return d.Sockets.ListSockets(c.r.Context(), q.Channel, q.Node, after, limit)
	})
}

func (d *door) endSocket(c *call, _, _ nothing) (any, error) {
	return nil, d.Sockets.EndSocket(c.r.Context(), c.path("code"), c.path("id"), socket.Policy, "An administrator has closed the connection.")
}

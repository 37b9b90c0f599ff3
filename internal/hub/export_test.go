package hub

import (
	"context"

	"junctor/internal/db"
)

// Write makes a transaction, as doors do.
func (h *Hub) Write(ctx context.Context, f func(*db.Tx) error) error { return h.db.Write(ctx, f) }

// ForgetSockets tells of the connections of nodes that have gone, as it does
// every minute.
func (h *Hub) ForgetSockets(ctx context.Context) error { return h.sockets.forget(ctx) }

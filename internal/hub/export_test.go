package hub

import (
	"context"

	"junctor/internal/db"
)

// Write makes a transaction, as doors do.
func (h *Hub) Write(ctx context.Context, f func(*db.Tx) error) error { return h.db.Write(ctx, f) }

package hub

import (
	"context"

	"junctor/internal/class/table"
	"junctor/internal/db"
)

// Views says which of the classes' API views are as they should be.
func (h *Hub) Views(ctx context.Context) (views []table.View, err error) {
	err = h.db.Read(ctx, func(tx *db.Tx) error {
		views, err = table.Views(tx)
		return err
	})
	return views, err
}

// RefreshViews makes the API views again.
func (h *Hub) RefreshViews(ctx context.Context) error { return h.db.Write(ctx, table.RefreshViews) }

package hub

import (
	"context"
	"time"

	"junctor/internal/db"
	"junctor/internal/kv"
)

// expire removes what has a time and is over, in small batches: values of kv,
// and the channels' nonces.
func (h *Hub) expire(ctx context.Context) {
	const every = time.Minute
	for {
		next, stop := h.options.Clock.After(every)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-next:
		}
		h.sweep(ctx, "values of kv", kv.Expire)
		h.sweep(ctx, "nonces", h.nonces.Expire)
	}
}

// sweep removes everything of one kind whose time is over.
func (h *Hub) sweep(ctx context.Context, what string, remove func(tx *db.Tx, most int, now time.Time) (int64, error)) {
	const batch = 500
	for n := int64(batch); n == batch; {
		err := h.db.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = remove(tx, batch, h.options.Clock.Now())
			return err
		})
		if err != nil {
			if ctx.Err() == nil {
				h.log.Error(what+" that are over could not be removed; trying again in a minute", "error", err)
			}
			return
		}
	}
}

package hub

import (
	"context"
	"time"

	"junctor/internal/db"
	"junctor/internal/kv"
)

// expire removes values of kv whose time is over, in small batches.
func (h *Hub) expire(ctx context.Context) {
	const every, batch = time.Minute, 500
	for {
		next, stop := h.options.Clock.After(every)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-next:
		}
		for n := int64(batch); n == batch; {
			err := h.db.Write(ctx, func(tx *db.Tx) (err error) {
				n, err = kv.Expire(tx, batch, h.options.Clock.Now())
				return err
			})
			if err != nil {
				if ctx.Err() == nil {
					h.log.Error("values of kv that are over could not be removed; trying again in a minute", "error", err)
				}
				break
			}
		}
	}
}

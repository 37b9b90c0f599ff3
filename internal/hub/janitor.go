package hub

import (
	"context"
	"time"

	"junctor/internal/db"
	"junctor/internal/kv"
	"junctor/internal/record"
	"junctor/internal/schedule"
	"junctor/internal/subscription"
)

// untaken is how long a file waits for a record to take it.
const untaken = 24 * time.Hour

// expire removes what has a time and is over, in small batches: values of kv, the
// channels' nonces, keys that polls have seen, deleted records and files that belong to none.
func (h *Hub) expire(ctx context.Context) {
	h.every(ctx, time.Minute, func() {
		if err := h.sockets.forget(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("connections of nodes that have gone could not be forgotten; trying again in a minute", "error", err)
		}
		h.sweep(ctx, "values of kv", kv.Expire)
		h.sweep(ctx, "nonces", h.nonces.Expire)
		h.sweep(ctx, "links", h.links.Expire)
		h.sweep(ctx, "approvals", h.links.Overdue)
		h.sweep(ctx, "names of subscribers", subscription.ExpireNames)
		h.sweep(ctx, "keys of polls", schedule.ExpireSeen)
		h.sweep(ctx, "deleted records", func(tx *db.Tx, most int, now time.Time) (int64, error) {
			n, err := record.Purge(tx, h.model(), now, most)
			return int64(n), err
		})
		h.sweep(ctx, "files of no record", func(tx *db.Tx, most int, _ time.Time) (int64, error) {
			n, err := h.records.CollectFiles(tx, most, untaken)
			return int64(n), err
		})
	})
}

// analyze keeps what the database knows of its tables from being long over.
func (h *Hub) analyze(ctx context.Context) {
	h.every(ctx, 5*time.Second, func() {
		if err := h.db.Analyze(ctx); err != nil && ctx.Err() == nil {
			h.log.Warn("tables that have grown could not be looked at; trying again", "error", err)
		}
	})
}

// every calls f again and again until ctx ends, the first time after the interval.
func (h *Hub) every(ctx context.Context, interval time.Duration, f func()) {
	for {
		next, stop := h.options.Clock.After(interval)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-next:
		}
		f()
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

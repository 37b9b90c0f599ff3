package load

import (
	"context"
	"time"
)

// worker is one connection's share of a measurement.
type worker struct {
	options  *Options
	conn     link // nil after a failure, until the next request dials again
	buf      []byte
	statuses map[int]int64
	failed   int64
	firstErr error
	latency  Histogram
}

func (w *worker) run(ctx context.Context, s *schedule) {
	for ctx.Err() == nil {
		n, at, ok := s.take()
		if !ok {
			return
		}
		// A request that the generator itself sends late is timed from when it
		// is sent. One that waits for a free connection, since the server holds
		// them all, is timed from when it should have been sent: otherwise a
		// server that stalls would hide its stall.
		begun := time.Now()
		if !at.IsZero() {
			if wait := at.Sub(begun); wait > 0 {
				if !sleep(ctx, wait) {
					return
				}
				begun = time.Now()
			} else {
				begun = at
			}
		}
		w.once(ctx, n, begun)
	}
}

func (w *worker) once(ctx context.Context, n int64, begun time.Time) {
	if w.conn == nil {
		c, err := w.options.dial(ctx)
		if err != nil {
			w.fail(err)
			sleep(ctx, 10*time.Millisecond) // a server that is down is not asked in a tight loop
			return
		}
		w.conn = c
	}
	w.buf = w.options.Request(n, w.buf[:0])
	status, err := w.conn.exchange(w.buf, w.options.Timeout)
	if err != nil {
		w.fail(err)
		w.conn.close()
		w.conn = nil
		return
	}
	w.latency.Record(time.Since(begun))
	w.statuses[status]++
	if w.conn.ended() {
		w.conn.close()
		w.conn = nil
	}
}

func (w *worker) fail(err error) {
	w.failed++
	if w.firstErr == nil {
		w.firstErr = err
	}
}

// sleep waits and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

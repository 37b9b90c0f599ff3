package db

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// maxWAL is the size of SQLite's write-ahead log above which new reads wait
// until it has been emptied. Below, SQLite empties it by itself whenever no
// read is open; reads that always overlap would let it grow for ever.
const maxWAL = 256 << 20

// checkpointer keeps the write-ahead log bounded.
type checkpointer struct {
	path    string
	limit   int64
	log     *slog.Logger
	commits atomic.Int64
	working atomic.Bool
}

// committed is called after each commit. It looks at the file now and then.
func (c *checkpointer) committed(e *sqliteEngine) {
	const often = 64
	if c.commits.Add(1)%often != 0 {
		return
	}
	info, err := os.Stat(c.path)
	if err != nil || info.Size() < c.limit || !c.working.CompareAndSwap(false, true) {
		return
	}
	e.background.Go(func() {
		defer c.working.Store(false)
		c.truncate(e, info.Size())
	})
}

// truncate takes the readers as they become free, which Options.ReadLimit
// bounds, then the writer, and empties the log.
func (c *checkpointer) truncate(e *sqliteEngine, size int64) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*DefaultReadLimit)
	defer cancel()
	var taken []*sqliteConn
	defer func() {
		for _, conn := range taken {
			e.free <- conn
		}
	}()
	for range cap(e.free) {
		select {
		case conn := <-e.free:
			taken = append(taken, conn)
		case <-e.closing:
			return
		case <-ctx.Done():
			c.log.Warn("the write-ahead log could not be emptied: a read does not end", "bytes", size)
			return
		}
	}
	select {
	case conn := <-e.writer:
		defer func() { e.writer <- conn }()
		if err := conn.control("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			c.log.Warn("the write-ahead log could not be emptied", "bytes", size, "error", err)
			return
		}
		c.log.Info("emptied the write-ahead log", "bytes", size)
	case <-e.closing:
	case <-time.After(DefaultReadLimit):
		c.log.Warn("the write-ahead log could not be emptied: a write does not end", "bytes", size)
	}
}

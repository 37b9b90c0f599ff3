package db

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// SQLite's write-ahead log begins anew when all of it has been copied to the
// database file, nobody reads from it and the next commit comes. Left alone,
// SQLite copies it inside a COMMIT, and everybody waits for that.
const (
	// often is after how many commits the log is looked at.
	often = 64
	// longLog is how many pages are in the log when it is to begin anew: 64 MiB. The
	// next commits are then held for a moment. A page that is written again and
	// again, as the newest ones are, is copied once in that time; and the fewer
	// syncs of the database file, the fewer of the log's have to wait for one.
	longLog = 8000
	// shortRest is how many pages may be left to be copied while commits are held,
	// passes how often the checkpointer tries to come that near.
	shortRest = 150
	passes    = 8
	// maxWAL is the size above which new reads wait until the log has been
	// emptied: reads that always overlap would let it grow for ever.
	maxWAL = 256 << 20
	// pageSize is what a new database is made with, in bytes: two or three messages
	// fit in a page, and each page costs a commit two system calls.
	pageSize = 8192
	// frameSize is a page in the log.
	frameSize = pageSize + 24
)

// checkpointer copies the write-ahead log to the database file beside the commits,
// and keeps it bounded.
type checkpointer struct {
	limit   int64 // bytes
	log     *slog.Logger
	conn    *sqliteConn // its own
	file    *fileSync   // of the database
	commits atomic.Int64
	wake    chan struct{}
	empty   chan chan error // asks for an empty log
	done    chan struct{}   // closed when it has ended; nil when it never began
	holding atomic.Bool     // reads are held
}

// committed is called after each commit.
func (c *checkpointer) committed() {
	if c.commits.Add(1)%often != 0 {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// work looks at the log until the engine closes.
func (c *checkpointer) work(e *sqliteEngine) {
	defer close(c.done)
	for {
		select {
		case <-c.wake:
			if err := c.look(e); err != nil {
				c.log.Warn("the write-ahead log could not be emptied", "error", err)
				e.failed(err) // or the log would begin anew over what has not been copied
			}
		case done := <-c.empty:
			err := c.truncate(e, 0)
			e.failed(err)
			done <- err
		case <-e.closing:
			return
		}
	}
}

// look copies what is in the log. When it is long the rest is copied while
// nobody writes, so that the next commit can begin it anew. By then the rest has
// to be short, and the database file on disk but for that: everybody waits.
func (c *checkpointer) look(e *sqliteEngine) error {
	frames, copied, err := copyLog(c.conn)
	if err != nil || frames < min(longLog, c.limit/frameSize) {
		return err
	}
	if frames*frameSize > c.limit {
		return c.truncate(e, frames*frameSize)
	}
	for range passes {
		if err := c.file.do(); err != nil {
			return err
		}
		before := copied
		if frames, copied, err = copyLog(c.conn); err != nil {
			return err
		}
		if frames-before < shortRest {
			return c.copyRest(e)
		}
	}
	return nil // it grows as fast as it is copied: the next look may do better
}

// copyRest copies the rest of the log while nobody writes.
func (c *checkpointer) copyRest(e *sqliteEngine) error {
	select {
	case conn := <-e.writer:
		defer func() { e.writer <- conn }()
		_, _, err := copyLog(conn)
		return err
	case <-e.closing:
		return nil
	}
}

// copyLog copies as much of the log as readers and writers let it. It returns
// how many pages are in the log, and how many of them have been copied.
func copyLog(conn *sqliteConn) (frames, copied int64, err error) {
	var busy int64
	err = conn.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &frames, &copied)
	return frames, copied, err
}

// truncate takes the readers as they become free, which Options.ReadLimit
// bounds, then the writer, and empties the log.
func (c *checkpointer) truncate(e *sqliteEngine, size int64) error {
	c.holding.Store(true)
	defer c.holding.Store(false)
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
			return ErrClosed
		case <-ctx.Done():
			return errors.New("a read does not end")
		}
	}
	select {
	case conn := <-e.writer:
		defer func() { e.writer <- conn }()
		if err := conn.control("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			return err
		}
		c.log.Info("emptied the write-ahead log", "bytes", size)
	case <-e.closing:
		return ErrClosed
	case <-time.After(DefaultReadLimit):
		return errors.New("a write does not end")
	}
	return nil
}

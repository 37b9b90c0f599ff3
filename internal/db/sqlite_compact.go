package db

import (
	"context"
	"errors"
)

// compact writes the file anew, which secure_delete would not replace: that
// spares only copies of what is deleted from then on, and a row that was written
// twice has left one before.
func (e *sqliteEngine) compact(ctx context.Context) error {
	var conn *sqliteConn
	select {
	case conn = <-e.writer:
	case <-e.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	// What it sorts may be larger than the memory.
	err := conn.control("PRAGMA temp_store=file")
	if err == nil {
		err = conn.control("VACUUM")
	}
	err = errors.Join(err, conn.control("PRAGMA temp_store=memory"))
	e.writer <- conn
	if err != nil {
		return sqliteError(err)
	}
	done := make(chan error, 1)
	select {
	case e.checkpointer.empty <- done:
		return <-done
	case <-e.closing:
		return ErrClosed
	}
}

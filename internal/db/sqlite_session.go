package db

import (
	"context"
	"database/sql"

	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteConn is a connection with its prepared statements. One goroutine has
// it at a time.
type sqliteConn struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	size  int                    // of their texts
	inner map[string]*directStmt // for the hot path, without database/sql between

	interrupt func() // ends what the connection executes; nil where the driver is laid out differently
}

// The statements kept per connection are bounded in number and in bytes of text:
// SQLite keeps several times as much of each. Those written in the program are
// few; those made for queries over classes are not, and the one that comes
// replaces any other.
const (
	maxStmts = 500
	maxTexts = 256 << 10
)

func newSQLiteConn(conn *sql.Conn) *sqliteConn {
	c := &sqliteConn{conn: conn, stmts: map[string]*sql.Stmt{}, inner: map[string]*directStmt{}}
	conn.Raw(func(raw any) error { //nolint:errcheck // then there is no interruption
		db, tls, err := handles(raw)
		if err == nil {
			c.interrupt = func() { sqlite3.Xsqlite3_interrupt(tls, db) }
		}
		return err
	})
	return c
}

// until interrupts the connection when ctx ends; what it returns ends that, and
// has to be called once. The driver watches over a query until its first row only,
// and the second may be a whole table away.
func (c *sqliteConn) until(ctx context.Context) (stop func()) {
	if ctx.Done() == nil || c.interrupt == nil {
		return func() {}
	}
	over := make(chan struct{})
	end := context.AfterFunc(ctx, func() {
		defer close(over)
		c.interrupt()
	})
	return func() {
		if !end() {
			<-over // or it would hit the statement that comes next
		}
	}
}

func (c *sqliteConn) close() error {
	if c == nil {
		return nil
	}
	for _, s := range c.stmts {
		s.Close() //nolint:errcheck // the connection is closed next
	}
	for _, s := range c.inner {
		s.close()
	}
	return c.conn.Close()
}

// take removes a prepared statement from the cache: while its rows are open it
// must not be executed a second time.
func (c *sqliteConn) take(ctx context.Context, text string) (*sql.Stmt, error) {
	if s, ok := c.stmts[text]; ok {
		delete(c.stmts, text)
		c.size -= len(text)
		return s, nil
	}
	return c.conn.PrepareContext(ctx, text)
}

func (c *sqliteConn) give(text string, s *sql.Stmt) {
	if old, ok := c.stmts[text]; ok {
		old.Close() //nolint:errcheck // nothing hangs on it
		c.size -= len(text)
	}
	c.stmts[text] = s
	c.size += len(text)
	for other, old := range c.stmts { // in no order
		if len(c.stmts) <= maxStmts && c.size <= maxTexts {
			break
		}
		delete(c.stmts, other)
		c.size -= len(other)
		old.Close() //nolint:errcheck // nothing hangs on it
	}
}

// control runs BEGIN, COMMIT and the like, which no context interrupts.
func (c *sqliteConn) control(text string) error {
	s, err := c.take(context.Background(), text)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.Background())
	c.give(text, s)
	return err
}

// sqliteSession is one transaction.
type sqliteSession struct {
	engine *sqliteEngine
	conn   *sqliteConn
	home   chan *sqliteConn // where the connection goes back to
	done   bool             // its commit has happened
	open   *sqliteCursor    // the last result
}

func (s *sqliteSession) exec(ctx context.Context, text string, args []any) (int64, error) {
	if s.reading() {
		return 0, errReading
	}
	stmt, err := s.conn.take(ctx, text)
	if err != nil {
		return 0, sqliteError(err)
	}
	defer s.conn.give(text, stmt)
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, sqliteError(err)
	}
	return result.RowsAffected()
}

func (s *sqliteSession) query(ctx context.Context, text string, args []any) (cursor, error) {
	if s.reading() {
		return nil, errReading
	}
	stmt, err := s.conn.take(ctx, text)
	if err != nil {
		return nil, sqliteError(err)
	}
	rows, err := stmt.QueryContext(ctx, args...) //nolint:rowserrcheck // whoever reads the cursor asks it
	if err != nil {
		s.conn.give(text, stmt)
		return nil, sqliteError(err)
	}
	s.open = &sqliteCursor{Rows: rows, ctx: ctx, conn: s.conn, stmt: stmt, text: text, stop: s.conn.until(ctx)}
	return s.open, nil
}

// many executes the statement for each row below the driver: rows are small and
// many, and what database/sql does for each would cost as much as SQLite's work.
func (s *sqliteSession) many(ctx context.Context, st *Stmt, rows [][]any) (affected int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if s.reading() {
		return 0, errReading
	}
	plain, err := st.prepare(rows)
	if err != nil {
		return 0, err
	}
	err = s.conn.conn.Raw(func(raw any) error {
		stmt, err := s.conn.direct(raw, st.sqlite)
		if err != nil {
			return sqliteError(err)
		}
		for i, row := range plain {
			n, err := stmt.execute(row)
			if err == nil && n == 0 && st.must {
				err = ErrNoRows
			}
			if err != nil {
				return &rowError{i, sqliteError(err)}
			}
			affected += n
		}
		return nil
	})
	return affected, err
}

// leave has no way to go that it could save.
func (s *sqliteSession) leave(ctx context.Context, st *Stmt, rows [][]any) error {
	_, err := s.many(ctx, st, rows)
	return err
}

// line has nobody to wait for: there is one writer.
func (s *sqliteSession) line(context.Context) error { return nil }

func (s *sqliteSession) commit() error {
	if s.reading() {
		s.rollback()
		return errReading
	}
	err := s.conn.control("COMMIT")
	if err != nil {
		s.engine.failed(err)
		s.conn.control("ROLLBACK") //nolint:errcheck // SQLite may have rolled back by itself
	}
	if err == nil {
		s.done = true
		s.engine.checkpointer.committed()
	}
	return commitError(err)
}

// committed knows: there is no network that could have lost the answer.
func (s *sqliteSession) committed(context.Context) (bool, error) { return s.done, nil }

func (s *sqliteSession) rollback() {
	if s.reading() { // an open statement would keep the transaction from ending
		s.open.Close() //nolint:errcheck // its reader has left
	}
	s.conn.control("ROLLBACK") //nolint:errcheck // SQLite may have rolled back by itself; nothing is left either way
}

// reading reports whether rows are open. SQLite could do more meanwhile,
// PostgreSQL could not, so it is an error here too.
func (s *sqliteSession) reading() bool { return s.open != nil && s.open.stmt != nil }

func (s *sqliteSession) abandon() { s.rollback() }

func (s *sqliteSession) release() { s.home <- s.conn }

// sqliteCursor gives its statement back when it is closed.
type sqliteCursor struct {
	*sql.Rows
	ctx  context.Context
	conn *sqliteConn
	stmt *sql.Stmt
	text string
	stop func() // see until
}

func (c *sqliteCursor) Close() error {
	err := c.Rows.Close()
	if c.stmt != nil {
		c.stop()
		c.conn.give(c.text, c.stmt)
		c.stmt = nil
	}
	return sqliteError(err)
}

func (c *sqliteCursor) Err() error {
	err := c.Rows.Err()
	if err != nil && c.ctx.Err() != nil {
		return c.ctx.Err() // and not that it was interrupted
	}
	return sqliteError(err)
}

func (c *sqliteCursor) Next() bool {
	if c.Rows.Next() {
		return true
	}
	c.Close() //nolint:errcheck // Err has it
	return false
}

package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// commitLimit is how long a COMMIT may take before its outcome is asked for on
// another connection.
const commitLimit = 30 * time.Second

// maxKept is how many bytes of text a query has at most that stays prepared, here
// and in the server: a long one is a filter that hardly comes again.
const maxKept = 4 << 10

// postgresSession is one transaction.
type postgresSession struct {
	engine  *postgresEngine
	pooled  *pgxpool.Conn // nil once it has been abandoned
	conn    *pgx.Conn
	own     mark
	opening []part // what begins the transaction; nil once it is sent
	tail    []part // not sent yet
	failed  error  // of a statement: what follows would be outside of the transaction
}

const (
	beginRead = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	// limitRead lets the server end what a context would end by breaking the connection.
	limitRead = `SELECT set_config('statement_timeout', $1, true)`
	moveMark  = `INSERT INTO marks (name, value, changed_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at`
)

func (s *postgresSession) openWrite() {
	s.own = mark{name: s.identity().mark, value: s.engine.written.Add(1)}
	s.opening = []part{{sql: "BEGIN"}, {sql: moveMark, values: []any{s.own.name, s.own.value, Micros(time.Now())}}}
}

func (s *postgresSession) openRead(ctx context.Context) {
	s.opening = []part{{sql: beginRead}}
	if until, ok := ctx.Deadline(); ok {
		s.opening = append(s.opening, part{sql: limitRead, values: []any{fmt.Sprint(max(1, time.Until(until).Milliseconds()))}})
	}
}

// reading reports whether rows are open.
func (s *postgresSession) reading() bool { return s.conn.PgConn().IsBusy() }

func (s *postgresSession) exec(ctx context.Context, sql string, args []any) (int64, error) {
	if s.opensWith(sql) {
		results, err := s.first(ctx, sql, args)
		if err != nil {
			return 0, err
		}
		tag, err := results.Exec()
		return tag.RowsAffected(), s.fails(closing(results, err))
	}
	if err := s.idle(ctx); err != nil {
		return 0, err
	}
	tag, err := s.conn.Exec(ctx, sql, args...)
	return tag.RowsAffected(), postgresError(err)
}

func (s *postgresSession) query(ctx context.Context, sql string, args []any) (cursor, error) {
	if s.opensWith(sql) {
		results, err := s.first(ctx, sql, args)
		if err != nil {
			return nil, err
		}
		rows, err := results.Query()
		if err != nil {
			return nil, s.fails(closing(results, err))
		}
		return &postgresCursor{rows, s, results}, nil
	}
	if err := s.idle(ctx); err != nil {
		return nil, err
	}
	if len(sql) > maxKept {
		args = append([]any{pgx.QueryExecModeDescribeExec}, args...)
	}
	rows, err := s.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, postgresError(err)
	}
	return &postgresCursor{rows, s, nil}, nil
}

// opensWith reports whether a statement goes over with what begins the transaction.
func (s *postgresSession) opensWith(sql string) bool {
	return s.opening != nil && s.failed == nil && len(s.tail) == 0 && len(sql) <= maxKept && !s.reading()
}

// first sends a statement with what begins the transaction.
func (s *postgresSession) first(ctx context.Context, sql string, args []any) (pgx.BatchResults, error) {
	var b pgx.Batch
	for _, p := range s.opening {
		b.Queue(p.sql, p.values...)
	}
	b.Queue(sql, args...)
	results := s.conn.SendBatch(ctx, &b)
	for range s.opening {
		if _, err := results.Exec(); err != nil {
			return nil, s.fails(closing(results, err))
		}
	}
	s.opening = nil
	return results, nil
}

// closing closes, and keeps the first error.
func closing(results pgx.BatchResults, err error) error {
	if closed := results.Close(); err == nil {
		err = closed
	}
	return err
}

// fails remembers that the transaction has failed, or has not even begun.
func (s *postgresSession) fails(err error) error {
	if err = postgresError(err); err != nil {
		s.failed = err
	}
	return err
}

func (s *postgresSession) rollback() {
	if s.conn.PgConn().TxStatus() == 'I' && !s.reading() { // nothing was begun
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), idleLimit)
	defer cancel()
	if _, err := s.conn.Exec(ctx, "ROLLBACK", pgx.QueryExecModeSimpleProtocol); err != nil {
		s.abandon()
	}
}

func (s *postgresSession) release() {
	if s.pooled != nil {
		s.pooled.Release()
	}
}

// abandon closes without a word; the pool replaces the connection.
func (s *postgresSession) abandon() {
	conn := s.pooled.Hijack()
	s.pooled = nil
	conn.PgConn().Conn().Close() //nolint:errcheck // broken is what it is to be
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn.Close(ctx) //nolint:errcheck // it is broken
}

// postgresCursor gives pgx's rows the shape of database/sql's.
type postgresCursor struct {
	rows    pgx.Rows
	session *postgresSession
	first   pgx.BatchResults // of the transaction's first statement; nil: of another, or closed
}

func (c *postgresCursor) Next() bool {
	if c.rows.Next() {
		return true
	}
	c.end()
	return false
}

func (c *postgresCursor) Scan(dest ...any) error { return c.rows.Scan(dest...) }
func (c *postgresCursor) Err() error             { return postgresError(c.rows.Err()) }

func (c *postgresCursor) Close() error {
	c.rows.Close()
	c.end()
	return c.Err()
}

// end frees the connection for the next statement.
func (c *postgresCursor) end() {
	if c.first != nil {
		c.session.fails(closing(c.first, c.rows.Err())) //nolint:errcheck // it is remembered
		c.first = nil
	}
}

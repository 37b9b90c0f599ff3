package db

import (
	"context"
	"errors"
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
	engine *postgresEngine
	pooled *pgxpool.Conn // nil once it has been abandoned
	conn   *pgx.Conn
	own    mark
	xid    string
	tail   []part // not sent yet
}

// startWrite begins, moves the mark and learns the transaction id in one round
// trip. The texts inside are this process's own, so they need no parameters.
func (s *postgresSession) startWrite(ctx context.Context) error {
	s.own = mark{name: fmt.Sprintf("%s.%d", s.engine.node, s.conn.PgConn().PID()), value: s.engine.written.Add(1)}
	results, err := s.conn.PgConn().Exec(ctx, fmt.Sprintf(`BEGIN;
		INSERT INTO marks (name, value, changed_at) VALUES ('%s', %d, %d)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at;
		SELECT pg_current_xact_id()::text`, s.own.name, s.own.value, Micros(time.Now()))).ReadAll()
	if err != nil {
		return err
	}
	last := results[len(results)-1]
	if len(last.Rows) != 1 {
		return errors.New("PostgreSQL did not tell the transaction's id")
	}
	s.xid = string(last.Rows[0][0])
	return nil
}

// reading reports whether rows are open.
func (s *postgresSession) reading() bool { return s.conn.PgConn().IsBusy() }

func (s *postgresSession) exec(ctx context.Context, sql string, args []any) (int64, error) {
	if err := s.idle(ctx); err != nil {
		return 0, err
	}
	tag, err := s.conn.Exec(ctx, sql, args...)
	return tag.RowsAffected(), postgresError(err)
}

func (s *postgresSession) query(ctx context.Context, sql string, args []any) (cursor, error) {
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
	return postgresCursor{rows}, nil
}

func (s *postgresSession) rollback() {
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
type postgresCursor struct{ rows pgx.Rows }

func (c postgresCursor) Next() bool             { return c.rows.Next() }
func (c postgresCursor) Scan(dest ...any) error { return c.rows.Scan(dest...) }
func (c postgresCursor) Err() error             { return postgresError(c.rows.Err()) }

func (c postgresCursor) Close() error {
	c.rows.Close()
	return c.Err()
}

package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// identity is which process of the server serves a connection.
type identity struct {
	mark  string // the name of its row in marks, of which there is no other
	pid   uint32
	since string // when it began: ids of processes come again
}

// identify comes once after connecting.
func (e *postgresEngine) identify(ctx context.Context, conn *pgx.Conn) error {
	i := identity{mark: fmt.Sprintf("%s.%d", e.node, e.opened.Add(1)), pid: conn.PgConn().PID()}
	err := conn.QueryRow(ctx, `SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()`).Scan(&i.since)
	conn.PgConn().CustomData()["identity"] = i
	return err
}

func (s *postgresSession) identity() identity {
	i, _ := s.conn.PgConn().CustomData()["identity"].(identity)
	return i
}

// committed ends the process of the server that may still be at it, waits until it
// is gone, and then believes the mark.
func (s *postgresSession) committed(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if s.pooled != nil {
		s.abandon()
	}
	i := s.identity()
	rows, err := s.engine.readers.Query(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2::text::timestamptz`, i.pid, i.since)
	if err != nil {
		return false, postgresError(err)
	}
	rows.Close()
	if rows.Err() != nil {
		return false, postgresError(rows.Err())
	}
	if rows.CommandTag().RowsAffected() > 0 {
		return false, errors.New("the transaction may still be in progress")
	}
	read, err := s.engine.begin(ctx, false) // a snapshot of after the transaction's end
	if err != nil {
		return false, err
	}
	defer read.release()
	defer read.rollback()
	return markIs(ctx, read, s.own)
}

package db

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// committed waits, on other connections, while the transaction is in progress,
// then believes its mark. The transaction id alone is not enough: after a
// crash of the server, an id that had not reached the disk is given to another
// transaction.
func (s *postgresSession) committed(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	status, err := s.engine.status(ctx, s.xid)
	if err != nil {
		return false, err
	}
	switch status {
	case "in progress":
		return false, errors.New("the transaction is still in progress")
	case "aborted", "never given":
		return false, nil
	}
	read, err := s.engine.begin(ctx, false) // a snapshot of after the transaction's end
	if err != nil {
		return false, err
	}
	defer read.release()
	defer read.rollback()
	return markIs(ctx, read, s.own)
}

// status is what the server says about a transaction id; "" when that is too
// long ago.
func (e *postgresEngine) status(ctx context.Context, xid string) (string, error) {
	var status *string
	err := e.readers.QueryRow(ctx, `SELECT pg_xact_status($1::text::xid8)`, xid).Scan(&status)
	var own *pgconn.PgError
	switch {
	case errors.As(err, &own) && own.Code == "22023": // in the server's future: lost in a crash
		return "never given", nil
	case err != nil:
		return "", postgresError(err)
	case status == nil:
		return "", nil
	}
	return *status, nil
}

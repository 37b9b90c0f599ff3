package db

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// postgresError makes a driver's error one of this package's.
func postgresError(err error) error {
	var own *pgconn.PgError
	var done *storeError
	switch {
	case err == nil || errors.As(err, &done) || errors.Is(err, ErrClosed):
		return err
	case errors.As(err, &own):
		return &storeError{stateClass(own), err}
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case broken(err):
		return &storeError{lost, err}
	}
	return err
}

// stateClass sorts the server's SQLSTATEs.
func stateClass(e *pgconn.PgError) class {
	switch e.Code {
	case "23505":
		return unique
	case "23514", "23503", "23P01", "P0001": // check, foreign key, exclusion, a trigger's RAISE
		return refused
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
		return conflict
	case "0A000":
		if strings.Contains(e.Message, "cached plan") { // after a change of schema; pgx has forgotten the plan by now
			return conflict
		}
	case "57P01", "57P02", "57P03", "25P03": // shutting down, crashed, starting, idle in a transaction
		return lost
	case "25006": // read-only: a standby
		return sick
	case "42501": // not allowed: the tables have nothing to do with it
		return other
	case "57014": // cancelled, by statement_timeout
		return late
	}
	switch e.Code[:min(2, len(e.Code))] {
	case "08":
		return lost
	case "42":
		return unfit
	case "53", "58": // out of disk, memory or connections; system error
		return sick
	}
	return other
}

// broken recognises a connection that could not be made, or that ended without
// the server's word.
func broken(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "EOF")
}

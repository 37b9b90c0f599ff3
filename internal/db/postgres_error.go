package db

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// classOf sorts the server's SQLSTATEs.
func classOf(e *pgconn.PgError) class {
	switch e.Code {
	case "40001", "40P01", "55P03", // serialization failure, deadlock, lock not available
		"0A000": // a cached plan after a change of schema; pgx forgets the plan
		if e.Code == "0A000" && !strings.Contains(e.Message, "cached plan") {
			return other
		}
		return conflict
	case "57P01", "57P02", "57P03", "25P03": // shutting down, crashed, starting, idle in a transaction
		return lost
	case "25006": // read-only: a standby
		return sick
	}
	switch e.Code[:min(2, len(e.Code))] {
	case "08":
		return lost
	case "53", "58": // out of disk, memory or connections; system error
		return sick
	}
	return other
}

// brokenPipe recognises a connection that ended without the server's word.
func brokenPipe(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		err != nil && (strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "unexpected EOF"))
}

// postgresError makes a driver's error one of this package's.
func postgresError(err error) error {
	var own *pgconn.PgError
	if errors.As(err, &own) && own.Code == "23505" {
		return &uniqueError{err}
	}
	return err
}

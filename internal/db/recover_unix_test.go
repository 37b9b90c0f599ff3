//go:build unix

package db_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"junctor/internal/db"
	"junctor/internal/db/dbtest/server"
)

// TestPostgresThatCrashesUnderLoad kills a server process, which makes
// PostgreSQL drop everyone and recover from its log. Transactions that had not
// reached the disk are gone, and their ids are given to others.
func TestPostgresThatCrashesUnderLoad(t *testing.T) {
	s, err := server.Start(os.Stderr) // of its own: others would not like this
	if errors.Is(err, server.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("left out: %v", err)
	}
	must(t, err)
	defer s.Stop() //nolint:errcheck // nothing of it is kept
	d, err := db.Open(t.Context(), db.Options{URL: s.URL, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	must(t, err)
	defer d.Close()
	withThings(t, d)
	underLoad(t, d, func() {
		for crashes := 0; crashes < 3; {
			<-time.After(100 * time.Millisecond)
			if crash(s.URL) {
				crashes++
			}
		}
	})
}

// crash kills the process behind a connection of its own. It reports false
// while the server is still recovering.
func crash(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return false
	}
	defer conn.Close(ctx)
	return syscall.Kill(int(conn.PgConn().PID()), syscall.SIGKILL) == nil
}

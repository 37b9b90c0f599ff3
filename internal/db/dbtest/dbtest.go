// Package dbtest runs tests on every database Junctor knows, and plays what a
// database does on a bad day: a process that dies at a commit, a commit whose
// answer is lost.
package dbtest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"junctor/internal/db"
	"junctor/internal/db/dbtest/server"
	"junctor/internal/id"
)

// Variable names the PostgreSQL to use. Where it is not set, the test process
// starts a PostgreSQL of its own when it first needs one.
const Variable = "JUNCTOR_TEST_POSTGRES"

// Each runs body on SQLite, in a fresh directory, and on PostgreSQL, in a fresh
// schema. What open returns is closed at the end; after Close, open may be
// called again and finds the same data.
func Each(t *testing.T, body func(t *testing.T, open func() *db.DB)) {
	t.Helper()
	EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
		body(t, func() *db.DB { return open(nil) })
	})
}

// EachHooked is Each for tests that stand in the way of commits.
func EachHooked(t *testing.T, body func(t *testing.T, open func(db.Hooks) *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { body(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { body(t, Postgres(t)) })
}

// SQLite makes a fresh place for a SQLite database and returns how to open it.
func SQLite(tb testing.TB) (open func(db.Hooks) *db.DB) {
	tb.Helper()
	return opener(tb, db.Options{Dir: tb.TempDir()})
}

// Postgres makes a fresh place on a PostgreSQL, see PostgresOptions, and
// returns how to open it.
func Postgres(tb testing.TB) (open func(db.Hooks) *db.DB) {
	tb.Helper()
	return opener(tb, PostgresOptions(tb))
}

// PostgresOptions name a PostgreSQL and a domain of the test's own, whose
// schema is dropped at the end. Where there is no PostgreSQL the test is
// skipped, with CI=true it fails.
func PostgresOptions(tb testing.TB) db.Options {
	tb.Helper()
	url := URL(tb)
	domain := "t" + id.Token(12)
	tb.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			tb.Errorf("connect to drop the test's schema: %v", err)
			return
		}
		defer conn.Close(context.Background()) //nolint:errcheck // what matters is what Exec says
		if _, err := conn.Exec(context.Background(), "DROP SCHEMA IF EXISTS junctor_"+domain+" CASCADE"); err != nil {
			tb.Errorf("drop the test's schema: %v", err)
		}
	})
	return db.Options{URL: url, Domain: domain}
}

// URL is that of a PostgreSQL for tests, see PostgresOptions.
func URL(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv(Variable); url != "" {
		return url
	}
	url, err := shared()
	switch {
	case errors.Is(err, server.ErrMissing) && os.Getenv("CI") != "true":
		tb.Skipf("left out: %v", err)
	case err != nil:
		tb.Fatalf("start PostgreSQL: %v", err)
	}
	return url
}

// shared is the process's own PostgreSQL. It ends with the process, see
// server.Start.
var shared = sync.OnceValues(func() (string, error) {
	s, err := server.Start(os.Stderr)
	if err != nil {
		return "", err
	}
	return s.URL, nil
})

func opener(tb testing.TB, o db.Options) func(db.Hooks) *db.DB {
	return func(hooks db.Hooks) *db.DB {
		tb.Helper()
		o := o
		o.Hooks = hooks
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
		d, err := db.Open(context.Background(), o)
		if err != nil {
			tb.Fatalf("open the test's database: %v", err)
		}
		tb.Cleanup(func() {
			if err := d.Close(); err != nil {
				tb.Errorf("close the test's database: %v", err)
			}
		})
		return d
	}
}

package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"junctor/internal/fault"
	"junctor/internal/id"
)

const (
	postgresWriters = 6
	postgresReaders = 8
	// idleLimit ends a transaction whose process was frozen, so that its locks
	// are free well before its lease has run out.
	idleLimit = 5 * time.Second
)

// postgresEngine has a pool for writes and one for reads, so that slow reads
// never keep a write waiting.
type postgresEngine struct {
	writers *pgxpool.Pool
	readers *pgxpool.Pool
	schema  string
	node    string // names this process's marks and notices
	written atomic.Int64
	opened  atomic.Int64 // connections
}

func openPostgres(ctx context.Context, o Options) (engine, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil || !strings.HasPrefix(o.URL, "postgres") {
		// pgx's error is left out: it may show the password
		return nil, fault.New(fault.Invalid, "The PostgreSQL URL is malformed. Write it like postgres://user:password@host:5432/database.")
	}
	e := &postgresEngine{schema: "junctor_" + o.Domain, node: id.Token(12)}
	for name, value := range map[string]string{
		"search_path":                         e.schema,
		"plan_cache_mode":                     "force_custom_plan", // a plan made while a table was small reads all of it when it is large
		"random_page_cost":                    "1.1",               // what we look up is in memory or on an SSD
		"synchronous_commit":                  "on",
		"idle_in_transaction_session_timeout": fmt.Sprint(idleLimit.Milliseconds()),
		"application_name":                    e.schema,
		"timezone":                            "UTC",
		"junctor.writer":                      "on", // what tells triggers on class tables that the writer is us
	} {
		config.ConnConfig.RuntimeParams[name] = value
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	if err := e.connect(ctx, config); err != nil {
		e.close() //nolint:errcheck // never fails
		return nil, unreachable(config.ConnConfig, err)
	}
	return e, nil
}

func (e *postgresEngine) connect(ctx context.Context, config *pgxpool.Config) error {
	var err error
	config.AfterConnect = e.identify
	config.MaxConns = postgresWriters
	if e.writers, err = pgxpool.NewWithConfig(ctx, config.Copy()); err != nil {
		return err
	}
	config.MaxConns = postgresReaders
	if e.readers, err = pgxpool.NewWithConfig(ctx, config.Copy()); err != nil {
		return err
	}
	conn, err := e.writers.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if err := migrate(ctx, &postgresMigrator{conn.Conn(), e.schema}); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `DELETE FROM marks WHERE changed_at < $1`, Micros(time.Now().Add(-24*time.Hour)))
	return err
}

func unreachable(c *pgx.ConnConfig, err error) error {
	var coded *fault.Error
	if errors.As(err, &coded) {
		return err
	}
	at := fmt.Sprintf("PostgreSQL at %s:%d, database %q, user %q", c.Host, c.Port, c.Database, c.User)
	var own *pgconn.PgError
	switch {
	case !errors.As(err, &own):
	case own.Code == "42501":
		return fault.Wrap(err, fault.Forbidden, "%s does not let us make the schema, or use it. The right to make one is given by GRANT CREATE ON DATABASE %s TO %s.",
			at, pgx.Identifier{c.Database}.Sanitize(), pgx.Identifier{c.User}.Sanitize())
	case strings.HasPrefix(own.Code, "28"):
		return fault.Wrap(err, fault.Forbidden, "%s does not let us in. Check user and password.", at)
	case own.Code == "3D000":
		return fault.Wrap(err, fault.Unavailable, "%s cannot be used: there is no such database. It is made by CREATE DATABASE %s.", at, pgx.Identifier{c.Database}.Sanitize())
	}
	return fault.Wrap(err, fault.Unavailable, "%s cannot be used. Check that it runs and that the URL is right.", at)
}

func (e *postgresEngine) postgres() bool { return true }

// begin takes a connection for a transaction, which begins with its first
// statement. A write moves its connection's mark with that.
func (e *postgresEngine) begin(ctx context.Context, write bool) (session, error) {
	pool := e.readers
	if write {
		pool = e.writers
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, postgresError(err)
	}
	s := &postgresSession{engine: e, pooled: conn, conn: conn.Conn()}
	if write {
		s.openWrite()
	} else {
		s.openRead(ctx)
	}
	return s, nil
}

// sync has nothing to do: a COMMIT is answered when it is on disk.
func (e *postgresEngine) sync() error { return nil }

// compact leaves it to VACUUM.
func (e *postgresEngine) compact(context.Context) error { return nil }

func (e *postgresEngine) now(ctx context.Context) (us int64, err error) {
	err = e.readers.QueryRow(ctx, `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`).Scan(&us)
	return us, postgresError(err)
}

func (e *postgresEngine) close() error {
	if e.writers != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		e.writers.Exec(ctx, `DELETE FROM marks WHERE name LIKE $1`, e.node+".%") //nolint:errcheck // Open removes old ones too
		e.writers.Close()
	}
	if e.readers != nil {
		e.readers.Close()
	}
	return nil
}

// Package db keeps Junctor's data: it opens, migrates, reads and writes one
// SQL database, and commits many small writes in one transaction. SQLite and
// PostgreSQL stand behind one type and run the same SQL, written once in their
// common subset with $1 placeholders.
//
// It must not know any of Junctor's nouns: no table but its own (large values,
// marks, schema_migrations) is named here. The nouns' tables come from the
// migrations folder, the nouns' SQL from their packages.
package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"junctor/internal/fault"
)

// DefaultReadLimit is how long a Read may take when Options do not say.
const DefaultReadLimit = 5 * time.Second

// Options say which database to open. Either Dir or URL is given.
type Options struct {
	Dir       string        // SQLite: the data directory, made when missing; one process and one domain per directory
	URL       string        // PostgreSQL: postgres://user:password@host:port/database
	Domain    string        // [a-z][a-z0-9_]*, up to 40 characters; "main" when empty; on PostgreSQL it names the schema
	ReadLimit time.Duration // how long a Read may take; DefaultReadLimit when 0
	Log       *slog.Logger  // slog.Default when nil
	Hooks     Hooks         // tests only
}

// DB is one domain's database. It is safe for use by several goroutines.
type DB struct {
	engine  engine
	log     *slog.Logger
	limit   time.Duration
	hooks   Hooks
	commits atomic.Int64
	dead    atomic.Pointer[deadError]
	broken  chan struct{} // closed when dead is set
	notices *notices
	pieces  chan struct{} // holds those who write a piece of a large value

	closing  sync.Once
	closed   chan struct{}
	closeErr error
}

var domainName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// Open opens the database, takes the data directory's lock (SQLite), and
// brings the schema up to date.
//
// Errors: fault.Invalid (options, malformed URL), fault.Conflict (another
// process has the directory, or a newer release wrote the data),
// fault.Forbidden (not writable), fault.Unavailable (PostgreSQL does not
// answer).
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Domain == "" {
		o.Domain = "main"
	}
	if !domainName.MatchString(o.Domain) {
		return nil, fault.New(fault.Invalid, "The domain name %q is not usable: write up to 40 of a-z, 0-9 and _, beginning with a letter.", o.Domain)
	}
	if (o.Dir == "") == (o.URL == "") {
		return nil, fault.New(fault.Invalid, "Open a database with either a data directory or a PostgreSQL URL, not both and not none.")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.ReadLimit == 0 {
		o.ReadLimit = DefaultReadLimit
	}
	d := &DB{log: o.Log, limit: o.ReadLimit, hooks: o.Hooks, closed: make(chan struct{}), broken: make(chan struct{})}
	var err error
	if o.URL != "" {
		d.engine, err = openPostgres(ctx, o)
	} else {
		d.engine, err = openSQLite(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	d.notices = newNotices(d.engine.carrier())
	d.pieces = make(chan struct{}, piecesAtOnce(o))
	return d, nil
}

// Close waits for the transactions that are open, then releases the database
// and the directory's lock. Close the Committer first.
func (d *DB) Close() error {
	d.closing.Do(func() {
		close(d.closed)
		d.notices.close()
		if err := d.engine.close(); err != nil {
			d.closeErr = fmt.Errorf("close the database: %w", err)
		}
	})
	return d.closeErr
}

// Postgres reports whether the database is PostgreSQL.
func (d *DB) Postgres() bool { return d.engine.postgres() }

// Read calls f with a read-only snapshot: everything f reads is of one moment
// (on SQLite, that of its first statement). The snapshot ends after
// Options.ReadLimit; then statements fail with fault.Unavailable, so long lists
// are read in pages. When the connection breaks f is called again with a new
// snapshot, so f must be repeatable.
func (d *DB) Read(ctx context.Context, f func(*Tx) error) error {
	limited, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	err := d.repeat(limited, d.read, f)
	if err != nil && ctx.Err() == nil && (limited.Err() != nil || classify(err) == late) {
		return fault.Wrap(err, fault.Unavailable, "Reading took longer than %s; ask for less at once.", d.limit)
	}
	return err
}

func (d *DB) read(ctx context.Context, f func(*Tx) error) error {
	tx, err := d.begin(ctx, false)
	if err != nil {
		return err
	}
	defer tx.end()
	return f(tx)
}

// Write calls f in a transaction that commits when f returns nil and is rolled
// back when it returns an error or panics. On SQLite one writer works at a
// time. Serialization failures, deadlocks and connections lost before the
// commit make f run again, in a new transaction, so f must be repeatable: set,
// do not add to, what it captures.
//
// When Write returns nil everything is durable; any error but ErrUnknown means
// that nothing is.
func (d *DB) Write(ctx context.Context, f func(*Tx) error) error {
	if err := d.write(ctx, f); err != nil {
		return err
	}
	return d.sync()
}

// write is Write without the wait for the disk: sync has to follow before
// anybody is told.
func (d *DB) write(ctx context.Context, f func(*Tx) error) error {
	return d.repeat(ctx, d.attempt, f)
}

// sync returns when all that was written before is durable. When the disk fails,
// nobody can say what is on it: the DB answers nothing but that from then on.
func (d *DB) sync() error {
	err := d.engine.sync()
	if err == nil {
		return nil
	}
	d.log.Error("the disk failed; restart when it works again", "error", err)
	d.die(err)
	return errors.Join(ErrUnknown, err)
}

// Durable returns when all that was committed before the call is durable. On
// SQLite a read may see what is not yet: whoever tells somebody what he must be
// able to rely on after the machine has lost its power calls it first.
func (d *DB) Durable() error {
	if err := d.alive(); err != nil {
		return err
	}
	return d.sync()
}

// repeat does one transaction until it succeeds or fails for good.
func (d *DB) repeat(ctx context.Context, once func(context.Context, func(*Tx) error) error, f func(*Tx) error) error {
	for try := 1; ; try++ {
		err := once(ctx, f)
		if err == nil || try == maxTries || !d.repeatable(err) {
			return explain(err)
		}
		if waitErr := d.pause(ctx, try); waitErr != nil {
			return errors.Join(explain(err), waitErr)
		}
	}
}

// attempt is one transaction, from begin to a known outcome. When rows that were
// inserted together have failed it is another one, that inserts each by itself.
func (d *DB) attempt(ctx context.Context, f func(*Tx) error) error {
	err := d.transact(ctx, f, false)
	if errors.Is(err, errTogether) {
		err = d.transact(ctx, f, true)
	}
	return err
}

func (d *DB) transact(ctx context.Context, f func(*Tx) error, apart bool) error {
	tx, err := d.begin(ctx, true)
	if err != nil {
		return err
	}
	tx.apart = apart
	ended := false
	defer func() {
		if !ended { // f panicked
			tx.end()
		}
	}()
	err = f(tx)
	if err == nil {
		err = tx.finish()
	}
	ended = true
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		tx.end()
		return err
	}
	return d.commit(ctx, tx)
}

// Compact makes what was deleted before irrecoverable from the database's files.
// On SQLite the file is written anew and the log emptied: that takes as long as
// copying the file, as much space beside it, and writes wait meanwhile. On
// PostgreSQL it does nothing: there the space is left to VACUUM.
func (d *DB) Compact(ctx context.Context) error {
	if err := d.alive(); err != nil {
		return err
	}
	if err := d.engine.compact(ctx); err != nil {
		return fmt.Errorf("write the database file anew: %w", explain(err))
	}
	return nil
}

// Now is the database's time, in UTC, to the microsecond.
func (d *DB) Now(ctx context.Context) (time.Time, error) {
	if err := d.alive(); err != nil {
		return time.Time{}, err
	}
	us, err := d.engine.now(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the database for the time: %w", explain(err))
	}
	return Time(us), nil
}

func (d *DB) begin(ctx context.Context, write bool) (*Tx, error) {
	if err := d.alive(); err != nil {
		return nil, err
	}
	s, err := d.engine.begin(ctx, write)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	return &Tx{ctx: ctx, db: d, session: s, write: write}, nil
}

// die makes err the answer to everything from now on.
func (d *DB) die(err error) {
	if d.dead.CompareAndSwap(nil, &deadError{err}) {
		close(d.broken)
	}
}

// Broken is closed when the disk has failed: the DB answers nothing but that
// any more, and only a new process can find out what is on it.
func (d *DB) Broken() <-chan struct{} { return d.broken }

// alive is nil while the database may be used.
func (d *DB) alive() error {
	if dead := d.dead.Load(); dead != nil {
		return dead
	}
	select {
	case <-d.closed:
		return ErrClosed
	default:
		return nil
	}
}

package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"junctor/internal/fault"
)

const (
	sqliteFile    = "junctor.db"
	sqliteReaders = 8
)

// Exists reports whether a data directory has a database, for those who must not
// make one.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, sqliteFile))
	return err == nil
}

// sqliteEngine has one connection that writes and several that read, each
// with its prepared statements.
type sqliteEngine struct {
	lock    *os.File
	pool    *sql.DB
	readers *sql.DB
	writer  chan *sqliteConn // holds the writer while it is free
	free    chan *sqliteConn // readers; nil for one not yet connected
	filled  bool             // whether the two hold their connections
	wal     *fileSync
	closing chan struct{}
	calls   *calls

	checkpointer checkpointer
}

func openSQLite(ctx context.Context, o Options) (engine, error) {
	memoryOfItsOwn()
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The data directory %q has no absolute path.", o.Dir)
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return nil, err
	}
	e := &sqliteEngine{lock: lock, writer: make(chan *sqliteConn, 1), free: make(chan *sqliteConn, sqliteReaders), closing: make(chan struct{}), calls: &calls{of: map[int64]func([]driver.Value) (any, error){}}}
	path := filepath.Join(dir, sqliteFile)
	if err := private(path); err != nil {
		e.close() //nolint:errcheck // the first error tells more
		return nil, unusable(dir, err)
	}
	e.checkpointer = checkpointer{limit: maxWAL, log: o.Log, wake: make(chan struct{}, 1), empty: make(chan chan error)}
	if err := e.connect(ctx, path); err != nil {
		e.close() //nolint:errcheck // the first error tells more
		var coded *fault.Error
		if !errors.As(err, &coded) {
			err = unusable(dir, openError(err))
		}
		return nil, err
	}
	return e, nil
}

// private makes the database's file for its owner alone, before SQLite does it
// for everybody that the process's umask lets in; SQLite gives the files beside it
// the same mode. The mode of a file that is there is its owner's choice.
func private(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// connect opens the file, brings its schema up to date and fills the pools.
func (e *sqliteEngine) connect(ctx context.Context, path string) error {
	known := &sqlite.Driver{}
	if err := known.RegisterDeterministicScalarFunction(callName, -1, e.calls.call); err != nil {
		return err
	}
	e.pool = sql.OpenDB(connector{known, dsn(path, fmt.Sprintf("_pragma=page_size(%d)", pageSize), "_journal_mode=WAL", "_synchronous=NORMAL", "_pragma=cache_size(-16000)", "_pragma=wal_autocheckpoint(0)")})
	e.readers = sql.OpenDB(connector{known, dsn(path, "_query_only=1")})
	conn, err := e.pool.Conn(ctx)
	if err != nil {
		return err
	}
	if err = checkWritable(ctx, conn); err == nil {
		err = migrate(ctx, sqliteMigrator{conn})
	}
	if err == nil {
		e.wal, err = newFileSync(conn, logFile)
	}
	if err == nil {
		err = e.wal.do() // what the migrations have written
	}
	if err != nil {
		conn.Close() //nolint:errcheck // the first error tells more
		return err
	}
	if err := e.checkpoint(ctx); err != nil {
		conn.Close() //nolint:errcheck // the first error tells more
		return err
	}
	e.writer <- newSQLiteConn(conn)
	for range sqliteReaders {
		e.free <- nil
	}
	e.filled = true
	return nil
}

// checkpoint starts the checkpointer on a connection of its own.
func (e *sqliteEngine) checkpoint(ctx context.Context) error {
	conn, err := e.pool.Conn(ctx)
	if err != nil {
		return err
	}
	c := &e.checkpointer
	if c.file, err = newFileSync(conn, databaseFile); err != nil {
		conn.Close() //nolint:errcheck // the first error tells more
		return err
	}
	c.conn, c.done = newSQLiteConn(conn), make(chan struct{})
	go c.work(e)
	return nil
}

// checkWritable finds out now, not at the first message. A directory may be
// writable and its files not.
func checkWritable(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	if err == nil {
		_, err = conn.ExecContext(ctx, "ROLLBACK")
	}
	return err
}

func dsn(path string, options ...string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") { // a Windows drive
		slashed = "/" + slashed
	}
	options = append(options, "_busy_timeout=5000", "_foreign_keys=1", "_dqs=0", "_pragma=temp_store(memory)")
	return (&url.URL{Scheme: "file", Path: slashed, RawQuery: strings.Join(options, "&")}).String()
}

func (e *sqliteEngine) postgres() bool   { return false }
func (e *sqliteEngine) carrier() carrier { return nil }

func (e *sqliteEngine) begin(ctx context.Context, write bool) (session, error) {
	from, start := e.free, "BEGIN"
	if write {
		from, start = e.writer, "BEGIN IMMEDIATE"
	}
	var c *sqliteConn
	select {
	case c = <-from:
	case <-e.closing:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c == nil {
		conn, err := e.readers.Conn(ctx)
		if err != nil {
			from <- nil
			return nil, sqliteError(err)
		}
		c = newSQLiteConn(conn)
	}
	s := &sqliteSession{engine: e, conn: c, home: from}
	if err := c.control(start); err != nil {
		from <- c
		return nil, sqliteError(err)
	}
	return s, nil
}

func (e *sqliteEngine) sync() error { return e.wal.do() }

// failed looks whether err is a sync that failed, here or inside SQLite: then
// nothing is durable any more.
func (e *sqliteEngine) failed(err error) {
	var inside *sqlite.Error
	switch {
	case errors.Is(err, errNotSynced):
	case errors.As(err, &inside) && inside.Code() == sqlite3.SQLITE_IOERR_FSYNC:
		err = fmt.Errorf("%w: %w", errNotSynced, err)
	default:
		return
	}
	e.wal.fail(err)
}

func (e *sqliteEngine) now(context.Context) (int64, error) { return Micros(time.Now()), nil }

// close waits for open transactions, but not for ever.
func (e *sqliteEngine) close() error {
	close(e.closing)
	var errs []error
	if c := &e.checkpointer; c.done != nil {
		<-c.done
		c.file.close()
		errs = append(errs, c.conn.close())
	}
	errs = append(errs, e.drain(e.free)...)
	errs = append(errs, e.drain(e.writer)...) // the last: its closing copies the log
	if e.wal != nil {
		e.wal.close()
	}
	for _, db := range []*sql.DB{e.readers, e.pool} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, unlock(e.lock))...)
}

// drain closes the connections of a pool as they become free.
func (e *sqliteEngine) drain(pool chan *sqliteConn) (errs []error) {
	if !e.filled {
		return nil // opening failed
	}
	for range cap(pool) {
		select {
		case c := <-pool:
			if pool == e.writer {
				errs = append(errs, e.wal.finish()) // a write that is committed may not be synced yet
			}
			errs = append(errs, c.close())
		case <-time.After(DefaultReadLimit):
			errs = append(errs, errors.New("a transaction is still open"))
		}
	}
	return errs
}

package db

import "context"

// engine is what differs between the two databases. The list is closed: the
// rest of the package, and everything above it, does not ask which one it is.
type engine interface {
	postgres() bool
	// begin starts a transaction. A write waits for its turn until ctx ends.
	begin(ctx context.Context, write bool) (session, error)
	now(ctx context.Context) (micros int64, err error)
	// sync returns when all that was committed before the call is durable.
	sync() error
	// compact leaves nothing of what was deleted in the engine's own files.
	compact(ctx context.Context) error
	// carrier brings notices to other processes; nil when there are none.
	carrier() carrier
	close() error
}

// session is one transaction on one connection: begun, used, ended once by
// commit, rollback or abandon, and then released.
// The errors of its methods are *storeError where the database made them.
type session interface {
	exec(ctx context.Context, sql string, args []any) (affected int64, err error)
	query(ctx context.Context, sql string, args []any) (cursor, error)
	many(ctx context.Context, s *Stmt, rows [][]any) (affected int64, err error)
	// leave is many whose result nobody waits for: it may be executed with what
	// comes next, or with the commit, and fail there.
	leave(ctx context.Context, s *Stmt, rows [][]any) error
	// define executes several statements that nobody will execute again.
	define(ctx context.Context, sql string) error
	// line lets what comes next be executed when every other transaction of the
	// domain that has called it has ended.
	line(ctx context.Context) error
	// commit returns an error that is ErrLost when the outcome is unknown. What
	// it committed others can read; durable it is after the engine's sync.
	commit() error
	// committed tells, after a commit of unknown outcome, whether it happened.
	// An error means that it could not be learnt yet.
	committed(ctx context.Context) (bool, error)
	rollback()
	// abandon drops the connection as a network failure would.
	abandon()
	release()
}

// cursor walks over a result.
type cursor interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// carrier takes notices to and from other processes.
type carrier interface {
	// send publishes messages, in a transaction of its own.
	send(ctx context.Context, messages []string) error
	// receive calls f for each message of any process, until ctx ends. It
	// reconnects by itself.
	receive(ctx context.Context, f func(message string))
}

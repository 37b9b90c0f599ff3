package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"junctor/internal/fault"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNoRows is Row.Scan's answer when there was nothing to scan.
	ErrNoRows = errors.New("no rows")
	// ErrUnique is a violated unique constraint.
	ErrUnique = errors.New("unique constraint violated")
	// ErrRefused is what somebody's own trigger or constraint does not let through.
	ErrRefused = errors.New("refused by a trigger or a constraint")
	// ErrUnfit is PostgreSQL's answer to a statement that does not fit the tables as
	// they are: one is not there, or a column, or it is of another type.
	ErrUnfit = errors.New("the statement does not fit the tables")
	// ErrFenced says that another owner has taken over: the item's epoch is no
	// longer that of its row, or the row is gone.
	ErrFenced = errors.New("another owner has taken over")
	// ErrClosed is the answer after Close.
	ErrClosed = errors.New("the database is closed")
	// ErrUnknown says that a commit was sent, its answer was lost, and the
	// database could not be asked before the caller's patience ended.
	ErrUnknown = errors.New("it is unknown whether the commit happened")
	// ErrLost is what a hook returns to play a connection that breaks around
	// the commit.
	ErrLost = errors.New("connection lost")

	errReading = errors.New("the rows of the query before are still open: close them or read them to their end")
)

// class is what an error of the database means for the transaction.
type class int

const (
	other    class = iota // the statement's or the caller's fault
	unique                // a unique constraint
	refused               // another constraint, or a trigger that says no
	unfit                 // a table or a column is not there, or another
	conflict              // serialization failure, deadlock, busy: the same again may do
	lost                  // the connection broke
	sick                  // the database cannot store now: disk full, read-only, shutting down
	late                  // the statement took too long
)

// own reports whether it is the fault of what was stored, not of the database.
func (c class) own() bool { return c == other || c == unique || c == refused || c == unfit }

const maxTries = 10

// storeError is an error of the database with its class. Only the engines make
// it, so that nobody else's network error is taken for the database's.
type storeError struct {
	class class
	cause error
}

func (e *storeError) Error() string { return e.cause.Error() }
func (e *storeError) Unwrap() error { return e.cause }

// Is answers for the sentinels that have a class.
func (e *storeError) Is(target error) bool {
	return target == ErrUnique && e.class == unique || target == ErrRefused && e.class == refused || target == ErrUnfit && e.class == unfit || target == ErrLost && e.class == lost
}

// classify finds the class in err's chain.
func classify(err error) class {
	var own *storeError
	if errors.As(err, &own) {
		return own.class
	}
	return other
}

// notCommitted is a commit whose connection broke and that is known, by
// asking, not to have happened.
type notCommitted struct{ cause error }

func (e *notCommitted) Error() string { return "the commit did not happen: " + e.cause.Error() }
func (e *notCommitted) Unwrap() error { return e.cause }

// deadError ends a DB for good: the disk has failed, or a hook said that the
// process is dead.
type deadError struct{ cause error }

func (e *deadError) Error() string { return "the database is dead: " + e.cause.Error() }
func (e *deadError) Unwrap() error { return e.cause }

// repeatable reports whether the same transaction may be tried again: nothing
// of it is on disk, and it was not its own fault.
func (d *DB) repeatable(err error) bool {
	if d.alive() != nil || errors.Is(err, ErrUnknown) {
		return false
	}
	var not *notCommitted
	if errors.As(err, &not) {
		return true
	}
	c := classify(err)
	return c == conflict || c == lost
}

// pause waits a little longer with each try, with jitter so that two that
// collided do not collide again.
func (d *DB) pause(ctx context.Context, try int) error {
	longest := time.Millisecond << min(try, 8)
	t := time.NewTimer(rand.N(longest) + longest/4)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.closed:
		return ErrClosed
	}
}

// explain gives an error that the caller could not have avoided its code.
func explain(err error) error {
	var not *notCommitted
	switch c := classify(err); {
	case c == lost || errors.As(err, &not):
		return fault.Wrap(err, fault.Unavailable, "The database does not answer.").WithRetryAfter(time.Second)
	case c == conflict:
		return fault.Wrap(err, fault.Unavailable, "The database is too busy with the same rows.").WithRetryAfter(time.Second)
	case c == sick:
		return fault.Wrap(err, fault.Unavailable, "The database cannot store at the moment.").WithRetryAfter(5 * time.Second)
	}
	return err
}

// during adds the statement to its error.
func during(sql string, err error) error {
	const longest = 120
	if len(sql) > longest {
		sql = sql[:longest] + "..."
	}
	return fmt.Errorf("%w (in: %s)", err, sql)
}

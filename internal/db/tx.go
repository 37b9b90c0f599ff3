package db

import (
	"context"
	"fmt"
)

// Tx is a transaction. It belongs to the goroutine that was given it, and ends
// when the function it was given to returns.
type Tx struct {
	ctx     context.Context
	db      *DB
	session session
	write   bool
	notices []notice
	calls   []int64 // see Call
	last    groups  // what Finally was given
	item    int     // of a committer's batch: the one whose Func is being called
	held    held    // what Insert was given
	apart   bool    // whether Insert executes each row by itself
	once    map[any]bool
	broken  error // what every statement answers since rows that were held have failed
}

// Finally leaves ops for the end of the transaction: in a group commit after
// every Func and every Op of the batch, in a Write after its function. They are
// executed once, grouped by statement, in the order of the stages, and nothing
// follows them but the COMMIT. One that fails is its item's failure.
//
// Transactions of a domain come to their ends one after the other: a number
// that is taken here is larger than all that others can read, and no smaller one
// becomes visible later.
func (tx *Tx) Finally(ops ...Op) { tx.last.add(tx.item, ops) }

// Once calls f, unless it has succeeded for the key in this transaction before.
// The key is comparable, and of a type of the caller's own.
func (tx *Tx) Once(key any, f func() error) error {
	if tx.once[key] {
		return nil
	}
	if err := f(); err != nil {
		return err
	}
	if tx.once == nil {
		tx.once = map[any]bool{}
	}
	tx.once[key] = true
	return nil
}

// finish does what was left for the end.
func (tx *Tx) finish() error {
	if err := tx.release(); err != nil {
		return err
	}
	if len(tx.last.list) == 0 {
		return nil
	}
	if err := tx.session.line(tx.ctx); err != nil {
		return fmt.Errorf("wait for other transactions to end: %w", err)
	}
	return tx.last.execute(tx)
}

// end takes everything back.
func (tx *Tx) end() {
	tx.hangUp()
	tx.session.rollback()
	tx.session.release()
}

// Context is the context the transaction was begun with.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Postgres reports whether the database is PostgreSQL.
func (tx *Tx) Postgres() bool { return tx.db.Postgres() }

// Reading reports whether the transaction is one of Read, in which the database
// itself lets nothing be written.
func (tx *Tx) Reading() bool { return !tx.write }

// Exec executes one statement and returns how many rows it touched.
// Arguments: nil, strings, integers, float64, []byte, bool (as 0 or 1),
// json.RawMessage (as text), pointers to these, and types based on them. Times
// are given with Micros.
func (tx *Tx) Exec(sql string, args ...any) (affected int64, err error) {
	args, err = tx.ready(args)
	if err == nil {
		affected, err = tx.session.exec(tx.ctx, sql, args)
	}
	if err != nil {
		return 0, during(sql, err)
	}
	return affected, nil
}

// Query executes a statement and returns its rows, which must be closed or
// read to their end before the next statement of this transaction.
func (tx *Tx) Query(sql string, args ...any) (*Rows, error) {
	args, err := tx.ready(args)
	if err != nil {
		return nil, during(sql, err)
	}
	c, err := tx.session.query(tx.ctx, sql, args)
	if err != nil {
		return nil, during(sql, err)
	}
	return &Rows{cursor: c, sql: sql}, nil
}

// QueryRow executes a statement of which the first row is wanted. Errors wait
// for Row.Scan.
func (tx *Tx) QueryRow(sql string, args ...any) *Row {
	rows, err := tx.Query(sql, args...)
	return &Row{rows: rows, err: err}
}

// Texts executes a statement and returns the single text column of its rows.
func (tx *Tx) Texts(sql string, args ...any) (all []string, err error) {
	rows, err := tx.Query(sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return all, rows.Close()
}

// Many executes s for all rows and returns how many rows of the database were
// touched. See NewStmt.
func (tx *Tx) Many(s *Stmt, rows [][]any) (affected int64, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	if err := tx.usable(); err != nil {
		return 0, err
	}
	affected, err = tx.session.many(tx.ctx, s, rows)
	if err != nil {
		return 0, during(s.source, err)
	}
	return affected, nil
}

// leave is Many whose result nobody waits for.
func (tx *Tx) leave(s *Stmt, rows [][]any) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if err := tx.session.leave(tx.ctx, s, rows); err != nil {
		return during(s.source, err)
	}
	return nil
}

// Notify tells the listeners of a topic, in every process, after the commit.
// The same notice given several times is sent once. It is a hint: it may be
// lost, or come twice. Topic and payload together are up to 7000 bytes.
func (tx *Tx) Notify(topic, payload string) {
	n := notice{topic, payload}
	for _, have := range tx.notices {
		if have == n {
			return
		}
	}
	tx.notices = append(tx.notices, n)
}

func (tx *Tx) ready(args []any) ([]any, error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	return normalise(args)
}

// usable comes before every statement.
func (tx *Tx) usable() error {
	if err := tx.db.alive(); err != nil {
		return err
	}
	return tx.release()
}

// Rows is a result that is read row by row.
type Rows struct {
	cursor cursor
	sql    string
}

// Next moves to the next row and reports whether there is one.
func (r *Rows) Next() bool { return r.cursor.Next() }

// Scan copies the row into the variables that dest points at. Beyond what
// database/sql does, a BIGINT goes into a *bool, text into a *json.RawMessage,
// and bytes into a *Blob.
func (r *Rows) Scan(dest ...any) error {
	if err := r.cursor.Scan(targets(dest)...); err != nil {
		return during(r.sql, err)
	}
	return nil
}

// Err is why Next returned false, or nil at the end of the rows.
func (r *Rows) Err() error {
	if err := r.cursor.Err(); err != nil {
		return during(r.sql, err)
	}
	return nil
}

// Close ends reading. It may be called more than once.
func (r *Rows) Close() error { return r.cursor.Close() }

// Row is a result of which the first row is wanted.
type Row struct {
	rows *Rows
	err  error
}

// Scan copies the first row into the variables that dest points at, or
// returns ErrNoRows.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return r.rows.Close()
}

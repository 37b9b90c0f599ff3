package db

import (
	"errors"
	"fmt"
)

// held are rows of one statement that are not executed yet.
type held struct {
	stmt *Stmt
	rows [][]any
}

// maxHeld is how many rows are held.
const maxHeld = 500

// errTogether says that of rows inserted together not each was stored.
var errTogether = errors.New("one of several rows was not stored")

// Insert executes s, an INSERT of a row or of nothing (ON CONFLICT DO NOTHING), and
// reports whether the row was stored.
//
// On PostgreSQL rows that follow each other go over together, before whatever else
// the transaction does: until then each is said to be stored. When one of them was
// not, or has failed, the transaction is taken back and done again from its
// beginning, with each row by itself. So nothing that it answers differs, but a
// failure may come from a later statement, and must end the transaction.
func (tx *Tx) Insert(s *Stmt, row []any) (stored bool, err error) {
	if !tx.Postgres() || tx.apart {
		n, err := tx.Many(s, [][]any{row})
		return n > 0, err
	}
	if tx.held.stmt != s || len(tx.held.rows) == maxHeld {
		if err := tx.usable(); err != nil {
			return false, err
		}
		tx.held.stmt = s
	}
	tx.held.rows = append(tx.held.rows, row)
	return true, tx.broken
}

// release executes the rows that are held.
func (tx *Tx) release() error {
	if len(tx.held.rows) == 0 || tx.broken != nil {
		return tx.broken
	}
	now := tx.held
	tx.held = held{}
	n, err := tx.session.many(tx.ctx, now.stmt, now.rows)
	switch {
	case err != nil && !classify(err).own():
		tx.broken = during(now.stmt.source, err)
	case err != nil: // whose statement meets it has nothing to do with it
		tx.broken = fmt.Errorf("%w: %v", errTogether, err) //nolint:errorlint // nor is he to judge it
	case n < int64(len(now.rows)):
		tx.broken = errTogether
	}
	return tx.broken
}

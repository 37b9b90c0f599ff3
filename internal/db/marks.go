package db

import (
	"context"
	"errors"
)

const readMark = `SELECT value FROM marks WHERE name = $1`

// markReached tells whether the transaction that set m is committed. Only one
// transaction at a time sets a row of marks, and values rise, so it is enough
// to compare.
func markReached(ctx context.Context, s session, m mark) (bool, error) {
	rows, err := s.query(ctx, readMark, []any{m.name})
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return false, rows.Err()
	}
	var value int64
	if err := rows.Scan(&value); err != nil {
		return false, err
	}
	return value >= m.value, errors.Join(rows.Err(), rows.Close())
}

package db

import (
	"context"
	"errors"
)

const readMark = `SELECT value FROM marks WHERE name = $1`

// mark identifies one transaction by what it leaves behind if it commits: the
// row of marks it moved and the value it gave it. Nobody else moves that row
// until the outcome is known.
type mark struct {
	name  string
	value int64
}

func markIs(ctx context.Context, s session, m mark) (bool, error) {
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
	return value == m.value, errors.Join(rows.Err(), rows.Close())
}

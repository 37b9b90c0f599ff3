package access

import (
	"context"
	"fmt"

	"junctor/internal/db"
)

// page is a list that is read in parts: 100 rows by default, at most 1,000.
type page[T any] struct {
	scan func(row scanner) (T, error)
	key  func(T) string // what the rows are ordered by, and the next page begins after
}

// read reads a page. sql is a query without its LIMIT; next is "" on the last
// page.
func (p page[T]) read(ctx context.Context, d *db.DB, limit int, sql string, args ...any) (list []T, next string, err error) {
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 1000)
	sql = fmt.Sprintf("%s LIMIT $%d", sql, len(args)+1)
	args = append(args, limit+1)
	err = d.Read(ctx, func(tx *db.Tx) error {
		list = nil // Read may call this again
		rows, err := tx.Query(sql, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			v, err := p.scan(rows)
			if err != nil {
				return err
			}
			list = append(list, v)
		}
		return rows.Err()
	})
	if len(list) > limit {
		list, next = list[:limit], p.key(list[limit-1])
	}
	return list, next, err
}

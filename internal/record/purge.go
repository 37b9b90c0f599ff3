package record

import (
	"fmt"
	"time"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/value"
)

// Purge removes the rows of records that were deleted longer ago than their
// class keeps them, up to n, and returns how many; when that is n there may be
// more. It is no change of a record, so there are no events.
func Purge(tx *db.Tx, m *class.Model, now time.Time, n int) (gone int, err error) {
	for _, c := range m.Classes() {
		if c.Keep <= 0 || gone == n {
			continue
		}
		ids, err := tx.Texts(fmt.Sprintf(`SELECT id FROM %s WHERE deleted_at IS NOT NULL AND deleted_at < $1 ORDER BY deleted_at LIMIT $2`,
			db.Quote(c.Table())), c.Column("deleted_at").Arg(tx.Postgres(), value.At(now.Add(-c.Keep))), n-gone)
		for _, id := range ids {
			if err == nil {
				err = dropFilesOf(tx, c, id)
			}
			if err == nil {
				_, err = tx.Exec(`DELETE FROM `+db.Quote(c.Table())+` WHERE id = $1`, id)
			}
		}
		if err != nil {
			return gone, fmt.Errorf("remove deleted records of the class %s: %w", c.Code, err)
		}
		gone += len(ids)
	}
	return gone, nil
}

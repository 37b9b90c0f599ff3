package db_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

// When the disk is full SQLite takes a whole transaction back by itself. What
// of the batch comes after that must not be stored alone.
func TestNothingOfABatchOutlivesItsFullDisk(t *testing.T) {
	d := withThings(t, dbtest.SQLite(t)(nil))
	c := committer(t, d, nil)
	for _, id := range []string{"a", "b", "c", "d"} {
		must(t, c.Commit(t.Context(), thing(id)))
	}
	var before int
	must(t, d.Write(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`PRAGMA page_count`).Scan(&before) }))
	pages := func(limit int) {
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			var n int
			return tx.QueryRow(fmt.Sprintf(`PRAGMA max_page_count = %d`, limit)).Scan(&n)
		}))
	}
	pages(before + 50) // 400 KB: two of the three, or any of them alone
	item := db.Item{}
	for _, id := range []string{"a", "b", "c", "d"} {
		item.Ops = append(item.Ops, db.Op{Stmt: growThing, Row: []any{id, make([]byte, 150<<10)}})
	}
	if err := c.Commit(t.Context(), item); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a batch for which there is no room: %v, want fault.Unavailable", err)
	}
	if all := grown(t, d); len(all) > 0 {
		t.Errorf("stored %q of a batch that was refused", all)
	}
	pages(100_000)
	if errs := together(c, item, thing("e"), thing("e")); errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], db.ErrUnique) {
		t.Errorf("with room again: %v", errs)
	}
	if all := grown(t, d); !slices.Equal(all, []string{"a", "b", "c", "d"}) {
		t.Errorf("stored %q", all)
	}
}

// growThing needs no journal of its own inside SQLite: when it fails for want
// of room, there is nothing but the transaction to take back.
var growThing = db.NewStmt(2, `UPDATE things SET data = r.data FROM {rows} AS r WHERE things.id = r.id`,
	db.Text("id"), db.Bytes("data"))

// grown are the ids of the things that are large.
func grown(t *testing.T, d *db.DB) (all []string) {
	t.Helper()
	must(t, d.Read(t.Context(), func(tx *db.Tx) error {
		all = nil
		rows, err := tx.Query(`SELECT id FROM things WHERE length(data) > 1000 ORDER BY id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			all = append(all, id)
		}
		return rows.Err()
	}))
	return all
}

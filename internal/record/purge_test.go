package record_test

import (
	"fmt"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/record"
)

func TestDeletedRecordsAreKeptForAsLongAsTheClassSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		apply(t, d, false, "a", `{"keep":"2d","columns":{"x":"text"}}`, "b", `{"keep":"0s","columns":{"x":"text"}}`)
		m := applied(t, d)
		now := time.Now()
		for _, class := range []string{"a", "b"} {
			for i, ago := range []time.Duration{0, time.Hour, 47 * time.Hour, 49 * time.Hour, 50 * time.Hour, 1000 * time.Hour} {
				id := fmt.Sprintf("rec_%d", i)
				put(t, d, class, id, `{"x":"y"}`)
				if ago > 0 {
					at := m.Class(class).Column("deleted_at")
					v, err := at.FromText(now.Add(-ago).UTC().Format(time.RFC3339))
					if err != nil {
						t.Fatal(err)
					}
					write(t, d, func(tx *db.Tx) error {
						_, err := tx.Exec(`UPDATE class_`+class+` SET deleted_at = $1, version = version + 1 WHERE id = $2`, at.Arg(tx.Postgres(), v), id)
						return err
					})
				}
			}
		}
		for _, want := range []int{2, 1, 0} {
			write(t, d, func(tx *db.Tx) error {
				n, err := record.Purge(tx, m, now, 2)
				if n != want {
					t.Errorf("purged %d, want %d", n, want)
				}
				return err
			})
		}
		if len(rows(t, d, "a")) != 3 || len(rows(t, d, "b")) != 6 {
			t.Errorf("left: %v %v", rows(t, d, "a"), rows(t, d, "b"))
		}
		if got := captured(t, d); got != nil {
			t.Errorf("captured: %v", got)
		}
	})
}

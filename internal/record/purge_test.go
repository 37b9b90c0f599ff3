package record_test

import (
	"fmt"
	"testing"
	"time"

	"junctor/internal/class/classtest"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/record"
)

func TestDeletedRecordsAreKeptForAsLongAsTheClassSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		classtest.Apply(t, d, false, "a", `{"keep":"2d","columns":{"x":"text"}}`, "b", `{"keep":"0s","columns":{"x":"text"}}`)
		m := classtest.Applied(t, d)
		now := time.Now()
		for _, class := range []string{"a", "b"} {
			for i, ago := range []time.Duration{0, time.Hour, 47 * time.Hour, 49 * time.Hour, 50 * time.Hour, 1000 * time.Hour} {
				id := fmt.Sprintf("rec_%d", i)
				classtest.Put(t, d, class, id, `{"x":"y"}`)
				if ago > 0 {
					at := m.Class(class).Column("deleted_at")
					v, err := at.FromText(now.Add(-ago).UTC().Format(time.RFC3339))
					if err != nil {
						t.Fatal(err)
					}
					classtest.Write(t, d, func(tx *db.Tx) error {
						_, err := tx.Exec(`UPDATE class_`+class+` SET deleted_at = $1, version = version + 1 WHERE id = $2`, at.Arg(tx.Postgres(), v), id)
						return err
					})
				}
			}
		}
		for _, want := range []int{2, 1, 0} {
			classtest.Write(t, d, func(tx *db.Tx) error {
				n, err := record.Purge(tx, m, now, 2)
				if n != want {
					t.Errorf("purged %d, want %d", n, want)
				}
				return err
			})
		}
		if len(classtest.Rows(t, d, "a")) != 3 || len(classtest.Rows(t, d, "b")) != 6 {
			t.Errorf("left: %v %v", classtest.Rows(t, d, "a"), classtest.Rows(t, d, "b"))
		}
		if got := captured(t, d); got != nil {
			t.Errorf("captured: %v", got)
		}
	})
}

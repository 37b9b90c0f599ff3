package db_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

func noise(n int) []byte {
	data := make([]byte, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

func load(t *testing.T, d *db.DB, b db.Blob) (data []byte, err error) {
	t.Helper()
	err = d.Read(t.Context(), func(tx *db.Tx) error {
		data, err = tx.Load(b)
		return err
	})
	return data, err
}

func TestValuesOfEverySizeComeBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		for _, size := range []int{0, 1, db.InlineLimit, db.InlineLimit + 1, 2 << 20, 5<<20 + 7} {
			data := noise(size)
			blob, err := d.PutLarge(t.Context(), data)
			must(t, err)
			if want := size > db.InlineLimit; blob.Large() != want || (len(db.ClaimOps(blob)) > 0) != want {
				t.Errorf("%d bytes: large %v, %d claims", size, blob.Large(), len(db.ClaimOps(blob)))
			}
			stored := db.Op{Stmt: insertThing, Row: []any{fmt.Sprint(size), nil, blob}}
			must(t, committer(t, d, nil).Commit(t.Context(), db.Item{Ops: append(db.ClaimOps(blob), stored)}))

			var back db.Blob
			must(t, d.Read(t.Context(), func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT data FROM things WHERE id = $1`, fmt.Sprint(size)).Scan(&back)
			}))
			got, err := load(t, d, back)
			must(t, err)
			if !bytes.Equal(got, data) {
				t.Errorf("%d bytes: came back different (%d bytes)", size, len(got))
			}
		}
		none, err := load(t, d, nil)
		if err != nil || none != nil {
			t.Errorf("NULL: %v, %v", none, err)
		}
	})
}

func TestOrphansAreCollectedAndNothingElse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		put := func(n int) db.Blob {
			b, err := d.PutLarge(t.Context(), noise(n))
			must(t, err)
			return b
		}
		claimed, orphan, dropped := put(200_000), put(300_000), put(100_000)
		must(t, committer(t, d, nil).Commit(t.Context(), db.Item{Ops: slices.Concat(db.ClaimOps(claimed), db.ClaimOps(dropped))}))
		must(t, d.Write(t.Context(), func(tx *db.Tx) error { return tx.DropLarge(dropped) }))

		for _, step := range []struct {
			age  time.Duration
			want int
		}{{time.Hour, 0}, {-time.Minute, 1}, {-time.Minute, 0}} {
			n, err := d.CollectOrphans(t.Context(), step.age)
			if err != nil || n != step.want {
				t.Errorf("orphans older than %v: %d, %v; want %d", step.age, n, err, step.want)
			}
		}
		if _, err := load(t, d, claimed); err != nil {
			t.Errorf("the claimed value: %v", err)
		}
		for _, gone := range []db.Blob{orphan, dropped} {
			if _, err := load(t, d, gone); !fault.Is(err, fault.NotFound) {
				t.Errorf("a value that is gone: %v, want fault.NotFound", err)
			}
		}
		late := committer(t, d, nil).Commit(t.Context(), db.Item{Ops: db.ClaimOps(orphan)})
		if !errors.Is(late, db.ErrNoRows) {
			t.Errorf("claimed after it was collected: %v, want ErrNoRows", late)
		}
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			var n, bytes int
			err := tx.QueryRow(`SELECT count(DISTINCT value_id), sum(length(data)) FROM chunks`).Scan(&n, &bytes)
			if n != 1 || bytes != 200_000 {
				t.Errorf("chunks of %d values with %d bytes are left, want those of the claimed one", n, bytes)
			}
			return err
		}))
	})
}

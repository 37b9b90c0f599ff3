package db_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

// A read ends when its time is over, wherever it is: before its first row, or
// behind it where the next is never found.
func TestAReadEndsInTheMiddle(t *testing.T) {
	const endless = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT i FROM n WHERE `
	for name, o := range map[string]func(t *testing.T) db.Options{
		"sqlite":   func(t *testing.T) db.Options { return db.Options{Dir: t.TempDir()} },
		"postgres": func(t *testing.T) db.Options { return dbtest.PostgresOptions(t) },
	} {
		t.Run(name, func(t *testing.T) {
			options := o(t)
			options.ReadLimit = 200 * time.Millisecond
			d, err := db.Open(t.Context(), options)
			must(t, err)
			defer d.Close()
			for _, where := range []string{`i < 0`, `i = 1 OR i < 0`} {
				err := d.Read(t.Context(), func(tx *db.Tx) error {
					rows, err := tx.Query(endless + where)
					if err != nil {
						return err
					}
					defer rows.Close()
					for rows.Next() {
					}
					return rows.Err()
				})
				if !fault.Is(err, fault.Unavailable) {
					t.Errorf("%s: %v, want fault.Unavailable", where, err)
				}
			}
			var one int
			err = d.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`SELECT 1`).Scan(&one) })
			if err != nil || one != 1 {
				t.Errorf("the next read: %d, %v", one, err)
			}
		})
	}
}

// brokenOff gives so many bytes and then no more, as a sender who leaves.
type brokenOff struct{ left int }

func (b *brokenOff) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := min(len(p), b.left, 1000)
	b.left -= n
	return n, nil
}

func TestValuesComeAndGoByPieces(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		for _, size := range []int{0, db.InlineLimit, db.InlineLimit + 1, db.PieceSize, db.PieceSize + 1, 2<<20 + 7} {
			data := noise(size)
			blob, n, err := d.PutLargeFrom(t.Context(), io.MultiReader(bytes.NewReader(data[:size/3]), bytes.NewReader(data[size/3:])))
			must(t, err)
			if got, err := load(t, d, blob); err != nil || n != int64(size) || !bytes.Equal(got, data) {
				t.Errorf("%d bytes: %d, %v", size, n, err)
			}
			l, err := d.OpenLarge(t.Context(), blob)
			must(t, err)
			if got, err := io.ReadAll(l); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes by pieces: %d, %v", size, len(got), err)
			}
			for _, from := range []int{size / 2, 0, max(0, size-1), size} {
				at, err := l.Seek(int64(from-size), io.SeekEnd)
				must(t, err)
				if got, err := io.ReadAll(l); err != nil || at != int64(from) || !bytes.Equal(got, data[from:]) {
					t.Errorf("%d bytes from %d on: at %d, %d, %v", size, from, at, len(got), err)
				}
			}
		}
		for _, size := range []int{0, 1000, db.PieceSize, 3 * db.PieceSize} {
			if _, _, err := d.PutLargeFrom(t.Context(), &brokenOff{size}); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%d bytes and no end: %v", size, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, _, err := d.PutLargeFrom(ctx, io.MultiReader(bytes.NewReader(noise(2*db.PieceSize)), left{cancel}))
		if err == nil {
			t.Error("stored for one who has left")
		}
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			var values, chunked int
			err := tx.QueryRow(`SELECT (SELECT count(*) FROM large_values), (SELECT count(DISTINCT value_id) FROM chunks)`).Scan(&values, &chunked)
			if values != 4 || chunked != 4 {
				t.Errorf("%d values are stored, of %d there are chunks; want the 4 that came whole", values, chunked)
			}
			return err
		}))
		blob, _, err := d.PutLargeFrom(t.Context(), bytes.NewReader(noise(db.PieceSize)))
		must(t, err)
		l, err := d.OpenLarge(t.Context(), blob)
		must(t, err)
		must(t, d.Write(t.Context(), func(tx *db.Tx) error { return tx.DropLarge(blob) }))
		if _, err := io.ReadAll(l); !fault.Is(err, fault.NotFound) {
			t.Errorf("dropped while it is read: %v", err)
		}
		if _, err := d.OpenLarge(t.Context(), blob); !fault.Is(err, fault.NotFound) {
			t.Errorf("dropped: %v", err)
		}
	})
}

type left struct{ cancel func() }

func (l left) Read([]byte) (int, error) {
	l.cancel()
	return 0, context.Canceled
}

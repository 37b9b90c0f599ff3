package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// things is the table that the tests of this package write.
const things = `CREATE TABLE IF NOT EXISTS things (id TEXT NOT NULL PRIMARY KEY, n BIGINT, data `

var insertThing = db.NewStmt(1, `INSERT INTO things (id, n, data) SELECT r.id, r.n, r.data FROM {rows} AS r`,
	db.Text("id"), db.Int("n"), db.Bytes("data"))

// withThings opens a database with the table things.
func withThings(tb testing.TB, d *db.DB) *db.DB {
	tb.Helper()
	kind := "BLOB)"
	if d.Postgres() {
		kind = "BYTEA)"
	}
	must(tb, d.Write(tb.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(things + kind)
		return err
	}))
	return d
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// ids are those of all things, in order.
func ids(tb testing.TB, d *db.DB) []string {
	tb.Helper()
	var all []string
	must(tb, d.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = tx.Texts(`SELECT id FROM things ORDER BY id`)
		return err
	}))
	return all
}

func insert(d *db.DB, id string) error {
	return d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO things (id) VALUES ($1)`, id)
		return err
	})
}

func TestWriteCommitsOrLeavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		must(t, insert(d, "kept"))
		mine := errors.New("mine")
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Exec(`INSERT INTO things (id) VALUES ('gone')`); err != nil {
				return err
			}
			return mine
		})
		if !errors.Is(err, mine) {
			t.Errorf("Write returned %v, want the function's error", err)
		}
		if err := insert(d, "kept"); !errors.Is(err, db.ErrUnique) {
			t.Errorf("the same id twice: %v, want ErrUnique", err)
		}
		must(t, d.Close())
		if diff := cmp.Diff([]string{"kept"}, ids(t, open())); diff != "" {
			t.Error(diff)
		}
		if err := insert(d, "late"); !errors.Is(err, db.ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
	})
}

func TestValuesComeBack(t *testing.T) {
	type name string
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		kind := "BLOB"
		if d.Postgres() {
			kind = "BYTEA"
		}
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`CREATE TABLE all_kinds (s TEXT, i BIGINT, b ` + kind + `, f DOUBLE PRECISION, j TEXT, yes BIGINT, no BIGINT, none TEXT)`)
			if err != nil {
				return err
			}
			_, err = tx.Exec(`INSERT INTO all_kinds VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
				name("é"), 7, db.Blob{0, 1, 255}, 1.5, json.RawMessage(`{"a":1}`), true, false, (*string)(nil))
			return err
		}))
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			var s name
			var i int
			var b db.Blob
			var f float64
			var j json.RawMessage
			var yes, no bool
			var none *string
			if err := tx.QueryRow(`SELECT s, i, b, f, j, yes, no, none FROM all_kinds WHERE i = $1 AND i = $1`, 7).Scan(&s, &i, &b, &f, &j, &yes, &no, &none); err != nil {
				return err
			}
			got := []any{s, i, b, f, string(j), yes, no, none}
			want := []any{name("é"), 7, db.Blob{0, 1, 255}, 1.5, `{"a":1}`, true, false, (*string)(nil)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if err := tx.QueryRow(`SELECT i FROM all_kinds WHERE i = 8`).Scan(&i); !errors.Is(err, db.ErrNoRows) {
				t.Errorf("no row: %v, want ErrNoRows", err)
			}
			return nil
		}))
	})
}

// TestOpenRowsAreAnError on both databases, so that what works on one works on
// the other.
func TestOpenRowsAreAnError(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		must(t, insert(d, "a"))
		must(t, insert(d, "b"))
		for name, next := range map[string]func(*db.Tx) error{
			"Exec":  func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM things`); return err },
			"Query": func(tx *db.Tx) error { _, err := tx.Query(`SELECT 1`); return err },
			"Many": func(tx *db.Tx) error {
				_, err := tx.Many(insertThing, [][]any{{"c", nil, nil}})
				return err
			},
			"commit": func(*db.Tx) error { return nil },
		} {
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				rows, err := tx.Query(`SELECT id FROM things`)
				if err != nil || !rows.Next() {
					t.Fatalf("no row: %v", err)
				}
				return next(tx)
			})
			if err == nil || !strings.Contains(err.Error(), "still open") {
				t.Errorf("%s with open rows: %v", name, err)
			}
		}
		if diff := cmp.Diff([]string{"a", "b"}, ids(t, d)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStatementsOfManyRowsThatMakeNoSense(t *testing.T) {
	for name, sql := range map[string]string{
		"no rows":        `INSERT INTO a SELECT 1`,
		"no alias":       `INSERT INTO a SELECT 1 FROM {rows}`,
		"unknown column": `INSERT INTO a SELECT r.other FROM {rows} AS r`,
		"a join":         `INSERT INTO a SELECT r.id FROM {rows} AS r JOIN b ON b.id = r.id`,
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			db.NewStmt(1, sql, db.Text("id"))
		})
	}
}

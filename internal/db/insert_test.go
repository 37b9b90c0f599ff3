package db_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

var insertCoded = db.NewStmt(0, `INSERT INTO coded (id, code) SELECT r.id, r.code FROM {rows} AS r WHERE true ON CONFLICT DO NOTHING`,
	db.Text("id"), db.Text("code"))

// withCoded opens a database with a table of which two rows have no equal codes,
// and none the code bad.
func withCoded(t *testing.T, d *db.DB) *db.DB {
	t.Helper()
	must(t, d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`CREATE TABLE coded (id TEXT PRIMARY KEY, code TEXT UNIQUE CHECK (code <> 'bad'))`)
		return err
	}))
	return d
}

// coded is how many rows there are.
func coded(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	must(t, d.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`SELECT count(*) FROM coded`).Scan(&n) }))
	return n
}

func TestInsertedRowsAreThereForTheNextStatement(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withCoded(t, open())
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			for i := range 1200 {
				if _, err := tx.Insert(insertCoded, []any{fmt.Sprint(i), fmt.Sprint(i)}); err != nil {
					return err
				}
				if i == 700 {
					var n int
					if err := tx.QueryRow(`SELECT count(*) FROM coded`).Scan(&n); err != nil || n != 701 {
						t.Errorf("%d rows, %v", n, err)
					}
				}
			}
			return nil
		})
		if n := coded(t, d); err != nil || n != 1200 {
			t.Errorf("%d rows, %v", n, err)
		}
	})
}

// What Insert reports in the transaction that is committed is what has happened.
func TestInsertTellsWhichRowsAreStored(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withCoded(t, open())
		var stored []bool
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			stored = nil
			for _, code := range []string{"a", "b", "a", "c"} {
				one, err := tx.Insert(insertCoded, []any{fmt.Sprint(len(stored)), code})
				if err != nil {
					return err
				}
				stored = append(stored, one)
			}
			return nil
		})
		if err != nil || fmt.Sprint(stored) != "[true true false true]" || coded(t, d) != 3 {
			t.Errorf("%v, %v, %d rows", stored, err, coded(t, d))
		}
	})
}

// An error that shows at a later statement ends the transaction, also when that
// statement's caller takes no notice.
func TestInsertsFailure(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withCoded(t, open())
		var found error
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Insert(insertCoded, []any{"1", "a"}); err != nil {
				return err
			}
			if _, err := tx.Insert(insertCoded, []any{"2", "bad"}); err != nil {
				found = err
				return err
			}
			tx.Exec(`UPDATE coded SET code = 'z'`) //nolint:errcheck // what is tested
			return nil
		})
		if !errors.Is(err, db.ErrRefused) || !errors.Is(found, db.ErrRefused) {
			t.Errorf("%v, %v", err, found)
		}
		if n := coded(t, d); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

// In a group commit each item gets its own answer.
func TestInsertsOfManyInOneBatch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withCoded(t, open())
		c := db.NewCommitter(d, nil, nil)
		t.Cleanup(c.Close)
		var all sync.WaitGroup
		stored := make([]bool, 200)
		for i := range stored {
			code := fmt.Sprint(i / 2) // each twice
			if i%50 == 7 {
				code = "bad"
			}
			all.Go(func() {
				err := c.Commit(t.Context(), db.Item{Func: func(tx *db.Tx) (_ []db.Op, err error) {
					stored[i], err = tx.Insert(insertCoded, []any{fmt.Sprint(i), code})
					return nil, err
				}})
				if bad := code == "bad"; bad != errors.Is(err, db.ErrRefused) || !bad && err != nil {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		all.Wait()
		for i := 0; i < len(stored); i += 2 {
			if one, two := stored[i], stored[i+1]; one == two && i%50 != 6 {
				t.Errorf("%d: %v, %v", i, one, two)
			}
		}
		if n := coded(t, d); n != 100 {
			t.Errorf("%d rows", n)
		}
	})
}

// A transaction whose first statement fails has not begun: what follows is not
// done outside of it, whatever becomes of the error.
func TestFirstStatementFails(t *testing.T) {
	d := withCoded(t, dbtest.Postgres(t)(nil))
	for name, first := range map[string]string{
		"unknown table": `INSERT INTO nowhere (id) VALUES ('1')`,
		"refused":       `INSERT INTO coded (id, code) VALUES ('1', 'bad')`,
		"no SQL":        `what is this`,
	} {
		var later []error
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(first)
			if err == nil {
				t.Errorf("%s is taken", name)
			}
			_, other := tx.Exec(`INSERT INTO coded (id, code) VALUES ('2', 'b')`)
			_, rows := tx.Texts(`SELECT id FROM coded`)
			_, inserted := tx.Insert(insertCoded, []any{"3", "c"})
			later = []error{other, rows, inserted}
			return nil
		})
		if err == nil || later[0] == nil || later[1] == nil {
			t.Errorf("%s: %v, then %v", name, err, later)
		}
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Texts(first); err == nil {
				t.Errorf("%s is read", name)
			}
			if all, err := tx.Texts(`SELECT id FROM coded`); err == nil {
				t.Errorf("%s: read %v outside of the transaction", name, all)
			}
			return nil
		}))
	}
	if n := coded(t, d); n != 0 {
		t.Errorf("%d rows", n)
	}
}

package db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// countThings notes how many things there are when it is executed.
var (
	countThings = db.NewStmt(1, `INSERT INTO things (id, n) SELECT r.id, (SELECT count(*) FROM things) FROM {rows} AS r`, db.Text("id"))
	setLater    = db.NewStmt(2, `UPDATE things SET n = r.n FROM {rows} AS r WHERE things.id = r.id`, db.Int("n"), db.Text("id").Key()).Must()
)

// number is a thing's n, -1 when there is no such thing.
func number(t *testing.T, d *db.DB, id string) (n int64) {
	t.Helper()
	must(t, d.Read(t.Context(), func(tx *db.Tx) error {
		err := tx.QueryRow(`SELECT coalesce(n, 0) FROM things WHERE id = $1`, id).Scan(&n)
		if errors.Is(err, db.ErrNoRows) {
			n, err = -1, nil
		}
		return err
	}))
	return n
}

// leaving is an item whose Func leaves an op for the end.
func leaving(ops ...db.Op) db.Item {
	return db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
		tx.Finally(ops...)
		return nil, nil
	}}
}

func count(id string) db.Op { return db.Op{Stmt: countThings, Row: []any{id}} }

func TestFinallyComesAfterTheWholeBatch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		c := committer(t, d, nil)
		writing := db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
			_, err := tx.Exec(`INSERT INTO things (id) VALUES ('by func')`)
			return nil, err
		}}
		first := leaving(db.Op{Stmt: setLater, Row: []any{7, "thing"}}, count("count")) // the later stage first
		for i, err := range together(c, first, thing("thing"), writing, thing("other")) {
			if err != nil {
				t.Errorf("item %d: %v", i, err)
			}
		}
		if n := number(t, d, "count"); n != 3 {
			t.Errorf("%d things were there at the end of the transaction, want 3", n)
		}
		if n := number(t, d, "thing"); n != 7 {
			t.Errorf("the thing has %d, want 7", n)
		}
	})
}

func TestFinallyOfAWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			tx.Finally(count("one"))
			tx.Finally(count("two"))
			_, err := tx.Exec(`INSERT INTO things (id) VALUES ('a'), ('b')`)
			return err
		}))
		if n := number(t, d, "one"); n != 2 {
			t.Errorf("%d things were there at the end, want 2", n)
		}
		mine := errors.New("mine")
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			tx.Finally(count("gone"))
			return mine
		})
		if !errors.Is(err, mine) {
			t.Errorf("Write: %v", err)
		}
		err = d.Write(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Exec(`INSERT INTO things (id) VALUES ('gone too')`); err != nil {
				return err
			}
			tx.Finally(count("one"))
			return nil
		})
		if !errors.Is(err, db.ErrUnique) {
			t.Errorf("what was left for the end fails: %v, want ErrUnique", err)
		}
		if diff := cmp.Diff([]string{"a", "b", "one", "two"}, ids(t, d)); diff != "" {
			t.Error(diff)
		}
	})
}

// What was left for the end by a bad item fails alone, as its Func would.
func TestFinallyOfBadItemsFailsAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		must(t, insert(d, "taken"))
		c := committer(t, d, nil)
		mine := errors.New("mine")
		failing := db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
			tx.Finally(count("failed"))
			return nil, mine
		}}
		panicking := db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
			tx.Finally(count("panicked"))
			panic("at the disco")
		}}
		missing := leaving(db.Op{Stmt: setLater, Row: []any{1, "nobody"}})
		wrongType := leaving(db.Op{Stmt: countThings, Row: []any{7}})
		errs := together(c, leaving(count("a")), failing, thing("b"), leaving(count("c"), count("taken")), panicking, missing, leaving(count("d")), wrongType, thing("e"))
		for i, bad := range []bool{false, true, false, true, true, true, false, true, false} {
			if (errs[i] != nil) != bad {
				t.Errorf("item %d: %v", i, errs[i])
			}
		}
		if !errors.Is(errs[1], mine) || !errors.Is(errs[3], db.ErrUnique) || !errors.Is(errs[5], db.ErrNoRows) {
			t.Errorf("errors: %v, %v, %v", errs[1], errs[3], errs[5])
		}
		if diff := cmp.Diff([]string{"a", "b", "d", "e", "taken"}, ids(t, d)); diff != "" {
			t.Error(diff)
		}
	})
}

// A crash at any commit leaves an item with what it left for the end, or without
// both.
func TestFinallyAndCrashes(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			dbtest.EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
				must(t, withThings(t, open(nil)).Close())
				for at := int64(1); ; at++ {
					crash := &dbtest.Crash{At: at, After: after}
					d := open(crash)
					c := db.NewCommitter(d, nil, nil)
					for i := range 3 {
						item := leaving(count(fmt.Sprintf("end-%d-%d", at, i)))
						item.Ops = thing(fmt.Sprintf("row-%d-%d", at, i)).Ops
						c.Commit(context.Background(), item) //nolint:errcheck // what is there is looked at below
					}
					c.Close()
					must(t, d.Close())
					d = open(nil)
					for i := range 3 {
						row, end := number(t, d, fmt.Sprintf("row-%d-%d", at, i)), number(t, d, fmt.Sprintf("end-%d-%d", at, i))
						if (row < 0) != (end < 0) {
							t.Errorf("crash at %d: of item %d there is only one part", at, i)
						}
					}
					must(t, d.Close())
					if !crash.Happened() {
						return
					}
				}
			})
		})
	}
}

// A COMMIT without an answer does not do the end twice, nor leave it out.
func TestFinallyAndUnknownOutcomes(t *testing.T) {
	for _, committed := range []bool{false, true} {
		dbtest.EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
			d := withThings(t, open(&dbtest.Unknown{At: 2, Committed: committed}))
			c := committer(t, d, nil)
			must(t, c.Commit(t.Context(), leaving(count("one"))))
			if diff := cmp.Diff([]string{"one"}, ids(t, d)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// On PostgreSQL no transaction that left something for its end comes between
// another one's end and its COMMIT; others do.
func TestFinallyStandsInLine(t *testing.T) {
	open := dbtest.Postgres(t)
	d := withThings(t, open(nil))
	other := open(nil)
	done := make(chan error, 2)
	reached, release := make(chan struct{}), make(chan struct{})
	go func() {
		done <- d.Write(context.Background(), func(tx *db.Tx) error {
			tx.Finally(count("first"))
			_, err := tx.Exec(`SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' line', 0))`) // it is at its end from here on
			close(reached)
			<-release
			return err
		})
	}()
	<-reached
	must(t, insert(other, "between"))
	go func() {
		done <- other.Write(context.Background(), func(tx *db.Tx) error {
			tx.Finally(count("second"))
			return nil
		})
	}()
	for deadline := time.Now().Add(20 * time.Second); ; {
		var waiting int
		must(t, other.Read(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
				AND pid IN (SELECT pid FROM pg_stat_activity WHERE application_name = current_schema())`).Scan(&waiting)
		}))
		if waiting > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the second transaction does not wait for the first")
		}
	}
	close(release)
	must(t, errors.Join(<-done, <-done))
	if first, second := number(t, other, "first"), number(t, other, "second"); first != 1 || second != 2 {
		t.Errorf("%d and %d things were there, want 1 and 2", first, second)
	}
}

func TestLargeValuesInATransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		large := make([]byte, 3*db.InlineLimit+5)
		large[len(large)-1] = 1
		var blobs []db.Blob
		put := func(data []byte, fail error) error {
			return d.Write(t.Context(), func(tx *db.Tx) error {
				b, err := tx.PutNamed("name", data)
				blobs = append(blobs, b)
				return errors.Join(err, fail)
			})
		}
		mine := errors.New("mine")
		if err := put(large, mine); !errors.Is(err, mine) {
			t.Fatal(err)
		}
		for _, data := range [][]byte{large, large, []byte("small"), {}} {
			must(t, put(data, nil))
		}
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			for i, want := range []int{-1, len(large), len(large), 5, 0} {
				got, err := tx.Load(blobs[i])
				if i == 0 {
					continue // the same name as the next
				}
				if err != nil || len(got) != want || want == len(large) && got[want-1] != 1 {
					t.Errorf("value %d: %d bytes, %v", i, len(got), err)
				}
			}
			return tx.DropLarge(blobs[1])
		}))
		if n, err := d.CollectOrphans(t.Context(), -time.Hour); n != 0 || err != nil {
			t.Errorf("%d orphans, %v", n, err)
		}
	})
}

package table_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/class/classtest"
	"junctor/internal/class/table"
	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/run"
)

const (
	narrow = `{"key":"a","columns":{"a":"text!","b":"text","t":{"type":"text","default":"d"}}}`
	typed  = `{"key":"a","columns":{"a":"text!","b":{"type":"integer!","default":0},"c":{"type":"integer","computed":"b add 1"},"t":{"type":"text","default":"d"}}}`
)

// A process that dies at any commit of a change leaves nothing behind that the
// next one does not finish.
func TestAChangeSurvivesACrashAtEachCommit(t *testing.T) {
	dbtest.EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
		for _, after := range []bool{false, true} {
			for at := int64(1); ; at++ {
				class := fmt.Sprintf("t%d%t", at, after)
				d := open(nil)
				classtest.Apply(t, d, true, class, narrow)
				for i := range 30 {
					classtest.Put(t, d, class, fmt.Sprintf("rec_%02d", i), fmt.Sprintf(`{"a":"%d","b":"%d"}`, i, i*i))
				}
				left := classtest.Apply(t, d, true, class, typed)
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				crash := &dbtest.Crash{At: at, After: after}
				d = open(crash)
				err := classtest.Finish(t, d, left)
				if crash.Happened() != (err != nil) {
					t.Fatalf("crash at %d: %v, %v", at, crash.Happened(), err)
				}
				d.Close()
				d = open(nil)
				classtest.Put(t, d, class, "rec_99", fmt.Sprintf(`{"a":"99","b":%s}`, map[bool]string{true: `"7"`, false: "7"}[classtest.Applied(t, d).Class(class).Column("c") == nil]))
				var pending []table.Unfinished
				classtest.Read(t, d, func(tx *db.Tx) (err error) {
					pending, err = table.Pending(tx)
					return err
				})
				if err := classtest.Finish(t, d, append(pending, left...)); err != nil {
					t.Fatalf("after a crash at %d (after: %v): %v", at, after, err)
				}
				got := classtest.Rows(t, d, class)
				if len(got) != 31 || got["rec_05"] != `{"a":"5","b":25,"c":26,"t":"d"}` || got["rec_99"][:15] != `{"a":"99","b":7` {
					t.Fatalf("after a crash at %d (after: %v): %v", at, after, got)
				}
				leftovers(t, d)
				d.Close()
				if !crash.Happened() {
					break
				}
			}
		}
	})
}

// leftovers finds tables that a change should have taken away.
func leftovers(t *testing.T, d *db.DB) {
	t.Helper()
	query := `SELECT name FROM sqlite_schema WHERE name LIKE 'shadow%' OR name LIKE 'garbage%' OR name LIKE '%touch_insert'`
	if d.Postgres() {
		query = `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname LIKE 'shadow%'
			UNION ALL SELECT tgname FROM pg_trigger JOIN pg_class AS c ON c.oid = tgrelid WHERE relnamespace = current_schema()::regnamespace AND tgname LIKE '%touch%'`
	}
	classtest.Read(t, d, func(tx *db.Tx) error {
		r, err := tx.Query(query)
		if err != nil {
			return err
		}
		defer r.Close()
		for r.Next() {
			var name string
			if err := r.Scan(&name); err != nil {
				return err
			}
			t.Errorf("left behind: %s", name)
		}
		return r.Err()
	})
}

// Records that are written while a table is copied are in the new one as they
// were written last.
func TestWritesWhileATableIsCopied(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		classtest.Apply(t, d, false, "t", narrow)
		const n = 300
		classtest.Write(t, d, func(tx *db.Tx) error {
			for i := range n {
				if _, err := tx.Exec(`INSERT INTO class_t (id, version, a, b) VALUES ($1, 1, $2, '0')`, fmt.Sprintf("rec_%05d", i), fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		})
		left := classtest.Apply(t, d, false, "t", typed)
		before := classtest.Applied(t, d)
		var wg sync.WaitGroup
		ctx, stop := context.WithCancel(context.Background())
		var mu sync.Mutex
		want := map[string]string{} // by id: b
		for w := range 3 {
			wg.Go(func() {
				for i := w; ctx.Err() == nil; i += 3 {
					id := fmt.Sprintf("rec_%05d", i*7%(n+51)) // n+51 is a multiple of 3: no two of them write the same record
					b := fmt.Sprint(i)
					err := d.Write(context.Background(), func(tx *db.Tx) error {
						changed, err := tx.Exec(`UPDATE class_t SET b = $2, version = version + 1 WHERE id = $1`, id, b)
						if err == nil && changed == 0 {
							_, err = tx.Exec(`INSERT INTO class_t (id, version, a, b) VALUES ($1, 1, $2, $3)`, id, "new"+id, b)
						}
						if err != nil {
							return err
						}
						return table.Current(tx, before, "t")
					})
					if err != nil {
						if !errors.Is(err, table.ErrStale) && !strings.Contains(err.Error(), "42804") { // what PostgreSQL says before it can be asked
							t.Errorf("a write failed: %v", err)
						}
						return
					}
					mu.Lock()
					want[id] = b
					mu.Unlock()
				}
			})
		}
		err := classtest.Finish(t, d, left)
		stop()
		wg.Wait()
		if err != nil {
			t.Fatal(err)
		}
		got := classtest.Rows(t, d, "t")
		for id, b := range want {
			if !strings.Contains(got[id], fmt.Sprintf(`"b":%s,`, b)) {
				t.Errorf("%s: %s, want b %s", id, got[id], b)
			}
		}
		t.Logf("%d records were written meanwhile", len(want))
		leftovers(t, d)
	})
}

// A new wish takes the place of a change that is under way.
func TestANewWishWhileATableIsCopied(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		for name, c := range map[string]struct{ again, want string }{
			"back":    {narrow, `{"a":"1","b":"2","t":"d"}`},
			"another": {`{"key":"a","columns":{"a":"text!","b":"decimal(5,1)","t":"text"}}`, `{"a":"1","b":2.0,"t":"d"}`},
		} {
			t.Run(name, func(t *testing.T) {
				d := open()
				defer d.Close()
				defer classtest.Apply(t, d, true)
				classtest.Apply(t, d, false, "t", narrow)
				classtest.Put(t, d, "t", "rec_1", `{"a":"1","b":"2"}`)
				first := classtest.Apply(t, d, false, "t", typed)
				prepareOnly(t, d, first[0])
				second := classtest.Apply(t, d, false, "t", c.again)
				if err := classtest.Finish(t, d, append(first, second...)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(map[string]string{"rec_1": c.want}, classtest.Rows(t, d, "t")); diff != "" {
					t.Error(diff)
				}
				leftovers(t, d)
			})
		}
	})
}

// The program by a real engine: the run's steps show what was done, a change
// that does not fit fails for good and says why.
func TestAChangeIsARun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		told := 0
		m := &table.Migration{DB: d, Changed: func(*db.Tx) error { told++; return nil }}
		commits := db.NewCommitter(d, run.Fence, nil)
		defer commits.Close()
		e, err := run.New(run.Options{DB: d, Committer: commits, Programs: programs{m}, Handlers: m.Handlers(), Clock: clock.Real{}, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		defer e.Stop(context.Background())
		classtest.Apply(t, d, false, "t", narrow)
		classtest.Put(t, d, "t", "rec_1", `{"a":"1","b":"2"}`)
		classtest.Put(t, d, "t", "rec_2", `{"a":"2","b":"02"}`)
		classtest.Write(t, d, func(tx *db.Tx) error { return tx.Define(`CREATE UNIQUE INDEX theirs ON class_t (b)`) })
		result, err := e.Await(context.Background(), classtest.Apply(t, d, false, "t", typed)[0].Start(), time.Minute)
		if err != nil || result.State != run.Succeeded {
			t.Fatalf("%+v %v", result, err)
		}
		if got := classtest.Rows(t, d, "t")["rec_1"]; got != `{"a":"1","b":2,"c":3,"t":"d"}` || told != 1 {
			t.Errorf("%s, told %d times", got, told)
		}
		info, err := e.Get(context.Background(), result.Run)
		if err != nil || len(info.Steps) != 4 || info.Steps[1].Name != "table.copy" || info.Subject != "t" {
			t.Errorf("%+v %v", info, err)
		}
		if len(info.Logs) != 1 || !strings.Contains(info.Logs[0].Text, "the index theirs, which is not Junctor's, is not there any more") {
			t.Errorf("the log is %+v", info.Logs)
		}
	})
}

type programs struct{ *table.Migration }

func (p programs) Program(_ context.Context, name, _ string) (run.Program, error) {
	if name != table.MigrationProgram {
		return nil, fault.New(fault.NotFound, "no program %q", name)
	}
	return p.Migration, nil
}

func (programs) Latest(context.Context, string) (string, error) { return table.Version, nil }

// many makes records with a running number as a and 0 as b.
func many(t *testing.T, d *db.DB, n int) {
	t.Helper()
	classtest.Write(t, d, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO class_t (id, version, a, b) WITH RECURSIVE i (n) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM i WHERE n + 1 < CAST($1 AS BIGINT))
			SELECT 'rec_' || substr(CAST(100000 + n AS TEXT), 2), 1, CAST(n AS TEXT), '0' FROM i`, n)
		return err
	})
}

// A key that wanders from a record that has been copied to one that has not is
// no conflict.
func TestKeysThatChangeHandsWhileATableIsCopied(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		classtest.Apply(t, d, false, "t", narrow)
		many(t, d, 3000)
		left := classtest.Apply(t, d, false, "t", typed)
		moved := 0
		m := &table.Migration{DB: d, Pause: func(context.Context, time.Duration) {
			if moved++; moved > 3 {
				return
			}
			classtest.Write(t, d, func(tx *db.Tx) error {
				for id, a := range map[string]string{fmt.Sprintf("rec_%05d", moved): fmt.Sprintf("free%d", moved)} {
					if _, err := tx.Exec(`UPDATE class_t SET a = $2, version = version + 1 WHERE id = $1`, id, a); err != nil {
						return err
					}
				}
				_, err := tx.Exec(`UPDATE class_t SET a = $2, version = version + 1 WHERE id = $1`, fmt.Sprintf("rec_%05d", 2999-moved), fmt.Sprint(moved))
				return err
			})
		}}
		if err := classtest.FinishBy(m, left); err != nil {
			t.Fatal(err)
		}
		got := classtest.Rows(t, d, "t")
		if len(got) != 3000 || !strings.HasPrefix(got["rec_02998"], `{"a":"1",`) || !strings.HasPrefix(got["rec_00001"], `{"a":"free1",`) {
			t.Errorf("%d records, %s, %s", len(got), got["rec_02998"], got["rec_00001"])
		}
		leftovers(t, d)
	})
}

// What a plan does not look for in a large class the run finds: it fails with the
// record, the class stays, and goes on when the record has been changed.
func TestARunFindsWhatDoesNotFit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		classtest.Apply(t, d, false, "t", narrow)
		many(t, d, 20_002)
		classtest.Write(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE class_t SET b = 'soon', version = version + 1 WHERE id = 'rec_15000'`)
			return err
		})
		left := classtest.Apply(t, d, false, "t", typed)
		err := classtest.Finish(t, d, left)
		if err == nil || !strings.Contains(err.Error(), "The class t stays as it was: the record rec_15000 does not fit: b") {
			t.Fatalf("%v", err)
		}
		if classtest.Applied(t, d).Class("t").Column("c") != nil {
			t.Error("the class has changed")
		}
		classtest.Write(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE class_t SET b = '5', version = version + 1 WHERE id = 'rec_15000'`)
			return err
		})
		if err := classtest.Finish(t, d, left); err != nil {
			t.Fatal(err)
		}
		const unique = `{"key":"a","columns":{"a":"text!","b":{"type":"integer!","default":0,"unique":true},"c":{"type":"integer","computed":"b add 1"},"t":{"type":"text","default":"d"}}}`
		err = classtest.Finish(t, d, classtest.Apply(t, d, false, "t", unique))
		if err == nil || !strings.Contains(err.Error(), "have the same b") {
			t.Errorf("values that are not unique: %v", err)
		}
		if err := classtest.Finish(t, d, classtest.Apply(t, d, false, "t", typed)); err != nil { // not wanted any more
			t.Error(err)
		}
		leftovers(t, d)
	})
}

package db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

// TestConnectionsThatBreakUnderLoad ends every connection again and again. What is acknowledged is there, what is
// refused is not, and in the end it works again by itself.
func TestConnectionsThatBreakUnderLoad(t *testing.T) {
	o := dbtest.PostgresOptions(t)
	o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	d, err := db.Open(t.Context(), o)
	must(t, err)
	defer d.Close()
	withThings(t, d)
	underLoad(t, d, func() { breakConnections(t, o) })
}

// underLoad commits items and writes while trouble is made, and compares what
// was answered with what is stored.
func underLoad(t *testing.T, d *db.DB, trouble func()) {
	t.Helper()
	c := committer(t, d, nil)
	over := make(chan struct{})
	go func() {
		defer close(over)
		trouble()
	}()
	var writing sync.WaitGroup
	var mu sync.Mutex
	outcome := map[string]error{}
	for w := range 8 {
		writing.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-over:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", w, i)
				var err error
				if w%2 == 0 {
					err = c.Commit(context.Background(), thing(id))
				} else {
					err = insert(d, id)
				}
				mu.Lock()
				outcome[id] = err
				mu.Unlock()
			}
		})
	}
	writing.Wait()
	must(t, c.Commit(context.Background(), thing("after")))

	stored := map[string]bool{}
	for _, id := range ids(t, d) {
		stored[id] = true
	}
	refused := 0
	for id, err := range outcome {
		if stored[id] != (err == nil) {
			t.Errorf("%s: answered %v, stored: %v", id, err, stored[id])
		}
		if err != nil && !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v, want fault.Unavailable", id, err)
		}
		if err != nil {
			refused++
		}
	}
	t.Logf("%d of %d refused", refused, len(outcome))
}

// breakConnections ends all connections of a domain, ten times.
func breakConnections(t *testing.T, o db.Options) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), o.URL)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	for range 10 {
		<-time.After(20 * time.Millisecond)
		if _, err := conn.Exec(context.Background(),
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`, "junctor_"+o.Domain); err != nil {
			t.Error(err)
		}
	}
}

func TestDeadlocksAreTriedAgain(t *testing.T) {
	d := withThings(t, dbtest.Postgres(t)(nil))
	must(t, insert(d, "a"))
	must(t, insert(d, "b"))
	var both, done sync.WaitGroup
	both.Add(2)
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		done.Go(func() {
			first := true
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				for i, id := range order {
					if i == 1 && first { // both hold one row and want the other's
						first = false
						both.Done()
						both.Wait()
					}
					if _, err := tx.Exec(`UPDATE things SET n = coalesce(n, 0) + 1 WHERE id = $1`, id); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	must(t, d.Read(t.Context(), func(tx *db.Tx) error {
		var sum int
		err := tx.QueryRow(`SELECT sum(n) FROM things`).Scan(&sum)
		if sum != 4 {
			t.Errorf("the sum is %d, want 4", sum)
		}
		return err
	}))
}

func TestFullDiskIsUnavailableAndPasses(t *testing.T) {
	d := withThings(t, dbtest.SQLite(t)(nil))
	c := committer(t, d, nil)
	pages := func(max string) {
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			var n int
			return tx.QueryRow(`PRAGMA max_page_count = ` + max).Scan(&n)
		}))
	}
	pages("100")
	big := func(id string) db.Item {
		return db.Item{Ops: []db.Op{{Stmt: insertThing, Row: []any{id, nil, make([]byte, 1<<20)}}}}
	}
	for i, err := range together(c, thing("a"), big("b"), thing("c")) {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("item %d on a full disk: %v, want fault.Unavailable", i, err)
		}
	}
	pages("100000")
	must(t, c.Commit(t.Context(), big("d")))
	if all := ids(t, d); !slices.Equal(all, []string{"d"}) {
		t.Errorf("stored %v, want only what came after", all)
	}
}

// slow is a query that takes longer than anyone waits.
func slow(tx *db.Tx) error {
	sql := `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT max(i) FROM n`
	if tx.Postgres() {
		sql = `SELECT 1 FROM pg_sleep(60)`
	}
	var n int
	return tx.QueryRow(sql).Scan(&n)
}

func TestLongReadsEnd(t *testing.T) {
	for _, o := range []db.Options{{Dir: t.TempDir()}, dbtest.PostgresOptions(t)} {
		o.ReadLimit = 100 * time.Millisecond
		d, err := db.Open(t.Context(), o)
		must(t, err)
		if err := d.Read(t.Context(), slow); !fault.Is(err, fault.Unavailable) {
			t.Errorf("postgres=%v: %v, want fault.Unavailable", d.Postgres(), err)
		}
		must(t, d.Read(t.Context(), func(tx *db.Tx) error { return nil }))
		must(t, d.Close())
	}
}

func TestCancelledContexts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		for name, do := range map[string]func(context.Context, func(*db.Tx) error) error{"Read": d.Read, "Write": d.Write} {
			ctx, cancel := context.WithCancel(t.Context())
			err := do(ctx, func(tx *db.Tx) error {
				time.AfterFunc(50*time.Millisecond, cancel)
				return slow(tx)
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s, cancelled in a statement: %v", name, err)
			}
			if err := do(ctx, func(*db.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, cancelled before: %v", name, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO things (id) VALUES ('x')`)
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) || len(ids(t, d)) != 0 {
			t.Errorf("cancelled before the commit: %v, stored %v", err, ids(t, d))
		}
		if err := committer(t, d, nil).Commit(ctx, thing("y")); !errors.Is(err, context.Canceled) {
			t.Errorf("Commit, cancelled before: %v", err)
		}
	})
}

// TestOneWriterAtATime on SQLite, and a waiting one can give up.
func TestOneWriterAtATime(t *testing.T) {
	d := withThings(t, dbtest.SQLite(t)(nil))
	ctx, cancel := context.WithCancel(t.Context())
	must(t, d.Write(t.Context(), func(tx *db.Tx) error {
		waiting := make(chan error)
		go func() { waiting <- d.Write(ctx, func(*db.Tx) error { return errors.New("it got in") }) }()
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("the second writer: %v", err)
		}
		return nil
	}))
}

func TestPanicInAWriteLeavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			d.Write(t.Context(), func(tx *db.Tx) error { //nolint:errcheck // it panics
				if _, err := tx.Exec(`INSERT INTO things (id) VALUES ('x')`); err != nil {
					return err
				}
				rows, err := tx.Query(`SELECT id FROM things`) // left open
				if err != nil || !rows.Next() {
					t.Errorf("no row: %v", err)
				}
				panic("oh")
			})
		}()
		must(t, insert(d, "y"))
		if all := ids(t, d); !slices.Equal(all, []string{"y"}) {
			t.Errorf("stored %v", all)
		}
	})
}

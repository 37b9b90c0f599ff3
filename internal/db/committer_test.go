package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

// thing is an item that stores one row.
func thing(id string) db.Item {
	return db.Item{Ops: []db.Op{{Stmt: insertThing, Row: []any{id, 1, []byte("x")}}}}
}

// gate holds the committer's goroutine, so that what is submitted meanwhile
// comes into one batch.
func gate(c *db.Committer) (open func()) {
	wait, held := make(chan struct{}), make(chan struct{})
	c.Submit(db.Item{Func: func(*db.Tx) ([]db.Op, error) {
		close(held)
		<-wait
		return nil, errors.New("the gate's own item")
	}}, func(error) {})
	<-held
	return func() { close(wait) }
}

// together submits the items as one batch and returns their outcomes.
func together(c *db.Committer, items ...db.Item) []error {
	open := gate(c)
	errs := make([]error, len(items))
	var wg sync.WaitGroup
	for i, item := range items {
		wg.Add(1)
		c.Submit(item, func(err error) {
			errs[i] = err
			wg.Done()
		})
	}
	open()
	wg.Wait()
	return errs
}

func committer(tb testing.TB, d *db.DB, fence db.Fence) *db.Committer {
	c := db.NewCommitter(d, fence, nil)
	tb.Cleanup(c.Close)
	return c
}

func TestCommitterStoresEveryItemOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		metrics := prometheus.NewRegistry()
		c := db.NewCommitter(d, nil, metrics)
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				for i := range 25 {
					if err := c.Commit(context.Background(), thing(fmt.Sprintf("%d-%d", g, i))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		c.Close()
		if n := len(ids(t, d)); n != 400 {
			t.Errorf("%d things, want 400", n)
		}
		if err := c.Commit(t.Context(), thing("late")); !errors.Is(err, db.ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
		if n := batches(t, metrics).GetSampleSum(); n != 400 {
			t.Errorf("metrics count %v items, want 400", n)
		}
	})
}

func TestBadItemsFailAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		c := committer(t, d, nil)
		mine := errors.New("mine")
		failing := db.Item{Func: func(*db.Tx) ([]db.Op, error) { return nil, mine }}
		panicking := db.Item{Func: func(*db.Tx) ([]db.Op, error) { panic("at the disco") }}
		wrongType := db.Item{Ops: []db.Op{{Stmt: insertThing, Row: []any{"e", "seven", nil}}}}
		badSQL := db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
			_, err := tx.Exec(`INSERT INTO nothing VALUES (1)`)
			return nil, err
		}}
		errs := together(c, thing("a"), thing("b"), failing, thing("a"), thing("c"), panicking, wrongType, badSQL, thing("d"), thing("d"))

		for i, want := range map[int]error{0: nil, 1: nil, 2: mine, 3: db.ErrUnique, 4: nil, 8: nil, 9: db.ErrUnique} {
			if !errors.Is(errs[i], want) {
				t.Errorf("item %d: %v, want %v", i, errs[i], want)
			}
		}
		if !fault.Is(errs[5], fault.Internal) || !strings.Contains(fmt.Sprint(errs[5]), "at the disco") {
			t.Errorf("panic: %v", errs[5])
		}
		if errs[6] == nil || !strings.Contains(errs[6].Error(), "column n") {
			t.Errorf("wrong type: %v, want the column's name", errs[6])
		}
		if errs[7] == nil || !strings.Contains(errs[7].Error(), "nothing") {
			t.Errorf("bad SQL: %v, want the statement", errs[7])
		}
		if diff := cmp.Diff([]string{"a", "b", "c", "d"}, ids(t, d)); diff != "" {
			t.Error(diff)
		}
	})
}

// A NUL byte in a text is what PostgreSQL refuses, for all rows of a statement
// at once and without saying which.
func TestNULByteFailsAlone(t *testing.T) {
	d := withThings(t, dbtest.Postgres(t)(nil))
	c := committer(t, d, nil)
	var items []db.Item
	for i := range 20 {
		items = append(items, thing(fmt.Sprintf("%02d", i)))
	}
	items[13] = thing("bad\x00")
	for i, err := range together(c, items...) {
		if (err != nil) != (i == 13) {
			t.Errorf("item %d: %v", i, err)
		}
	}
	if n := len(ids(t, d)); n != 19 {
		t.Errorf("%d things, want 19", n)
	}
}

func TestFenceLetsOnlyTheOwnerWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		must(t, insert(d, "mine"))
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE things SET n = 3`)
			return err
		}))
		var asked [][]string
		c := committer(t, d, func(tx *db.Tx, keys []string) (map[string]int64, error) {
			asked = append(asked, keys)
			epochs := map[string]int64{}
			for _, key := range keys {
				var n int64
				err := tx.QueryRow(`SELECT n FROM things WHERE id = $1`, key).Scan(&n)
				if err != nil && !errors.Is(err, db.ErrNoRows) {
					return nil, err
				} else if err == nil {
					epochs[key] = n
				}
			}
			return epochs, nil
		})
		fenced := func(key string, epoch int64, id string) db.Item {
			item := thing(id)
			item.Key, item.Epoch = key, epoch
			return item
		}
		errs := together(c, fenced("mine", 3, "a"), fenced("mine", 2, "b"), fenced("gone", 1, "c"), thing("d"), fenced("mine", 3, "e"))
		for i, want := range []error{nil, db.ErrFenced, db.ErrFenced, nil, nil} {
			if !errors.Is(errs[i], want) {
				t.Errorf("item %d: %v, want %v", i, errs[i], want)
			}
		}
		if diff := cmp.Diff([]string{"a", "d", "e", "mine"}, ids(t, d)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([][]string{{"gone", "mine"}}, asked); diff != "" {
			t.Errorf("keys are sorted, each once: %s", diff)
		}
	})
}

func TestOpsGoInStagesAndTwoChangesOfARowInOrder(t *testing.T) {
	set := db.NewStmt(2, `UPDATE things SET n = r.n FROM {rows} AS r WHERE things.id = r.id`, db.Int("n"), db.Text("id").Key())
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		c := committer(t, d, nil)
		change := func(id string, n int) db.Op { return db.Op{Stmt: set, Row: []any{n, id}} }
		late := db.Item{Ops: []db.Op{change("a", 5), change("b", 6), change("a", 7)}} // before its row is there, but for the stages
		for i, err := range together(c, late, thing("a"), thing("b"), db.Item{Ops: []db.Op{change("a", 8)}}) {
			if err != nil {
				t.Errorf("item %d: %v", i, err)
			}
		}
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			var a, b int
			err := tx.QueryRow(`SELECT (SELECT n FROM things WHERE id = 'a'), (SELECT n FROM things WHERE id = 'b')`).Scan(&a, &b)
			if a != 8 || b != 6 {
				t.Errorf("a = %d, b = %d; want 8 and 6", a, b)
			}
			return err
		}))
	})
}

func TestCancelledWaiterIsNotStoredUnlessItSaysSo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		c := committer(t, d, nil)
		opened := gate(c)
		ctx, cancel := context.WithCancel(t.Context())
		cancelled := make(chan error)
		go func() { cancelled <- c.Commit(ctx, thing("waiting")) }()
		cancel()
		if err := <-cancelled; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled while waiting: %v", err)
		}
		opened()

		// an item that is cancelled while its transaction is under way hears the outcome
		ctx, cancel = context.WithCancel(t.Context())
		begun := thing("begun")
		begun.Func = func(*db.Tx) ([]db.Op, error) {
			cancel()
			return nil, nil
		}
		if err := c.Commit(ctx, begun); err != nil {
			t.Errorf("cancelled under way: %v, want nil", err)
		}
		if diff := cmp.Diff([]string{"begun"}, ids(t, d)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCloseCommitsWhatIsWaiting(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		c := db.NewCommitter(d, nil, nil)
		opened := gate(c)
		answered := make(chan error, 3)
		for i := range 3 {
			c.Submit(thing(fmt.Sprint(i)), func(err error) { answered <- err })
		}
		closed := make(chan struct{})
		go func() {
			c.Close()
			close(closed)
		}()
		opened()
		<-closed
		for range 3 {
			select {
			case err := <-answered:
				if err != nil {
					t.Error(err)
				}
			default:
				t.Fatal("Close returned before everyone was answered")
			}
		}
	})
}

// What can wait goes in one transaction, soon and by itself; nobody waits for
// it, and closing does not forget it.
func TestWhatCanWaitIsStoredTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		metrics := prometheus.NewRegistry()
		c := db.NewCommitter(d, nil, metrics)
		later := func(id string, done func(error)) {
			item := thing(id)
			item.Later = true
			c.Submit(item, done)
		}
		stored := make(chan error, 100)
		for i := range 100 {
			later(fmt.Sprintf("later-%d", i), func(err error) { stored <- err })
		}
		for range 100 {
			if err := <-stored; err != nil {
				t.Error(err)
			}
		}
		if n := batches(t, metrics).GetSampleCount(); n > 50 {
			t.Errorf("a hundred items that can wait took %d commits", n)
		}
		later("at-the-end", func(err error) { stored <- err })
		if err := c.Commit(t.Context(), thing("at-once")); err != nil {
			t.Error(err)
		}
		c.Close()
		if err := <-stored; err != nil {
			t.Error(err)
		}
		if n := len(ids(t, d)); n != 102 {
			t.Errorf("%d things, want 102", n)
		}
	})
}

// batches is what the metrics say of the commits and their items.
func batches(t *testing.T, metrics *prometheus.Registry) *dto.Histogram {
	t.Helper()
	families, err := metrics.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == "junctor_db_batch_items" {
			return f.GetMetric()[0].GetHistogram()
		}
	}
	t.Fatal("the metrics do not count commits")
	return nil
}

func TestTooMuchWaitingIsRefused(t *testing.T) {
	d := withThings(t, dbtest.SQLite(t)(nil))
	c := committer(t, d, nil)
	opened := gate(c)
	defer opened()
	nothing := func(error) {}
	c.Submit(db.Item{Size: 60 << 20}, nothing)
	var refused error
	c.Submit(db.Item{Size: 5 << 20}, func(err error) { refused = err })
	if !fault.Is(refused, fault.Unavailable) {
		t.Errorf("65 MiB waiting: %v, want fault.Unavailable", refused)
	}
	c.Submit(db.Item{Size: 1 << 20}, func(err error) {
		if err != nil {
			t.Errorf("61 MiB waiting: %v", err)
		}
	})
}

package db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

func thing(id string) db.Item {
	return db.Item{Ops: []db.Op{{Stmt: insertThing, Row: []any{id, nil, []byte("x")}}}}
}

func TestCommitterStoresEveryItemOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		c := db.NewCommitter(d, nil, nil)
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
	})
}

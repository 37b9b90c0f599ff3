package schedule_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// Three nodes on one database: once.
func TestThreeNodes(t *testing.T) {
	now := start("2027-01-04T00:00:00Z")
	open := dbtest.Postgres(t)
	var nodes []*bench
	for i := range 3 {
		nodes = append(nodes, newBench(t, open(nil), now))
		nodes[i].keeper.Runs = ledger{string(rune('a' + i))}
	}
	for i := range 20 {
		nodes[0].put(fmt.Sprintf("s%02d", i), `"cron":"*/10 * * * *","overlap":"allow"`)
	}
	for range 12 {
		now.Advance(10 * time.Minute)
		var group sync.WaitGroup
		for _, n := range nodes {
			group.Go(func() {
				for range 3 {
					if _, _, err := n.keeper.Once(context.Background()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		nodes[0].look()
	}
	seen := map[string]int{}
	for _, m := range nodes[0].runs() {
		seen[m.Code+m.Due.String()]++
	}
	if len(seen) != 240 {
		t.Errorf("%d times, want 240", len(seen))
	}
	for what, n := range seen {
		if n != 1 {
			t.Errorf("%s: %d times", what, n)
		}
	}
}

// A crash at every commit in turn: never twice, never lost.
func TestCrashes(t *testing.T) {
	for _, kind := range []struct {
		name string
		open func(testing.TB) func(db.Hooks) *db.DB
	}{{"sqlite", dbtest.SQLite}, {"postgres", dbtest.Postgres}} {
		t.Run(kind.name, func(t *testing.T) {
			for at := int64(1); ; at++ {
				happened := false
				for _, after := range []bool{false, true} {
					open := kind.open(t)
					now := start("2027-01-04T00:00:00Z")
					b := newBench(t, open(nil), now)
					b.put("pull", `"cron":"0 * * * *","overlap":"allow"`)
					if err := b.db.Close(); err != nil {
						t.Fatal(err)
					}
					crash := &dbtest.Crash{At: at, After: after}
					b = newBench(t, open(crash), now)
					for range 3 {
						now.Advance(time.Hour)
						_, _, err := b.keeper.Once(context.Background())
						if err != nil && !crash.Happened() {
							t.Fatal(err)
						}
						if err != nil {
							_ = b.db.Close()
							b = newBench(t, open(nil), now)
							b.look()
						}
					}
					b.wantDue("2027-01-04T01:00:00Z", "2027-01-04T02:00:00Z", "2027-01-04T03:00:00Z")
					happened = happened || crash.Happened()
				}
				if !happened {
					if at < 3 {
						t.Errorf("only %d commits", at)
					}
					return
				}
			}
		})
	}
}

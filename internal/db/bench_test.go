package db_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// BenchmarkCommitter is 64 goroutines that each commit one row of 1 KiB after
// the other and wait until it is durable.
func BenchmarkCommitter(b *testing.B) {
	places := map[string]func(testing.TB) func(db.Hooks) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres}
	for _, name := range []string{"sqlite", "postgres"} {
		b.Run(name, func(b *testing.B) {
			d := withThings(b, places[name](b)(nil))
			c := db.NewCommitter(d, nil, nil)
			defer c.Close()
			data := make([]byte, 1024)
			var n atomic.Int64
			b.SetParallelism(32) // times GOMAXPROCS; 64 on two cores
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := "thing_" + strconv.FormatInt(n.Add(1), 10)
					item := db.Item{Ops: []db.Op{{Stmt: insertThing, Row: []any{id, int64(7), data}}}}
					if err := c.Commit(context.Background(), item); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

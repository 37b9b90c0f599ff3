package event_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/event"
)

// BenchmarkAppend is 64 goroutines, each of which commits so many events of half
// a kilobyte, together with what the others commit, and waits until they are on
// disk. 0 events: the same transactions with a row of another table.
func BenchmarkAppend(b *testing.B) {
	places := map[string]func(testing.TB) func(db.Hooks) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres}
	other := db.NewStmt(1, `INSERT INTO kv_values (name, value) SELECT r.name, r.value FROM {rows} AS r`, db.Text("name"), db.Text("value"))
	data := json.RawMessage(`{"id":"rec_1","key":{"number":"4711"},"changed":["state"],"after":{"text":"` + strings.Repeat("x", 400) + `"}}`)
	for _, name := range []string{"sqlite", "postgres"} {
		for _, count := range []int{0, 1, 30} {
			b.Run(fmt.Sprintf("%s/%d", name, count), func(b *testing.B) {
				n := open(b, places[name](b)(nil))
				ids := make(chan string, 64)
				go func() {
					for i := 0; ; i++ {
						select {
						case ids <- fmt.Sprintf("value_%09d", i):
						case <-b.Context().Done():
							return
						}
					}
				}()
				b.SetParallelism(32) // times GOMAXPROCS; 64 on two cores
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						row := db.Item{Ops: []db.Op{{Stmt: other, Row: []any{<-ids, string(data)}}}}
						if count > 0 {
							row.Func = func(tx *db.Tx) ([]db.Op, error) {
								events := make([]*event.Event, count)
								for i := range events {
									events[i] = &event.Event{Type: "record.orders.updated", Subject: "4711", Data: data}
								}
								return nil, n.Append(tx, events...)
							}
						}
						if err := n.committer.Commit(context.Background(), row); err != nil {
							b.Error(err)
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
			})
		}
	}
}

// BenchmarkRead is a page of a hundred events.
func BenchmarkRead(b *testing.B) {
	for name, place := range map[string]func(testing.TB) func(db.Hooks) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			n := open(b, place(b)(nil))
			for i := range 1000 {
				n.append(b, told("order.made", fmt.Sprintf(`{"total":%d}`, i)))
			}
			f, err := event.ParseFilter("data/total ge 500")
			must(b, err)
			for what, q := range map[string]event.Query{"all": {}, "filtered": {Filter: f}} {
				b.Run(what, func(b *testing.B) {
					q.After = event.Oldest
					for b.Loop() {
						if page, err := n.Read(context.Background(), q); err != nil || len(page.Items) != 100 {
							b.Fatal(len(page.Items), err)
						}
					}
				})
			}
		})
	}
}

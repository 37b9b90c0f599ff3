package record_test

import (
	"context"
	"fmt"
	"testing"

	"junctor/internal/class"
	"junctor/internal/class/classtest"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// What the triggers that wait for foreign writes cost our own: batches of 100
// records that are inserted and updated, as the committer writes them.
func BenchmarkOwnWrites(b *testing.B) {
	for name, open := range map[string]func(db.Hooks) *db.DB{"sqlite": dbtest.SQLite(b), "postgres": dbtest.Postgres(b)} {
		d := open(nil)
		m, _ := class.NewModel(classtest.Bodies("orders", classtest.Orders, "customers", `{"columns":{"code":"text"}}`))
		must := func(err error) {
			if err != nil {
				b.Fatal(err)
			}
		}
		must(d.Write(context.Background(), func(tx *db.Tx) error {
			_, _, err := table.Apply(tx, m, false)
			return err
		}))
		insert := db.NewStmt(0, `INSERT INTO class_orders (id, version, number, customer_id) SELECT r.id, 1, r.number, r.id FROM {rows} AS r`, db.Text("id"), db.Text("number"))
		update := db.NewStmt(1, `UPDATE class_orders SET version = version + 1, customer_id = r.number FROM {rows} AS r WHERE class_orders.id = r.id`, db.Text("id"), db.Text("number"))
		n := 0
		write := func(b *testing.B) {
			for b.Loop() {
				var rows [][]any
				for range 100 {
					n++
					rows = append(rows, []any{fmt.Sprintf("rec_%010d", n), fmt.Sprint(n)})
				}
				must(d.Write(context.Background(), func(tx *db.Tx) error {
					if _, err := tx.Many(insert, rows); err != nil {
						return err
					}
					_, err := tx.Many(update, rows)
					return err
				}))
			}
		}
		b.Run(name+"/with", write)
		drop := []string{"DROP TRIGGER junctor_orders_insert", "DROP TRIGGER junctor_orders_update", "DROP TRIGGER junctor_orders_delete"}
		if d.Postgres() {
			drop = []string{"ALTER TABLE class_orders DISABLE TRIGGER USER"}
		}
		must(d.Write(context.Background(), func(tx *db.Tx) error {
			for _, s := range drop {
				if err := tx.Define(s); err != nil {
					return err
				}
			}
			return nil
		}))
		b.Run(name+"/without", write)
	}
}

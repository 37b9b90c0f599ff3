package table_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/class/classtest"
	"junctor/internal/class/table"
	"junctor/internal/db"
)

// A view has names as the classes have them, keys for refs, values as people
// read them, and no deleted records; it follows every change.
func TestViews(t *testing.T) {
	classtest.EachShared(t, func(t *testing.T, d *classtest.Shared) {
		const customers = `{"key":"code","columns":{"code":"text","rate":"decimal(4,2)"}}`
		classtest.Apply(t, d.DB, false, "orders", classtest.Orders, "customers", customers)
		classtest.Put(t, d.DB, "customers", "rec_c", `{"code":"C1","rate":-0.05}`)
		classtest.Put(t, d.DB, "orders", "rec_1", `{"number":"A1","total":-1234.50,"big":-0.125,"paid":true,"due":"2026-11-22","at":"1969-12-31T23:59:59.5Z","customer":"rec_c"}`)
		classtest.Put(t, d.DB, "orders", "rec_2", `{"number":"A2","total":0.05,"big":12345678901234567890,"at":"2026-11-22T10:00:00Z","customer":"rec_gone"}`)
		d.Must(`INSERT INTO class_orders (id, number, deleted_at) VALUES ('rec_3', 'A3', ` + map[bool]string{true: "now()", false: "1"}[d.Postgres()] + `)`)
		const query = `SELECT number, total, big, due, at, customer, customer_id FROM api_orders ORDER BY number`
		want := []string{
			"A1|-1234.50|-0.125|2026-11-22|1969-12-31T23:59:59.500000Z|C1|rec_c",
			"A2|0.05|12345678901234567890.000||2026-11-22T10:00:00.000000Z||rec_gone",
		}
		if d.Postgres() {
			want[0] = "A1|-1234.50|-0.125|2026-11-22|1969-12-31 23:59:59.5+00|C1|rec_c"
			want[1] = "A2|0.05|12345678901234567890.000||2026-11-22 10:00:00+00||rec_gone"
		}
		if diff := cmp.Diff(want, strings.Split(d.Must(utc(d)+query), "\n")); diff != "" {
			t.Error(diff)
		}
		if got := d.Must(`SELECT rate FROM api_customers`); got != "-0.05" {
			t.Errorf("rate: %s", got)
		}
		states(t, d, "api_customers current", "api_orders current")
		// The key of what is referred to changes: the view of who refers to it with it.
		for _, body := range []string{
			`{"key":["code","rate"],"columns":{"code":"text","rate":"decimal(5,3)"}}`, customers,
			`{"key":[["code"],["rate"]],"columns":{"code":"text","rate":"decimal(4,2)"}}`,
			`{"key":[["rate"],["code"]],"columns":{"code":"text","rate":"decimal(4,2)"}}`,
			`{"key":"name","columns":{"name":{"type":"text","was":"code"},"rate":"decimal(4,2)"}}`,
		} {
			if err := classtest.Finish(t, d.DB, classtest.Apply(t, d.DB, false, "orders", classtest.Orders, "customers", body)); err != nil {
				t.Fatal(err)
			}
			if got, want := d.Must(`SELECT customer FROM api_orders WHERE number = 'A1'`), shownAs(body); got != want {
				t.Errorf("%s: %s", body, got)
			}
			states(t, d, "api_customers current", "api_orders current")
		}
		d.Must(`DROP VIEW api_orders`)
		states(t, d, "api_customers current", "api_orders missing")
		d.Must(`DROP VIEW api_customers; CREATE VIEW api_customers AS SELECT 1 AS x`)
		if !d.Postgres() {
			states(t, d, "api_customers outdated", "api_orders missing")
		}
		classtest.Write(t, d.DB, table.RefreshViews)
		states(t, d, "api_customers current", "api_orders current")
		if _, err := d.Foreign(`INSERT INTO api_orders (number) VALUES ('x')`); err == nil {
			t.Error("a view was written")
		}
	})
}

// shownAs is what an order shows of its customer.
func shownAs(customers string) string {
	switch {
	case strings.Contains(customers, "5,3"):
		return "C1/-0.050"
	case strings.HasPrefix(customers, `{"key":[["rate"]`):
		return "-0.05"
	}
	return "C1"
}

func utc(d *classtest.Shared) string {
	if d.Postgres() {
		return "SET timezone = 'UTC'; "
	}
	return ""
}

func states(t *testing.T, d *classtest.Shared, want ...string) {
	t.Helper()
	var got []string
	classtest.Read(t, d.DB, func(tx *db.Tx) error {
		got = nil
		views, err := table.Views(tx)
		for _, v := range views {
			got = append(got, v.Name+" "+string(v.State))
		}
		return err
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

package record_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/class"
	"junctor/internal/class/classtest"
	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/record"
)

// What psql and sqlite3 write comes out as changes, with every type, in order;
// what we write ourselves does not.
func TestForeignWrites(t *testing.T) {
	classtest.EachShared(t, func(t *testing.T, d *classtest.Shared) {
		classtest.Apply(t, d.DB, false, "orders", classtest.Orders, "customers", `{"key":"code","columns":{"code":"text"}}`)
		classtest.Put(t, d.DB, "orders", "rec_own", `{"number":"own","total":1}`)
		classtest.Write(t, d.DB, func(tx *db.Tx) error {
			if _, err := tx.Exec(`UPDATE class_orders SET number = 'mine', version = version + 1 WHERE id = 'rec_own'`); err != nil {
				return err
			}
			if _, err := tx.Exec(`UPDATE class_orders SET deleted_at = modified_at, version = version + 1 WHERE id = 'rec_own'`); err != nil {
				return err
			}
			_, err := tx.Exec(`DELETE FROM class_orders WHERE id = 'rec_own'`)
			return err
		})
		if got := captured(t, d.DB); got != nil {
			t.Errorf("our own writes were captured: %v", got)
		}
		total, big, at := "1010", "1000000000000000000000000001500", "1700000000000000"
		if d.Postgres() {
			total, big, at = "10.10", "1.500", "'2023-11-14T22:13:20Z'"
		} else {
			big = "'" + big + "'"
		}
		d.Must(`INSERT INTO class_orders (id, number, total, big, paid, due, at, data, customer_id) VALUES ('rec_1', 'A1', ` + total + `, ` + big + `, true, '2026-11-22', ` + at + `, '{"a":[1]}', 'rec_c')`)
		d.Must(`UPDATE class_orders SET total = NULL, paid = false WHERE id = 'rec_1'`)
		want := []string{
			`orders rec_1 created version:null>1 number:null>A1 total:null>10.10 big:null>1.500 paid:null>true due:null>2026-11-22 at:null>2023-11-14T22:13:20Z data:null>{"a":[1]} customer:null>rec_c modified_by:null>database deleted_at:null>null`,
			`orders rec_1 updated version:1>2 number:A1>A1 total:10.10>null big:1.500>1.500 paid:true>false due:2026-11-22>2026-11-22 at:2023-11-14T22:13:20Z>2023-11-14T22:13:20Z data:{"a":[1]}>{"a":[1]} customer:rec_c>rec_c modified_by:database>database deleted_at:null>null`,
		}
		if diff := cmp.Diff(want, captured(t, d.DB, "version", "number", "total", "big", "paid", "due", "at", "data", "customer", "modified_by", "deleted_at")); diff != "" {
			t.Error(diff)
		}
		now := map[bool]string{true: "now()", false: "1700000000000000"}[d.Postgres()]
		d.Must(`UPDATE class_orders SET deleted_at = ` + now + ` WHERE id = 'rec_1'`)
		d.Must(`UPDATE class_orders SET deleted_at = NULL WHERE id = 'rec_1'`)
		d.Must(`DELETE FROM class_orders WHERE id = 'rec_1'`)
		want = []string{"orders rec_1 deleted version:2>3", "orders rec_1 created version:3>4", "orders rec_1 deleted version:4>null"}
		if diff := cmp.Diff(want, captured(t, d.DB, "version")); diff != "" {
			t.Error(diff)
		}
		// A whole transaction, and one that is taken back.
		d.Must(`BEGIN; INSERT INTO class_orders (number) VALUES ('B1'), ('B2'); UPDATE class_orders SET total = 5; COMMIT`)
		d.Must(`BEGIN; INSERT INTO class_orders (number) VALUES ('C1'); ROLLBACK`)
		got := captured(t, d.DB)
		if len(got) != 4 || !strings.HasPrefix(got[0], "orders rec_") || len(strings.Fields(got[0])[1]) != 28 || !strings.HasSuffix(got[3], "updated") {
			t.Errorf("rows without an id: %v", got)
		}
	})
}

// What could not be read is refused, with the column.
func TestForeignWritesThatAreRefused(t *testing.T) {
	classtest.EachShared(t, func(t *testing.T, d *classtest.Shared) {
		classtest.Apply(t, d.DB, false, "orders", classtest.Orders, "customers", `{"columns":{"code":"text"}}`)
		d.Must(`INSERT INTO class_orders (id, number) VALUES ('rec_1', 'A1')`)
		for what, column := range map[string]string{
			"paid = 5": "paid", "due = '22.11.2026'": "due", "due = '2026-02-30'": "due", "total = 10000000000000": "total", "total = 'x'": "total", "big = 'x'": "big",
			"data = '{'": "data", "number = NULL": "number", "id = 'rec_2'": "id of a record", "at = 'soon'": "at",
		} {
			if d.Postgres() {
				column = ""
			}
			if _, err := d.Foreign(`UPDATE class_orders SET ` + what + ` WHERE id = 'rec_1'`); err == nil || !strings.Contains(err.Error(), column) {
				t.Errorf("%s: %v", what, err)
			}
		}
		unreadable := map[string]string{"at = 253402300800000000": "at", "at = -62135596800000001": "at", "deleted_at = 9223372036854775807": "deleted_at", "created_at = 253402300800000000": "created_at"}
		readable := []string{"at = 253402300799999999", "at = -62135596800000000", "due = '0001-01-01'", "due = '9999-12-31'"}
		if d.Postgres() {
			unreadable = map[string]string{
				"total = 'NaN'": "total", "big = 'NaN'": "big", "due = 'infinity'": "due", "due = '-infinity'": "due", "due = '10000-01-01'": "due", "due = '0001-12-31 BC'": "due",
				"at = 'infinity'": "at", "at = '9999-12-31T23:00:00-01'": "at", "at = '0001-01-01T00:59:59+01'": "at", "at = '20000-01-01'": "at",
				"created_at = '-infinity'": "created_at", "deleted_at = 'infinity'": "deleted_at",
			}
			readable = []string{"at = '9999-12-31T23:59:59.999999Z'", "at = '0001-01-01T00:00:00Z'", "due = '0001-01-01'", "due = '9999-12-31'", `data = '"NaN"'`, `data = '{"\u0000 BC": ["\\uno", "\ud800"]}'`, "customer_id = 'infinity'"}
		}
		for what, column := range unreadable {
			if _, err := d.Foreign(`UPDATE class_orders SET ` + what + ` WHERE id = 'rec_1'`); err == nil || !strings.Contains(err.Error(), "class_orders."+column+": not a value") {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, what := range readable {
			d.Must(`UPDATE class_orders SET ` + what + ` WHERE id = 'rec_1'`)
		}
		if got := captured(t, d.DB); len(got) != 1+len(readable) {
			t.Errorf("what can be read was captured as %v", got)
		}
		if d.Postgres() { // Prague was 57 minutes and 44 seconds off
			d.Must(`SET timezone = 'Europe/Prague'; UPDATE class_orders SET at = '1800-01-01T12:00:00Z' WHERE id = 'rec_1'`)
			if got := captured(t, d.DB, "at"); len(got) != 1 || !strings.HasSuffix(got[0], ">1800-01-01T12:00:00Z") {
				t.Errorf("a moment of another zone: %v", got)
			}
		}
		if _, err := d.Foreign(`INSERT INTO class_orders (number) VALUES ('A1')`); err == nil {
			t.Error("a key twice")
		}
		captured(t, d.DB)
		d.Must(`UPDATE class_orders SET deleted_at = modified_at`)
		d.Must(`INSERT INTO class_orders (number) VALUES ('A1')`) // a deleted record does not count
		if got := captured(t, d.DB); len(got) != 2 {
			t.Errorf("%v", got)
		}
	})
}

// The largest class there may be, with the longest names, is made, changed,
// written by others and shown.
func TestTheLargestClass(t *testing.T) {
	classtest.EachShared(t, func(t *testing.T, d *classtest.Shared) {
		code := "K" + strings.Repeat("k", 49)
		column := func(i int) string { return fmt.Sprintf("c%s%03d", strings.Repeat("x", 46), i) }
		body := func(kind string) string {
			var columns []string
			for i := range 200 {
				columns = append(columns, fmt.Sprintf(`"%s":"%s"`, column(i), kind))
			}
			return `{"key":["` + column(0) + `"],"columns":{` + strings.Join(columns, ",") + `}}`
		}
		classtest.Apply(t, d.DB, false, code, body("decimal(20,2)"))
		classtest.Put(t, d.DB, code, "rec_1", `{"`+column(0)+`":1,"`+column(199)+`":-2.5}`)
		if err := classtest.Finish(t, d.DB, classtest.Apply(t, d.DB, false, code, body("decimal(22,3)"))); err != nil {
			t.Fatal(err)
		}
		table := "class_" + code
		view := "api_" + code
		if d.Postgres() {
			table, view = `"`+table+`"`, `"`+view+`"`
			d.Must(`SET search_path = ` + d.Schema + `; UPDATE ` + table + ` SET ` + column(1) + ` = 7`)
			if got := d.Must(`SET search_path = ` + d.Schema + `; SELECT ` + column(199) + ` FROM ` + view); got != "-2.500" {
				t.Errorf("shown: %s", got)
			}
		} else {
			d.Must(`UPDATE ` + table + ` SET ` + column(1) + ` = '10000000000000000007000'`)
			if got := d.Must(`SELECT ` + column(199) + ` FROM ` + view); got != "-2.500" {
				t.Errorf("shown: %s", got)
			}
		}
		want := []string{code + " rec_1 updated " + column(1) + ":null>7.000 " + column(199) + ":-2.500>-2.500"}
		if diff := cmp.Diff(want, captured(t, d.DB, column(1), column(199))); diff != "" {
			t.Error(diff)
		}
	})
}

// captured are the changes of foreign programs since the last call, one a line.
func captured(t *testing.T, d *db.DB, columns ...string) (lines []string) {
	t.Helper()
	m := classtest.Applied(t, d)
	c := record.Capturer{DB: d, Model: func() *class.Model { return m }, Log: slog.New(slog.DiscardHandler), Clock: clock.Real{}, Take: func(_ *db.Tx, changes []record.Foreign) error {
		for _, f := range changes {
			line := f.Class.Code + " " + f.ID + " " + f.Operation
			for _, column := range columns {
				line += fmt.Sprintf(" %s:%s>%s", column, f.Before[column], f.After[column])
			}
			lines = append(lines, line)
		}
		return nil
	}}
	for {
		n, err := c.Once(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return lines
		}
	}
}

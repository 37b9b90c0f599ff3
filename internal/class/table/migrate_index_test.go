package table_test

import (
	"strings"
	"testing"

	"junctor/internal/class/classtest"
	"junctor/internal/class/table"
	"junctor/internal/db"
)

// theirIndexes are the indexes of class_t that are not Junctor's: what is indexed
// behind each name.
func theirIndexes(t *testing.T, d *classtest.Shared) string {
	t.Helper()
	query := `SELECT name || ' ' || substr(replace(sql, '"', ''), instr(replace(sql, '"', ''), 'class_t (') + 8) FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'class_t' AND name NOT LIKE 'class%' AND sql IS NOT NULL ORDER BY name`
	if d.Postgres() {
		query = `SELECT indexname || ' ' || regexp_replace(indexdef, '.* USING btree ', '') FROM pg_indexes WHERE schemaname = '` + d.Schema + `' AND indexname NOT LIKE 'class%' AND tablename='class_t' ORDER BY 1`
	} else if got := d.Must(`PRAGMA integrity_check`); got != "ok" {
		t.Error(got)
	}
	return strings.ReplaceAll(strings.ReplaceAll(d.Must(query), `"`, ""), "::text", "")
}

// An administrator's indexes are there under their names after every kind of
// change, and follow columns that are renamed.
func TestAnAdministratorsIndexesSurvive(t *testing.T) {
	classtest.EachShared(t, func(t *testing.T, d *classtest.Shared) {
		classtest.Apply(t, d.DB, false, "t", narrow)
		many(t, d.DB, 500)
		d.Must(`CREATE INDEX "the (first)" ON class_t (lower(a), t DESC) WHERE t = 'a'`)
		d.Must(`CREATE UNIQUE INDEX pairs ON class_t (b, a)`)
		d.Must(`CREATE INDEX of_b ON class_t (b)`)
		step := func(want string, body string) {
			t.Helper()
			notes, err := classtest.NotedBy(&table.Migration{DB: d.DB}, classtest.Apply(t, d.DB, true, "t", body))
			if err != nil || notes != nil {
				t.Fatalf("%v %q", err, notes)
			}
			if got := theirIndexes(t, d); got != want {
				t.Errorf("after %s:\n got %s\nwant %s", body, got, want)
			}
			leftovers(t, d.DB)
			if n := len(classtest.Rows(t, d.DB, "t")); n != 500 {
				t.Fatalf("%d records", n)
			}
		}
		where := "WHERE t = 'a'"
		if d.Postgres() {
			where = "WHERE (t = 'a')"
		}
		first := "\nthe (first) (lower(a), t DESC) " + where
		step("of_b (b)\npairs (b, a)"+first, narrow)
		step("of_b (b)\npairs (b, a)"+first, typed)  // by a run
		step("of_b (b)\npairs (b, a)"+first, narrow) // and back
		// Renamed in place, which the database follows by itself; then renamed by a run.
		step("of_b (c)\npairs (c, a)"+first, `{"key":"a","columns":{"a":"text!","c":{"type":"text","was":"b"},"t":{"type":"text","default":"d"}}}`)
		step("of_b (e)\npairs (e, a)"+first, `{"key":"a","columns":{"a":"text!","e":{"type":"integer","was":"c"},"t":{"type":"text","default":"d"}}}`)
		// Added to the rows that there are, and to those that come.
		step("of_b (e)\npairs (e, a)"+first, `{"key":"a","columns":{"a":"text!","e":{"type":"integer","was":"c"},"t":{"type":"text","default":"d"},"u":{"type":"text!","default":"it's) STRICT"},"v":"decimal(20,2)"}}`)
		d.Must(`INSERT INTO class_t (a, v) VALUES ('last', NULL)`)
		if got := d.Must(`SELECT u || ' ' || count(*) FROM class_t WHERE v IS NULL GROUP BY u`); got != "it's) STRICT 501" {
			t.Error(got)
		}
	})
}

// An index goes with its column, and the plan says so.
func TestIndexesOfDroppedColumns(t *testing.T) {
	classtest.EachShared(t, func(t *testing.T, d *classtest.Shared) {
		for _, n := range []int{0, 300} {
			classtest.Apply(t, d.DB, true)
			classtest.Apply(t, d.DB, false, "t", narrow)
			if n > 0 {
				many(t, d.DB, n)
			}
			d.Must(`CREATE INDEX of_b ON class_t (t, b)`)
			d.Must(`CREATE INDEX of_t ON class_t (t)`)
			const without = `{"key":"a","columns":{"a":"text!","t":{"type":"text","default":"d"}}}`
			if got := strings.Join(plan(t, d.DB, "t", without), "\n"); !strings.Contains(got, "the index of_b, which is not Junctor's, is dropped with b") || strings.Contains(got, "of_t") {
				t.Errorf("planned: %s", got)
			}
			notes, err := classtest.NotedBy(&table.Migration{DB: d.DB}, classtest.Apply(t, d.DB, true, "t", without))
			if err != nil {
				t.Fatal(err)
			}
			if got := theirIndexes(t, d); got != "of_t (t)" {
				t.Errorf("of %d records: %s, noted %q", n, got, notes)
			}
			d.Must(`DROP INDEX ` + map[bool]string{true: d.Schema + "."}[d.Postgres()] + `of_t`)
			leftovers(t, d.DB)
		}
	})
}

// An index that the records do not fit any more is noted, and is no failure.
func TestAnIndexThatCannotBeMadeAgain(t *testing.T) {
	classtest.EachShared(t, func(t *testing.T, d *classtest.Shared) {
		classtest.Apply(t, d.DB, false, "t", narrow)
		many(t, d.DB, 300)
		classtest.Write(t, d.DB, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE class_t SET b = a, version = version + 1`)
			return err
		})
		classtest.Write(t, d.DB, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE class_t SET b = '07', version = version + 1 WHERE a = '200'`)
			return err
		})
		d.Must(`CREATE UNIQUE INDEX of_b ON class_t (b)`)
		d.Must(`CREATE INDEX of_t ON class_t (t)`)
		notes, err := classtest.NotedBy(&table.Migration{DB: d.DB}, classtest.Apply(t, d.DB, false, "t", typed)) // 7 and 07 are one number
		if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "the index of_b, which is not Junctor's, is not there any more") {
			t.Errorf("%v %q", err, notes)
		}
		if got := theirIndexes(t, d); got != "of_t (t)" {
			t.Error(got)
		}
		leftovers(t, d.DB)
	})
}

// What an administrator makes and drops while the records are copied counts.
func TestIndexesMadeWhileATableIsCopied(t *testing.T) {
	classtest.EachShared(t, func(t *testing.T, d *classtest.Shared) {
		classtest.Apply(t, d.DB, false, "t", narrow)
		many(t, d.DB, 300)
		d.Must(`CREATE INDEX goes ON class_t (t)`)
		d.Must(`CREATE INDEX changes ON class_t (t)`)
		left := classtest.Apply(t, d.DB, false, "t", typed)
		prepareOnly(t, d.DB, left[0])
		schema := map[bool]string{true: d.Schema + "."}[d.Postgres()]
		d.Must(`DROP INDEX ` + schema + `goes`)
		d.Must(`DROP INDEX ` + schema + `changes`)
		d.Must(`CREATE INDEX changes ON class_t (t, a)`)
		d.Must(`CREATE INDEX comes ON class_t (b)`)
		if err := classtest.Finish(t, d.DB, left); err != nil {
			t.Fatal(err)
		}
		if got := theirIndexes(t, d); got != "changes (t, a)\ncomes (b)" {
			t.Error(got)
		}
		leftovers(t, d.DB)
	})
}

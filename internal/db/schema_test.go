package db_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// TestBothDatabasesHaveTheSameSchema compares what the migrations made: tables,
// columns, types, nullability, defaults, and indexes with their columns.
func TestBothDatabasesHaveTheSameSchema(t *testing.T) {
	lite := lines(t, dbtest.SQLite(t)(nil), `
		SELECT 'column ' || m.name || '.' || c.name || ' ' || c.type ||
			CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || c.dflt_value, '')
		FROM sqlite_schema AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
		UNION ALL
		SELECT 'index ' || m.name || CASE WHEN l."unique" = 1 THEN ' UNIQUE' ELSE '' END || ' (' ||
			(SELECT group_concat(coalesce(x.name, '?'), ', ' ORDER BY x.seqno) FROM pragma_index_info(l.name) AS x) || ')' ||
			CASE WHEN l.partial = 1 THEN ' PARTIAL' ELSE '' END
		FROM sqlite_schema AS m, pragma_index_list(m.name) AS l WHERE m.type = 'table'
		UNION ALL
		SELECT 'key ' || m.name || ' (' || group_concat(c.name, ', ' ORDER BY c.pk) || ')'
		FROM sqlite_schema AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.pk > 0 GROUP BY m.name`)
	post := lines(t, dbtest.Postgres(t)(nil), `
		SELECT 'column ' || table_name || '.' || column_name || ' ' || upper(data_type) ||
			CASE WHEN is_nullable = 'NO' THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || regexp_replace(column_default, '::[a-z ]+$', ''), '')
		FROM information_schema.columns WHERE table_schema = current_schema()
		UNION ALL
		SELECT 'index ' || t.relname || CASE WHEN i.indisunique THEN ' UNIQUE' ELSE '' END || ' (' ||
			(SELECT string_agg(coalesce(a.attname, '?'), ', ' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k (att, n)
				LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.att AND k.att > 0) || ')' ||
			CASE WHEN i.indpred IS NOT NULL THEN ' PARTIAL' ELSE '' END
		FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid WHERE t.relnamespace = current_schema()::regnamespace
		UNION ALL
		SELECT 'key ' || t.relname || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k (att, n)
				JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.att) || ')'
		FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid WHERE i.indisprimary AND t.relnamespace = current_schema()::regnamespace`)
	if diff := cmp.Diff(lite, post); diff != "" {
		t.Errorf("SQLite (-) and PostgreSQL (+) differ:\n%s", diff)
	}
	if len(lite) < 10 {
		t.Errorf("only %d lines of schema: the queries find nothing", len(lite))
	}
}

// TestTextComparesByCodePoint: every TEXT column on PostgreSQL says so.
func TestTextComparesByCodePoint(t *testing.T) {
	wrong := lines(t, dbtest.Postgres(t)(nil), `
		SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`)
	if len(wrong) > 0 {
		t.Errorf("without COLLATE \"C\": %v", wrong)
	}
}

var (
	liteTypes = strings.NewReplacer(" INTEGER", " BIGINT", " BLOB", " BYTEA", " REAL", " DOUBLE PRECISION")
	casts     = regexp.MustCompile(`::[a-z ]+`)
)

// lines are the rows of a query in one spelling, sorted. A primary key's index
// is left out: where it is the table itself SQLite lists none.
func lines(t *testing.T, d *db.DB, query string) []string {
	t.Helper()
	var all []string
	must(t, d.Read(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			if !d.Postgres() {
				line = liteTypes.Replace(line)
			}
			all = append(all, casts.ReplaceAllString(line, ""))
		}
		return rows.Err()
	}))
	for _, line := range slices.Clone(all) {
		if key, ok := strings.CutPrefix(line, "key "); ok {
			index := "index " + strings.Replace(key, " (", " UNIQUE (", 1)
			all = slices.DeleteFunc(all, func(l string) bool { return l == index })
		}
	}
	slices.Sort(all)
	if len(all) != len(slices.Compact(slices.Clone(all))) {
		t.Logf("the same line twice in %s", fmt.Sprint(all))
	}
	return all
}

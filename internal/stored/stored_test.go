package stored_test

import (
	"encoding/json"
	"strings"
	"testing"

	"junctor/internal/stored"
)

func TestStoredParameters(t *testing.T) {
	for sql, ok := range map[string]bool{
		`SELECT :a AS a`: true, `-- :b
			select :a AS a`: true, `/* :b ; */ WITH x AS (VALUES (:a)) SELECT 1 AS a FROM x;`: true, `SELECT ':b' AS ":b", :a::text AS c`: true,
		`SELECT 'it''s :b' AS a, :a AS b ; `: true, `VALUES (:a)`: true, `SELECT '1'::text AS a, a$b AS c, :a AS d`: true, "SELECT :a AS a --": true,
		`SELECT :b AS a, :a AS b`: false, `SELECT 'a :a`: false, `SELECT :a AS a; SELECT 1`: false, `SELECT :a AS "a`: false, `SELECT :a /* `: false,
		`SELECT :a /* /* */ */ AS b`: false, `SELECT E'\'' AS a, :a AS b`: false, `SELECT $$ $$ AS a, :a AS b`: false, `SELECT $b$ $b$ AS a, :a AS b`: false,
		`SELECT @b AS a, :a AS b`: false, `SELECT ?1 AS a, :a AS b`: false, `SELECT :a AS [b]`: false, "SELECT :a AS `b`": false, `(SELECT :a AS a)`: false,
		`; SELECT :a AS a`: false, `EXPLAIN SELECT :a AS a`: false,
	} {
		body, err := json.Marshal(map[string]any{"sql": sql, "params": map[string]string{"a": "text"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, found := stored.Parse("q", body); (len(found) == 0) != ok {
			t.Errorf("%s: %v", sql, found)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, sql := range []string{`SELECT :a AS a`, `SELECT 'a;' AS ":b" -- :c`, `/* */ WITH x AS (VALUES (:a)) SELECT 1;`, `SELECT E'\''`, `SELECT $a$ $a$`, `SELECT "`, "\x00"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		body, err := json.Marshal(map[string]any{"sql": sql, "params": map[string]string{"a": "text"}})
		if err != nil {
			t.Skip()
		}
		_, found := stored.Parse("q", body)
		if len(found) > 0 {
			return
		}
		if strings.ContainsAny(sql, "-/'\"") {
			return // comments and quotes within each other need the parser itself
		}
		if strings.Contains(strings.TrimRight(sql, "; \t\r\n"), ";") {
			t.Errorf("%q is two statements", sql)
		}
	})
}

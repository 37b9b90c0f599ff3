package record_test

import (
	"encoding/json"
	"strings"
	"testing"

	"junctor/internal/record"
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
		if _, found := record.ParseStored("q", body); (len(found) == 0) != ok {
			t.Errorf("%s: %v", sql, found)
		}
	}
}

func FuzzParseStored(f *testing.F) {
	for _, sql := range []string{`SELECT :a AS a`, `SELECT 'a;' AS ":b" -- :c`, `/* */ WITH x AS (VALUES (:a)) SELECT 1;`, `SELECT E'\''`, `SELECT $a$ $a$`, `SELECT "`, "\x00"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		body, err := json.Marshal(map[string]any{"sql": sql, "params": map[string]string{"a": "text"}})
		if err != nil {
			t.Skip()
		}
		_, found := record.ParseStored("q", body)
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

func TestParams(t *testing.T) {
	params, found := record.ParseParams("/params", map[string]json.RawMessage{
		"code": json.RawMessage(`"text!"`), "amount": json.RawMessage(`{"type":"decimal(12,2)","min":0,"default":"1.50"}`),
		"states": json.RawMessage(`"enum(new,sent)[]"`), "ids": json.RawMessage(`{"type":"integer[]","required":true}`),
	})
	if len(found) > 0 || len(params) != 4 {
		t.Fatal(found)
	}
	args, err := record.TextArgs(params, map[string][]string{"code": {"C1"}, "states": {"new", "sent"}, "ids": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, p := range params {
		got += p.Code + string(args.JSON(p)) + " "
	}
	if got != `amount1.50 code"C1" ids[1] states["new","sent"] ` {
		t.Error(got)
	}
	_, err = record.JSONArgs(params, map[string]json.RawMessage{
		"code": json.RawMessage(`1`), "amount": json.RawMessage(`-1`), "states": json.RawMessage(`["old"]`), "ids": json.RawMessage(`1`), "x": json.RawMessage(`1`),
	})
	for _, pointer := range []string{"/code", "/amount", "/states", "/ids", "/x"} {
		if err == nil || !strings.Contains(err.Error(), pointer) {
			t.Errorf("%s is not in %v", pointer, err)
		}
	}
	_, found = record.ParseParams("/params", map[string]json.RawMessage{
		"a": json.RawMessage(`"file"`), "b": json.RawMessage(`{"type":"text","unique":true}`), "c": json.RawMessage(`"json[]"`), "1": json.RawMessage(`"text"`), "e": json.RawMessage(`5`),
	})
	if len(found) != 5 {
		t.Error(found)
	}
}

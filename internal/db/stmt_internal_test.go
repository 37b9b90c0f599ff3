package db

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTextsOfAStatement(t *testing.T) {
	columns := []Column{Text("id"), Int("n"), Bytes("data")}
	const source = `(SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[]) AS u (id, n, data))`
	for _, c := range []struct{ sql, sqlite string }{
		{`INSERT INTO a (id, n) SELECT r.id, R.N FROM {rows} AS r`, `INSERT INTO a (id, n) VALUES ($1, $2)`},
		{`UPDATE a SET n = r.n FROM {rows} AS r WHERE a.id = r.id`, `UPDATE a SET n = $2  WHERE a.id = $1`},
		{`DELETE FROM a WHERE id IN (SELECT x.id FROM {rows} x) AND n = 1`, `DELETE FROM a WHERE id IN (SELECT $1 ) AND n = 1`},
		{`INSERT INTO a SELECT r.id, 'r.id' FROM {rows} AS r WHERE true ON CONFLICT (id) DO UPDATE SET n = excluded.n`,
			`INSERT INTO a VALUES ($1, 'r.id') ON CONFLICT (id) DO UPDATE SET n = excluded.n`},
		{`INSERT INTO a (id, n) SELECT r.id, (SELECT max(n) FROM a WHERE id <> r.id) FROM {rows} AS r WHERE true ON CONFLICT DO NOTHING`,
			`INSERT INTO a (id, n) VALUES ($1, (SELECT max(n) FROM a WHERE id <> $1)) ON CONFLICT DO NOTHING`},
		{`INSERT INTO a (id, n) SELECT r.id, r.n FROM {rows} AS r WHERE r.n > 1`, `INSERT INTO a (id, n) SELECT $1, $2  WHERE $2 > 1`},
	} {
		s := NewStmt(1, c.sql, columns...)
		if diff := cmp.Diff(c.sqlite, s.sqlite); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(strings.Replace(c.sql, "{rows}", source, 1), s.postgres); diff != "" {
			t.Error(diff)
		}
	}
}

// Rounds keep the order of each key's rows and never have a key twice.
func TestRounds(t *testing.T) {
	s := NewStmt(1, `UPDATE a SET n = r.n FROM {rows} AS r WHERE a.run = r.run AND a.seq = r.seq`, Int("n"), Text("run").Key(), Int("seq").Key())
	rapid.Check(t, func(t *rapid.T) {
		var rows [][]any
		for i := range rapid.IntRange(1, 40).Draw(t, "rows") {
			rows = append(rows, []any{int64(i), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "run"), rapid.Int64Range(0, 3).Draw(t, "seq")})
		}
		order := map[string][]int64{}
		for _, round := range s.rounds(slices.Clone(rows)) {
			seen := map[string]bool{}
			for _, row := range round {
				key := fmt.Sprint(row[1:])
				if seen[key] {
					t.Fatalf("%s twice in one round", key)
				}
				seen[key] = true
				order[key] = append(order[key], row[0].(int64))
			}
		}
		n := 0
		for key, list := range order {
			n += len(list)
			if !slices.IsSorted(list) {
				t.Fatalf("%s out of order: %v", key, list)
			}
		}
		if n != len(rows) {
			t.Fatalf("%d of %d rows", n, len(rows))
		}
	})
}

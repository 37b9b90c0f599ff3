package db_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// What was deleted, and what was there before it was changed, is in no file any
// more; what is left can be read and written on.
func TestCompact(t *testing.T) {
	dir := t.TempDir()
	open := func(t *testing.T) *db.DB {
		t.Helper()
		d, err := db.Open(t.Context(), db.Options{Dir: dir})
		must(t, err)
		t.Cleanup(func() { must(t, d.Close()) })
		return d
	}
	d := withThings(t, open(t))
	write := func(sql string, args ...any) {
		t.Helper()
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(sql, args...)
			return err
		}))
	}
	for _, id := range []string{"gone", "kept"} {
		c := committer(t, d, nil)
		for _, size := range []int{10, 100, 1000, 20_000} {
			must(t, c.Commit(t.Context(), db.Item{Ops: []db.Op{{Stmt: insertThing, Row: []any{id + string(rune('a'+size%7)), nil, bytes.Repeat([]byte(id+"-value "), size)}}}}))
		}
	}
	write(`UPDATE things SET data = $1 WHERE id LIKE 'gone%'`, []byte("short"))
	write(`DELETE FROM things WHERE id LIKE 'gone%'`)
	must(t, d.Compact(t.Context()))
	entries, err := os.ReadDir(dir)
	must(t, err)
	kept := false
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		if bytes.Contains(content, []byte("gone-value")) {
			t.Errorf("%s has what was deleted", e.Name())
		}
		kept = kept || bytes.Contains(content, []byte("kept-value"))
	}
	if !kept {
		t.Error("what was kept was not found: this was no search")
	}
	write(`DELETE FROM things WHERE id LIKE 'kept%'`)
	must(t, d.Compact(t.Context()))
	write(`DELETE FROM things`)
}

func TestCompactOnEveryDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		for range 2 {
			must(t, d.Compact(t.Context()))
		}
		must(t, d.Close())
		if err := d.Compact(t.Context()); err == nil {
			t.Error("a closed database was written anew")
		}
	})
}

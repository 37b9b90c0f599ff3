package powerloss_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"junctor/internal/db"
	"junctor/test/powerloss"
)

// What the group committer has called done must survive a power failure that
// comes at the very next moment, whatever else is under way.
func TestCommittedMeansSynced(t *testing.T) {
	dir := t.TempDir()
	disk, err := powerloss.Watch(dir, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := openDB(t, dir)
	write(t, d, `CREATE TABLE promises (id TEXT PRIMARY KEY)`)
	insert := db.NewStmt(1, `INSERT INTO promises (id) SELECT r.id FROM {rows} AS r`, db.Text("id")).Must()
	committer := db.NewCommitter(d, nil, nil)
	defer committer.Close()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	var done []string
	news := make(chan struct{}, 1)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%d-%d", w, n)
				if err := committer.Commit(context.WithoutCancel(ctx), db.Item{Ops: []db.Op{{Stmt: insert, Row: []any{id}}}}); err != nil {
					t.Errorf("commit %s: %v", id, err)
					return
				}
				mu.Lock()
				done = append(done, id)
				mu.Unlock()
				select {
				case news <- struct{}{}:
				default:
				}
			}
		})
	}
	for failure := range 20 {
		var promised []string
		for len(promised) <= failure*20 { // the next failure comes after some more commits
			<-news
			mu.Lock()
			promised = slices.Clone(done)
			mu.Unlock()
		}
		image := filepath.Join(t.TempDir(), "image")
		if err := disk.Image(image); err != nil {
			t.Fatal(err)
		}
		kept := ids(t, openDB(t, image))
		for _, id := range promised {
			if !kept[id] {
				t.Fatalf("power failure %d: %s was committed and is gone; %d of %d are there", failure, id, len(kept), len(promised))
			}
		}
	}
	cancel()
	writers.Wait()
}

func openDB(t *testing.T, dir string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func write(t *testing.T, d *db.DB, sql string) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(sql)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ids(t *testing.T, d *db.DB) map[string]bool {
	t.Helper()
	kept := map[string]bool{}
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		clear(kept)
		rows, err := tx.Query(`SELECT id FROM promises`)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err tells
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			kept[id] = true
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

package powerloss_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"junctor/test/powerloss"
)

// The disk is only worth something if it forgets: with synchronous=OFF committed
// rows must be missing from the image, with FULL none may be.
func TestImageHoldsExactlyWhatWasSynced(t *testing.T) {
	for _, c := range []struct {
		synchronous string
		lost        bool
	}{{"FULL", false}, {"OFF", true}} {
		t.Run(c.synchronous, func(t *testing.T) {
			dir := t.TempDir()
			disk, err := powerloss.Watch(dir, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			conn := openSQL(t, filepath.Join(dir, "a.db"))
			exec(t, conn, "PRAGMA journal_mode = WAL")
			exec(t, conn, "PRAGMA synchronous = FULL")
			exec(t, conn, "CREATE TABLE t (n INTEGER, filler BLOB)")
			exec(t, conn, "PRAGMA synchronous = "+c.synchronous)
			for i := range 100 {
				exec(t, conn, "INSERT INTO t VALUES (?, zeroblob(3000))", i)
				if i%20 == 7 {
					exec(t, conn, "PRAGMA wal_checkpoint(TRUNCATE)")
				}
				if i%10 == 9 && rows(t, disk) != i+1 != c.lost {
					t.Fatalf("after %d rows the image holds %d", i+1, rows(t, disk))
				}
			}
			if disk.Syncs() == 0 {
				t.Error("nothing was synced")
			}
		})
	}
}

func rows(t *testing.T, disk *powerloss.Disk) int {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	if err := disk.Image(image); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := openSQL(t, filepath.Join(image, "a.db")).QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestImageOfAnUnusedDiskIsAnError(t *testing.T) {
	disk, err := powerloss.Watch(t.TempDir(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.Image(filepath.Join(t.TempDir(), "image")); err == nil {
		t.Error("a disk that saw nothing gave an image")
	}
}

func openSQL(t *testing.T, file string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func exec(t *testing.T, conn *sql.Conn, query string, args ...any) {
	t.Helper()
	if _, err := conn.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

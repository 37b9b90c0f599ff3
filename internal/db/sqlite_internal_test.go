package db

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func openTemp(t *testing.T) (*DB, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := Open(t.Context(), Options{Dir: dir, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() }) //nolint:errcheck // a second Close repeats the first's answer
	return d, dir
}

// The versions belong together: sqlite and quickjs name this libc, and SQLite
// before 3.51.3 could corrupt a write-ahead log that was reset. Another module
// can drag any of them along in silence.
func TestVersionsOfSQLite(t *testing.T) {
	for module, want := range map[string]string{"modernc.org/sqlite": "v1.61.1", "modernc.org/libc": "v1.79.0"} {
		got, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", module).Output()
		if err != nil {
			t.Fatalf("go list -m %s: %v", module, err)
		}
		if v := strings.TrimSpace(string(got)); v != want {
			t.Errorf("%s is %s, want %s", module, v, want)
		}
	}
	d, _ := openTemp(t)
	var version string
	if err := d.Read(t.Context(), func(tx *Tx) error { return tx.QueryRow(`SELECT sqlite_version()`).Scan(&version) }); err != nil {
		t.Fatal(err)
	}
	if strings.Compare(version, "3.51.3") < 0 {
		t.Errorf("sqlite_version() is %s, want at least 3.51.3", version)
	}
}

func TestSQLiteIsDurable(t *testing.T) {
	d, _ := openTemp(t)
	err := d.Write(t.Context(), func(tx *Tx) error {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "1", "foreign_keys": "1", "busy_timeout": "5000"} {
			var got string
			if err := tx.QueryRow(`PRAGMA ` + pragma).Scan(&got); err != nil {
				return err
			}
			if got != want {
				t.Errorf("%s is %s, want %s", pragma, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Reads that overlap keep SQLite from starting its log anew.
func TestWriteAheadLogStaysBounded(t *testing.T) {
	d, dir := openTemp(t)
	e := d.engine.(*sqliteEngine)
	e.checkpointer.limit = 4 << 20
	ctx := context.Background()
	read := func() (end func()) {
		begun, ended, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			err := d.Read(ctx, func(tx *Tx) error {
				var n int
				err := tx.QueryRow(`SELECT count(*) FROM chunks`).Scan(&n)
				close(begun)
				<-ended
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}()
		<-begun
		return func() { close(ended); <-done }
	}
	end := read()
	for i := range 256 {
		err := d.Write(ctx, func(tx *Tx) error {
			_, err := tx.Exec(`INSERT INTO chunks (value_id, seq, data) VALUES ('x', $1, $2)`, i, make([]byte, 64<<10))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if (i+1)%often == 0 { // it waits for this read, and holds new ones
			until(t, e.checkpointer.holding.Load)
			end()
			until(t, func() bool { return !e.checkpointer.holding.Load() })
			end = read()
		}
	}
	end()
	info, err := os.Stat(filepath.Join(dir, "junctor.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 10<<20 {
		t.Errorf("the log has %d bytes after 16 MiB of writes, want it emptied on the way", info.Size())
	}
}

// until waits for something to come true.
func until(t *testing.T, what func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !what(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come true")
		}
		<-time.After(time.Millisecond)
	}
}

// Without a reader in the way the log begins anew, beside the commits.
func TestWriteAheadLogBeginsAnew(t *testing.T) {
	d, dir := openTemp(t)
	const writes = 4 * longLog
	for i := range writes / 16 {
		err := d.Write(t.Context(), func(tx *Tx) error {
			_, err := tx.Exec(`INSERT INTO chunks (value_id, seq, data) VALUES ('x', $1, $2)`, i, make([]byte, 64<<10))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "junctor.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if pages := info.Size() / frameSize; pages > 2*longLog {
		t.Errorf("the log has %d pages after %d were written, want it begun anew on the way", pages, writes)
	}
}

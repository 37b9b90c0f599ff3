package db

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

var insertChunk = NewStmt(1, `INSERT INTO chunks (value_id, seq, data) SELECT r.id, r.seq, r.data FROM {rows} AS r`,
	Text("id"), Int("seq"), Bytes("data"))

func chunk(id string) Item {
	return Item{Ops: []Op{{Stmt: insertChunk, Row: []any{id, 0, []byte("x")}}}}
}

// A disk that fails once may have lost what was written to it before, and say
// at the next sync that all is well. Nobody is told so.
func TestNothingIsAnsweredAsStoredAfterAFailedSync(t *testing.T) {
	d, dir := openTemp(t)
	e := d.engine.(*sqliteEngine)
	failing, fail := make(chan struct{}), make(chan struct{})
	var once sync.Once
	sound := e.wal.sync
	e.wal.sync = func(tls *libc.TLS, file uintptr, flags int32) (code int32) {
		code = sound(tls, file, flags)
		once.Do(func() {
			close(failing)
			<-fail
			code = sqlite3.SQLITE_IOERR_FSYNC
		})
		return code
	}
	c := NewCommitter(d, nil, nil)
	outcomes := make(chan error, 3)
	submit := func(id string) { c.Submit(chunk(id), func(err error) { outcomes <- err }) }
	submit("a")
	<-failing // and what follows is written meanwhile
	written := e.checkpointer.commits.Load()
	submit("b")
	until(t, func() bool { return e.checkpointer.commits.Load() > written })
	submit("c")
	write := make(chan error, 1)
	go func() {
		write <- d.Write(t.Context(), func(tx *Tx) error {
			_, err := tx.Exec(`INSERT INTO chunks (value_id, seq, data) VALUES ('w', 0, x'00')`)
			return err
		})
	}()
	close(fail)
	for range 3 {
		if err := <-outcomes; err == nil {
			t.Error("an item is answered as stored")
		}
	}
	if err := <-write; err == nil {
		t.Error("a write is answered as stored")
	}
	if err := c.Commit(t.Context(), chunk("later")); err == nil {
		t.Error("a later item is answered as stored")
	}
	if err := d.Read(t.Context(), func(*Tx) error { return nil }); err == nil {
		t.Error("the database answers after the disk has failed")
	}
	c.Close()
	if err := d.Close(); !errors.Is(err, errNotSynced) {
		t.Errorf("Close: %v, want that the disk has failed", err)
	}
	d = reopen(t, dir)
	if n := chunks(t, d); n < 2 { // this disk has only said that it failed
		t.Errorf("%d chunks after the restart, want the two that were written before", n)
	}
}

// The database file is another matter than the log: the log must not begin anew
// over what may not have been copied, nor be removed.
func TestLogIsKeptWhenItsCopyIsNotSynced(t *testing.T) {
	d, dir := openTemp(t)
	e := d.engine.(*sqliteEngine)
	e.checkpointer.file.sync = func(*libc.TLS, uintptr, int32) int32 { return sqlite3.SQLITE_IOERR_FSYNC }
	c := NewCommitter(d, nil, nil)
	defer c.Close()
	stored := 0
	for ; stored < 10*longLog; stored++ {
		item := chunk(fmt.Sprint(stored))
		item.Ops[0].Row[2] = make([]byte, 32<<10)
		if err := c.Commit(t.Context(), item); err != nil {
			if !errors.Is(err, errNotSynced) {
				t.Errorf("after a failed sync: %v", err)
			}
			break
		}
	}
	c.Close()
	if err := d.Close(); !errors.Is(err, errNotSynced) {
		t.Errorf("Close: %v, want that the disk has failed", err)
	}
	info, err := os.Stat(filepath.Join(dir, "junctor.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if least := int64(stored) * 32 << 10; info.Size() < least {
		t.Errorf("the log has %d bytes, want all %d that were written", info.Size(), least)
	}
	if n := chunks(t, reopen(t, dir)); n < stored {
		t.Errorf("%d chunks after the restart, want %d", n, stored)
	}
}

func reopen(t *testing.T, dir string) *DB {
	t.Helper()
	d, err := Open(t.Context(), Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() }) //nolint:errcheck // another test's business
	return d
}

func chunks(t *testing.T, d *DB) (n int) {
	t.Helper()
	if err := d.Read(t.Context(), func(tx *Tx) error { return tx.QueryRow(`SELECT count(*) FROM chunks`).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// Close may come between a write's commit and its sync.
func TestCloseWhileWritesAreSynced(t *testing.T) {
	for range 20 {
		d, _ := openTemp(t)
		var stored atomic.Int64
		var writing sync.WaitGroup
		for range 4 {
			writing.Go(func() {
				for {
					err := d.Write(t.Context(), func(tx *Tx) error {
						_, err := tx.Exec(`INSERT INTO chunks (value_id, seq, data) VALUES ('w', (SELECT count(*) FROM chunks), x'00')`)
						return err
					})
					if errors.Is(err, ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					stored.Add(1)
				}
			})
		}
		until(t, func() bool { return stored.Load() > 4 })
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		writing.Wait()
	}
}

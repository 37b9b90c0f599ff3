package db_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"junctor/internal/db"
)

// A database that is opened and closed leaves nothing behind, also when it is
// closed while its log is copied and next to another one.
func TestOpenAndCloseLeaveNothing(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	dir, other := t.TempDir(), t.TempDir()
	open := func(dir string) *db.DB {
		d, err := db.Open(context.Background(), db.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		return d
	}
	once := func(i int) {
		d, beside := withThings(t, open(dir)), withThings(t, open(other))
		c, also := db.NewCommitter(d, nil, nil), db.NewCommitter(beside, nil, nil)
		for n := range 80 { // the checkpointer looks at each 64th
			c.Submit(thing(fmt.Sprintf("%d-%d", i, n)), func(err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		must(t, also.Commit(t.Context(), thing(fmt.Sprint(i))))
		c.Close()
		must(t, d.Close())
		if n := len(ids(t, beside)); n != i+1 {
			t.Errorf("the other database has %d rows, want %d", n, i+1)
		}
		also.Close()
		must(t, beside.Close())
	}
	once(0)
	before := files(t)
	for i := range 50 {
		once(i + 1)
	}
	if after := files(t); after > before {
		t.Errorf("%d files are open, %d were before", after, before)
	}
	goleak.VerifyNone(t, ignore)
	d := open(dir)
	if n := len(ids(t, d)); n != 51*80 {
		t.Errorf("%d rows, want %d", n, 51*80)
	}
	must(t, d.Close())
}

// files is how many files this process has open, 0 where it cannot be told.
func files(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}

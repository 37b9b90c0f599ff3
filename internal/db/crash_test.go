package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// TestCrashAtEveryCommit has two goroutines write, crashes at each commit in
// turn, and compares what was answered with what is there after the restart.
func TestCrashAtEveryCommit(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			dbtest.EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
				must(t, withThings(t, open(nil)).Close())
				for at := int64(1); ; at++ {
					crash := &dbtest.Crash{At: at, After: after}
					d := open(crash)
					acknowledged := writeSome(d, fmt.Sprint(at))
					if crash.Happened() {
						everythingFails(t, d)
					}
					must(t, d.Close())
					d = open(nil)
					stored := ids(t, d)
					must(t, d.Close())
					for _, id := range acknowledged {
						if !slices.Contains(stored, id) {
							t.Errorf("crash at %d: %s was acknowledged and is lost", at, id)
						}
					}
					if !crash.Happened() {
						return
					}
				}
			})
		})
	}
}

// writeSome writes by Write and by group commit and returns what was
// acknowledged.
func writeSome(d *db.DB, prefix string) (acknowledged []string) {
	c := db.NewCommitter(d, nil, nil)
	defer c.Close()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := range 3 {
				id := fmt.Sprintf("%s-%d-%d", prefix, w, i)
				var err error
				if w == 0 {
					err = insert(d, id)
				} else {
					err = c.Commit(context.Background(), thing(id))
				}
				if err == nil {
					mu.Lock()
					acknowledged = append(acknowledged, id)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return acknowledged
}

func everythingFails(t *testing.T, d *db.DB) {
	t.Helper()
	read := d.Read(context.Background(), func(*db.Tx) error { return nil })
	write := d.Write(context.Background(), func(*db.Tx) error { return nil })
	_, now := d.Now(context.Background())
	for name, err := range map[string]error{"Read": read, "Write": write, "Now": now} {
		if !errors.Is(err, dbtest.ErrCrashed) {
			t.Errorf("%s after the crash: %v, want ErrCrashed", name, err)
		}
	}
}

// TestUnknownOutcome breaks the connection at the commit, once when it has
// happened and once when it has not: either way nobody is told a lie and
// nothing is stored twice.
func TestUnknownOutcome(t *testing.T) {
	for _, committed := range []bool{false, true} {
		t.Run(fmt.Sprintf("committed=%v", committed), func(t *testing.T) {
			dbtest.EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
				must(t, withThings(t, open(nil)).Close())
				for at := int64(1); ; at++ {
					unknown := &dbtest.Unknown{At: at, Committed: committed}
					d := open(unknown)
					acknowledged := writeSome(d, fmt.Sprint(at))
					if len(acknowledged) != 6 {
						t.Errorf("unknown at %d: %d of 6 acknowledged", at, len(acknowledged))
					}
					stored := ids(t, d)
					must(t, d.Close())
					for _, id := range acknowledged {
						if !slices.Contains(stored, id) {
							t.Errorf("unknown at %d: %s was acknowledged and is lost", at, id)
						}
					}
					if !unknown.Happened() {
						return
					}
				}
			})
		})
	}
}

// TestUnknownOutcomeRunsAWriteAgainOnlyIfItDidNotHappen counts.
func TestUnknownOutcomeRunsAWriteAgainOnlyIfItDidNotHappen(t *testing.T) {
	for _, committed := range []bool{false, true} {
		dbtest.EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
			d := open(&dbtest.Unknown{At: 2, Committed: committed})
			withThings(t, d)
			runs := 0
			must(t, d.Write(t.Context(), func(tx *db.Tx) error {
				runs++
				_, err := tx.Exec(`INSERT INTO things (id) VALUES ('one')`)
				return err
			}))
			want := 2
			if committed {
				want = 1
			}
			if runs != want {
				t.Errorf("committed=%v: ran %d times, want %d", committed, runs, want)
			}
		})
	}
}

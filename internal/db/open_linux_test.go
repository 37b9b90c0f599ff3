package db_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// TestDirectoryNotWritable works for root too: its thread gives up root's
// rights on files, and ends with the test.
func TestDirectoryNotWritable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d, err := db.Open(t.Context(), db.Options{Dir: dir})
	must(t, err)
	must(t, d.Close())
	empty := filepath.Join(filepath.Dir(dir), "empty")
	must(t, os.Mkdir(empty, 0o700))
	must(t, os.Chmod(filepath.Dir(dir), 0o755)) // so that it is found
	must(t, os.Chmod(filepath.Dir(filepath.Dir(dir)), 0o755))

	must(t, os.Chmod(empty, 0o555))
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Chmod(filepath.Join(dir, "junctor.lock"), 0o666))
	must(t, os.Chmod(filepath.Join(dir, "junctor.db"), 0o444))
	for _, path := range []string{empty, filepath.Join(empty, "new"), dir} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and never unlocked
			if os.Getuid() == 0 {
				if err := syscall.Setfsuid(65534); err != nil {
					t.Error(err)
				}
			}
			d, err := db.Open(t.Context(), db.Options{Dir: path})
			if err == nil {
				d.Close() //nolint:errcheck // the test fails anyway
			}
			if !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v, want fault.Forbidden", path, err)
			}
		}()
		<-done
	}
}

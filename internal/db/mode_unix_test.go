//go:build unix

package db_test

import (
	"os"
	"path/filepath"
	"testing"

	"junctor/internal/db"
)

// The database's files are the owner's alone, whatever the umask lets through.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	d, err := db.Open(t.Context(), db.Options{Dir: dir, Domain: "default"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // nothing is left to write
	if err := d.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM secrets`); return err }); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "junctor.db*"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

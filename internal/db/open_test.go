package db_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

func refused(t *testing.T, o db.Options, code fault.Code, mentions ...string) {
	t.Helper()
	d, err := db.Open(t.Context(), o)
	if err == nil {
		d.Close() //nolint:errcheck // the test fails anyway
		t.Fatal("opened, want an error")
	}
	if !fault.Is(err, code) {
		t.Errorf("%v: code %s, want %s", err, fault.CodeOf(err), code)
	}
	for _, m := range mentions {
		if !strings.Contains(err.Error(), m) {
			t.Errorf("%v: does not mention %q", err, m)
		}
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	dir := t.TempDir()
	for name, o := range map[string]db.Options{
		"nothing":         {},
		"both":            {Dir: dir, URL: "postgres://localhost/x"},
		"domain":          {Dir: dir, Domain: "Über-Domain"},
		"domain too long": {Dir: dir, Domain: strings.Repeat("a", 41)},
		"not a URL":       {URL: "localhost:5432"},
		"other database":  {URL: "mysql://localhost/x"},
		"bad port":        {URL: "postgres://localhost:notaport/x"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, o, fault.Invalid) })
	}
}

func TestMalformedURLDoesNotShowThePassword(t *testing.T) {
	_, err := db.Open(t.Context(), db.Options{URL: "postgres://me:hunter2@localhost:notaport/x"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestSecondProcessIsToldWhoHasTheDirectory(t *testing.T) {
	dir := t.TempDir()
	d, err := db.Open(t.Context(), db.Options{Dir: dir})
	must(t, err)
	refused(t, db.Options{Dir: dir}, fault.Conflict, dir, "pid "+strconv.Itoa(os.Getpid()))
	must(t, d.Close())
	d, err = db.Open(t.Context(), db.Options{Dir: dir})
	must(t, err)
	must(t, d.Close())
}

func TestDirectoryThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, []byte("x"), 0o600))
	refused(t, db.Options{Dir: filepath.Join(file, "data")}, fault.Conflict, filepath.Join(file, "data"))

	strange := filepath.Join(dir, "strange")
	must(t, os.Mkdir(strange, 0o700))
	must(t, os.WriteFile(filepath.Join(strange, "junctor.db"), []byte(strings.Repeat("not a database ", 100)), 0o600))
	refused(t, db.Options{Dir: strange}, fault.Conflict, strange)
}

func TestDirectoryWithSpecialCharacters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%20é")
	d, err := db.Open(t.Context(), db.Options{Dir: dir})
	must(t, err)
	must(t, d.Close())
	if _, err := os.Stat(filepath.Join(dir, "junctor.db")); err != nil {
		t.Error(err)
	}
}

func TestDataOfANewerRelease(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		newer(t, db.Options{Dir: dir})
	})
	t.Run("postgres", func(t *testing.T) {
		newer(t, dbtest.PostgresOptions(t))
	})
}

func newer(t *testing.T, o db.Options) {
	t.Helper()
	d, err := db.Open(t.Context(), o)
	must(t, err)
	set := func(sql string) {
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(sql)
			return err
		}))
	}
	set(`INSERT INTO schema_migrations (number, name, applied_at) VALUES (9999, 'future', 0)`)
	must(t, d.Close())
	refused(t, o, fault.Conflict, "newer release", "9999")
}

func TestPostgresThatDoesNotAnswer(t *testing.T) {
	refused(t, db.Options{URL: "postgres://me:hunter2@127.0.0.1:1/x?connect_timeout=2"}, fault.Unavailable, "127.0.0.1:1")
	_, err := db.Open(t.Context(), db.Options{URL: "postgres://me:hunter2@127.0.0.1:1/x?connect_timeout=2"})
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("shows the password: %v", err)
	}
}

// Several nodes that start at once on an empty database make its schema once.
func TestNodesThatStartAtOnce(t *testing.T) {
	o := dbtest.PostgresOptions(t)
	var nodes sync.WaitGroup
	for range 4 {
		nodes.Go(func() {
			d, err := db.Open(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
}

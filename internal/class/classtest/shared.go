package classtest

import (
	"context"
	"errors"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// Orders is a class with a column of every kind that foreign programs write.
const Orders = `{"key":"number","columns":{"number":"text!","total":"decimal(12,2)","big":"decimal(30,3)","paid":"boolean","due":"date","at":"datetime","data":"json","customer":"ref(customers)"}}`

// Shared is a database that others open too.
type Shared struct {
	*db.DB
	T       *testing.T
	Schema  string                           // on PostgreSQL
	Foreign func(sql string) (string, error) // by sqlite3 or psql: rows as lines, | between columns
}

// EachShared runs a test on both databases, each with the program that people
// use on it. Where that is not installed the test is left out.
func EachShared(t *testing.T, body func(t *testing.T, d *Shared)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		program := installed(t, "sqlite3")
		dir := t.TempDir()
		d := &Shared{DB: Opened(t, db.Options{Dir: dir}), T: t}
		d.Foreign = func(sql string) (string, error) {
			return output(exec.CommandContext(context.Background(), program, "-bail", "-cmd", ".timeout 5000", filepath.Join(dir, "junctor.db"), sql))
		}
		body(t, d)
	})
	t.Run("postgres", func(t *testing.T) {
		program := installed(t, "psql")
		o := dbtest.PostgresOptions(t)
		d := &Shared{DB: Opened(t, o), T: t, Schema: "junctor_" + o.Domain}
		d.Foreign = func(sql string) (string, error) {
			// The search path of a stranger: names are written with their schema.
			sql = strings.NewReplacer(" class_", " junctor_"+o.Domain+".class_", " api_", " junctor_"+o.Domain+".api_").Replace(sql)
			return output(exec.CommandContext(context.Background(), program, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", o.URL, "-c", sql))
		}
		body(t, d)
	})
}

// installed is the path of a program, which Debian has in a package of its own.
func installed(t *testing.T, program string) string {
	t.Helper()
	packages := map[string][]string{"sqlite3": {"sqlite3"}, "psql": {"postgresql-client"}}
	dbtest.Program(t, packages[program], program, "--version")
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func output(cmd *exec.Cmd) (string, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = errors.New(strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), err
}

// Opened is a database that is closed with the test.
func Opened(t *testing.T, o db.Options) *db.DB {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	d, err := db.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Must is Foreign for what must not fail.
func (d *Shared) Must(sql string) string {
	d.T.Helper()
	out, err := d.Foreign(sql)
	if err != nil {
		d.T.Fatalf("%s: %v", sql, err)
	}
	return out
}

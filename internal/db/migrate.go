package db

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"time"

	"junctor/internal/fault"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema, for one of the databases.
type migration struct {
	number int64
	name   string
	sql    string
}

// migrator is the connection that migrates, under a lock that no other process
// has at the same time.
type migrator interface {
	dialect() dialect
	lock(ctx context.Context) (unlock func(), err error)
	exec(ctx context.Context, sql string) error // several statements, no parameters
	applied(ctx context.Context) (map[int64]string, error)
}

const createMigrations = `CREATE TABLE IF NOT EXISTS schema_migrations (
	number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL);`

// migrate brings the schema up to date, each migration in one transaction.
func migrate(ctx context.Context, m migrator) error {
	known, err := migrations(migrationFiles, m.dialect())
	if err != nil {
		return err
	}
	unlock, err := m.lock(ctx)
	if err != nil {
		return fmt.Errorf("take the migration lock: %w", err)
	}
	defer unlock()
	if err := m.exec(ctx, m.dialect().translate(createMigrations)); err != nil {
		return fmt.Errorf("create the table schema_migrations: %w", err)
	}
	have, err := m.applied(ctx)
	if err != nil {
		return fmt.Errorf("read the table schema_migrations: %w", err)
	}
	if err := checkRelease(known, have); err != nil {
		return err
	}
	for _, step := range known {
		if _, ok := have[step.number]; ok {
			continue
		}
		if err := apply(ctx, m, step); err != nil {
			return fmt.Errorf("migration %04d_%s: %w", step.number, step.name, err)
		}
	}
	return nil
}

// checkRelease refuses data that this program does not know.
func checkRelease(known []migration, have map[int64]string) error {
	names := map[int64]string{}
	newest := int64(0)
	for _, step := range known {
		names[step.number] = step.name
		newest = max(newest, step.number)
	}
	for number, name := range have {
		switch {
		case number > newest:
			return fault.New(fault.Conflict, "The data were written by a newer release (schema %d, this one knows %d). Start that release, or restore a backup made before the upgrade.", number, newest)
		case names[number] != name:
			return fault.New(fault.Conflict, "The data do not belong to this release: its migration %04d is %q, theirs %q.", number, names[number], name)
		}
	}
	return nil
}

func apply(ctx context.Context, m migrator, step migration) error {
	record := fmt.Sprintf("INSERT INTO schema_migrations (number, name, applied_at) VALUES (%d, '%s', %d);",
		step.number, step.name, Micros(time.Now()))
	if err := m.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	err := m.exec(ctx, step.sql)
	if err == nil {
		err = m.exec(ctx, record)
	}
	if err != nil {
		m.exec(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // the first error tells more
		return err
	}
	return m.exec(ctx, "COMMIT")
}

var migrationName = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)(?:\.(sqlite|postgres))?\.sql$`)

// migrations reads the files for one dialect, in order. A file for one dialect
// is taken as it is, a common one is translated.
func migrations(files fs.FS, to dialect) ([]migration, error) {
	entries, err := fs.ReadDir(files, "migrations") // sorted by name
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, entry := range entries {
		parts := migrationName.FindStringSubmatch(entry.Name())
		if parts == nil {
			return nil, fmt.Errorf("migration %s: want a name like 0001_noun_what.sql", entry.Name())
		}
		if parts[3] != "" && parts[3] != string(to) {
			continue
		}
		text, err := fs.ReadFile(files, "migrations/"+entry.Name())
		if err != nil {
			return nil, err
		}
		step := migration{name: parts[2], sql: string(text)}
		step.number, _ = strconv.ParseInt(parts[1], 10, 64) // four digits
		if parts[3] == "" {
			step.sql = to.translate(step.sql)
		}
		if n := len(all); n > 0 && all[n-1].number == step.number {
			return nil, fmt.Errorf("migration %s: the number is taken by %q", entry.Name(), all[n-1].name)
		}
		all = append(all, step)
	}
	return all, nil
}

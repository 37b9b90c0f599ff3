package db

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/fault"
)

func TestTranslate(t *testing.T) {
	const common = `-- BIGINT in a comment; stays
CREATE TABLE a (
    id TEXT NOT NULL PRIMARY KEY,  -- the TEXT
    n BIGINT DEFAULT 1 CHECK (CAST(n AS TEXT) <> 'TEXT; BYTEA'),
    "TEXT" BYTEA, f DOUBLE PRECISION
);
create table b (x BIGINT PRIMARY KEY) WITHOUT ROWID;
ALTER TABLE a ADD COLUMN t text;
CREATE INDEX i ON a (n) WHERE t = 'x';`
	for to, want := range map[dialect]string{
		sqliteDialect: `-- BIGINT in a comment; stays
CREATE TABLE a (
    id TEXT NOT NULL PRIMARY KEY,  -- the TEXT
    n INTEGER DEFAULT 1 CHECK (CAST(n AS TEXT) <> 'TEXT; BYTEA'),
    "TEXT" BLOB, f REAL 
) STRICT;
create table b (x INTEGER PRIMARY KEY) WITHOUT ROWID, STRICT;
ALTER TABLE a ADD COLUMN t text;
CREATE INDEX i ON a (n) WHERE t = 'x';`,
		postgresDialect: `-- BIGINT in a comment; stays
CREATE TABLE a (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,  -- the TEXT
    n BIGINT DEFAULT 1 CHECK (CAST(n AS TEXT) <> 'TEXT; BYTEA'),
    "TEXT" BYTEA, f DOUBLE PRECISION
);
create table b (x BIGINT PRIMARY KEY) WITHOUT ROWID;
ALTER TABLE a ADD COLUMN t text COLLATE "C";
CREATE INDEX i ON a (n) WHERE t = 'x';`,
	} {
		if diff := cmp.Diff(want, to.translate(common)); diff != "" {
			t.Errorf("%s: %s", to, diff)
		}
	}
}

func FuzzLexLosesNothing(f *testing.F) {
	for _, seed := range []string{"SELECT 'a''b' -- c\n", `"open`, "/* never closed", "$$ body $$ $1::text[]", "é;'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		tokens := lex(sql)
		if got := join(tokens); got != sql {
			t.Errorf("%q became %q", sql, got)
		}
		var b strings.Builder
		for _, s := range statements(sql) {
			b.WriteString(join(s))
		}
		if rest := strings.TrimPrefix(sql, b.String()); len(significant(lex(rest))) > 0 {
			t.Errorf("%q: the statements leave out %q", sql, rest)
		}
		sqliteDialect.translate(sql)
		postgresDialect.translate(sql)
	})
}

func TestMigrationsAreReadInOrder(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	files := fstest.MapFS{
		"migrations/0010_b_late.sql":         file("CREATE TABLE late (x BIGINT);"),
		"migrations/0002_a_own.sqlite.sql":   file("for sqlite: BIGINT;"),
		"migrations/0002_a_own.postgres.sql": file("for postgres: TEXT;"),
	}
	got, err := migrations(files, sqliteDialect)
	if err != nil {
		t.Fatal(err)
	}
	want := []migration{{2, "a_own", "for sqlite: BIGINT;"}, {10, "b_late", "CREATE TABLE late (x INTEGER) STRICT;"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(migration{})); diff != "" {
		t.Error(diff)
	}

	for name, wrong := range map[string]string{"twice": "0010_b_again.sql", "name": "12_short.sql", "dialect": "0012_x_y.oracle.sql"} {
		bad := fstest.MapFS{"migrations/0010_b_late.sql": file(";"), "migrations/" + wrong: file(";")}
		if _, err := migrations(bad, sqliteDialect); err == nil || !strings.Contains(err.Error(), "migration ") {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
	}
}

func TestDataOfAnotherRelease(t *testing.T) {
	known := []migration{{1, "a", ""}, {2, "b", ""}, {4, "d", ""}}
	for name, have := range map[string]map[int64]string{
		"newer":   {1: "a", 2: "b", 4: "d", 5: "e"},
		"renamed": {1: "a", 2: "other"},
		"between": {3: "c"},
	} {
		if err := checkRelease(known, have); !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v, want fault.Conflict", name, err)
		}
	}
	if err := checkRelease(known, map[int64]string{1: "a"}); err != nil {
		t.Errorf("older: %v", err)
	}
}

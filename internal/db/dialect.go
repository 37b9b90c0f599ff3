package db

import (
	"context"
	"database/sql"
	"strings"

	"github.com/jackc/pgx/v5"
)

// dialect is whose SQL a migration is in.
type dialect string

const (
	sqliteDialect   dialect = "sqlite"
	postgresDialect dialect = "postgres"
)

// translate makes the common text of a migration one database's own.
//
// On SQLite, BIGINT, BYTEA and DOUBLE PRECISION get SQLite's names, and tables
// are STRICT, so that both databases refuse the same values. On PostgreSQL
// every TEXT column compares by code point, as on SQLite.
func (d dialect) translate(script string) string {
	var b strings.Builder
	for _, s := range statements(script) {
		if d == sqliteDialect {
			s = forSQLite(s)
		} else {
			s = forPostgres(s)
		}
		b.WriteString(join(s))
	}
	return b.String()
}

func forSQLite(statement []token) []token {
	out := make([]token, 0, len(statement)+1)
	for _, t := range statement {
		switch {
		case t.is("BIGINT"):
			t.text = "INTEGER"
		case t.is("BYTEA"):
			t.text = "BLOB"
		case t.is("DOUBLE"):
			t.text = "REAL"
		case t.is("PRECISION"):
			continue
		}
		out = append(out, t)
	}
	if words := significant(out); begins(words, "CREATE", "TABLE") {
		return strict(out, words)
	}
	return out
}

// strict adds the option at the end of a CREATE TABLE.
func strict(statement, words []token) []token {
	option := " STRICT"
	for _, w := range words {
		if w.is("ROWID") {
			option = ", STRICT"
		}
	}
	if last := len(statement) - 1; statement[last].text == ";" {
		statement = statement[:last]
	}
	return append(statement, token{word, option}, token{symbol, ";"})
}

func forPostgres(statement []token) []token {
	words := significant(statement)
	if !begins(words, "CREATE", "TABLE") && !begins(words, "ALTER", "TABLE") {
		return statement
	}
	out := make([]token, 0, len(statement)+8)
	before := token{}
	for _, t := range statement {
		out = append(out, t)
		if t.is("TEXT") && before.kind != symbol && !before.is("AS") { // a column's type, not a cast's
			out = append(out, token{word, ` COLLATE "C"`})
		}
		if t.kind != space {
			before = t
		}
	}
	return out
}

func begins(words []token, with ...string) bool {
	if len(words) < len(with) {
		return false
	}
	for i, w := range with {
		if !words[i].is(w) {
			return false
		}
	}
	return true
}

// sqliteMigrator needs no lock: the directory's is held.
type sqliteMigrator struct{ conn *sql.Conn }

func (m sqliteMigrator) dialect() dialect { return sqliteDialect }

func (m sqliteMigrator) lock(context.Context) (func(), error) { return func() {}, nil }

func (m sqliteMigrator) exec(ctx context.Context, text string) error {
	_, err := m.conn.ExecContext(ctx, text)
	return err
}

func (m sqliteMigrator) applied(ctx context.Context) (map[int64]string, error) {
	rows, err := m.conn.QueryContext(ctx, "SELECT number, name FROM schema_migrations")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	have := map[int64]string{}
	for rows.Next() {
		var number int64
		var name string
		if err := rows.Scan(&number, &name); err != nil {
			return nil, err
		}
		have[number] = name
	}
	return have, rows.Err()
}

// postgresMigrator works in the domain's schema, under an advisory lock that
// carries its name.
type postgresMigrator struct {
	conn   *pgx.Conn
	schema string
}

func (m *postgresMigrator) dialect() dialect { return postgresDialect }

func (m *postgresMigrator) lock(ctx context.Context) (func(), error) {
	const key = `hashtextextended($1 || ' migrations', 0)`
	if _, err := m.conn.Exec(ctx, `SELECT pg_advisory_lock(`+key+`)`, m.schema); err != nil {
		return nil, err
	}
	unlock := func() {
		m.conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(`+key+`)`, m.schema) //nolint:errcheck // ends with the connection at the latest
	}
	if _, err := m.conn.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{m.schema}.Sanitize()); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

func (m *postgresMigrator) exec(ctx context.Context, text string) error {
	_, err := m.conn.PgConn().Exec(ctx, text).ReadAll()
	return err
}

func (m *postgresMigrator) applied(ctx context.Context) (map[int64]string, error) {
	rows, err := m.conn.Query(ctx, "SELECT number, name FROM schema_migrations")
	if err != nil {
		return nil, err
	}
	have := map[int64]string{}
	var number int64
	var name string
	_, err = pgx.ForEachRow(rows, []any{&number, &name}, func() error {
		have[number] = name
		return nil
	})
	return have, err
}

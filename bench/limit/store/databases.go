package main

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"
)

const create = `CREATE TABLE IF NOT EXISTS messages (id BIGINT PRIMARY KEY, body %s NOT NULL)`

// sqlite is one connection with its prepared statement.
type sqlite struct {
	conn      *sql.Conn
	insertOne *sql.Stmt
}

func openSQLite(ctx context.Context, file string) (database, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", file, err)
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf(create, "BLOB")); err != nil {
		return nil, err
	}
	stmt, err := conn.PrepareContext(ctx, `INSERT INTO messages (id, body) VALUES (?, ?)`)
	return &sqlite{conn, stmt}, err
}

// insert says BEGIN and COMMIT itself: database/sql would prepare the statement
// anew for every transaction.
func (s *sqlite) insert(ctx context.Context, batch []message) error {
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, m := range batch {
		if _, err := s.insertOne.ExecContext(ctx, m.id, m.body); err != nil {
			s.conn.ExecContext(ctx, "ROLLBACK") //nolint:errcheck // the insert's error is the one to tell
			return err
		}
	}
	_, err := s.conn.ExecContext(ctx, "COMMIT")
	return err
}

// postgres is one connection; a batch is one statement.
type postgres struct{ conn *pgx.Conn }

func openPostgres(ctx context.Context, url string) (database, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf(create, "BYTEA"))
	return &postgres{conn}, err
}

func (p *postgres) insert(ctx context.Context, batch []message) error {
	ids, bodies := make([]int64, len(batch)), make([][]byte, len(batch))
	for i, m := range batch {
		ids[i], bodies[i] = m.id, m.body
	}
	_, err := p.conn.Exec(ctx, `INSERT INTO messages (id, body) SELECT * FROM unnest($1::bigint[], $2::bytea[])`, ids, bodies)
	return err
}

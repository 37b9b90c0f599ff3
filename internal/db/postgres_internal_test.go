package db

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"junctor/internal/fault"
)

// What PostgreSQL refuses is said with what would help.
func TestWhatPostgresRefusesIsSaid(t *testing.T) {
	c, err := pgx.ParseConfig("postgres://jun%22ctor:secret@db.internal/shop")
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]struct {
		code fault.Code
		said string
	}{
		"42501": {fault.Forbidden, `GRANT CREATE ON DATABASE "shop" TO "jun""ctor"`},
		"28P01": {fault.Forbidden, "does not let us in. Check user and password"},
		"3D000": {fault.Unavailable, `CREATE DATABASE "shop"`},
		"53300": {fault.Unavailable, "cannot be used. Check that it runs"},
	} {
		err := unreachable(c, &pgconn.PgError{Code: code})
		if !fault.Is(err, want.code) || !strings.Contains(err.Error(), want.said) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

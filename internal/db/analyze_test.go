package db_test

import (
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// A table that has grown is looked at, once.
func TestAnalyze(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withCoded(t, open())
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			for i := range 1500 {
				if _, err := tx.Insert(insertCoded, []any{string(rune('a' + i)), nil}); err != nil {
					return err
				}
			}
			if tx.Postgres() { // which counts later otherwise
				_, err := tx.Texts(`SELECT pg_stat_force_next_flush()::text`)
				return err
			}
			return nil
		}))
		looked := func() (n int64) {
			must(t, d.Analyze(t.Context()))
			if !d.Postgres() {
				return 1
			}
			must(t, d.Read(t.Context(), func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'coded' AND schemaname = current_schema()`).Scan(&n)
			}))
			return n
		}
		deadline := time.Now().Add(20 * time.Second)
		for looked() == 0 {
			if time.Now().After(deadline) {
				t.Fatal("the table is not looked at")
			}
		}
		if n := looked(); n > 2 {
			t.Errorf("it was looked at %d times", n)
		}
	})
}

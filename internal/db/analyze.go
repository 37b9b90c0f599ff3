package db

import "context"

// stale are tables that have been written so often since PostgreSQL looked at them
// that it plans by what is long over; reltuples is -1 for one it has never looked at.
const stale = `SELECT t.relname FROM pg_stat_user_tables AS t JOIN pg_class AS c ON c.oid = t.relid
	WHERE t.schemaname = current_schema() AND t.n_mod_since_analyze > 1000 + greatest(c.reltuples, 0) / 2`

// Analyze lets PostgreSQL look at the tables of the domain that have grown by half
// since it last did: until autovacuum comes by, which may be minutes, it would plan
// as if they were empty. It reads a sample of each, whatever its size. On SQLite,
// which plans by the indexes alone, it does nothing.
func (d *DB) Analyze(ctx context.Context) error {
	if !d.Postgres() {
		return nil
	}
	var tables []string
	err := d.Read(ctx, func(tx *Tx) (err error) {
		tables, err = tx.Texts(stale)
		return err
	})
	for _, table := range tables {
		if err == nil {
			err = d.Write(ctx, func(tx *Tx) error { return tx.Define("ANALYZE " + Quote(table)) })
		}
	}
	return err
}

package db

import "context"

// Define executes statements that change the schema, separated by semicolons,
// without arguments. Nothing of them is kept prepared: each is executed once.
func (tx *Tx) Define(sql string) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if err := tx.session.define(tx.ctx, sql); err != nil {
		return during(sql, err)
	}
	return nil
}

func (s *sqliteSession) define(ctx context.Context, sql string) error {
	if s.reading() {
		return errReading
	}
	_, err := s.conn.conn.ExecContext(ctx, sql)
	return sqliteError(err)
}

func (s *postgresSession) define(ctx context.Context, sql string) error {
	if err := s.idle(ctx); err != nil {
		return err
	}
	_, err := s.conn.PgConn().Exec(ctx, sql).ReadAll()
	return postgresError(err)
}

package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// part is a prepared statement with its arguments that waits to be sent.
type part struct {
	name string // as it was prepared
	stmt *Stmt  // nil for none of ours
	rows int
	args [][]byte // binary; nil for none
}

// binaryArgs is the format of all arguments of a part.
var binaryArgs = []int16{pgx.BinaryFormatCode}

// idle comes before a statement that waits for its result: what was left is
// executed first.
func (s *postgresSession) idle(ctx context.Context) error {
	if s.reading() {
		return errReading
	}
	if len(s.tail) == 0 {
		return nil
	}
	_, err := s.send(ctx)
	return err
}

// many sends the rows as arrays, one for each column, encoded here.
func (s *postgresSession) many(ctx context.Context, st *Stmt, rows [][]any) (affected int64, err error) {
	before := len(s.tail)
	if err := s.leave(ctx, st, rows); err != nil {
		return 0, err
	}
	tags, err := s.send(ctx)
	if err != nil {
		return 0, err
	}
	for _, tag := range tags[before:] {
		affected += tag.RowsAffected()
	}
	return affected, nil
}

func (s *postgresSession) leave(ctx context.Context, st *Stmt, rows [][]any) error {
	if s.reading() {
		return errReading
	}
	plain, err := st.prepare(rows)
	if err != nil {
		return err
	}
	for _, round := range st.rounds(plain) {
		p := part{stmt: st, rows: len(round), args: make([][]byte, len(st.columns))}
		for i, c := range st.columns {
			p.args[i] = appendArray(nil, c.kind, round, i)
		}
		if err := s.put(ctx, st.postgres, p); err != nil {
			return err
		}
	}
	return nil
}

// put prepares the statement, once for each connection, and leaves it for later.
func (s *postgresSession) put(ctx context.Context, sql string, p part) error {
	prepared, err := s.conn.Prepare(ctx, sql, sql)
	if err != nil {
		return postgresError(err)
	}
	p.name = prepared.Name
	s.tail = append(s.tail, p)
	return nil
}

// line takes the domain's lock, which PostgreSQL gives back when what the
// transaction has written can be read by others.
func (s *postgresSession) line(ctx context.Context) error {
	if s.reading() {
		return errReading
	}
	return s.put(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, part{args: [][]byte{[]byte(s.engine.schema + " line")}})
}

// send sends what was left in one round trip. The server leaves out what follows a
// failure. The result is what each has done.
func (s *postgresSession) send(ctx context.Context) (tags []pgconn.CommandTag, err error) {
	parts := s.tail
	s.tail = nil
	pipeline := s.conn.PgConn().StartPipeline(ctx)
	for _, p := range parts {
		formats := binaryArgs
		if p.args == nil {
			formats = nil
		}
		pipeline.SendQueryPrepared(p.name, p.args, formats, nil)
	}
	err = pipeline.Sync()
	for _, p := range parts {
		if err != nil {
			break
		}
		var tag pgconn.CommandTag
		if tag, err = result(pipeline); err == nil && p.stmt != nil && p.stmt.must && tag.RowsAffected() < int64(p.rows) {
			err = ErrNoRows
		}
		if tags = append(tags, tag); err != nil && p.stmt != nil {
			err = during(p.stmt.source, postgresError(err))
		}
	}
	if closed := pipeline.Close(); err == nil {
		err = closed
	}
	return tags, postgresError(err)
}

// result is what the pipeline's next statement has done.
func result(p *pgconn.Pipeline) (pgconn.CommandTag, error) {
	next, err := p.GetResults()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	reader, ok := next.(*pgconn.ResultReader)
	if !ok {
		return pgconn.CommandTag{}, errors.New("PostgreSQL did not answer a statement")
	}
	return reader.Close()
}

// commit has a limit of its own: the caller's context may end, the
// transaction's outcome is wanted all the same. What was left goes with the
// COMMIT, unless it is to be known first whether it has touched its rows.
func (s *postgresSession) commit() error {
	if s.reading() {
		s.abandon()
		return errReading
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitLimit)
	defer cancel()
	err := s.settle(ctx)
	if err == nil {
		err = s.put(ctx, "COMMIT", part{})
	}
	var tags []pgconn.CommandTag
	if err == nil {
		tags, err = s.send(ctx)
	}
	var own *pgconn.PgError
	switch {
	case err == nil && tags[len(tags)-1].String() == "COMMIT":
		return nil
	case err == nil:
		return errors.New("a statement had failed and its error was not returned; the transaction is rolled back")
	case errors.Is(err, ErrNoRows), errors.As(err, &own) && own.Severity == "ERROR" && !s.conn.IsClosed():
		if s.conn.PgConn().TxStatus() != 'I' {
			s.rollback()
		}
		return err
	}
	s.abandon()
	return &storeError{lost, err}
}

// settle sends what was left if one of it must touch rows.
func (s *postgresSession) settle(ctx context.Context) error {
	for _, p := range s.tail {
		if p.stmt != nil && p.stmt.must {
			_, err := s.send(ctx)
			return err
		}
	}
	return nil
}

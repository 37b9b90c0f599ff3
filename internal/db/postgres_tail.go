package db

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// part is a statement that waits to be sent.
type part struct {
	sql    string
	values []any    // its arguments, strings and int64s; or
	args   [][]byte // arrays in binary
	stmt   *Stmt    // nil for none of ours
	rows   int
}

// binaryArgs is the format of all arguments of a part.
var binaryArgs = []int16{pgx.BinaryFormatCode}

// idle comes before a statement that waits for its result: what was left is
// executed first.
func (s *postgresSession) idle(ctx context.Context) error {
	if s.reading() {
		return errReading
	}
	if len(s.opening) == 0 && len(s.tail) == 0 || s.failed != nil {
		return s.failed
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

func (s *postgresSession) leave(_ context.Context, st *Stmt, rows [][]any) error {
	if s.reading() {
		return errReading
	}
	plain, err := st.prepare(rows)
	if err != nil {
		return err
	}
	for _, round := range st.rounds(plain) {
		p := part{sql: st.postgres, stmt: st, rows: len(round), args: make([][]byte, len(st.columns))}
		for i, c := range st.columns {
			p.args[i] = appendArray(nil, c.kind, round, i)
		}
		s.tail = append(s.tail, p)
	}
	return nil
}

// line takes the domain's lock, which PostgreSQL gives back when what the
// transaction has written can be read by others.
func (s *postgresSession) line(context.Context) error {
	if s.reading() {
		return errReading
	}
	s.tail = append(s.tail, part{sql: `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, values: []any{s.engine.schema + " line"}})
	return nil
}

// send sends what was left in one round trip. The server leaves out what follows a
// failure. The result is what each part of the tail has done.
func (s *postgresSession) send(ctx context.Context) (tags []pgconn.CommandTag, err error) {
	if s.failed != nil {
		return nil, s.failed
	}
	opening, parts := len(s.opening), slices.Concat(s.opening, s.tail)
	s.opening, s.tail = nil, nil
	names := make([]string, len(parts))
	for i, p := range parts { // a round trip for what this connection has not seen yet
		prepared, err := s.conn.Prepare(ctx, p.sql, p.sql)
		if err != nil {
			return nil, s.fails(err)
		}
		names[i] = prepared.Name
	}
	pipeline := s.conn.PgConn().StartPipeline(ctx)
	for i, p := range parts {
		args, formats := p.binary()
		pipeline.SendQueryPrepared(names[i], args, formats, nil)
	}
	err = pipeline.Sync()
	for i := 0; i < len(parts) && err == nil; i++ {
		var tag pgconn.CommandTag
		st := parts[i].stmt
		if tag, err = result(pipeline); err == nil && st != nil && st.must && tag.RowsAffected() < int64(parts[i].rows) {
			err = ErrNoRows
		}
		if err != nil && st != nil {
			err = during(st.source, postgresError(err))
		}
		tags = append(tags, tag)
	}
	if closed := pipeline.Close(); err == nil {
		err = closed
	}
	switch {
	case errors.Is(err, ErrNoRows): // nothing has failed in the server
		return nil, err
	case err != nil:
		return nil, s.fails(err)
	}
	return tags[opening:], nil
}

// binary are the arguments as they go over.
func (p part) binary() (args [][]byte, formats []int16) {
	args = p.args
	for _, v := range p.values {
		switch v := v.(type) {
		case string:
			args = append(args, []byte(v))
		case int64:
			args = append(args, binary.BigEndian.AppendUint64(nil, uint64(v)))
		}
	}
	if len(args) > 0 {
		formats = binaryArgs
	}
	return args, formats
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

var errUnsaid = errors.New("a statement had failed and its error was not returned; the transaction is rolled back")

// commit has a limit of its own: the caller's context may end, the
// transaction's outcome is wanted all the same. What was left goes with the
// COMMIT, unless it is to be known first whether it has touched its rows.
func (s *postgresSession) commit() error {
	switch {
	case s.reading():
		s.abandon()
		return errReading
	case s.failed != nil:
		s.rollback()
		return errUnsaid
	case s.opening != nil && len(s.tail) == 0:
		return nil // nothing was done
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitLimit)
	defer cancel()
	var tags []pgconn.CommandTag
	err := s.settle(ctx)
	if err == nil {
		s.tail = append(s.tail, part{sql: "COMMIT"})
		tags, err = s.send(ctx)
	}
	var own *pgconn.PgError
	switch {
	case err == nil && tags[len(tags)-1].String() == "COMMIT":
		return nil
	case err == nil:
		return errUnsaid
	case errors.Is(err, ErrNoRows), errors.As(err, &own) && own.Severity == "ERROR" && !s.conn.IsClosed():
		s.rollback()
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

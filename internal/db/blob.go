package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"junctor/internal/fault"
	"junctor/internal/id"
)

const (
	// InlineLimit is the largest value that stands in its row.
	InlineLimit = 64 << 10
	chunkSize   = 64 << 10
	// chunksAtOnce bounds the transactions that write a large value, so that
	// others get their turn between.
	chunksAtOnce = 16
	// PieceSize is what such a transaction has, in bytes.
	PieceSize = chunksAtOnce * chunkSize
)

// Blob is what is stored in a BYTEA column for a value of any size: its first
// byte is 0 and the value follows, or it is 1 and the name of a large value
// follows. A nil Blob is NULL.
type Blob []byte

const (
	inline    = 0
	reference = 1
)

// Large reports whether the value is kept in chunks.
func (b Blob) Large() bool { return len(b) > 0 && b[0] == reference }

func (b Blob) name() string { return string(b[1:]) }

var claim = NewStmt(-1, `UPDATE large_values SET claimed = 1 FROM {rows} AS r WHERE large_values.id = r.id`, Text("id")).Must()

// PutLarge stores data and returns what refers to it. Up to InlineLimit there
// is nothing to store. More is written now, in transactions of its own, and is
// an orphan until a transaction that stores the Blob executes ClaimOps.
func (d *DB) PutLarge(ctx context.Context, data []byte) (Blob, error) {
	if len(data) <= InlineLimit {
		return append(Blob{inline}, data...), nil
	}
	b, _, err := d.PutLargeFrom(ctx, bytes.NewReader(data))
	return b, err
}

// PutLargeFrom is PutLarge of all that can be read from r, of which no more than
// PieceSize is in memory at once, and returns its size. When r fails, with its
// error, nothing stays stored.
func (d *DB) PutLargeFrom(ctx context.Context, r io.Reader) (b Blob, size int64, err error) {
	piece := make([]byte, InlineLimit+1)
	n, err := readPiece(r, piece)
	if err != nil {
		return nil, 0, err
	}
	if n <= InlineLimit {
		return append(Blob{inline}, piece[:n]...), int64(n), nil
	}
	piece = append(make([]byte, 0, PieceSize), piece...)[:PieceSize]
	more, err := readPiece(r, piece[n:])
	n += more
	name := id.Token(26)
	for seq := 0; err == nil; seq += chunksAtOnce {
		size += int64(n)
		err = d.writePiece(ctx, func(tx *Tx) error {
			_, err := tx.Exec(`INSERT INTO large_values (id, size, claimed, created_at) VALUES ($1, $2, 0, $3) ON CONFLICT (id) DO UPDATE SET size = excluded.size`,
				name, size, Micros(time.Now()))
			if err == nil {
				err = tx.putChunks(name, seq, piece[:n])
			}
			return err
		})
		if err == nil && n < PieceSize {
			return append(Blob{reference}, name...), size, nil
		}
		if err == nil {
			n, err = readPiece(r, piece)
		}
	}
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), DefaultReadLimit)
	defer cancel()
	dropped := d.Write(again, func(tx *Tx) error { return tx.DropLarge(append(Blob{reference}, name...)) })
	return nil, 0, errors.Join(fmt.Errorf("store a large value: %w", err), dropped) // where it could not be dropped it is an orphan
}

// writePiece is Write in the line of those who write pieces: however many they are,
// all others wait for one or a few of them.
func (d *DB) writePiece(ctx context.Context, f func(*Tx) error) error {
	select {
	case d.pieces <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := d.write(ctx, f)
	<-d.pieces
	if err != nil {
		return err
	}
	return d.sync()
}

// piecesAtOnce is how many pieces are written at the same time.
func piecesAtOnce(o Options) int {
	if o.URL != "" {
		return postgresWriters / 2
	}
	return 1
}

// readPiece fills a piece, but for the last one. Unlike io.ReadFull it tells the
// end of r from a body that breaks off.
func readPiece(r io.Reader, piece []byte) (n int, err error) {
	for n < len(piece) && err == nil {
		var more int
		more, err = r.Read(piece[n:])
		n += more
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// putChunks stores data in chunks that begin with number seq.
func (tx *Tx) putChunks(name string, seq int, data []byte) error {
	for chunk := range slices.Chunk(data, chunkSize) {
		if _, err := tx.Exec(`INSERT INTO chunks (value_id, seq, data) VALUES ($1, $2, $3)`, name, seq, chunk); err != nil {
			return err
		}
		seq++
	}
	return nil
}

// PutLarge is DB.PutLarge for a value that comes to be within a transaction: it
// is written in it, and needs no ClaimOps.
func (tx *Tx) PutLarge(data []byte) (Blob, error) { return tx.PutNamed(id.Token(26), data) }

// PutNamed is PutLarge under a name of the caller's, which stands for the data:
// given again it stores nothing.
func (tx *Tx) PutNamed(name string, data []byte) (Blob, error) {
	if len(data) <= InlineLimit {
		return append(Blob{inline}, data...), nil
	}
	n, err := tx.Exec(`INSERT INTO large_values (id, size, claimed, created_at) VALUES ($1, $2, 1, $3) ON CONFLICT (id) DO NOTHING`,
		name, len(data), Micros(time.Now()))
	if err == nil && n > 0 {
		err = tx.putChunks(name, 0, data)
	}
	if err != nil {
		return nil, fmt.Errorf("store a value of %d bytes: %w", len(data), err)
	}
	return append(Blob{reference}, name...), nil
}

// ClaimOps belong into the transaction that stores the Blob: they make the
// value more than an orphan. There are none for an inline value. When the value
// has been collected meanwhile they fail with ErrNoRows.
func ClaimOps(b Blob) []Op {
	if !b.Large() {
		return nil
	}
	return []Op{{Stmt: claim, Row: []any{b.name()}}}
}

// Load returns the value that a Blob stands for; nil for NULL. A large value
// that is gone or incomplete is fault.NotFound.
func (tx *Tx) Load(b Blob) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if !b.Large() {
		return b[1:], nil
	}
	var size int
	err := tx.QueryRow(`SELECT size FROM large_values WHERE id = $1`, b.name()).Scan(&size)
	if errors.Is(err, ErrNoRows) {
		return nil, fault.New(fault.NotFound, "The large value %s is no longer stored.", b.name())
	}
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT data FROM chunks WHERE value_id = $1 ORDER BY seq`, b.name())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var value bytes.Buffer
	value.Grow(size)
	for rows.Next() {
		var piece []byte
		if err := rows.Scan(&piece); err != nil {
			return nil, err
		}
		value.Write(piece)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if value.Len() != size {
		return nil, fault.New(fault.NotFound, "The large value %s is incomplete: %d of %d bytes.", b.name(), value.Len(), size)
	}
	return value.Bytes(), nil
}

// DropLarge deletes the value that a Blob stands for; nothing for an inline
// one.
func (tx *Tx) DropLarge(b Blob) error {
	if !b.Large() {
		return nil
	}
	if _, err := tx.Exec(`DELETE FROM chunks WHERE value_id = $1`, b.name()); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM large_values WHERE id = $1`, b.name())
	return err
}

// CollectOrphans deletes large values that nothing claimed within olderThan,
// each in a transaction of its own, and returns how many. olderThan must be
// longer than it takes from PutLarge to the claiming commit.
func (d *DB) CollectOrphans(ctx context.Context, olderThan time.Duration) (int, error) {
	collected := 0
	for {
		name, err := d.orphan(ctx, Micros(time.Now().Add(-olderThan)))
		if errors.Is(err, ErrNoRows) {
			return collected, nil
		}
		if err == nil {
			err = d.Write(ctx, func(tx *Tx) error { return tx.dropOrphan(name) })
		}
		if err != nil {
			return collected, fmt.Errorf("collect orphaned large values: %w", err)
		}
		collected++
	}
}

func (d *DB) orphan(ctx context.Context, before int64) (name string, err error) {
	err = d.Read(ctx, func(tx *Tx) error {
		return tx.QueryRow(`SELECT id FROM large_values WHERE claimed = 0 AND created_at < $1 ORDER BY created_at LIMIT 1`, before).Scan(&name)
	})
	return name, err
}

// dropOrphan looks again, since the value may have been claimed meanwhile.
func (tx *Tx) dropOrphan(name string) error {
	n, err := tx.Exec(`DELETE FROM large_values WHERE id = $1 AND claimed = 0`, name)
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.Exec(`DELETE FROM chunks WHERE value_id = $1`, name)
	return err
}

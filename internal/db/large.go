package db

import (
	"context"
	"errors"
	"io"

	"junctor/internal/fault"
)

const (
	readAtOnce = 4
	// ReadSize is how many bytes a Large has in memory.
	ReadSize = readAtOnce * chunkSize
)

// Large reads a value of any size piece by piece, each in a snapshot of its own,
// so that whoever takes it slowly holds none open. It belongs to one goroutine.
// When the value is dropped meanwhile, Read fails with fault.NotFound.
type Large struct {
	ctx   context.Context
	db    *DB
	name  string
	size  int64
	at    int64
	piece []byte // of the value, from begin on
	begin int64
}

var _ io.ReadSeeker = (*Large)(nil)

// OpenLarge makes the value that a Blob stands for readable. A large value that
// is gone is fault.NotFound.
func (d *DB) OpenLarge(ctx context.Context, b Blob) (*Large, error) {
	if !b.Large() {
		return &Large{size: int64(max(0, len(b)-1)), piece: b[min(1, len(b)):]}, nil
	}
	l := &Large{ctx: ctx, db: d, name: b.name()}
	err := d.Read(ctx, func(tx *Tx) error {
		return tx.QueryRow(`SELECT size FROM large_values WHERE id = $1`, l.name).Scan(&l.size)
	})
	if errors.Is(err, ErrNoRows) {
		err = l.gone()
	}
	return l, err
}

func (l *Large) gone() error {
	return fault.New(fault.NotFound, "The large value %s is no longer stored.", l.name)
}

// Read implements io.Reader.
func (l *Large) Read(p []byte) (int, error) {
	if l.at >= l.size {
		return 0, io.EOF
	}
	if l.at < l.begin || l.at >= l.begin+int64(len(l.piece)) {
		if err := l.load(l.at / chunkSize); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.piece[l.at-l.begin:])
	l.at += int64(n)
	return n, nil
}

// load reads the chunks from number seq on.
func (l *Large) load(seq int64) error {
	l.begin = seq * chunkSize
	err := l.db.Read(l.ctx, func(tx *Tx) error {
		l.piece = l.piece[:0]
		rows, err := tx.Query(`SELECT data FROM chunks WHERE value_id = $1 AND seq >= $2 AND seq < $3 ORDER BY seq`, l.name, seq, seq+readAtOnce)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var chunk []byte
			if err := rows.Scan(&chunk); err != nil {
				return err
			}
			l.piece = append(l.piece, chunk...)
		}
		return rows.Err()
	})
	if err == nil && int64(len(l.piece)) != min(ReadSize, l.size-l.begin) {
		err = l.gone()
	}
	return err
}

// Seek implements io.Seeker.
func (l *Large) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += l.at
	case io.SeekEnd:
		offset += l.size
	}
	if offset < 0 {
		return 0, errors.New("before the value's beginning")
	}
	l.at = offset
	return offset, nil
}

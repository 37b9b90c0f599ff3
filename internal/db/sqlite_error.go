package db

import (
	"errors"
	"fmt"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteError makes a driver's error one of this package's.
func sqliteError(err error) error {
	if err == nil {
		return nil // at once: the two below go to the heap
	}
	var own *sqlite.Error
	var done *storeError
	if !errors.As(err, &own) || errors.As(err, &done) {
		return err
	}
	return &storeError{sqliteClass(own.Code()), err}
}

func sqliteClass(code int) class {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return unique
	case sqlite3.SQLITE_CONSTRAINT_TRIGGER, sqlite3.SQLITE_CONSTRAINT_CHECK, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return refused
	}
	switch code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return conflict
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR:
		return sick
	}
	return other
}

// commitError is sqliteError for COMMIT: after a failed write or fsync only
// the mark tells what is on disk.
func commitError(err error) error {
	var own *sqlite.Error
	if errors.As(err, &own) && own.Code()&0xff == sqlite3.SQLITE_IOERR {
		return &storeError{lost, err}
	}
	return sqliteError(err)
}

// openError gives an error of opening its meaning for the directory.
func openError(err error) error {
	var own *sqlite.Error
	if errors.As(err, &own) {
		switch own.Code() & 0xff {
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			return fmt.Errorf("%w: %w", os.ErrPermission, err)
		}
	}
	return err
}

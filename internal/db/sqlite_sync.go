package db

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// fileSync brings a file of SQLite's to disk.
//
// SQLite could sync its write-ahead log inside each COMMIT (synchronous=FULL),
// but then nothing could be written meanwhile; here a transaction is written
// while the one before it is on its way to the disk. With synchronous=NORMAL
// SQLite still syncs what its own consistency needs: the log before it is
// copied, the database file before the log begins anew.
type fileSync struct {
	mu    sync.Mutex
	tls   *libc.TLS
	db    uintptr // sqlite3*
	file  uintptr // sqlite3_file*; it lives as long as the connection
	sync  func(tls *libc.TLS, file uintptr, flags int32) int32
	ended bool  // the file is not synced any more
	err   error // and this is what it came to
}

var errNotSynced = errors.New("the disk does not say that it has stored what was written to it")

// The files of a connection.
const (
	databaseFile = sqlite3.SQLITE_FCNTL_FILE_POINTER
	logFile      = sqlite3.SQLITE_FCNTL_JOURNAL_POINTER
)

// newFileSync asks a connection for one of its files.
func newFileSync(conn *sql.Conn, which int32) (*fileSync, error) {
	w := &fileSync{}
	err := conn.Raw(func(raw any) error {
		of := reflect.ValueOf(raw).Elem()
		db := of.FieldByName("db")
		if !db.IsValid() || db.Kind() != reflect.Uintptr || db.Uint() == 0 {
			return errSQLiteLayout
		}
		w.tls, w.db = libc.NewTLS(), uintptr(db.Uint())
		out := allocate(w.tls, int32(unsafe.Sizeof(uintptr(0))))
		if out == 0 {
			return errSQLiteLayout
		}
		defer release(w.tls, out)
		*(*uintptr)(at(out)) = 0
		if sqlite3.Xsqlite3_file_control(w.tls, w.db, 0, which, out) != sqlite3.SQLITE_OK {
			return errSQLiteLayout
		}
		w.file = *(*uintptr)(at(out))
		if w.file == 0 {
			return errSQLiteLayout
		}
		methods := (*sqlite3.Tsqlite3_io_methods)(at((*sqlite3.Tsqlite3_file)(at(w.file)).FpMethods))
		if methods == nil {
			return errSQLiteLayout
		}
		w.sync = *(*func(*libc.TLS, uintptr, int32) int32)(unsafe.Pointer(&methods.FxSync))
		return nil
	})
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// do returns when all that was written to the file before the call is on disk.
// After a failure it fails for ever: the system may have dropped what it could
// not write, and would say at the next sync that all is well.
func (w *fileSync) do() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return w.err
	}
	if rc := w.sync(w.tls, w.file, sqlite3.SQLITE_SYNC_NORMAL); rc != sqlite3.SQLITE_OK {
		w.ended, w.err = true, fmt.Errorf("%w (SQLite's error %d)", errNotSynced, rc)
	}
	return w.err
}

// fail makes do fail from now on.
func (w *fileSync) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.ended, w.err = true, err
	}
}

// finish syncs for the last time, before the connection is closed. Whoever asks
// later gets the answer to that. After a failure SQLite's closing leaves the log
// as it is, so that the next start finds all that has reached the disk.
func (w *fileSync) finish() error {
	err := w.do()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if err == nil {
		return nil
	}
	list := allocate(w.tls, 16)
	if list == 0 {
		return err
	}
	defer release(w.tls, list)
	sqlite3.Xsqlite3_db_config(w.tls, w.db, sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, libc.VaList(list, int32(1), uintptr(0)))
	return err
}

func (w *fileSync) close() {
	w.fail(ErrClosed)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tls != nil {
		w.tls.Close()
		w.tls = nil
	}
}

// at is memory outside of Go's heap, which the garbage collector does not move.
func at(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

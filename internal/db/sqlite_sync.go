package db

import (
	"database/sql"
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
	mu   sync.Mutex
	tls  *libc.TLS
	file uintptr // sqlite3_file*; it lives as long as the connection
	sync func(tls *libc.TLS, file uintptr, flags int32) int32
}

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
		w.tls = libc.NewTLS()
		out := allocate(w.tls, int32(unsafe.Sizeof(uintptr(0))))
		if out == 0 {
			return errSQLiteLayout
		}
		defer release(w.tls, out)
		*(*uintptr)(at(out)) = 0
		if sqlite3.Xsqlite3_file_control(w.tls, uintptr(db.Uint()), 0, which, out) != sqlite3.SQLITE_OK {
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
func (w *fileSync) do() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if rc := w.sync(w.tls, w.file, sqlite3.SQLITE_SYNC_NORMAL); rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("sync the database: SQLite's error %d", rc)
	}
	return nil
}

func (w *fileSync) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tls != nil {
		w.tls.Close()
		w.tls = nil
	}
}

// at is memory outside of Go's heap, which the garbage collector does not move.
func at(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

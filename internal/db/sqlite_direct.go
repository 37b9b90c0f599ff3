package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// directStmt is a statement that the driver has prepared and that is executed
// below it, on SQLite's own interface. The driver takes memory for each value
// of each row from an allocator that all scripts share; this takes it once.
type directStmt struct {
	driver driver.Stmt
	tls    *libc.TLS
	db     uintptr // sqlite3*
	handle uintptr // sqlite3_stmt*
	places []int   // of each parameter, in SQLite's order: which value of the row it takes
	values []byte  // what the text and blobs of the row are copied to: outside of Go's heap
}

var errSQLiteLayout = errors.New("this version of modernc.org/sqlite is laid out differently than the one Junctor was made for")

// direct finds the statement, or prepares it on the driver's connection raw.
func (c *sqliteConn) direct(raw any, text string) (*directStmt, error) {
	if s, ok := c.inner[text]; ok {
		return s, nil
	}
	conn, ok := raw.(driver.ConnPrepareContext)
	if !ok {
		return nil, errSQLiteLayout
	}
	prepared, err := conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	s, err := newDirectStmt(raw, prepared)
	if err != nil {
		prepared.Close() //nolint:errcheck // the first error tells more
		return nil, err
	}
	c.inner[text] = s
	return s, nil
}

// handles reaches into the driver's connection for what it has no way to ask for.
func handles(conn any) (db uintptr, tls *libc.TLS, err error) {
	of := reflect.ValueOf(conn).Elem()
	at, thread := of.FieldByName("db"), of.FieldByName("tls")
	if !at.IsValid() || at.Kind() != reflect.Uintptr || at.Uint() == 0 || !thread.IsValid() || thread.Type() != reflect.TypeFor[*libc.TLS]() {
		return 0, nil, errSQLiteLayout
	}
	return uintptr(at.Uint()), (*libc.TLS)(thread.UnsafePointer()), nil
}

func newDirectStmt(conn any, stmt driver.Stmt) (*directStmt, error) {
	db, tls, err := handles(conn)
	handle := reflect.ValueOf(stmt).Elem().FieldByName("pstmt")
	if err != nil || !handle.IsValid() || handle.Kind() != reflect.Uintptr || handle.Uint() == 0 {
		return nil, errSQLiteLayout
	}
	s := &directStmt{driver: stmt, tls: tls, db: db, handle: uintptr(handle.Uint())}
	return s, s.locate()
}

// locate finds out which value each parameter takes. SQLite numbers parameters
// in the order in which they appear: $2 may be its first.
func (s *directStmt) locate() error {
	for i := range sqlite3.Xsqlite3_bind_parameter_count(s.tls, s.handle) {
		name := libc.GoString(sqlite3.Xsqlite3_bind_parameter_name(s.tls, s.handle, i+1))
		n, err := strconv.Atoi(strings.TrimPrefix(name, "$"))
		if err != nil || n < 1 {
			return fmt.Errorf("the parameter %q is not like $1", name)
		}
		s.places = append(s.places, n-1)
	}
	return nil
}

// execute executes the statement for one row and returns how many rows it
// touched. values are nil, int64, float64, string and []byte.
func (s *directStmt) execute(row []any) (int64, error) {
	if err := s.bind(row); err != nil {
		s.reset()
		return 0, err
	}
	if code := sqlite3.Xsqlite3_step(s.tls, s.handle); code != sqlite3.SQLITE_DONE {
		// Not again: SQLite may have taken the whole transaction back by itself,
		// and what follows would be stored without the rest.
		err := s.failure(code)
		s.reset()
		return 0, err
	}
	n := sqlite3.Xsqlite3_changes(s.tls, s.db)
	s.reset()
	return int64(n), nil
}

func (s *directStmt) reset() {
	sqlite3.Xsqlite3_reset(s.tls, s.handle) // repeats the error of the step
	sqlite3.Xsqlite3_clear_bindings(s.tls, s.handle)
}

// failure is what SQLite says about its last call, which answered code.
func (s *directStmt) failure(code int32) error {
	if code == sqlite3.SQLITE_ROW {
		return errors.New("a statement over rows returns none")
	}
	code = sqlite3.Xsqlite3_extended_errcode(s.tls, s.db)
	return &storeError{sqliteClass(int(code)), fmt.Errorf("%s (%d)", libc.GoString(sqlite3.Xsqlite3_errmsg(s.tls, s.db)), code)}
}

// bind gives the statement the row's values.
func (s *directStmt) bind(row []any) error {
	if err := s.reserve(row); err != nil {
		return err
	}
	at := 0
	for i, place := range s.places {
		n := int32(i + 1)
		var code int32
		switch v := row[place].(type) {
		case nil:
			code = sqlite3.Xsqlite3_bind_null(s.tls, s.handle, n)
		case int64:
			code = sqlite3.Xsqlite3_bind_int64(s.tls, s.handle, n, v)
		case float64:
			code = sqlite3.Xsqlite3_bind_double(s.tls, s.handle, n, v)
		case string:
			p := s.address(at)
			at += copy(s.values[at:], v)
			code = sqlite3.Xsqlite3_bind_text(s.tls, s.handle, n, p, int32(len(v)), sqliteStatic)
		case []byte:
			p := s.address(at)
			at += copy(s.values[at:], v)
			code = sqlite3.Xsqlite3_bind_blob(s.tls, s.handle, n, p, int32(len(v)), sqliteStatic)
		default:
			return fmt.Errorf("a %T is not bound", v)
		}
		if code != sqlite3.SQLITE_OK {
			return s.failure(code)
		}
	}
	return nil
}

// sqliteStatic is SQLITE_STATIC: the value stays where it is until the
// statement is reset.
const sqliteStatic = 0

// address of a value; never 0, which would be NULL even for an empty one.
func (s *directStmt) address(at int) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(s.values))) + uintptr(at)
}

// valuesAtLeast is the room for values that a statement begins with.
const valuesAtLeast = 4 << 10

// maxRow is SQLITE_MAX_LENGTH, in bytes.
const maxRow = 1_000_000_000

// reserve makes room for the row's text and blobs.
func (s *directStmt) reserve(row []any) error {
	size := 0
	for _, v := range row {
		switch v := v.(type) {
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		}
	}
	if size < len(s.values) {
		return nil
	}
	if size > maxRow {
		return fmt.Errorf("a row of %d bytes is larger than SQLite stores (%d)", size, maxRow)
	}
	s.free()
	if s.values = outside(max(valuesAtLeast, 2*size)); s.values == nil {
		return &storeError{sick, errors.New("there is no memory for a row")}
	}
	return nil
}

func (s *directStmt) free() {
	if s.values != nil {
		release(s.tls, s.address(0))
		s.values = nil
	}
}

func (s *directStmt) close() {
	s.free()
	s.driver.Close() //nolint:errcheck // the connection is closed next
}

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

// directStmt is a prepared statement of the driver that can also be executed
// below it, on SQLite's own interface. The driver takes memory for each value
// of each row from an allocator that all scripts share; this takes it once.
type directStmt struct {
	driver driver.Stmt
	tls    *libc.TLS
	db     uintptr // sqlite3*
	handle uintptr // sqlite3_stmt*
	places []int   // of each parameter, in SQLite's order: which value of the row it takes
	values []byte  // what the text and blobs of the row are copied to: outside of Go's heap
	args   []driver.NamedValue
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

// newDirectStmt reaches into the driver for the handles it has no way to ask for.
func newDirectStmt(conn any, stmt driver.Stmt) (*directStmt, error) {
	if _, ok := stmt.(driver.StmtExecContext); !ok {
		return nil, errSQLiteLayout
	}
	of, prepared := reflect.ValueOf(conn).Elem(), reflect.ValueOf(stmt).Elem()
	db, tls, handle := of.FieldByName("db"), of.FieldByName("tls"), prepared.FieldByName("pstmt")
	if !db.IsValid() || db.Kind() != reflect.Uintptr || db.Uint() == 0 || !tls.IsValid() || tls.Type() != reflect.TypeFor[*libc.TLS]() ||
		!handle.IsValid() || handle.Kind() != reflect.Uintptr || handle.Uint() == 0 {
		return nil, errSQLiteLayout
	}
	s := &directStmt{driver: stmt, tls: (*libc.TLS)(tls.UnsafePointer()), db: uintptr(db.Uint()), handle: uintptr(handle.Uint())}
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
	if !s.bind(row) || sqlite3.Xsqlite3_step(s.tls, s.handle) != sqlite3.SQLITE_DONE {
		// Nothing has happened. The driver does it again, and says what is wrong.
		s.reset()
		return s.again(row)
	}
	n := sqlite3.Xsqlite3_changes(s.tls, s.db)
	s.reset()
	return int64(n), nil
}

func (s *directStmt) reset() {
	sqlite3.Xsqlite3_reset(s.tls, s.handle) // repeats the error of the step
	sqlite3.Xsqlite3_clear_bindings(s.tls, s.handle)
}

func (s *directStmt) again(row []any) (int64, error) {
	s.args = s.args[:0]
	for i, v := range row {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	result, err := s.driver.(driver.StmtExecContext).ExecContext(context.Background(), s.args)
	clear(s.args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// bind gives the statement the row's values; false when SQLite does not take
// one of them.
func (s *directStmt) bind(row []any) bool {
	if !s.reserve(row) {
		return false
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
			return false
		}
		if code != sqlite3.SQLITE_OK {
			return false
		}
	}
	return true
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

// reserve makes room for the row's text and blobs.
func (s *directStmt) reserve(row []any) bool {
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
		return true
	}
	s.free()
	s.values = outside(max(valuesAtLeast, 2*size))
	return s.values != nil
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

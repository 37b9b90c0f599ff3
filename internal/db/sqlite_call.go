package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"

	"modernc.org/sqlite"
)

// callName is the one SQL function that Junctor adds to SQLite.
const callName = "junctor_call"

// calls are the Go functions that statements may call meanwhile.
type calls struct {
	mu   sync.RWMutex
	last int64
	of   map[int64]func([]driver.Value) (any, error)
}

// Call lets statements of this transaction call f, on SQLite only: what SQLite
// has no exact word for is then said in Go. The SQL is junctor_call(handle,
// arguments...), up to 100 of them; f gets nil, int64, float64, string or
// []byte for each, is called once for each row that is looked at, and must not
// use the transaction. On PostgreSQL the handle leads nowhere.
func (tx *Tx) Call(f func(arguments []driver.Value) (any, error)) (handle int64) {
	e, ok := tx.db.engine.(*sqliteEngine)
	if !ok {
		return 0
	}
	c := e.calls
	c.mu.Lock()
	c.last++
	handle = c.last
	c.of[handle] = f
	c.mu.Unlock()
	tx.calls = append(tx.calls, handle)
	return handle
}

// hangUp ends what the transaction's statements could call.
func (tx *Tx) hangUp() {
	if len(tx.calls) == 0 {
		return
	}
	c := tx.db.engine.(*sqliteEngine).calls
	c.mu.Lock()
	for _, handle := range tx.calls {
		delete(c.of, handle)
	}
	c.mu.Unlock()
	tx.calls = nil
}

func (c *calls) call(_ *sqlite.FunctionContext, arguments []driver.Value) (driver.Value, error) {
	if len(arguments) == 0 {
		return nil, errors.New(callName + " needs a handle")
	}
	handle, _ := arguments[0].(int64)
	c.mu.RLock()
	f := c.of[handle]
	c.mu.RUnlock()
	if f == nil {
		return nil, errors.New(callName + " has no such handle")
	}
	return f(arguments[1:])
}

// connector opens connections that know the function.
type connector struct {
	driver *sqlite.Driver
	dsn    string
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.driver }

// Package record keeps the business data of a domain, the records of its classes:
// it reads and writes them by a caller's rights, takes over what foreign programs
// have written, and tells every change to whom it is handed.
//
// It must not know who calls: doors hand it an open transaction, a class.Model and
// a right.Set, and hub the functions that take its changes. Accounts, the event
// log and the configuration are packages of their own.
package record

import (
	"strings"
	"sync"
	"time"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/id"
	"junctor/internal/limit"
	"junctor/internal/right"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// Store reads and writes records. It is made once for a domain and safe for use
// by several goroutines.
type Store struct {
	hooks Hooks
	now   func() time.Time
	ids   id.Maker
	views sync.Map // *Class: *layout
	roles roles
	turns *limit.Turns
	count struct {
		sync.Mutex
		views int
	}
}

// NewStore makes a store. now is the clock.
func NewStore(hooks Hooks, now func() time.Time) *Store {
	return &Store{hooks: hooks, now: now, turns: limit.NewTurns(mostLists)}
}

// Now is the present moment by the store's clock, for what is read beside records.
func (s *Store) Now() time.Time { return s.now() }

// Actor is who reads or writes.
type Actor struct {
	Rights *right.Set
	By     string // what created_by and modified_by say: a login, a run's id
	Run    string // the run that writes, "" for none; it stands in the change
	Depth  int    // of the changes and runs that led to this write; 0 when a caller from outside makes it
}

// Address names one record, by its id or by the values of one of its class's keys or
// unique columns.
type Address struct {
	ID  string
	Key []KeyPart
}

// KeyPart is the value of one column of a key. Column is its code or, for a ref,
// its code and _id.
type KeyPart struct {
	Column string
	Value  value.Value
}

// String is the reference as OData writes it: 'rec_1' or number='4711'.
func (r Address) String() string {
	if len(r.Key) == 0 {
		return literal(r.ID)
	}
	parts := make([]string, len(r.Key))
	for i, p := range r.Key {
		text := p.Value.String()
		if p.Value.Type() == value.Text {
			text = literal(text)
		}
		parts[i] = p.Column + "=" + text
	}
	return strings.Join(parts, ",")
}

// Get reads one record. Errors: fault.NotFound when there is none that the caller
// may see, fault.Invalid for a key, a column or a ref that does not exist.
func (s *Store) Get(tx *db.Tx, m *class.Model, a Actor, class string, at Address, columns []string, expand []Expand) (*Record, error) {
	c, err := s.readable(m, a, class)
	if err != nil {
		return nil, err
	}
	b := s.build(tx, m, a, c, asCaller)
	list, err := b.list(b.root, columns, expand)
	if err != nil {
		return nil, err
	}
	where, err := b.at(b.root, at)
	if err != nil {
		return nil, err
	}
	rights, err := b.rowFilter(b.root, b.root.rights.Read)
	if err != nil {
		return nil, err
	}
	sql := "SELECT " + b.selected(list) + " FROM " + b.from() + " WHERE " + where + and(b.live(b.root)) + and(rights)
	page, _, err := b.read(sql, list, 1)
	if err != nil {
		return nil, err
	}
	if len(page) == 0 {
		return nil, notFound(c.Code, at)
	}
	return page[0], nil
}

// literal is a text as OData writes it.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func notFound(class string, at Address) error {
	return fault.New(fault.NotFound, "There is no record %s(%s).", class, at)
}

// readable finds a class that the caller may read. For who may not read it, it
// does not exist.
func (s *Store) readable(m *class.Model, a Actor, class string) (*class.Class, error) {
	c := m.Class(class)
	if c == nil || rightsOf(a, class).Read.None() {
		return nil, noClass(m, class, func(code string) bool { return !rightsOf(a, code).Read.None() })
	}
	return c, nil
}

// noClass names the classes that would have done.
func noClass(m *class.Model, class string, does func(code string) bool) error {
	var known []string
	for _, c := range m.Classes() {
		if does(c.Code) {
			known = append(known, c.Code)
		}
	}
	return fault.New(fault.NotFound, "%s", strict.None("class", class, known))
}

// rightsOf is what the caller may do with a class.
func rightsOf(a Actor, class string) right.Class {
	if a.Rights == nil {
		return right.Class{}
	}
	return a.Rights.Class(class)
}

func and(condition string) string {
	if condition == "" {
		return ""
	}
	return " AND " + condition
}

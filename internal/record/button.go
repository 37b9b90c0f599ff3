package record

import (
	"encoding/json"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/right"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// MaxPressed bounds the records for which a button is pressed at once.
const MaxPressed = 100

// Pressing is a button that is pressed for records.
type Pressing struct {
	Class, Button string
	At            []Address // 1 to MaxPressed
	Matches       []Match   // of each record; nil demands nothing
	Key           string    // what is sent again with the same one starts nothing; "" for none
}

// Pressed is what came of it.
type Pressed struct {
	Runs    []string // that were started, in the order of the records
	Again   bool     // they were started before, by the same key
	Refused int      // the place of the record that an error is about
	Current *Record  // that record, with fault.Stale
}

// Pressable finds a button that the caller may press. For who may not, it does
// not exist. Errors: fault.NotFound for the class and the button.
func Pressable(m *class.Model, a Actor, class, button string) (*class.Button, error) {
	c, rights := m.Class(class), rightsOf(a, class)
	if c == nil || rights.Read.None() {
		return nil, noClass(m, class, func(code string) bool { return !rightsOf(a, code).Read.None() })
	}
	var codes []string
	for _, b := range c.Offered(rights) {
		if b.Code == button {
			return b, nil
		}
		codes = append(codes, b.Code)
	}
	return nil, fault.New(fault.NotFound, "The class %s: %s", class, strict.None("button", button, codes))
}

// Meets looks whether a record that the caller sees has a version that a button
// may be pressed for: what is started may change it, so the class asks for the
// same as for a change. It returns the present record with a fault.Stale.
//
// Errors: those of Get; fault.VersionRequired, fault.Stale.
func (s *Store) Meets(tx *db.Tx, m *class.Model, a Actor, class string, at Address, match Match) (*Record, error) {
	r, err := s.Get(tx, m, a, class, at, nil, nil)
	if err != nil {
		return nil, err
	}
	return r, match.check(m.Class(class), r.Version())
}

// Row is a whole record that the caller may see, with what is hidden from him
// too: for the scenario of a button that he presses. key is the record's name in
// the outside world. Errors: those of Get.
func (s *Store) Row(tx *db.Tx, m *class.Model, a Actor, class string, at Address) (row json.RawMessage, key string, err error) {
	seen, err := s.Get(tx, m, a, class, at, nil, nil)
	if err != nil {
		return nil, "", err
	}
	whole, err := s.Get(tx, m, Actor{Rights: right.Full(right.Account{})}, class, Address{ID: seen.ID()}, nil, nil)
	if err != nil {
		return nil, "", err
	}
	return whole.AppendJSON(nil, Form{}), keyOf(m.Class(class), whole), nil
}

// keyOf is the record's name in the outside world.
func keyOf(c *class.Class, r *Record) string {
	w := write{class: c, layout: r.list.layout}
	row := make([]value.Value, len(w.layout.columns))
	for i, place := range r.list.columns {
		row[place] = r.values[i]
	}
	return w.keyOf(row)
}

package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"junctor/internal/class"
	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// place is a column that the body gives a value.
type place struct {
	at      int    // in the layout
	pointer string // of the member
	value   value.Value
	fixed   bool // the caller cannot change it: it may be there as long as it is as it is
}

// wrong notes what is wrong with a member.
func (w *write) wrong(pointer, format string, args ...any) {
	switch {
	case w.full():
		return
	case len(w.found) == strict.Most:
		w.found = append(w.found, fault.Field{Detail: strict.More})
		return
	}
	w.found = append(w.found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// full reports whether no more mistakes are listed.
func (w *write) full() bool { return len(w.found) > strict.Most }

// read takes the body apart. What cannot be read at all is an error; what is
// wrong with members waits until everything is known.
func (w *write) read(body []byte) error {
	body = bytes.TrimSpace(body)
	if !utf8.Valid(body) || !json.Valid(body) {
		return fault.New(fault.Invalid, "The body is not JSON in UTF-8.")
	}
	if body[0] != '{' {
		return fault.New(fault.Invalid, "The body must be a JSON object with the record's columns.")
	}
	w.body, w.placed = body, map[int]bool{}
	seen := map[string]bool{}
	var err error
	members(body, func(name string, raw []byte) {
		pointer := strict.Pointer("", name)
		if w.full() {
			return
		}
		if seen[name] {
			w.wrong(pointer, "%s", strict.Twice)
			return
		}
		seen[name] = true
		if memberErr := w.member(name, pointer, raw); memberErr != nil && err == nil {
			err = memberErr
		}
	})
	return err
}

// member takes one member of the body. The error is the database's.
func (w *write) member(name, pointer string, raw []byte) error {
	property, annotation, annotated := strings.Cut(name, "@")
	switch {
	case annotated && property != "" && (annotation == "odata.bind" || annotation == "bind"):
		if ref := w.view.root.refColumn(property); ref != nil {
			return w.bind(ref, pointer, raw)
		}
	case annotated:
		return nil // control information is for the client
	}
	if i, ok := w.layout.at[name]; ok && w.view.root.sees(w.layout.columns[i]) {
		w.column(i, pointer, raw)
		return nil
	}
	if ref := w.view.root.refColumn(name); ref != nil {
		return w.ref(ref, pointer, raw)
	}
	w.wrong(pointer, "%s", strict.Unknown(property, w.view.names(w.view.root)))
	return nil
}

// refColumn finds a ref that is not hidden; whether its class can be read does
// not matter.
func (src *source) refColumn(code string) *class.Column {
	if c := src.layout.refs[code]; c != nil && src.sees(c) {
		return c
	}
	return nil
}

// column reads the value of a column.
func (w *write) column(i int, pointer string, raw []byte) {
	c := w.layout.columns[i]
	v, err := c.FromJSON(raw)
	if err != nil {
		w.wrong(pointer, "%s", err.Error())
		w.placed[i] = true // it is not missing
		return
	}
	w.give(i, pointer, v)
}

func (w *write) give(i int, pointer string, v value.Value) {
	if w.placed[i] {
		w.wrong(pointer, "gives the column %s a value once more", w.layout.columns[i].Code)
		return
	}
	c := w.layout.columns[i]
	w.placed[i] = true
	w.given = append(w.given, place{at: i, pointer: pointer, value: v, fixed: !c.Written() || w.rights.ReadOnly[c.Code]})
}

// ref reads a ref that is given by its code: null, an id, or an object with the
// columns of a key.
func (w *write) ref(c *class.Column, pointer string, raw []byte) error {
	i := w.layout.at[c.Field()]
	if raw[0] != '{' {
		w.column(i, pointer, raw)
		return nil
	}
	target := w.target(c)
	if target == nil {
		w.wrong(pointer, "must be the id of a record of the class %s", c.Class)
		return nil
	}
	var at Address
	good := true
	members(raw, func(name string, inner []byte) {
		column := target.field(name)
		if column == nil {
			column = target.refColumn(name)
		}
		switch {
		case strings.HasPrefix(name, "@"), w.full():
			return
		case column == nil:
			w.wrong(strict.Pointer(pointer, name), "%s", strict.Unknown(name, w.view.names(target)))
			good = false
			return
		}
		v, err := column.FromJSON(inner)
		if err != nil {
			w.wrong(strict.Pointer(pointer, name), "%s", err.Error())
			good = false
			return
		}
		at.Key = append(at.Key, KeyPart{Column: name, Value: v})
	})
	if !good {
		return nil
	}
	if len(at.Key) == 1 && at.Key[0].Column == "id" {
		at = Address{ID: at.Key[0].Value.Text()}
	}
	return w.find(i, target, pointer, at)
}

// target is the class that a ref leads to, nil when the caller may not read it.
func (w *write) target(c *class.Column) *source {
	to := w.model.Class(c.Class)
	if to == nil || rightsOf(w.actor, c.Class).Read.None() {
		return nil
	}
	return w.view.seen(to, asCaller)
}

// find gives a ref the id of the record with a key.
func (w *write) find(i int, target *source, pointer string, at Address) error {
	if at.ID == "" && len(at.Key) == 0 {
		w.wrong(pointer, "must have the columns of a key of the class %s", target.class.Code)
		w.placed[i] = true
		return nil
	}
	id, err := w.idOf(target.class, at, asCaller)
	switch {
	case fault.Is(err, fault.Invalid):
		w.wrong(pointer, "%s", strings.TrimSuffix(err.Error(), "."))
	case err != nil:
		return err
	case id == "":
		w.wrong(pointer, "there is no record %s(%s)", target.class.Code, at)
	default:
		w.give(i, pointer, value.String(id))
		return nil
	}
	w.placed[i] = true
	return nil
}

// named finds what names the record in the body: its id, or the first key that
// is there whole.
func (w *write) named() (Address, error) {
	values := map[string]value.Value{}
	for _, g := range w.given {
		if !g.value.IsNull() {
			values[w.layout.columns[g.at].Code] = g.value
		}
	}
	if id, ok := values["id"]; ok {
		return Address{ID: id.Text()}, nil
	}
	var keys []string
	for _, key := range w.class.Keys {
		if !w.view.root.seesKey(key) {
			continue
		}
		var at Address
		for _, code := range key {
			if v, ok := values[code]; ok {
				at.Key = append(at.Key, KeyPart{Column: w.class.Column(code).Field(), Value: v})
			}
		}
		if len(at.Key) == len(key) {
			return at, nil
		}
		keys = append(keys, strings.Join(key, ","))
	}
	if len(w.found) > 0 { // a part of the key may be what cannot be read
		return Address{}, w.refused()
	}
	return Address{}, fault.New(fault.Invalid, "The body does not say which record it is: it needs the id, or all columns of a key (%s).", strings.Join(keys, " | "))
}

// nameAs gives a new record the id or the key that it was asked for by.
func (w *write) nameAs(as Address) {
	if as.ID != "" {
		w.nameColumn(atID, "id", value.String(as.ID))
	}
	columns, err := w.view.root.keyColumns(as.Key)
	if len(as.Key) == 0 || err != nil {
		return
	}
	for i, c := range columns {
		v, err := keyValue(c, as.Key[i].Value)
		if err == nil {
			w.nameColumn(w.layout.at[c.Field()], as.Key[i].Column, v)
		}
	}
}

func (w *write) nameColumn(i int, name string, v value.Value) {
	if w.placed[i] && !w.row[i].IsNull() && !sameValue(w.row[i], v) {
		w.wrong(strict.Pointer("", name), "is %s, and the record is asked for as %s", w.row[i], v)
		return
	}
	w.row[i], w.placed[i] = v, true
}

// take puts what is given into the row, and resets what is not when the record
// is replaced.
func (w *write) take(how manner) {
	for _, g := range w.given {
		if !g.fixed {
			w.row[g.at] = g.value
			continue
		}
		w.fixed(g)
	}
	if how == merges {
		return
	}
	named, err := w.view.root.keyColumns(w.at.Key)
	if len(w.at.Key) == 0 || err != nil {
		named = nil
	}
	for i := w.layout.own; i < len(w.layout.columns); i++ {
		c := w.layout.columns[i]
		if slices.Contains(named, c) { // what it is asked for by says what it is to have
			continue
		}
		if w.placed[i] || !c.Written() || !w.rights.Writes(c.Code) {
			continue
		}
		w.row[i] = value.Value{}
		if c.Default != nil {
			w.row[i] = *c.Default
		}
	}
}

// fixed looks at a column that the caller cannot write. A client that sends back
// what it has read is not refused for it.
func (w *write) fixed(g place) {
	c := w.layout.columns[g.at]
	if w.old == nil && g.at == atID {
		if !usableID(g.value.Text()) {
			w.wrong(g.pointer, "an id has from 1 to %d letters, digits, dots, dashes and underscores", class.MaxID)
			return
		}
		w.row[atID] = g.value
		return
	}
	present := value.Value{}
	switch {
	case w.old != nil:
		present = w.old[g.at]
	case c.Default != nil:
		present = *c.Default
	}
	switch {
	case sameValue(g.value, present), w.old == nil && c.Computed != nil && g.value.IsNull():
	case c.System:
		w.wrong(g.pointer, "is not written by callers; leave it out, or send it as it is")
	case c.Computed != nil:
		w.wrong(g.pointer, "is computed; leave it out, or send it as it is")
	case c.Kind == class.Autonumber:
		w.wrong(g.pointer, "is numbered by itself; leave it out, or send it as it is")
	default:
		w.wrong(g.pointer, "is not yours to write; leave it out, or send it as it is")
	}
}

// usableID says which ids callers may choose.
func usableID(text string) bool { return len(text) <= class.MaxID && idPattern.MatchString(text) }

var idPattern = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// refused is the error of everything that is wrong.
func (w *write) refused() error {
	return fault.New(fault.Unprocessable, "The record is not stored.").WithFields(w.found...)
}

package soap

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// together is how many records are written in one transaction, when each is for
// itself.
const together = 100

// change is one record to be written.
type change struct {
	at      record.Address
	unnamed error // why at is none
	match   record.Match
	wrong   error // what cannot be read of it
	body    []byte
	outcome *record.Outcome
	err     error
}

// verb writes one record.
type verb func(c *call, tx *db.Tx, class string, ch *change) (*record.Outcome, error)

func create(c *call, tx *db.Tx, class string, ch *change) (*record.Outcome, error) {
	return c.Records.Create(tx, c.model, c.actor, class, ch.body)
}

func update(c *call, tx *db.Tx, class string, ch *change) (*record.Outcome, error) {
	if ch.unnamed != nil {
		return nil, ch.unnamed
	}
	return c.Records.Update(tx, c.model, c.actor, class, ch.at, ch.body, ch.match)
}

func upsert(c *call, tx *db.Tx, class string, ch *change) (*record.Outcome, error) {
	return c.Records.Upsert(tx, c.model, c.actor, class, ch.at, ch.body, ch.match, false)
}

func remove(c *call, tx *db.Tx, class string, ch *change) (*record.Outcome, error) {
	if ch.unnamed != nil {
		return nil, ch.unnamed
	}
	return c.Records.Delete(tx, c.model, c.actor, class, ch.at, ch.match)
}

// writing makes the function of an operation that writes records.
func writing(do verb) func(*call, *shape) ([]byte, error) {
	return func(c *call, s *shape) ([]byte, error) {
		in := c.read([]element{{name: "record", optional: true, many: true}, {name: "atomic", optional: true}})
		atomic := in.is("atomic")
		if err := in.refused(); err != nil {
			return nil, err
		}
		records := in.elements["record"]
		if len(records) > mostRecords {
			return nil, fault.New(fault.TooLarge, "A call writes at most %d records; these are %d.", mostRecords, len(records))
		}
		all := make([]*change, len(records))
		for i, n := range records {
			all[i] = &change{}
			all[i].read(s, n)
		}
		var err error
		if atomic {
			err = c.allOrNone(s, do, all)
		} else {
			err = c.each(s, do, all)
		}
		if err != nil {
			return nil, err
		}
		var w writer
		for _, ch := range all {
			c.result(&w, s, ch)
		}
		return w.Bytes(), nil
	}
}

// read takes a record apart.
func (ch *change) read(s *shape, n *node) {
	ch.at, ch.unnamed = s.address(n)
	ch.match, ch.wrong = matchOf(n)
	var unread []fault.Field
	ch.body, unread = s.json(n)
	if ch.wrong == nil && unread != nil {
		ch.wrong = fault.New(fault.Unprocessable, "The record has elements that cannot be read.").WithFields(unread...)
	}
}

// matchOf is what the element version demands.
func matchOf(n *node) (m record.Match, err error) {
	text := strings.TrimSpace(n.value("version"))
	if text == "" {
		return m, nil
	}
	v, err := value.FromXML(value.Integer, text)
	if err != nil {
		return m, fault.New(fault.Unprocessable, "The record has an element that cannot be read.").WithFields(fault.Field{Pointer: "/version", Detail: err.Error()})
	}
	return record.Match{Given: true, Versions: []int64{v.Int()}}, nil
}

// json is a record as package record takes it. What is no value of its type is
// passed on as a text, so that what is wrong with a record is said in one place; of
// JSON a text is one, so that is said here.
func (s *shape) json(n *node) (_ []byte, wrong []fault.Field) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, child := range n.children {
		if child.local == "version" || s.repeats(n, child) {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		name := child.local
		if !child.ours() {
			name = child.space + ":" + name
		}
		b.Write(quoted(name))
		b.WriteByte(':')
		member := s.member(child)
		if member == nil {
			wrong = append(wrong, fault.Field{Pointer: strict.Pointer("", name), Detail: "must be JSON as text"})
			member = []byte("null")
		}
		b.Write(member)
	}
	b.WriteByte('}')
	return b.Bytes(), wrong
}

// repeats reports whether an expanded record says nothing else than the id before
// it: so what was read can be sent back.
func (s *shape) repeats(n, child *node) bool {
	column := s.class.Column(child.local)
	if column == nil || column.Kind != class.Ref || column.Field() == child.local {
		return false
	}
	if child.null {
		for _, other := range n.children {
			if other.local == column.Field() && other.null {
				return true
			}
		}
		return false
	}
	id := child.value("id")
	return id != "" && id == n.value(column.Field())
}

// member is the value of an element as JSON; nil when it should be JSON and is not.
func (s *shape) member(child *node) []byte {
	if child.null {
		return []byte("null")
	}
	var column *class.Column
	for _, c := range s.columns {
		if c.Field() == child.local {
			column = c
		}
	}
	switch {
	case column == nil && len(child.children) > 0 && s.leads[child.local] != nil:
		return keyOf(child, s.leads[child.local])
	case column == nil || len(child.children) > 0:
		return quoted(child.text)
	case column.Type == value.JSON && !json.Valid([]byte(child.text)):
		return nil
	}
	return scalar(column.Type, child.text)
}

// keyOf names the record that a ref is to lead to: by its id when there is one,
// otherwise by what is given.
func keyOf(n *node, class *class.Class) []byte {
	if id := n.value("id"); id != "" {
		return append(append([]byte(`{"id":`), quoted(id)...), '}')
	}
	b := []byte{'{'}
	for _, child := range n.children {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(b, quoted(child.local)...), ':')
		of := value.Text
		for _, c := range columnsOf(class) {
			if c.Field() == child.local {
				of = c.Type
			}
		}
		if child.null {
			b = append(b, "null"...)
		} else {
			b = append(b, scalar(of, child.text)...)
		}
	}
	return append(b, '}')
}

// scalar is a text as a value of the type, or as the text that it is.
func scalar(of value.Type, text string) []byte {
	v, err := value.FromXML(of, text)
	if err != nil || v.IsNull() && of != value.JSON {
		return quoted(text)
	}
	return v.AppendJSON(nil)
}

func quoted(text string) []byte {
	b, _ := json.Marshal(text) //nolint:errcheck // a text is always possible
	return b
}

// write does one change.
func (c *call) write(tx *db.Tx, s *shape, do verb, ch *change) (*record.Outcome, error) {
	if ch.wrong != nil {
		return nil, ch.wrong
	}
	return do(c, tx, s.class.Code, ch)
}

// allOrNone writes all in one transaction; the first refusal is the error.
func (c *call) allOrNone(s *shape, do verb, all []*change) error {
	return c.commit(all, func(tx *db.Tx) error {
		for i, ch := range all {
			out, err := c.write(tx, s, do, ch)
			if err != nil {
				return below("/record/"+strconv.Itoa(i), err)
			}
			ch.outcome = out
		}
		return nil
	})
}

// below puts an error's pointers below another, and says which record it is about.
func below(pointer string, err error) error {
	var coded *fault.Error
	if !errors.As(err, &coded) {
		return err
	}
	moved := *coded
	moved.Fields = nil
	for _, f := range coded.Fields {
		moved.Fields = append(moved.Fields, fault.Field{Pointer: pointer + f.Pointer, Detail: f.Detail})
	}
	if len(coded.Fields) == 0 {
		moved.Fields = []fault.Field{{Pointer: pointer, Detail: "is refused"}}
	}
	moved.Cause = err
	return &moved
}

// each writes every record for itself. Those that come together share a
// transaction: a refusal, before which nothing is written, leaves the others alone.
// Once something is written, what goes wrong is told with the records that it is
// about.
func (c *call) each(s *shape, do verb, all []*change) error {
	for begun := false; len(all) > 0; begun = true {
		part := all[:min(together, len(all))]
		err := c.some(s, do, part)
		switch {
		case err == nil:
		case !begun && outdated(err):
			return err
		case errors.Is(err, db.ErrUnique) || slices.ContainsFunc(part, (*change).broken): // one of them is in the others' way
			for i := range part {
				if err := c.some(s, do, part[i:i+1]); err != nil {
					c.fail(part[i], err)
				}
			}
		case !begun:
			return err
		default:
			for _, ch := range all {
				c.fail(ch, err)
			}
			return nil
		}
		all = all[len(part):]
	}
	return nil
}

// broken reports whether the transaction had to be taken back because of the record.
func (ch *change) broken() bool { return ch.err != nil && !harmless(ch.err) }

// fail says of one record what went wrong with the transaction it was in.
func (c *call) fail(ch *change, err error) {
	c.note(err)
	if errors.Is(err, table.ErrStale) {
		err = fault.Wrap(err, fault.Unavailable, "The class was being changed; send this record again.")
	}
	ch.outcome, ch.err = nil, err
}

func (c *call) some(s *shape, do verb, part []*change) error {
	return c.commit(part, func(tx *db.Tx) error {
		for _, ch := range part {
			ch.outcome, ch.err = c.write(tx, s, do, ch)
			if ch.broken() {
				return ch.err
			}
		}
		return nil
	})
}

// commit makes one item for the committer, and tries again what others have
// overtaken.
func (c *call) commit(all []*change, f func(*db.Tx) error) error {
	size := 0
	for _, ch := range all {
		size += len(ch.body)
	}
	const tries = 3
	for try := 1; ; try++ {
		err := c.Committer.Commit(c.r.Context(), db.Item{Size: size, Func: func(tx *db.Tx) ([]db.Op, error) { return nil, f(tx) }})
		if !errors.Is(err, db.ErrUnique) || try == tries {
			return record.Overtaken(err)
		}
	}
}

// harmless reports whether a refusal has left the transaction as it was.
func harmless(err error) bool {
	var coded *fault.Error
	return errors.As(err, &coded) && fault.Status(coded.Code) < http.StatusInternalServerError && !errors.Is(err, db.ErrUnique)
}

// result writes what has become of one record.
func (c *call) result(w *writer, s *shape, ch *change) {
	w.open("result")
	out := ch.outcome
	if ch.err != nil {
		w.text("outcome", "failed")
		if out == nil || out.Record == nil {
			w.some("id", ch.at.ID)
		}
	} else {
		w.text("outcome", string(out.Result))
	}
	if out != nil {
		if out.ID != "" {
			w.text("id", out.ID)
			w.number("version", out.Version)
		}
		if out.Record != nil {
			c.record(w, "record", s, out.Record)
		}
	}
	if ch.err != nil {
		w.problem("problem", problemOf(ch.err))
	}
	w.close("result")
}

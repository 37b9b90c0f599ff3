package record

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/cursor"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/value"
)

// Log is where the changes of records can be read again: the event log, in the
// order in which they became visible. Positions are the log's own.
type Log interface {
	// Position is that of the newest change of any class: what comes later comes
	// behind it.
	Position(tx *db.Tx) (string, error)
	// Since reads up to limit changes of a class's records behind a position, the
	// oldest first, and returns the position up to which it has looked and whether
	// more may be behind it. fault.Gone says that the log no longer reaches back
	// so far, fault.Invalid that it is no position.
	Since(tx *db.Tx, class, position string, limit int) (changes []Logged, next string, more bool, err error)
}

// Logged is a change as the log has it.
type Logged struct {
	Kind   Result
	ID     string
	Before json.RawMessage // what Change.Before was
}

// Removed is a record that is no longer in the answer.
type Removed struct {
	ID      string
	Deleted bool // otherwise it has left the query, or what the caller may see
}

// Changed is what has changed since a Delta.
type Changed struct {
	Records []*Record // as they are now
	Removed []Removed
	Next    string // more is there: ask again with it at once
	Delta   string // everything is read: ask again with it later
}

// Changes reads what has changed in a query's answer since its Delta: the records
// that are new or another than they were, and those that are no longer there. Of
// records that the caller could see neither then nor now it says nothing. Where
// that cannot be known, since the class keeps no history and the caller's role
// has a row filter, a record that has left is not told.
//
// The query's Order, Skip, Top, Count, Cursor and Apply do not matter.
//
// Errors, besides those of Query: fault.Gone when the log does not reach back so
// far, or the caller's rights are others now: then everything is read again.
func (s *Store) Changes(tx *db.Tx, m *class.Model, a Actor, q Query, delta string) (*Changed, error) {
	c, err := s.readable(m, a, q.Class)
	if err != nil {
		return nil, err
	}
	if s.hooks.Log == nil {
		return nil, fault.New(fault.Invalid, "Changes are not kept here.")
	}
	var form cursorForm
	if err := cursor.Decode(delta, &form); err != nil {
		return nil, err
	}
	if want := q.deltaSum(a); form.Sum != want {
		if strings.HasPrefix(form.Sum, q.sum(nil)) {
			return nil, fault.New(fault.Gone, "Your rights have changed since: read everything again, and follow the changes from there.")
		}
		return nil, fault.New(fault.Invalid, "The delta belongs to another query: leave everything as it was, or begin again without it.")
	}
	size := q.Page
	if size <= 0 {
		size = DefaultPage
	}
	size = min(size, MaxPage)
	for ; ; size /= 2 {
		logged, next, more, err := s.hooks.Log.Since(tx, c.Code, form.Start, size)
		if err != nil {
			return nil, err
		}
		out := &Changed{}
		if fits, err := s.since(tx, m, a, q, logged, out); err != nil {
			return nil, err
		} else if !fits && size > 1 {
			continue // half as many changes have as much to show
		}
		token := cursor.Encode(cursorForm{Sum: form.Sum, Rest: -1, Start: next})
		if more {
			out.Next = token
		} else {
			out.Delta = token
		}
		return out, nil
	}
}

// since sorts the records that were changed into those that are in the answer
// and those that are not. It is false when the records are more than a page may
// have.
func (s *Store) since(tx *db.Tx, m *class.Model, a Actor, q Query, logged []Logged, out *Changed) (fits bool, err error) {
	var ids []string
	for _, l := range slices.Backward(logged) { // each where it was changed last
		if !slices.Contains(ids, l.ID) {
			ids = append(ids, l.ID)
		}
	}
	slices.Reverse(ids)
	if ids == nil {
		return true, nil
	}
	list := &filter.Expr{Op: filter.List}
	for _, id := range ids {
		list.Args = append(list.Args, &filter.Expr{Op: filter.Literal, Value: value.String(id)})
	}
	among := &filter.Expr{Op: filter.In, Args: []*filter.Expr{{Op: filter.Name, Name: []string{"id"}}, list}}
	now := Query{Class: q.Class, Filter: allOf(q.Filter, among), Params: q.Params, Select: q.Select, Expand: q.Expand, Page: MaxPage}
	page, err := s.Query(tx, m, a, now)
	if err != nil || page.Next != "" {
		return false, err
	}
	found := map[string]*Record{}
	for _, r := range page.Records {
		found[r.ID()] = r
	}
	w, err := s.begin(tx, m, a, q.Class)
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if r := found[id]; r != nil {
			out.Records = append(out.Records, r)
			continue
		}
		removed, told, err := w.left(id, logged)
		if err != nil {
			return false, err
		}
		if told {
			out.Removed = append(out.Removed, removed)
		}
	}
	return true, nil
}

// left decides whether a record that is not in the answer is told: only when the
// caller could see it before one of the changes.
func (w *write) left(id string, logged []Logged) (removed Removed, told bool, err error) {
	removed.ID = id
	row, deleted, err := w.anyRow(id)
	if err != nil {
		return removed, false, err
	}
	removed.Deleted = deleted || row == nil
	if w.rights.Read.All {
		return removed, true, nil
	}
	if row == nil {
		row = make([]value.Value, len(w.layout.columns))
		row[atID] = value.String(id)
	}
	if removed.Deleted { // a deleted record still shows what it was last
		if told, err = w.fit(w.rights.Read, row); told || err != nil {
			return removed, told, err
		}
	}
	for _, l := range slices.Backward(logged) {
		if l.ID != id || l.Before == nil {
			continue
		}
		w.turnBack(row, l.Before)
		if told, err = w.fit(w.rights.Read, row); told || err != nil {
			return removed, told, err
		}
	}
	return removed, false, nil
}

// turnBack gives a row the values that it had before a change.
func (w *write) turnBack(row []value.Value, before json.RawMessage) {
	if !json.Valid(before) || before[0] != '{' {
		return
	}
	members(before, func(name string, raw []byte) {
		i, ok := w.layout.at[name]
		if !ok {
			return
		}
		if v, err := w.layout.columns[i].FromJSON(raw); err == nil {
			row[i] = v
		}
	})
}

// anyRow reads a record that may be deleted; nil when there is none.
func (w *write) anyRow(id string) (row []value.Value, deleted bool, err error) {
	b := w.store.build(w.tx, w.model, w.actor, w.class, asSystem)
	cells := make([]class.Cell, 0, len(w.layout.columns)+1)
	for _, c := range w.layout.columns {
		cells = append(cells, class.Cell{Column: c})
	}
	var fields []string
	var targets []any
	cells = append(cells, class.Cell{Column: w.class.Column("deleted_at")})
	for i := range cells {
		fields, targets = append(fields, b.root.alias+"."+db.Quote(cells[i].Column.Field())), append(targets, &cells[i])
	}
	rows, err := b.tx.Query("SELECT "+strings.Join(fields, ", ")+" FROM "+b.from()+" WHERE "+b.root.alias+".id = $1", id)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, false, rows.Err()
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, false, err
	}
	for _, c := range cells[:len(cells)-1] {
		row = append(row, c.Value)
	}
	return row, !cells[len(cells)-1].Value.IsNull(), rows.Close()
}

// beginTracking is the log's position before the first page of an answer is read.
func (s *Store) beginTracking(tx *db.Tx) (string, error) {
	if s.hooks.Log == nil {
		return "", fault.New(fault.Invalid, "Changes are not kept here.")
	}
	return s.hooks.Log.Position(tx)
}

// delta is the token behind the last page.
func (at *position) delta() string {
	return cursor.Encode(cursorForm{Sum: at.track, Rest: -1, Start: at.start})
}

// deltaSum also tells one set of rights from another: what a caller sees by new
// rights has not changed, so that no log could tell.
func (q Query) deltaSum(a Actor) string {
	h := sha256.New()
	r := rightsOf(a, q.Class)
	fmt.Fprintf(h, "%v", r.Read.All)
	if r.Read.Filter != nil {
		if e, err := filter.Bind(r.Read.Filter, a.Rights.Account.Params()); err == nil {
			fmt.Fprintf(h, "%s", e)
		}
	}
	hidden := make([]string, 0, len(r.Hidden))
	for code, is := range r.Hidden {
		if is {
			hidden = append(hidden, code)
		}
	}
	slices.Sort(hidden)
	fmt.Fprintf(h, "%q", hidden)
	return q.sum(nil) + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}

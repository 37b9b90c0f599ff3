package record

import (
	"strconv"
	"sync"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/value"
)

// layout is what reading and writing a class's records needs and what follows
// from the class alone; it is made once for each class of a model.
type layout struct {
	class   *class.Class
	columns []*class.Column // the system's, without deleted_at, and the class's own
	at      map[string]int  // by property: a ref is known by CODE_id here
	refs    map[string]*class.Column
	keys    [][]byte // of each column, as a member of JSON: "number":
	quoted  []string // names of the table's columns
	own     int      // where the class's own columns begin
	all     *list    // everything, for a caller from whom nothing is hidden

	once    sync.Once
	inserts *db.Stmt
}

// The places of the system's columns in every row.
const (
	atID = iota
	atVersion
	atCreatedAt
	atCreatedBy
	atModifiedAt
	atModifiedBy
)

// maxLayouts bounds what is kept of models that are long replaced.
const maxLayouts = 10_000

func (s *Store) layout(c *class.Class) *layout {
	if l, ok := s.views.Load(c); ok {
		return l.(*layout)
	}
	l := newLayout(c)
	s.count.Lock()
	defer s.count.Unlock()
	if s.count.views++; s.count.views > maxLayouts {
		s.views.Clear()
		s.count.views = 1
	}
	s.views.Store(c, l)
	return l
}

func newLayout(c *class.Class) *layout {
	l := &layout{class: c, at: map[string]int{}, refs: map[string]*class.Column{}}
	for _, column := range class.System() {
		if column.Code != "deleted_at" {
			l.columns = append(l.columns, column)
		}
	}
	l.own = len(l.columns)
	l.columns = append(l.columns, c.Columns...)
	for i, column := range l.columns {
		l.at[column.Field()] = i
		l.quoted = append(l.quoted, db.Quote(column.Field()))
		l.keys = append(l.keys, append(strconv.AppendQuote(nil, column.Field()), ':'))
		if column.Kind == class.Ref {
			l.refs[column.Code] = column
		}
	}
	l.all = l.everything(func(*class.Column) bool { return true })
	return l
}

// everything shows the id, the class's columns and what the system knows of the
// record, in this order.
func (l *layout) everything(sees func(*class.Column) bool) *list {
	all := &list{layout: l, columns: []int{atID, atVersion}, shown: []int{0}}
	for place := l.own; place < len(l.columns); place++ {
		if sees(l.columns[place]) {
			all.shown = append(all.shown, len(all.columns))
			all.columns = append(all.columns, place)
		}
	}
	all.shown = append(all.shown, 1)
	for place := atCreatedAt; place < l.own; place++ {
		all.shown = append(all.shown, len(all.columns))
		all.columns = append(all.columns, place)
	}
	return all
}

// Record is one record as its caller may see it.
type Record struct {
	list   *list
	values []value.Value // of list.columns
	refs   []*Record     // of list.expand; nil for none
	order  []value.Value // of list.order
}

// list says what is read of each record and how it is shown.
type list struct {
	layout  *layout
	columns []int     // places in the layout; id and version are always the first two
	shown   []int     // places in columns, in the order in which they are shown
	expand  []nested  // refs that are shown with the record they lead to
	order   []sortKey // what a cursor needs beside
}

type nested struct {
	column *class.Column
	key    []byte
	list   *list
	from   *source
}

// ID is the record's id.
func (r *Record) ID() string { return r.values[0].Text() }

// Version is the record's version, which its ETag shows.
func (r *Record) Version() int64 { return r.values[1].Int() }

// Class is the code of the record's class.
func (r *Record) Class() string { return r.list.layout.class.Code }

// Columns calls f with each property that is shown, its column and its value.
func (r *Record) Columns(f func(name string, c *class.Column, v value.Value)) {
	for _, i := range r.list.shown {
		c := r.list.layout.columns[r.list.columns[i]]
		f(c.Field(), c, r.values[i])
	}
}

// Expanded calls f with each ref that was asked for and the record that it leads
// to, nil when there is none that the caller may see.
func (r *Record) Expanded(f func(name string, to *Record)) {
	for i, n := range r.list.expand {
		f(n.column.Code, r.refs[i])
	}
}

// Value is one property that is shown; false when there is none of this name.
func (r *Record) Value(name string) (value.Value, bool) {
	for _, i := range r.list.shown {
		if r.list.layout.columns[r.list.columns[i]].Field() == name {
			return r.values[i], true
		}
	}
	return value.Value{}, false
}

// Form says how records become JSON.
type Form struct {
	Before      func(b []byte, r *Record) []byte // writes members, each with a comma behind it, before a record's own; may be nil
	TextNumbers bool                             // integers and decimals as strings, as IEEE754Compatible=true asks
	Streams     bool                             // files are left out: they have addresses of their own
}

// AppendJSON writes the record as a JSON object.
func (r *Record) AppendJSON(b []byte, f Form) []byte {
	b = append(b, '{')
	if f.Before != nil {
		b = f.Before(b, r)
	}
	for _, i := range r.list.shown {
		place := r.list.columns[i]
		if f.Streams && r.list.layout.columns[place].Kind == class.File {
			continue
		}
		b = append(b, r.list.layout.keys[place]...)
		v := r.values[i]
		if f.TextNumbers && v.Type().IsNumber() {
			b = append(b, '"')
			b = v.AppendJSON(b)
			b = append(b, '"', ',')
			continue
		}
		b = append(v.AppendJSON(b), ',')
	}
	for i, n := range r.list.expand {
		b = append(b, n.key...)
		if to := r.refs[i]; to != nil {
			b = to.AppendJSON(b, f)
		} else {
			b = append(b, "null"...)
		}
		b = append(b, ',')
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

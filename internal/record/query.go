package record

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// Query asks for records of a class.
type Query struct {
	Class  string
	Filter *filter.Expr            // nil: all
	Params map[string]*filter.Expr // values of the filter's parameters
	Order  []filter.Order          // the id is always its last
	Select []string                // properties and refs; nil: all
	Expand []Expand
	Skip   int
	Top    *int      // at most so many over all pages; nil: all
	Count  bool      // how many there are, whatever Top, Skip and Cursor say
	Page   int       // records of one page, DefaultPage when 0, at most MaxPage
	Cursor string    // Next of the page before, with everything else as it was
	Apply  *Grouping // groups in place of records
	Track  bool      // the last page has a Delta
}

// Records of one page.
const (
	DefaultPage = 100
	MaxPage     = 1000
	// pageBytes is how many bytes of text a page has, about: it ends with the
	// record that reaches it, and says where the next one begins.
	pageBytes = 8 << 20
)

// Expand shows a ref with the record that it leads to.
type Expand struct {
	Ref    string
	Select []string
	Expand []Expand
}

// maxExpand is how deep Expand goes.
const maxExpand = 2

// Page is one page of an answer.
type Page struct {
	Records []*Record
	Groups  []*Group // in place of Records, when Apply was given
	Count   int64    // when it was asked for
	Next    string   // the cursor of the next page; "" on the last
	Delta   string   // on the last page, when Track was given: see Changes
}

// mostLists is how many lists an account reads at the same time: half of what the
// database reads, so that nobody keeps all others waiting.
const mostLists = 4

// Turn waits until a caller may begin the transaction in which it reads any number
// of records; what it returns ends the turn. Errors: fault.Unavailable when that
// takes longer than such a transaction may.
func (s *Store) Turn(ctx context.Context, a Actor) (leave func(), err error) {
	limited, cancel := context.WithTimeout(ctx, db.DefaultReadLimit)
	defer cancel()
	if leave, err = s.turns.Take(limited, a.By); err != nil && ctx.Err() == nil {
		err = fault.Wrap(err, fault.Unavailable, "This account reads too much at the same time: wait until what it asked for before is answered.").WithRetryAfter(time.Second)
	}
	return leave, err
}

// Query reads a page of records that the caller may see. A hidden column, and a
// class that the caller may not read, is answered like one that is not there.
//
// Errors: fault.NotFound for the class, fault.Invalid for everything in q that
// cannot be read.
func (s *Store) Query(tx *db.Tx, m *class.Model, a Actor, q Query) (*Page, error) {
	c, err := s.readable(m, a, q.Class)
	if err != nil {
		return nil, err
	}
	if q.Apply != nil {
		return s.group(tx, m, a, c, q)
	}
	b := s.build(tx, m, a, c, asCaller)
	where, err := b.conditions(q)
	if err != nil {
		return nil, err
	}
	page := &Page{}
	if q.Count {
		if page.Count, err = b.total(where); err != nil {
			return nil, err
		}
	}
	if err := s.page(b, where, q, page); err != nil {
		return nil, err
	}
	return page, nil
}

// conditions are all that a record has to fit, with WHERE before them.
func (b *builder) conditions(q Query) (string, error) {
	rights, err := b.rowFilter(b.root, b.root.rights.Read)
	if err != nil {
		return "", err
	}
	all := []string{b.live(b.root), rights}
	if q.Filter != nil {
		e, err := filter.Bind(q.Filter, q.Params)
		if err == nil {
			err = filter.Bounded(e)
		}
		if err != nil {
			return "", unreadable(err)
		}
		condition, err := b.where(b.root, e)
		if err != nil {
			return "", err
		}
		all = append(all, condition)
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	if len(all) == 0 {
		return " WHERE true", nil
	}
	return " WHERE " + strings.Join(all, " AND "), nil
}

func (b *builder) total(where string) (n int64, err error) {
	err = b.tx.QueryRow("SELECT count(*) FROM "+b.from()+where, b.args...).Scan(&n)
	return n, err
}

// page reads from the cursor on, one record more than fits, to know whether
// there is another page.
func (s *Store) page(b *builder, where string, q Query, page *Page) error {
	order, err := b.order(q.Order)
	if err != nil {
		return err
	}
	list, err := b.list(b.root, q.Select, q.Expand)
	if err != nil {
		return err
	}
	at, err := s.position(b, q, order)
	if err != nil {
		return err
	}
	size := q.Page
	if size <= 0 {
		size = DefaultPage
	}
	size = min(size, MaxPage)
	more, cut := true, false
	if at.rest >= 0 && at.rest <= size {
		size, more = at.rest, false
	}
	if size > 0 {
		after := b.after(order, at.values)
		limit := size
		if more {
			limit++
		}
		read := *list
		read.order = order
		sql := "SELECT " + b.selected(&read) + " FROM " + b.from() + where + and(after) + orderBy(order) + " LIMIT " + strconv.Itoa(limit)
		if q.Skip > 0 && q.Cursor == "" {
			sql += " OFFSET " + strconv.Itoa(q.Skip)
		}
		if page.Records, cut, err = b.read(sql, &read, limit); err != nil {
			return err
		}
		if cut {
			size = len(page.Records)
		}
	}
	if cut || more && len(page.Records) > size {
		page.Records = page.Records[:size]
		last := page.Records[size-1]
		at.values = last.order
		if at.rest >= 0 {
			at.rest -= size
		}
		page.Next = at.next()
	} else if q.Track {
		page.Delta = at.delta()
	}
	return nil
}

// sortKey is one of the things that records are ordered by.
type sortKey struct {
	column
	desc bool
	null bool // whether it may be null
}

// order resolves what records are ordered by: nulls first, in a descending
// order last, and the id as the last of all.
func (b *builder) order(by []filter.Order) ([]sortKey, error) {
	if len(by) > maxOrder {
		return nil, fault.New(fault.Invalid, "An order has at most %d members.", maxOrder)
	}
	var order []sortKey
	for _, o := range by {
		if o.Expr.Op != filter.Name {
			return nil, fault.New(fault.Invalid, "Records are ordered by columns, like received desc,number; %.200s is none.", o.Expr)
		}
		path := o.Expr.Name
		c, err := b.resolve(b.root, path)
		if err != nil {
			return nil, err
		}
		if c.Type == value.JSON {
			return nil, fault.New(fault.Invalid, "The column %s is JSON, which has no order.", strings.Join(path, "/"))
		}
		order = append(order, sortKey{column: c, desc: o.Desc, null: !c.NotNull() || len(path) > 1})
		if len(path) == 1 && c.System && c.Code == "id" {
			return order, nil // nothing behind it decides
		}
	}
	id, err := b.resolve(b.root, []string{"id"})
	if err != nil {
		return nil, err
	}
	desc := len(order) > 0 && order[len(order)-1].desc
	return append(order, sortKey{column: id, desc: desc}), nil
}

const maxOrder = 16

func orderBy(order []sortKey) string {
	var b strings.Builder
	for i, o := range order {
		if i == 0 {
			b.WriteString(" ORDER BY ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(o.sql)
		if o.desc {
			b.WriteString(" DESC")
		}
		switch {
		case o.null && o.desc:
			b.WriteString(" NULLS LAST")
		case o.null:
			b.WriteString(" NULLS FIRST")
		}
	}
	return b.String()
}

// after is the condition that a record comes behind the one that a page has
// ended with.
func (b *builder) after(order []sortKey, values []value.Value) string {
	if values == nil {
		return ""
	}
	places := make([]string, len(order))
	for i, o := range order {
		if values[i].IsNull() {
			continue
		}
		places[i] = b.stored(o.Column, values[i])
	}
	var ways []string
	for i, o := range order {
		behind := o.behind(places[i])
		if behind == "" {
			continue
		}
		way := make([]string, 0, i+1)
		for j, same := range order[:i] {
			if places[j] == "" {
				way = append(way, same.sql+" IS NULL")
			} else {
				way = append(way, same.sql+" = "+places[j])
			}
		}
		ways = append(ways, "("+strings.Join(append(way, behind), " AND ")+")")
	}
	condition := "(" + strings.Join(ways, " OR ") + ")"
	if first := order[0]; len(order) > 1 && places[0] != "" && (!first.desc || !first.null) {
		// said once more, so that an index can be entered here
		if first.desc {
			condition = first.sql + " <= " + places[0] + " AND " + condition
		} else {
			condition = first.sql + " >= " + places[0] + " AND " + condition
		}
	}
	return condition
}

// behind is the condition that a value comes behind the one at a place, "" when
// none does.
func (o sortKey) behind(place string) string {
	switch {
	case place == "" && o.desc:
		return "" // nulls are the last
	case place == "":
		return o.sql + " IS NOT NULL"
	case o.desc && o.null:
		return "(" + o.sql + " < " + place + " OR " + o.sql + " IS NULL)"
	case o.desc:
		return o.sql + " < " + place
	}
	return o.sql + " > " + place
}

// stored adds a value as an argument in the form in which its column has it.
func (b *builder) stored(c *class.Column, v value.Value) string {
	return b.arg(c.Arg(b.postgres, v), c.Cast(b.postgres))
}

// unreadable is the error of an expression of the caller.
func unreadable(err error) error {
	return fault.New(fault.Invalid, "The filter cannot be used: %s", strict.Stop(err.Error()))
}

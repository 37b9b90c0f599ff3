// Package filtertest makes random expressions for tests: valid ones over given
// columns, of which a good part selects something.
//
// It is for tests only; nothing of it is in the binary.
package filtertest

import (
	"pgregory.net/rapid"

	"junctor/internal/filter"
	"junctor/internal/value"
)

// Column is what an expression may name.
type Column struct {
	Path   []string
	Type   value.Type
	Values []value.Value // such as occur in its rows, null among them where it does; what it is compared with is near them
}

// Generator makes expressions that Check finds nothing wrong with and that Eval
// has a value for as long as the columns' numbers are below a million million.
type Generator struct {
	Columns []Column
	Depth   int             // of operators within operators; 3 when it is 0
	Without map[string]bool // operators and functions that are not to occur, by name: "divby", "now"
}

// Condition makes expressions that are true, false or null.
func (g Generator) Condition() *rapid.Generator[*filter.Expr] { return g.Of(value.Boolean) }

// Of makes expressions of a type: Boolean, Integer, Decimal (an Integer too),
// Text, Date or DateTime.
func (g Generator) Of(t value.Type) *rapid.Generator[*filter.Expr] {
	depth := g.Depth
	if depth == 0 {
		depth = 3
	}
	return rapid.Custom(func(r *rapid.T) *filter.Expr { return maker{g, r}.of(t, depth) })
}

type maker struct {
	Generator
	r *rapid.T
}

// choice is one of several ways to go on.
type choice struct {
	weight int
	name   string // of the operator or function, which Without may have; "" for none
	make   func() *filter.Expr
}

func (m maker) one(choices ...choice) *filter.Expr {
	total := 0
	for i, c := range choices {
		if c.name != "" && m.Without[c.name] {
			choices[i].weight = 0
		}
		total += choices[i].weight
	}
	n := m.number(0, total-1)
	for _, c := range choices {
		if n -= c.weight; n < 0 {
			return c.make()
		}
	}
	return choices[0].make()
}

func (m maker) number(from, to int) int {
	if to <= from {
		return from
	}
	return rapid.IntRange(from, to).Draw(m.r, "n")
}

func pick[T any](m maker, all ...T) T { return all[m.number(0, len(all)-1)] }

func (m maker) of(t value.Type, depth int) *filter.Expr {
	switch t {
	case value.Boolean:
		return m.condition(depth)
	case value.Integer:
		return m.integer(depth)
	case value.Decimal:
		return m.decimal(depth)
	case value.Text:
		return m.text(depth)
	case value.Date:
		return m.date(depth)
	}
	return m.moment(depth)
}

func (m maker) condition(depth int) *filter.Expr {
	choices := []choice{
		{30, "", func() *filter.Expr { return m.comparison(depth) }},
		{10, "in", func() *filter.Expr { return m.in(depth) }},
		{5, "", m.isNull},
		{2, "", func() *filter.Expr { return m.leaf(value.Boolean) }},
	}
	if m.has(value.Text) {
		choices = append(choices, choice{10, "", func() *filter.Expr { return m.part(depth) }})
	}
	if depth > 0 {
		choices = append(choices,
			choice{15, "and", func() *filter.Expr { return m.junction(filter.And, depth) }},
			choice{20, "or", func() *filter.Expr { return m.junction(filter.Or, depth) }},
			choice{8, "not", func() *filter.Expr { return expr(filter.Not, m.condition(depth-1)) }},
			choice{2, "eq", func() *filter.Expr {
				return expr(pick(m, filter.Eq, filter.Ne), m.condition(depth-1), m.condition(depth-1))
			}},
		)
	}
	return m.one(choices...)
}

func (m maker) junction(op filter.Op, depth int) *filter.Expr {
	args := make([]*filter.Expr, m.number(2, 3))
	for i := range args {
		args[i] = m.condition(depth - 1)
	}
	return expr(op, args...)
}

var comparisons = []filter.Op{filter.Eq, filter.Eq, filter.Ne, filter.Gt, filter.Ge, filter.Lt, filter.Le}

// comparison is mostly of a column with a value that occurs in it.
func (m maker) comparison(depth int) *filter.Expr {
	op := pick(m, comparisons...)
	column, found := m.column(value.Integer, value.Decimal, value.Text, value.Date, value.DateTime, value.Boolean)
	if !found {
		return expr(op, m.of(value.Integer, depth), m.of(value.Decimal, depth))
	}
	left, right := name(column), m.near(column)
	if depth > 0 {
		switch m.number(0, 9) {
		case 0, 1:
			left = m.of(column.Type, depth-1)
		case 2:
			right = m.of(column.Type, depth-1)
		case 3:
			left, right = m.of(column.Type, depth-1), m.of(column.Type, depth-1)
		}
	}
	switch m.number(0, 19) {
	case 0:
		right = literal(value.Value{})
	case 1, 2:
		left, right = right, left
	}
	return expr(op, left, right)
}

func (m maker) in(depth int) *filter.Expr {
	column, found := m.column(value.Integer, value.Decimal, value.Text, value.Date, value.DateTime, value.Boolean)
	left := name(column)
	if !found {
		column.Type, left = value.Integer, m.of(value.Integer, 0)
	} else if depth > 0 && m.number(0, 4) == 0 {
		left = m.of(column.Type, depth-1)
	}
	list := expr(filter.List)
	for range m.number(0, 4) {
		list.Args = append(list.Args, m.near(column))
	}
	if m.number(0, 4) == 0 {
		list.Args = append(list.Args, literal(value.Value{}))
	}
	return expr(filter.In, left, list)
}

func (m maker) isNull() *filter.Expr {
	column, found := m.column(value.Integer, value.Decimal, value.Text, value.Date, value.DateTime, value.Boolean, value.JSON)
	if !found {
		return literal(value.Value{})
	}
	return expr(pick(m, filter.Eq, filter.Ne), name(column), literal(value.Value{}))
}

// part asks for a part of a text, mostly one that occurs.
func (m maker) part(depth int) *filter.Expr {
	column, _ := m.column(value.Text)
	whole := name(column)
	if depth > 0 && m.number(0, 2) == 0 {
		whole = m.text(depth - 1)
	}
	runes := []rune(m.occurring(column).Text())
	from := m.number(0, len(runes))
	to := m.number(from, min(from+3, len(runes)))
	call := func(name string, from, to int) choice {
		return choice{1, name, func() *filter.Expr { return function(name, whole, literal(value.String(string(runes[from:to])))) }}
	}
	return m.one(
		choice{0, "", m.isNull},
		call("contains", from, to), call("contains", from, to),
		call("startswith", 0, to-from),
		call("endswith", len(runes)-(to-from), len(runes)),
	)
}

func expr(op filter.Op, args ...*filter.Expr) *filter.Expr { return &filter.Expr{Op: op, Args: args} }

func function(name string, args ...*filter.Expr) *filter.Expr {
	return &filter.Expr{Op: filter.Call, Func: name, Args: args}
}

func literal(v value.Value) *filter.Expr { return &filter.Expr{Op: filter.Literal, Value: v} }

func name(c Column) *filter.Expr { return &filter.Expr{Op: filter.Name, Name: c.Path} }

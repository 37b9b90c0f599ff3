package filtertest

import (
	"slices"
	"strings"
	"time"

	"junctor/internal/filter"
	"junctor/internal/value"
)

func (m maker) has(types ...value.Type) bool {
	return slices.ContainsFunc(m.Columns, func(c Column) bool { return slices.Contains(types, c.Type) })
}

// column is any of the types.
func (m maker) column(types ...value.Type) (Column, bool) {
	var all []Column
	for _, c := range m.Columns {
		if slices.Contains(types, c.Type) {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return Column{}, false
	}
	return pick(m, all...), true
}

// occurring is a value of a column, or one of its type; never null.
func (m maker) occurring(c Column) value.Value {
	if len(c.Values) > 0 {
		if v := pick(m, c.Values...); !v.IsNull() {
			return v
		}
	}
	switch c.Type {
	case value.Boolean:
		return value.Bool(m.number(0, 1) == 1)
	case value.Integer:
		return value.Int(int64(m.number(-5, 20)))
	case value.Decimal:
		return value.Scaled(int64(m.number(-500, 2000)), m.number(0, 3))
	case value.Date:
		return value.Day(time.Date(2026, 11, m.number(1, 30), 0, 0, 0, 0, time.UTC))
	case value.DateTime:
		return value.At(time.Date(2026, 11, m.number(1, 30), m.number(0, 23), 0, 0, m.number(0, 2)*1000, time.UTC))
	}
	return value.String(pick(m, "", "a", "B", "é ", "O'Neil", "%_\\", " x\t", "ÅSTRÖM", "ß", "😀1"))
}

// near is a literal that is, or is close to, a value of a column; of a whole
// number that may be a fraction.
func (m maker) near(c Column) *filter.Expr {
	v := m.occurring(c)
	if m.number(0, 9) < 6 {
		return literal(v)
	}
	other := v
	switch v.Type() {
	case value.Integer, value.Decimal:
		if sum, err := value.Add(v, pick(m, value.Int(1), value.Int(-1), value.Scaled(0, 3), value.Scaled(5, 1), value.Scaled(-1, 2))); err == nil {
			other = sum
		}
	case value.Text:
		other = value.String(pick(m, v.Text()+"a", strings.ToUpper(v.Text()), strings.TrimRight(v.Text(), "abc")))
	case value.Date:
		other = value.Day(v.Time().AddDate(0, 0, pick(m, -1, 1)))
	case value.DateTime:
		other = value.At(v.Time().Add(pick(m, -time.Microsecond, time.Microsecond, time.Hour)))
	case value.Boolean:
		other = value.Bool(!v.IsTrue())
	}
	if year := other.Time().Year(); year < 1 || year > 9999 {
		other = v
	}
	return literal(other)
}

// leaf is a column of one of the types, else a literal of the first.
func (m maker) leaf(types ...value.Type) *filter.Expr {
	if c, found := m.column(types...); found && m.number(0, 9) < 8 {
		return name(c)
	}
	return literal(m.occurring(Column{Type: types[0]}))
}

func (m maker) integer(depth int) *filter.Expr {
	choices := []choice{{10, "", func() *filter.Expr { return m.leaf(value.Integer) }}}
	if depth > 0 {
		choices = append(choices, m.arithmetic(m.integer, true, depth)...)
		choices = append(choices, m.measured(depth)...)
	}
	return m.one(choices...)
}

func (m maker) decimal(depth int) *filter.Expr {
	choices := []choice{{10, "", func() *filter.Expr { return m.leaf(value.Decimal, value.Integer) }}}
	if depth > 0 {
		choices = append(choices, m.arithmetic(m.decimal, false, depth)...)
		choices = append(choices, m.divided("divby", filter.DivBy, m.decimal, false, depth))
		for _, f := range []string{"round", "floor", "ceiling"} {
			choices = append(choices, choice{1, f, func() *filter.Expr { return function(f, m.decimal(depth-1)) }})
		}
	}
	return m.one(choices...)
}

// arithmetic multiplies by small numbers only, so that nothing grows beyond what
// can be held, and divides by literals mostly.
func (m maker) arithmetic(of func(int) *filter.Expr, integers bool, depth int) []choice {
	return []choice{
		{3, "add", func() *filter.Expr { return expr(filter.Add, of(depth-1), of(depth-1)) }},
		{3, "sub", func() *filter.Expr { return expr(filter.Sub, of(depth-1), of(depth-1)) }},
		{2, "mul", func() *filter.Expr { return expr(filter.Mul, of(depth-1), m.small(integers)) }},
		m.divided("div", filter.Div, of, integers, depth),
		m.divided("mod", filter.Mod, of, integers, depth),
		{1, "-", func() *filter.Expr { return expr(filter.Neg, of(depth-1)) }},
	}
}

func (m maker) divided(name string, op filter.Op, of func(int) *filter.Expr, integers bool, depth int) choice {
	return choice{2, name, func() *filter.Expr {
		by := m.small(integers)
		if m.number(0, 3) == 0 {
			if by = of(0); by.Op == filter.Literal {
				by = m.small(integers)
			}
		}
		return expr(op, of(depth-1), by)
	}}
}

// small is a literal that is not zero.
func (m maker) small(integer bool) *filter.Expr {
	if integer {
		return literal(value.Int(pick(m, int64(2), 3, -1, 7)))
	}
	return literal(pick(m, value.Int(2), value.Int(3), value.Int(-1), value.Int(7), value.Scaled(25, 1), value.Scaled(-5, 2)))
}

// measured are the whole numbers that functions make of other types.
func (m maker) measured(depth int) (choices []choice) {
	if m.has(value.Text) {
		choices = append(choices,
			choice{2, "length", func() *filter.Expr { return function("length", m.text(depth-1)) }},
			choice{2, "indexof", func() *filter.Expr { return function("indexof", m.text(depth-1), m.piece()) }})
	}
	if m.has(value.Date, value.DateTime) {
		for _, f := range []string{"year", "month", "day"} {
			choices = append(choices, choice{1, f, func() *filter.Expr {
				c, _ := m.column(value.Date, value.DateTime)
				return function(f, m.of(c.Type, depth-1))
			}})
		}
	}
	if m.has(value.DateTime) {
		for _, f := range []string{"hour", "minute", "second"} {
			choices = append(choices, choice{1, f, func() *filter.Expr { return function(f, m.moment(depth-1)) }})
		}
	}
	return choices
}

// piece is a short text that occurs somewhere.
func (m maker) piece() *filter.Expr {
	c, _ := m.column(value.Text)
	runes := []rune(m.occurring(c).Text())
	from := m.number(0, len(runes))
	return literal(value.String(string(runes[from:min(from+2, len(runes))])))
}

func (m maker) text(depth int) *filter.Expr {
	choices := []choice{{10, "", func() *filter.Expr { return m.leaf(value.Text) }}}
	if depth > 0 {
		for _, f := range []string{"tolower", "toupper", "trim"} {
			choices = append(choices, choice{2, f, func() *filter.Expr { return function(f, m.text(depth-1)) }})
		}
		choices = append(choices,
			choice{2, "concat", func() *filter.Expr { return function("concat", m.text(depth-1), m.text(depth-1)) }},
			choice{3, "substring", func() *filter.Expr {
				args := []*filter.Expr{m.text(depth - 1), literal(value.Int(int64(m.number(0, 4))))}
				if m.number(0, 4) == 0 && !m.Without["indexof"] {
					args[1] = function("indexof", m.text(0), m.piece())
				}
				if m.number(0, 1) == 0 {
					args = append(args, literal(value.Int(int64(m.number(0, 4)))))
				}
				return function("substring", args...)
			}})
	}
	return m.one(choices...)
}

func (m maker) date(depth int) *filter.Expr {
	choices := []choice{{10, "", func() *filter.Expr { return m.leaf(value.Date) }}}
	if depth > 0 {
		choices = append(choices, choice{3, "date", func() *filter.Expr { return function("date", m.moment(depth-1)) }})
	}
	return m.one(choices...)
}

func (m maker) moment(int) *filter.Expr {
	return m.one(
		choice{10, "", func() *filter.Expr { return m.leaf(value.DateTime) }},
		choice{1, "now", func() *filter.Expr { return function("now") }})
}

package record

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/value"
)

// term is an expression in PostgreSQL's words. A number is NUMERIC, or the bare
// column.
type term struct {
	sql   string
	typ   value.Type
	scale int // of a Decimal, as package value counts it
}

// term says any expression, with exactly the values that filter.Eval gives.
func (b *builder) term(src *source, e *filter.Expr) (term, error) {
	switch e.Op {
	case filter.Literal:
		return b.literal(e.Value), nil
	case filter.Name:
		c, err := b.resolve(src, e.Name)
		if err != nil {
			return term{}, err
		}
		return term{sql: c.sql, typ: c.Type, scale: c.Scale}, nil
	case filter.And, filter.Or, filter.Not:
		sql, err := b.condition(src, e, always)
		return term{sql: sql, typ: value.Boolean}, err
	case filter.In:
		return b.anyOf(src, e)
	}
	args := make([]term, 0, len(e.Args))
	for _, arg := range e.Args {
		t, err := b.term(src, arg)
		if err != nil {
			return term{}, err
		}
		args = append(args, t)
	}
	switch e.Op {
	case filter.Eq, filter.Ne, filter.Gt, filter.Ge, filter.Lt, filter.Le:
		return compareTerms(e.Op, args[0], args[1]), nil
	case filter.Neg:
		zero := term{sql: "0::numeric", typ: args[0].typ, scale: args[0].scale}
		return calculate(filter.Sub, zero, args[0]), nil
	case filter.Add, filter.Sub, filter.Mul, filter.Div, filter.DivBy, filter.Mod:
		return calculate(e.Op, args[0], args[1]), nil
	case filter.Call:
		return b.function(e, args)
	}
	return term{}, fault.New(fault.Internal, "The filter has %s, for which there is no SQL.", e.Op)
}

func (b *builder) literal(v value.Value) term {
	t := term{typ: v.Type(), scale: v.Scale()}
	switch v.Type() {
	case value.Null:
		t.sql = "NULL"
	case value.Boolean:
		t.sql = truth(v)
	case value.Integer:
		t.sql = b.arg(v.Int(), "::bigint")
	case value.Decimal:
		t.sql = b.arg(v.String(), "::numeric")
	case value.Date:
		t.sql = b.arg(v.String(), "::date")
	case value.DateTime:
		t.sql = b.arg(v.String(), "::timestamptz")
	default:
		t.sql = b.text(v.Text())
	}
	return t
}

// anyOf is an in whose operand is no column.
func (b *builder) anyOf(src *source, e *filter.Expr) (term, error) {
	left, err := b.term(src, e.Args[0])
	if err != nil {
		return term{}, err
	}
	ways := []string{heeding("false", left)}
	if len(e.Args[1].Args) > 0 {
		ways = nil
	}
	for _, item := range e.Args[1].Args {
		right, err := b.term(src, item)
		if err != nil {
			return term{}, err
		}
		ways = append(ways, compareTerms(filter.Eq, left, right).sql)
	}
	return term{sql: "(" + strings.Join(ways, " OR ") + ")", typ: value.Boolean}, nil
}

func compareTerms(op filter.Op, left, right term) term {
	for _, t := range []*term{&left, &right} {
		switch t.typ {
		case value.Text:
			t.sql = "(" + t.sql + `) COLLATE "C"`
		case value.JSON:
			t.sql = "(" + t.sql + `)::text COLLATE "C"`
		case value.Null:
			t.sql = "NULL"
		}
	}
	if left.typ == value.Null && right.typ != value.Null || right.typ == value.Null && left.typ != value.Null {
		some := left
		if left.typ == value.Null {
			some = right
		}
		switch op {
		case filter.Eq:
			return term{sql: "((" + some.sql + ") IS NULL)", typ: value.Boolean}
		case filter.Ne:
			return term{sql: "((" + some.sql + ") IS NOT NULL)", typ: value.Boolean}
		}
		return term{sql: heeding("false", some), typ: value.Boolean}
	}
	if left.typ == value.Null {
		return term{sql: truth(value.Bool(op == filter.Eq)), typ: value.Boolean}
	}
	return term{sql: compared(left.sql, op, right.sql, always), typ: value.Boolean}
}

// heeding is a constant in which terms stand that do not matter any more:
// PostgreSQL wants to see each argument of a statement in it.
func heeding(constant string, terms ...term) string {
	for _, t := range terms {
		if strings.Contains(t.sql, "$") {
			constant = "CASE WHEN (" + t.sql + ") IS NULL OR true THEN " + constant + " END"
		}
	}
	return constant
}

// calculate follows package value's rules for the result's type and scale. What
// package value refuses, a division by zero or a result that is too large, is
// null.
func calculate(op filter.Op, left, right term) term {
	if left.typ == value.Null || right.typ == value.Null {
		return term{sql: heeding("NULL", left, right), typ: value.Null}
	}
	l, r := left.sql+"::numeric", right.sql+"::numeric"
	whole := left.typ == value.Integer && right.typ == value.Integer
	result := term{typ: value.Decimal, scale: max(left.scale, right.scale)}
	if whole && op != filter.DivBy {
		result.typ = value.Integer
	}
	switch op {
	case filter.Add:
		result.sql = l + " + " + r
	case filter.Sub:
		result.sql = l + " - " + r
	case filter.Mul:
		result.sql, result.scale = l+" * "+r, left.scale+right.scale
	case filter.Mod:
		result.sql = "mod(" + l + ", nullif(" + r + ", 0))"
	default:
		if whole && op == filter.Div {
			result.sql = "div(" + l + ", nullif(" + r + ", 0))"
			break
		}
		result.scale = max(left.scale, right.scale, value.QuotientScale)
		result.sql = fmt.Sprintf("record_quotient(%s, %s, %d)", l, r, result.scale)
	}
	if result.typ == value.Integer {
		result.scale = 0
	}
	return result.within()
}

// within makes null of a number that package value cannot hold.
func (t term) within() term {
	bound := "9223372036854775808"
	if t.typ == value.Decimal {
		bound = "1e" + strconv.Itoa(max(value.MaxDigits-t.scale, 0))
	}
	if t.scale > value.MaxDigits {
		t.sql = heeding("NULL", t)
	} else {
		t.sql = "record_within(" + t.sql + ", " + bound + ")"
	}
	return t
}

// function says a call.
func (b *builder) function(e *filter.Expr, args []term) (term, error) {
	for _, a := range args {
		if a.typ == value.Null {
			return term{sql: heeding("NULL", args...), typ: value.Null}, nil
		}
	}
	sql := func(i int) string { return args[i].sql }
	text := func(i int) string { return "(" + args[i].sql + `)::text COLLATE "C"` }
	boolean := func(format string, a ...any) (term, error) {
		return term{sql: "(" + fmt.Sprintf(format, a...) + ")", typ: value.Boolean}, nil
	}
	integer := func(format string, a ...any) (term, error) {
		return term{sql: "(" + fmt.Sprintf(format, a...) + ")::bigint", typ: value.Integer}, nil
	}
	texts := func(format string, a ...any) (term, error) {
		return term{sql: "(" + fmt.Sprintf(format, a...) + ")", typ: value.Text}, nil
	}
	switch e.Func {
	case "contains":
		return boolean("strpos(%s, %s) > 0", text(0), text(1))
	case "startswith":
		return boolean("starts_with(%s, %s)", text(0), text(1))
	case "endswith":
		return boolean("right(%s, char_length(%s)) = %s", text(0), text(1), text(1))
	case "length":
		return integer("char_length(%s)", text(0))
	case "indexof":
		return integer("strpos(%s, %s) - 1", text(0), text(1))
	case "substring":
		count := "1e9"
		if len(args) == 3 {
			count = sql(2)
		}
		return texts("record_substring(%s, %s, %s)", text(0), sql(1), count)
	case "trim":
		return texts("btrim(%s, %s)", text(0), b.arg(filter.White, "::text"))
	case "concat":
		return texts("%s || %s", text(0), text(1))
	case "tolower", "toupper":
		t := foldings()
		pair := t.lower
		if e.Func == "toupper" {
			pair = t.upper
		}
		return texts("translate(%s, %s, %s)", text(0), b.arg(pair[0], "::text"), b.arg(pair[1], "::text"))
	case "year", "month", "day", "hour", "minute", "second":
		if e.Func == "second" {
			return integer("floor(extract(second FROM %s))", sql(0))
		}
		return integer("extract(%s FROM %s)", e.Func, sql(0))
	case "fractionalseconds":
		return term{sql: "mod(extract(second FROM " + sql(0) + "), 1)", typ: value.Decimal, scale: 6}, nil
	case "date":
		if args[0].typ == value.Date {
			return args[0], nil
		}
		return term{sql: "(" + sql(0) + " AT TIME ZONE 'UTC')::date", typ: value.Date}, nil
	case "round", "floor", "ceiling":
		if args[0].typ == value.Integer {
			return args[0], nil
		}
		return term{sql: e.Func + "(" + sql(0) + "::numeric)", typ: value.Decimal}, nil
	}
	return term{}, fault.New(fault.Internal, "The function %s has no SQL.", e.Func)
}

// foldings are the characters whose case changes, and what they become, by the
// simple mappings of Unicode that Go knows: for PostgreSQL's translate().
type foldingPairs struct{ lower, upper [2]string }

var foldings = sync.OnceValue(func() foldingPairs {
	var p foldingPairs
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if l := unicode.ToLower(r); l != r {
			p.lower[0], p.lower[1] = p.lower[0]+string(r), p.lower[1]+string(l)
		}
		if u := unicode.ToUpper(r); u != r {
			p.upper[0], p.upper[1] = p.upper[0]+string(r), p.upper[1]+string(u)
		}
	}
	return p
})

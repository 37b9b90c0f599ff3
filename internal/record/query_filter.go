package record

import (
	"strings"
	"unicode/utf8"

	"junctor/internal/class"
	"junctor/internal/filter"
	"junctor/internal/value"
)

// An expression becomes a condition with exactly the meaning that filter.Eval
// gives it. What both databases say alike, and can enter an index by, is said in
// SQL: columns beside literals. The rest is SQL on PostgreSQL, see
// query_postgres.go, and a call of filter.Eval itself on SQLite, see
// query_call.go.

// faith is how true a condition has to be to the expression, whose logic has
// three values. The less is asked, the simpler the SQL.
type faith uint8

const (
	whenTrue  faith = iota // true exactly when the expression is; false and null may take each other's place
	whenFalse              // false exactly when the expression is
	always                 // all three
)

// not is what is asked of the operand of a negation.
func (f faith) not() faith {
	switch f {
	case whenTrue:
		return whenFalse
	case whenFalse:
		return whenTrue
	}
	return always
}

// where checks an expression and makes it the condition that a row is taken.
func (b *builder) where(src *source, e *filter.Expr) (string, error) {
	if err := b.checked(src, e); err != nil {
		return "", unreadable(err)
	}
	return b.condition(src, withNow(e, b.now), whenTrue)
}

func (b *builder) checked(src *source, e *filter.Expr) error {
	return filter.Condition(e, filter.Env{Column: func(path []string) (value.Type, error) { return b.typeOf(src, path) }})
}

// withNow puts a moment in the place of now().
func withNow(e *filter.Expr, now value.Value) *filter.Expr {
	if e.Op == filter.Call && e.Func == "now" {
		return &filter.Expr{Op: filter.Literal, At: e.At, Value: now}
	}
	var args []*filter.Expr
	for i, arg := range e.Args {
		other := withNow(arg, now)
		if other != arg && args == nil {
			args = append(args, e.Args...)
		}
		if args != nil {
			args[i] = other
		}
	}
	if args == nil {
		return e
	}
	with := *e
	with.Args = args
	return &with
}

func (b *builder) condition(src *source, e *filter.Expr, f faith) (string, error) {
	sql, ok, err := b.said(src, e, f)
	switch {
	case ok || err != nil:
		return sql, err
	case b.postgres:
		t, err := b.term(src, e)
		return t.sql, err
	}
	return b.call(src, e)
}

// said is what both databases say alike. It is not ok for anything else.
func (b *builder) said(src *source, e *filter.Expr, f faith) (sql string, ok bool, err error) {
	switch e.Op {
	case filter.And, filter.Or:
		sql, err = b.junction(src, e, f)
		return sql, true, err
	case filter.Not:
		inner, err := b.condition(src, e.Args[0], f.not())
		return "(NOT " + bracket(inner) + ")", true, err
	case filter.Literal:
		return truth(e.Value), true, nil
	case filter.Name:
		c, err := b.resolve(src, e.Name)
		return c.sql, true, err
	case filter.Eq, filter.Ne, filter.Gt, filter.Ge, filter.Lt, filter.Le:
		return b.comparison(src, e, f)
	case filter.In:
		return b.membership(src, e, f)
	case filter.Call:
		return b.search(src, e)
	}
	return "", false, nil
}

// junction is and, or. What SQLite has to ask about it asks once for all parts,
// since asking costs more than the answer.
func (b *builder) junction(src *source, e *filter.Expr, f faith) (string, error) {
	var parts []string
	var asked []*filter.Expr
	for _, arg := range e.Args {
		sql, ok, err := b.said(src, arg, f)
		if err == nil && !ok && b.postgres {
			sql, err = b.condition(src, arg, f)
			ok = true
		}
		if err != nil {
			return "", err
		}
		if ok {
			parts = append(parts, sql)
		} else {
			asked = append(asked, arg)
		}
	}
	if len(asked) > 1 && columnsIn(asked) <= maxCalled {
		asked = []*filter.Expr{{Op: e.Op, At: e.At, Args: asked}}
	}
	for _, arg := range asked {
		sql, err := b.call(src, arg)
		if err != nil {
			return "", err
		}
		parts = append(parts, sql)
	}
	if e.Op == filter.Or {
		return joined(parts, " OR "), nil
	}
	return joined(parts, " AND "), nil
}

// joined puts a word between parts, in halves of halves: SQLite reads a chain as
// a tree that is as deep as the chain is long, and has a bound for that.
func joined(parts []string, word string) string {
	const few = 16
	if len(parts) <= few {
		return "(" + strings.Join(parts, word) + ")"
	}
	half := len(parts) / 2
	return "(" + joined(parts[:half], word) + word + joined(parts[half:], word) + ")"
}

func bracket(sql string) string { return "(" + sql + ")" }

func truth(v value.Value) string {
	switch {
	case v.IsNull():
		return "NULL"
	case v.IsTrue():
		return "true"
	}
	return "false"
}

var operators = map[filter.Op]string{
	filter.Eq: "=", filter.Ne: "<>", filter.Gt: ">", filter.Ge: ">=", filter.Lt: "<", filter.Le: "<=",
}

// turned is the operator with its operands exchanged.
var turned = map[filter.Op]filter.Op{
	filter.Eq: filter.Eq, filter.Ne: filter.Ne, filter.Gt: filter.Lt, filter.Ge: filter.Le, filter.Lt: filter.Gt, filter.Le: filter.Ge,
}

// comparison says a column beside a literal, or beside a column of the same
// kind, in SQL that enters an index. It is not ok for anything else.
func (b *builder) comparison(src *source, e *filter.Expr, f faith) (sql string, ok bool, err error) {
	left, right, op := e.Args[0], e.Args[1], e.Op
	if left.Op == filter.Literal && right.Op == filter.Name {
		left, right, op = right, left, turned[op]
	}
	if left.Op != filter.Name {
		return "", false, nil
	}
	c, err := b.resolve(src, left.Name)
	if err != nil {
		return "", false, err
	}
	switch right.Op {
	case filter.Literal:
		sql, ok = b.beside(c, op, right.Value, f)
		return sql, ok, nil
	case filter.Name:
		other, err := b.resolve(src, right.Name)
		if err != nil || !c.keptLike(other, b.postgres) {
			return "", false, err
		}
		return compared(c.sql, op, other.sql, f), true, nil
	}
	return "", false, nil
}

// keptLike reports whether the database itself compares two columns rightly.
func (c column) keptLike(other column, postgres bool) bool {
	if c.Type == value.JSON || other.Type == value.JSON {
		return false
	}
	if c.Type != value.Decimal || postgres {
		return c.Type == other.Type || postgres && c.Type.IsNumber() && other.Type.IsNumber()
	}
	return other.Type == value.Decimal && c.Scale == other.Scale &&
		(c.Precision == other.Precision || max(c.Precision, other.Precision) <= class.ScaledDigits)
}

// compared compares two things that both may be null. eq and ne then have two
// values, and nothing is greater or less than null.
func compared(left string, op filter.Op, right string, f faith) string {
	switch op {
	case filter.Eq:
		return "(" + left + " IS NOT DISTINCT FROM " + right + ")"
	case filter.Ne:
		return "(" + left + " IS DISTINCT FROM " + right + ")"
	}
	return definite("("+left+" "+operators[op]+" "+right+")", f)
}

// definite makes null of a comparison false.
func definite(sql string, f faith) string {
	if f == whenTrue {
		return sql
	}
	return "coalesce(" + sql + ", false)"
}

// beside compares a column with a value. It is not ok when the column's own form
// does not say enough.
func (b *builder) beside(c column, op filter.Op, v value.Value, f faith) (sql string, ok bool) {
	if v.IsNull() {
		switch op {
		case filter.Eq:
			return "(" + c.sql + " IS NULL)", true
		case filter.Ne:
			return "(" + c.sql + " IS NOT NULL)", true
		}
		return "false", true
	}
	if c.Type == value.JSON {
		return "", false
	}
	limit := bound{op: op, value: v}
	if c.Type.IsNumber() && v.Type().IsNumber() {
		if limit = c.bound(op, v); limit.constant {
			if limit.holds && op == filter.Ne {
				return "true", true
			}
			if limit.holds {
				return "(" + c.sql + " IS NOT NULL)", true
			}
			return "false", true
		}
	} else if c.Type != v.Type() {
		return "", false
	}
	place := b.stored(c.Column, limit.value)
	switch limit.op {
	case filter.Eq:
		return definite("("+c.sql+" = "+place+")", f), true
	case filter.Ne:
		return "(" + c.sql + " IS DISTINCT FROM " + place + ")", true
	}
	return definite("("+c.sql+" "+operators[limit.op]+" "+place+")", f), true
}

// membership says a column in a list of literals.
func (b *builder) membership(src *source, e *filter.Expr, f faith) (sql string, ok bool, err error) {
	if e.Args[0].Op != filter.Name || e.Args[1].Op != filter.List {
		return "", false, nil
	}
	c, err := b.resolve(src, e.Args[0].Name)
	if err != nil || c.Type == value.JSON {
		return "", false, err
	}
	for _, item := range e.Args[1].Args { // before there are arguments that nobody would use
		v := item.Value
		alike := v.IsNull() || v.Type() == c.Type || c.Type.IsNumber() && v.Type().IsNumber()
		if item.Op != filter.Literal || !alike {
			return "", false, nil
		}
	}
	var places []string
	null := false
	for _, item := range e.Args[1].Args {
		v := item.Value
		if v.IsNull() {
			null = true
			continue
		}
		if c.Type.IsNumber() && v.Type().IsNumber() {
			limit := c.bound(filter.Eq, v)
			if limit.constant {
				continue
			}
			v = limit.value
		}
		places = append(places, b.stored(c.Column, v))
	}
	sql = "false"
	if len(places) > 0 {
		sql = definite("("+c.sql+" IN ("+strings.Join(places, ", ")+"))", f)
	}
	if null {
		sql = "(" + sql + " OR " + c.sql + " IS NULL)"
	}
	return sql, true, nil
}

// search says that a column contains a text, begins or ends with it. Null gives
// null by itself.
func (b *builder) search(src *source, e *filter.Expr) (sql string, ok bool, err error) {
	if len(e.Args) != 2 || e.Args[0].Op != filter.Name || e.Args[1].Op != filter.Literal || e.Args[1].Value.Type() != value.Text {
		return "", false, nil
	}
	c, err := b.resolve(src, e.Args[0].Name)
	if err != nil || c.Type != value.Text {
		return "", false, err
	}
	text := e.Args[1].Value
	switch e.Func {
	case "contains":
		word := "instr"
		if b.postgres {
			word = "strpos"
		}
		return "(" + word + "(" + c.sql + ", " + b.text(text.Text()) + ") > 0)", true, nil
	case "startswith":
		sql = "(" + c.sql + " >= " + b.text(text.Text())
		if next := following(text.Text()); next != "" {
			sql += " AND " + c.sql + " < " + b.text(next)
		}
		return sql + ")", true, nil
	case "endswith":
		return b.ending(c, text.Text()), true, nil
	}
	return "", false, nil
}

func (b *builder) ending(c column, text string) string {
	if text == "" {
		return "(" + c.sql + " >= " + b.text("") + ")"
	}
	n := b.arg(len([]rune(text)), "::integer")
	if b.postgres {
		return "(right(" + c.sql + ", " + n + ") = " + b.text(text) + ")"
	}
	return "(substr(" + c.sql + ", -" + n + ") = " + b.text(text) + ")"
}

func (b *builder) text(text string) string { return b.arg(plain(text), "::text") }

// following is the first text behind all that begin with this one; "" when there
// is none.
func following(prefix string) string {
	runes := []rune(prefix)
	for i := len(runes) - 1; i >= 0; i-- {
		switch runes[i] {
		case utf8.MaxRune:
			continue
		case 0xD7FF: // what comes next are halves of surrogate pairs
			runes[i] = 0xE000
		default:
			runes[i]++
		}
		return string(runes[:i+1])
	}
	return ""
}

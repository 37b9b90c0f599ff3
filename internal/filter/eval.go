package filter

import (
	"errors"

	"junctor/internal/value"
)

// Scope is what an expression is evaluated over.
type Scope struct {
	// Column is what a path names, null when there is nothing of that name.
	Column func(path []string) (value.Value, error)
	Now    value.Value // what now() gives: one moment for a whole query
}

// Match reports whether a row is taken: whether the expression is true, and not
// false or null.
func Match(e *Expr, at Scope) (bool, error) {
	v, err := eval(e, &at)
	return v.IsTrue(), err
}

// Eval is what an expression comes to. Of null it comes to what OData says: eq
// and ne compare it like a value, gt, ge, lt and le with null are false, and, or
// and not have three values, and everything else with null is null. A division
// by zero is null too, so that one row cannot make a query fail.
//
// An error is that of the Scope, or an *Error: a parameter that was not bound, a
// number beyond what can be held.
func Eval(e *Expr, at Scope) (value.Value, error) { return eval(e, &at) }

func eval(e *Expr, at *Scope) (value.Value, error) {
	switch e.Op {
	case Literal:
		return e.Value, nil
	case Name:
		return at.Column(e.Name)
	case And, Or:
		return junction(e, at)
	case In:
		return member(e, at)
	case Call:
		return call(e, at)
	case Param, List:
		return value.Value{}, wrong(e.At, "%s has no value here", e)
	}
	a, err := eval(e.Args[0], at)
	if err != nil {
		return a, err
	}
	switch e.Op {
	case Not:
		if a.Type() != value.Boolean {
			return value.Value{}, nil
		}
		return value.Bool(!a.IsTrue()), nil
	case Neg:
		return calculated(e, a, a)
	}
	b, err := eval(e.Args[1], at)
	if err != nil {
		return b, err
	}
	if e.Op >= Eq && e.Op <= Le {
		return value.Bool(holds(e.Op, a, b)), nil
	}
	return calculated(e, a, b)
}

// junction is and, or: what decides ends it, null makes it null otherwise.
func junction(e *Expr, at *Scope) (value.Value, error) {
	result := value.Bool(e.Op == And)
	for _, arg := range e.Args {
		v, err := eval(arg, at)
		if err != nil {
			return v, err
		}
		if v.Type() != value.Boolean {
			result = value.Value{}
		} else if v.IsTrue() == (e.Op == Or) {
			return v, nil
		}
	}
	return result, nil
}

func member(e *Expr, at *Scope) (value.Value, error) {
	a, err := eval(e.Args[0], at)
	if err != nil {
		return a, err
	}
	if e.Args[1].Op != List {
		return eval(e.Args[1], at)
	}
	for _, item := range e.Args[1].Args {
		b, err := eval(item, at)
		if err != nil {
			return b, err
		}
		if holds(Eq, a, b) {
			return value.Bool(true), nil
		}
	}
	return value.Bool(false), nil
}

// holds compares by one of Eq to Le.
func holds(op Op, a, b value.Value) bool {
	if a.IsNull() || b.IsNull() {
		same := a.IsNull() && b.IsNull()
		return op == Eq && same || op == Ne && !same
	}
	a, b, ok := alike(a, b)
	if !ok {
		return op == Ne
	}
	c := value.Compare(a, b)
	switch op {
	case Eq:
		return c == 0
	case Ne:
		return c != 0
	case Gt:
		return c > 0
	case Ge:
		return c >= 0
	case Lt:
		return c < 0
	}
	return c <= 0
}

// alike makes two values comparable. Where types are known before, they are;
// the text of a JSON document is compared with a date as one.
func alike(a, b value.Value) (x, y value.Value, ok bool) {
	s, t := a.Type(), b.Type()
	var err error
	switch {
	case s == t || s.IsNumber() && t.IsNumber():
	case s == value.Text && (t == value.Date || t == value.DateTime):
		a, err = value.FromText(t, a.Text())
	case t == value.Text && (s == value.Date || s == value.DateTime):
		b, err = value.FromText(s, b.Text())
	default:
		return a, b, false
	}
	return a, b, err == nil
}

func calculated(e *Expr, a, b value.Value) (v value.Value, err error) {
	if !a.Type().IsNumber() || !b.Type().IsNumber() {
		return value.Value{}, nil
	}
	switch e.Op {
	case Add:
		v, err = value.Add(a, b)
	case Sub:
		v, err = value.Sub(a, b)
	case Mul:
		v, err = value.Mul(a, b)
	case Div:
		v, err = value.Div(a, b)
	case DivBy:
		v, err = value.DivBy(a, b)
	case Mod:
		v, err = value.Mod(a, b)
	case Neg:
		v, err = value.Neg(a)
	}
	if errors.Is(err, value.ErrZero) {
		return value.Value{}, nil
	}
	if err != nil {
		return value.Value{}, wrong(e.At, "%s: %v", e.Op, err)
	}
	return v, nil
}

func call(e *Expr, at *Scope) (value.Value, error) {
	f, known := functions[e.Func]
	if !known || len(e.Args) < f.least || len(e.Args) > len(f.takes) {
		return value.Value{}, wrong(e.At, "%s cannot be called so", e.Func)
	}
	if e.Func == "now" {
		return at.Now, nil
	}
	var args [most]value.Value
	for i, arg := range e.Args {
		v, err := eval(arg, at)
		if err != nil || v.IsNull() || !f.takes[i].has(v.Type()) {
			return value.Value{}, err
		}
		args[i] = v
	}
	v, err := f.do(args)
	if err != nil {
		return v, wrong(e.At, "%s: %v", e.Func, err)
	}
	return v, nil
}

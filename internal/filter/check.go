package filter

import (
	"fmt"
	"maps"
	"slices"

	"junctor/internal/value"
)

// Env says of what type things are that an expression has names for.
type Env struct {
	// Column is the type of what a path names, Null when it may be anything. Its
	// error says why there is nothing of that name, and becomes the detail.
	Column func(path []string) (value.Type, error)
	Params map[string]ParamType // by name, without the @; one that is not here is an error
}

// ParamType is what a parameter stands for.
type ParamType struct {
	Type value.Type
	List bool // several of them, behind in
}

// Condition checks an expression that is to be true or false. The error is an
// *Error.
func Condition(e *Expr, env Env) error {
	t, err := Check(e, env)
	if err == nil && t != value.Boolean && t != value.Null {
		err = wrong(e.At, "expected a condition, which is true or false; %s is %s", name(e), t)
	}
	return err
}

// Check finds what is wrong with an expression as far as it can be known before
// there is a row, and of what type it is; Null when it may be anything. The
// error is an *Error.
func Check(e *Expr, env Env) (value.Type, error) {
	t, err := check(e, &env)
	if err != nil {
		return value.Null, err
	}
	return t, nil
}

func check(e *Expr, env *Env) (value.Type, *Error) {
	switch e.Op {
	case Literal:
		return e.Value.Type(), nil
	case Name:
		t, err := env.Column(e.Name)
		if err != nil {
			return value.Null, wrong(e.At, "%s", err.Error())
		}
		return t, nil
	case Param:
		t, err := env.param(e)
		if err == nil && t.List {
			err = wrong(e.At, "@%s is a list, which can only stand behind in: x in @%s", e.Name[0], e.Name[0])
		}
		return t.Type, err
	case In:
		return value.Boolean, checkIn(e, env)
	case Call:
		return checkCall(e, env)
	}
	types := make([]value.Type, len(e.Args))
	for i, arg := range e.Args {
		var err *Error
		if types[i], err = check(arg, env); err != nil {
			return value.Null, err
		}
	}
	switch e.Op {
	case And, Or, Not:
		for i, t := range types {
			if t != value.Boolean && t != value.Null {
				return value.Null, unfit(e, e.Args[i], t)
			}
		}
		return value.Boolean, nil
	case Eq, Ne, Gt, Ge, Lt, Le:
		return value.Boolean, mismatch(e, e.Args[0], types[0], e.Args[1], types[1])
	}
	return checkArithmetic(e, types)
}

func (env *Env) param(e *Expr) (ParamType, *Error) {
	t, known := env.Params[e.Name[0]]
	if !known {
		return t, wrong(e.At, "there is no parameter @%s%s", e.Name[0], meant("@", e.Name[0], slices.Sorted(maps.Keys(env.Params))))
	}
	return t, nil
}

func unfit(e, arg *Expr, t value.Type) *Error {
	if e.Op == Not && arg.Op != Call {
		return wrong(arg.At, "not takes what is true or false, %s is %s: not binds more than eq, write not (a eq b)", name(arg), t)
	}
	return wrong(arg.At, "%s takes what is true or false, %s is %s", e.Op, name(arg), t)
}

func checkIn(e *Expr, env *Env) *Error {
	left, err := check(e.Args[0], env)
	if err != nil {
		return err
	}
	list := e.Args[1]
	if list.Op == Param {
		t, err := env.param(list)
		if err == nil && !t.List {
			err = wrong(list.At, "@%s is one value; in takes a list: x in (@%s)", list.Name[0], list.Name[0])
		}
		if err == nil {
			err = mismatch(e, e.Args[0], left, list, t.Type)
		}
		return err
	}
	for _, item := range list.Args {
		t, err := check(item, env)
		if err == nil {
			err = mismatch(e, e.Args[0], left, item, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mismatch says why two things cannot be compared by e.
func mismatch(e, left *Expr, l value.Type, right *Expr, r value.Type) *Error {
	if l == value.JSON || r == value.JSON {
		if (l == value.Null || r == value.Null) && e.Op != In {
			return nil
		}
		return wrong(e.At, "json can be compared with null only, by eq and ne")
	}
	if l == r || l == value.Null || r == value.Null || l.IsNumber() && r.IsNumber() {
		return nil
	}
	how := ""
	for _, side := range [...]struct {
		own   *Expr
		t     value.Type
		other value.Type
	}{{left, l, r}, {right, r, l}} {
		if side.own.Op == Literal && side.t == value.Text && side.other != value.Boolean {
			how = ": write it without quotes"
		}
		if side.own.Op == Literal && side.other == value.Text {
			how = ": write it in quotes"
		}
		if side.t == value.Date && side.other == value.DateTime {
			how = ": date(x) is the date of a datetime, in UTC"
		}
	}
	return wrong(e.At, "%s is %s and %s is %s, which cannot be compared%s", name(left), l, name(right), r, how)
}

func checkArithmetic(e *Expr, types []value.Type) (value.Type, *Error) {
	result := value.Integer
	for i, t := range types {
		switch {
		case t == value.Null:
			result = value.Null
		case !t.IsNumber():
			return value.Null, wrong(e.Args[i].At, "%s takes numbers, %s is %s", e.Op, name(e.Args[i]), t)
		case t == value.Decimal && result == value.Integer:
			result = value.Decimal
		}
	}
	if e.Op == DivBy && result == value.Integer {
		result = value.Decimal
	}
	if e.Op == Div || e.Op == DivBy || e.Op == Mod {
		if by := e.Args[1]; by.Op == Literal && !by.Value.IsNull() && value.Equal(by.Value, value.Int(0)) {
			return value.Null, wrong(e.At, "%s by zero", e.Op)
		}
	}
	return result, nil
}

func checkCall(e *Expr, env *Env) (value.Type, *Error) {
	f, known := functions[e.Func]
	if !known {
		return value.Null, wrong(e.At, "there is no function %s%s", e.Func, meant("", e.Func, slices.Sorted(maps.Keys(functions))))
	}
	if n := len(e.Args); n < f.least || n > len(f.takes) {
		return value.Null, wrong(e.At, "%s takes %s, not %d", e.Func, f.count(), n)
	}
	result := f.gives
	for i, arg := range e.Args {
		t, err := check(arg, env)
		if err != nil {
			return value.Null, err
		}
		if !f.takes[i].has(t) {
			return value.Null, wrong(arg.At, "%s takes %s here, %s is %s", e.Func, f.takes[i], name(arg), t)
		}
		if i > 0 && f.takes[i] == whole && arg.Op == Literal && arg.Value.Int() < 0 {
			return value.Null, wrong(arg.At, "%s takes a number from 0 up here, not %s", e.Func, arg.Value)
		}
		if f.gives == value.Null { // what it takes
			result = t
		}
	}
	return result, nil
}

// name is an expression in an error, shortened.
func name(e *Expr) string {
	const shown = 40
	runes := []rune(e.String())
	if len(runes) > shown {
		return string(runes[:shown]) + "..."
	}
	return string(runes)
}

func (f function) count() string {
	least, all := f.least, len(f.takes)
	switch {
	case all == 0:
		return "nothing"
	case least != all:
		return fmt.Sprintf("%d or %d values", least, all)
	case all == 1:
		return "1 value"
	}
	return fmt.Sprintf("%d values", all)
}

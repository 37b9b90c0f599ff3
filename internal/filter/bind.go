package filter

import (
	"maps"
	"slices"

	"junctor/internal/strict"
)

// MaxParts is how many parts, down to each name and literal, Bounded lets through.
const MaxParts = 20_000

// Bounded refuses an expression that has more than MaxParts: a short one may name
// a parameter that stands for a long one, and that often. The error is an *Error.
func Bounded(e *Expr) error {
	if parts(e, MaxParts) > MaxParts {
		return wrong(e.At, "has more than %d parts with what its parameters stand for", MaxParts)
	}
	return nil
}

// parts counts, to a bound.
func parts(e *Expr, most int) int {
	n := 1
	for _, arg := range e.Args {
		if n > most {
			break
		}
		n += parts(arg, most-n)
	}
	return n
}

// Bind puts expressions in the place of parameters, by their names without the
// @. A List stands behind in only, where nothing else but a Literal can stand
// within parentheses. A parameter that is not in params is an error.
func Bind(e *Expr, params map[string]*Expr) (*Expr, error) {
	if e.Op == Param {
		return replace(e, params, false)
	}
	var args []*Expr // e.Args, once one of them is another
	for i, arg := range e.Args {
		bound, err := arg, error(nil)
		if arg.Op == Param {
			bound, err = replace(arg, params, e.Op == In && i == 1)
		} else {
			bound, err = Bind(arg, params)
		}
		if err != nil {
			return nil, err
		}
		if e.Op == List && bound.Op != Literal {
			return nil, wrong(arg.At, "@%s stands for %s, a literal is expected in a list", arg.Name[0], bound.Op)
		}
		if bound != arg && args == nil {
			args = slices.Clone(e.Args)
		}
		if args != nil {
			args[i] = bound
		}
	}
	if args == nil {
		return e, nil
	}
	with := *e
	with.Args = args
	return &with, nil
}

// replace is what a parameter stands for, at its place.
func replace(e *Expr, params map[string]*Expr, list bool) (*Expr, error) {
	name := e.Name[0]
	bound := params[name]
	switch {
	case bound == nil:
		return nil, wrong(e.At, "@%s is not set%s", name, meant("@", name, slices.Sorted(maps.Keys(params))))
	case bound.Op == List && !list:
		return nil, wrong(e.At, "@%s is a list, which can only stand behind in: x in @%s", name, name)
	case bound.Op != List && list:
		return nil, wrong(e.At, "@%s is one value; in takes a list: x in (@%s)", name, name)
	}
	with := *bound
	with.At = e.At
	return &with, nil
}

// meant asks for the nearest of the known names, "" when none is near.
func meant(sign, name string, known []string) string {
	if near := strict.Nearest(name, known); near != "" {
		return ", did you mean " + sign + near + "?"
	}
	return ""
}

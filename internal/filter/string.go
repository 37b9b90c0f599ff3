package filter

import (
	"strings"

	"junctor/internal/value"
)

// String writes the expression so that Parse reads the same tree, but for the
// characters at which its parts stand: with parentheses where they are needed
// only, operators and functions in lower case.
func (e *Expr) String() string { return string(e.write(nil)) }

// levels are the precedences; what is not listed is an operand.
var levels = [...]int{
	Or: disjunction, And: conjunction, Eq: equality, Ne: equality, Gt: relation, Ge: relation, Lt: relation, Le: relation,
	Add: sum, Sub: sum, Mul: product, Div: product, DivBy: product, Mod: product,
	Not: product + 1, Neg: product + 1, In: product + 2, Literal: operand, Name: operand, Param: operand, Call: operand, List: operand,
}

const operand = product + 3

func (e *Expr) write(b []byte) []byte {
	switch e.Op {
	case Literal:
		return appendLiteral(b, e.Value)
	case Name:
		return append(b, strings.Join(e.Name, "/")...)
	case Param:
		return append(append(b, '@'), e.Name[0]...)
	case Call:
		return appendArgs(append(b, e.Func...), e.Args)
	case List:
		return appendArgs(b, e.Args)
	case Neg:
		start := len(b) + 1
		b = e.Args[0].within(append(b, '-'), levels[Neg])
		if isDigit(b[start]) { // -(5) is not the literal -5
			b = append(e.Args[0].write(append(b[:start], '(')), ')')
		}
		return b
	case Not:
		return e.Args[0].within(append(b, "not "...), levels[Not])
	}
	// The left one of equals comes first; parts of one and, or one or, that are
	// such again keep their parentheses.
	least := levels[e.Op]
	if e.Op == And || e.Op == Or {
		least++
	}
	for i, arg := range e.Args {
		if i > 0 {
			b = append(append(append(b, ' '), e.Op.String()...), ' ')
			least = levels[e.Op] + 1
		}
		b = arg.within(b, least)
	}
	return b
}

// within writes e with parentheses when it binds less than least.
func (e *Expr) within(b []byte, least int) []byte {
	if levels[e.Op] >= least {
		return e.write(b)
	}
	return append(e.write(append(b, '(')), ')')
}

func appendArgs(b []byte, args []*Expr) []byte {
	b = append(b, '(')
	for i, arg := range args {
		if i > 0 {
			b = append(b, ',')
		}
		b = arg.write(b)
	}
	return append(b, ')')
}

func appendLiteral(b []byte, v value.Value) []byte {
	switch v.Type() {
	case value.Null:
		return append(b, "null"...)
	case value.Text:
		return append(append(append(b, '\''), strings.ReplaceAll(v.Text(), "'", "''")...), '\'')
	case value.Decimal:
		_, short := v.Unscaled()
		if b = v.AppendText(b); v.Scale() == 0 && short { // or it would be an Integer
			b = append(b, "e0"...)
		}
		return b
	}
	return v.AppendText(b)
}

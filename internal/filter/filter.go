// Package filter is the expression language of OData 4.01 (URL conventions,
// 5.1.1): what stands in $filter, $orderby and computed columns, in the row
// filters of roles and in the filters of events. An expression is parsed to a
// small tree, checked against the types of what its names stand for, and
// evaluated over a row. The rest of the language that is not here is listed in
// docs/reference/filter.md.
//
// It must not know of classes or databases: who uses it says what a name stands
// for, and may make SQL of the tree.
package filter

import (
	"fmt"

	"junctor/internal/value"
)

// Op is what an expression does. The zero Op is no expression.
type Op uint8

const (
	_       Op = iota
	Literal    // Value
	Name       // Name: a path, customer/code
	Param      // Name: one text with dots, account.id of @account.id
	And        // two Args or more, as have Or: a and b and c is one And
	Or
	Not // one Arg
	Eq  // two Args, as have all up to Mod
	Ne
	Gt
	Ge
	Lt
	Le
	In // Args[1] is a List or a Param
	Add
	Sub
	Mul
	Div
	DivBy
	Mod
	Neg  // one Arg
	Call // Func in lower case, and its Args
	List // Args, each a Literal or a Param; behind In only
)

var words = [...]string{
	And: "and", Or: "or", Not: "not", Eq: "eq", Ne: "ne", Gt: "gt", Ge: "ge", Lt: "lt", Le: "le", In: "in",
	Add: "add", Sub: "sub", Mul: "mul", Div: "div", DivBy: "divby", Mod: "mod", Neg: "-",
	Literal: "a literal", Name: "a name", Param: "a parameter", Call: "a function", List: "a list",
}

// String is the operator as it is written, or what the expression is.
func (op Op) String() string { return words[op] }

// Expr is an expression. It is not changed after it is made, and may be shared.
type Expr struct {
	Op    Op
	At    int // the character of the text where it stands, from 1; that of the operator for one between two operands
	Value value.Value
	Name  []string
	Func  string
	Args  []*Expr
}

// Order is one item of $orderby.
type Order struct {
	Expr *Expr
	Desc bool
}

// Error is what is wrong with an expression, for the one who wrote it.
type Error struct {
	At     int    // the character of the text, from 1
	Detail string // "expected ), found the end"
}

func (e *Error) Error() string { return fmt.Sprintf("character %d: %s", e.At, e.Detail) }

func wrong(at int, format string, args ...any) *Error {
	return &Error{At: at, Detail: fmt.Sprintf(format, args...)}
}

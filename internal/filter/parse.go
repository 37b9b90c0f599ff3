package filter

import (
	"encoding/json"
	"strings"

	"junctor/internal/value"
)

const (
	// MaxLength is how many bytes the text of an expression has at most.
	MaxLength = 16 << 10
	// MaxDepth is how many levels an expression has at most: of parentheses,
	// functions and operators within operators. Parts of one and, or of one or,
	// are on one level.
	MaxDepth = 100
)

// Parse reads an expression, without looking at what its names and functions
// mean. The error is an *Error.
func Parse(text string) (*Expr, error) {
	p, err := begin(text)
	if err != nil {
		return nil, err
	}
	e := p.expression(lowest, 1)
	if p.space(); p.at < len(text) {
		p.behind()
	}
	return p.done(e)
}

// ParseOrder reads expressions divided by commas, each with asc or desc behind
// it or neither. The error is an *Error.
func ParseOrder(text string) ([]Order, error) {
	p, err := begin(text)
	if err != nil {
		return nil, err
	}
	var all []Order
	for {
		e, err := p.done(p.expression(lowest, 1))
		if err != nil {
			return nil, err
		}
		desc := p.keyword("desc")
		if !desc {
			p.keyword("asc")
		}
		all = append(all, Order{Expr: e, Desc: desc})
		if p.space(); p.at == len(text) {
			return all, nil
		}
		if !p.take(',') {
			if start := p.at; p.word() != "" {
				p.at = start
				p.expected("a comma, asc or desc")
			}
			p.behind()
			return nil, p.err
		}
	}
}

// ParseParam reads what a parameter is set to: an expression, or a list such as
// ('a','b') or, as OData writes it, ["a","b"]. Literals alone in parentheses are
// a list, one of them too. The error is an *Error.
func ParseParam(text string) (*Expr, error) {
	p, err := begin(text)
	if err != nil {
		return nil, err
	}
	if p.ahead('[') {
		return array(text, p.here())
	}
	if p.ahead('(') {
		if e := p.list(1); p.err == nil {
			if p.space(); p.at == len(text) {
				return e, nil
			}
		}
	}
	return Parse(text)
}

// array reads a list in JSON.
func array(text string, at int) (*Expr, error) {
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(text), &items); err != nil {
		return nil, wrong(at, "is no list in JSON: %v", err)
	}
	e := &Expr{Op: List, At: at}
	for _, raw := range items {
		v, err := value.Infer(raw)
		if err != nil || v.Type() == value.JSON {
			return nil, wrong(at, "%.40s in the list is no text, number, true, false or null", raw)
		}
		e.Args = append(e.Args, &Expr{Op: Literal, At: at, Value: v})
	}
	return e, nil
}

// The precedence of operators, as 5.1.1.17 has it.
const (
	lowest = iota
	disjunction
	conjunction
	equality
	relation
	sum
	product
)

type infix struct {
	op    Op
	level int
}

var infixes = map[string]infix{
	"or": {Or, disjunction}, "and": {And, conjunction}, "eq": {Eq, equality}, "ne": {Ne, equality},
	"gt": {Gt, relation}, "ge": {Ge, relation}, "lt": {Lt, relation}, "le": {Le, relation},
	"add": {Add, sum}, "sub": {Sub, sum},
	"mul": {Mul, product}, "div": {Div, product}, "divby": {DivBy, product}, "mod": {Mod, product},
}

// expression reads operands with operators between them that bind more than
// above does; depth is how many levels it stands below the whole.
func (p *parser) expression(above, depth int) *Expr {
	left := p.unary(depth)
	var own *Expr // the last and, or or, of this very loop, which takes further parts
	for p.err == nil {
		p.space()
		start, at := p.at, p.here()
		operator, known := lookup(infixes, p.word())
		if !known || operator.level <= above {
			p.at = start
			return left
		}
		right := p.expression(operator.level, depth+1)
		if own == left && own.Op == operator.op {
			own.Args = append(own.Args, right)
			continue
		}
		left = p.node(Expr{Op: operator.op, At: at, Args: []*Expr{left, right}})
		if own = nil; operator.op == And || operator.op == Or {
			own = left
		}
	}
	return nil
}

// unary reads an operand with what stands before it, - and not, and in behind
// it, which binds more.
func (p *parser) unary(depth int) *Expr {
	p.space()
	at := p.here()
	if depth > MaxDepth {
		return p.fail("%s", tooDeep(at).Detail)
	}
	switch {
	case p.text[p.at:] == "":
		return p.expected("a value, a name or a function")
	case p.ahead('-') && (p.at+1 == len(p.text) || !isDigit(p.text[p.at+1])):
		p.at++
		return p.node(Expr{Op: Neg, At: at, Args: []*Expr{p.unary(depth + 1)}})
	case p.keyword("not"):
		return p.node(Expr{Op: Not, At: at, Args: []*Expr{p.unary(depth + 1)}})
	}
	e := p.operand(depth)
	for p.err == nil {
		p.space()
		at := p.here()
		if !p.keyword("in") {
			return e
		}
		e = p.node(Expr{Op: In, At: at, Args: []*Expr{e, p.list(depth + 1)}})
	}
	return nil
}

// list reads what stands behind in.
func (p *parser) list(depth int) *Expr {
	p.space()
	e := p.node(Expr{Op: List, At: p.here()})
	if p.ahead('@') {
		return p.param()
	}
	if !p.take('(') {
		return p.expected("a list such as ('a','b')")
	}
	if p.space(); p.take(')') { // what a parameter with nothing in it is written as
		return e
	}
	for p.err == nil {
		p.space()
		item := p.unary(depth + 1)
		if p.err == nil && item.Op != Literal && item.Op != Param {
			p.err = wrong(item.At, "expected a literal in the list, found %s", item.Op)
		}
		e.Args = append(e.Args, item)
		if p.space(); p.take(')') {
			return e
		}
		if !p.take(',') {
			return p.expected("a comma or )")
		}
	}
	return nil
}

// operand reads a literal, a name, a parameter, a function or parentheses.
func (p *parser) operand(depth int) *Expr {
	at := p.here()
	switch c := p.text[p.at]; {
	case c == '(':
		p.at++
		e := p.expression(lowest, depth+1)
		p.closing()
		return e
	case c == '\'':
		return p.quoted()
	case c == '@':
		return p.param()
	case isDigit(c), c == '-', c == '+':
		return p.measure()
	}
	word := p.word()
	if word == "" {
		return p.strange()
	}
	if v, ok := lookup(constants, word); ok && !p.ahead('/') && !p.ahead('(') {
		return p.node(Expr{Op: Literal, At: at, Value: v})
	}
	if p.ahead('\'') || p.ahead('.') {
		p.at -= len(word)
		return p.typed()
	}
	start := p.at
	if p.space(); p.take('(') {
		return p.call(p.node(Expr{Op: Call, At: at, Func: strings.ToLower(word)}), depth)
	}
	p.at = start
	return p.path(p.node(Expr{Op: Name, At: at, Name: []string{word}}))
}

var constants = map[string]value.Value{"true": value.Bool(true), "false": value.Bool(false), "null": {}}

// call reads the arguments of a function, behind its opening parenthesis.
func (p *parser) call(e *Expr, depth int) *Expr {
	if p.space(); p.take(')') {
		return e
	}
	for p.err == nil {
		e.Args = append(e.Args, p.expression(lowest, depth+1))
		if p.space(); !p.take(',') {
			p.closing()
			return e
		}
	}
	return nil
}

// closing reads the parenthesis behind an operand.
func (p *parser) closing() {
	if p.space(); p.err != nil || p.take(')') {
		return
	}
	if p.at == len(p.text) {
		p.expected(")")
	}
	p.behind()
}

// path reads the further segments of a name.
func (p *parser) path(e *Expr) *Expr {
	for p.take('/') {
		if p.ahead('$') {
			return p.strange()
		}
		word := p.word()
		if word == "" {
			return p.expected("a name behind /")
		}
		if p.ahead('(') {
			p.at -= len(word)
			return p.fail("%s() behind a name is not supported", word)
		}
		e.Name = append(e.Name, word)
	}
	return e
}

// param reads @ and a name with dots.
func (p *parser) param() *Expr {
	at, start := p.here(), p.at+1
	for p.at++; ; p.at++ {
		if p.word() == "" {
			return p.expected("a parameter's name behind @")
		}
		if !p.ahead('.') {
			return p.node(Expr{Op: Param, At: at, Name: []string{p.text[start:p.at]}})
		}
	}
}

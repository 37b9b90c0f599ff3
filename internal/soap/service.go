package soap

import (
	"slices"
	"strconv"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// The types of XML Schema that are used.
const (
	xsString   = "xsd:string"
	xsInt      = "xsd:int"
	xsLong     = "xsd:long"
	xsDecimal  = "xsd:decimal"
	xsBoolean  = "xsd:boolean"
	xsDate     = "xsd:date"
	xsDateTime = "xsd:dateTime"
)

// element is an element of a type.
type element struct {
	name, comment    string
	kind             string    // its type; "" when it has inner
	inner            []element // what stands in it
	optional         bool
	many             bool
	nillable         bool
	values           []string // of an enumeration
	length           int      // of a text, in characters; 0: any
	digits, fraction int      // of a decimal
	json             bool     // a text that is JSON
}

type complexType struct {
	name, comment string
	elements      []element
}

// operation is something that can be called.
type operation struct {
	name, comment string
	in            func() []element
	out           []element
	serve         func(*call) ([]byte, error) // what stands in the answer's element
}

const loginName = "login"

// service is what there is for a caller.
type service struct {
	types      []complexType
	operations []*operation
}

// service lists operations and types in the order in which the WSDL has them.
func (c *call) service() *service {
	given := names{}
	for _, name := range []string{"Session", serviceName} {
		given.give(name)
	}
	s := &service{types: []complexType{problemType, problemErrorType, holderType, sessionType, answerType, removedType}}
	for _, t := range s.types {
		given.give(t.name)
	}
	s.operations = append(s.operations, sessionOperations(given)...)
	var shapes []*shape
	named := map[string]string{}
	for _, class := range c.model.Classes() {
		shape := newShape(c, class, given)
		named[class.Code] = shape.name
		all := shape.operations(given) // every name is given, so that it does not hang on who calls
		if !shape.rights.Nothing() {
			s.operations = append(s.operations, all...)
			shapes = append(shapes, shape)
		}
	}
	for _, shape := range shapes {
		s.types = append(s.types, shape.types(named)...)
	}
	for _, f := range c.Functions() {
		op := functionOperation(f, given)
		if c.actor.Rights.MayCall(f.Code) {
			s.operations = append(s.operations, op)
		}
	}
	return s
}

// operation finds the one that is called.
func (c *call) operation() (*operation, error) {
	if c.actor.Rights == nil { // nobody yet
		return sessionOperations(names{})[0], nil
	}
	all := c.service().operations
	for _, op := range all {
		if op.name == c.in.local {
			return op, nil
		}
	}
	known := make([]string, 0, len(all))
	for _, op := range all {
		known = append(known, op.name)
	}
	return nil, fault.New(fault.NotFound, "There is no operation %s.", strict.Unknown(c.in.local, known))
}

// names gives each operation and type a name of its own. Java makes a class of
// each operation, its answer and each type, without looking at case and
// underscores; so names must differ in more than that.
type names map[string]bool

func fold(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func (n names) give(wanted string, suffixes ...string) string {
	suffixes = append(suffixes, "")
	name := wanted
	for i := 2; slices.ContainsFunc(suffixes, func(s string) bool { return n[fold(name+s)] }); i++ {
		name = wanted + strconv.Itoa(i)
	}
	for _, s := range suffixes {
		n[fold(name+s)] = true
	}
	return name
}

func (n names) operation(wanted string) string { return n.give(wanted, "Response") }

// kindOf is how a column is typed.
func kindOf(c *record.Column) string {
	switch c.Type {
	case value.Boolean:
		return xsBoolean
	case value.Integer:
		return xsLong
	case value.Decimal:
		return xsDecimal
	case value.Date:
		return xsDate
	case value.DateTime:
		return xsDateTime
	}
	return xsString
}

package soap

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/class"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/stored"
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
	records       bool                        // it reads or writes them
	serve         func(*call) ([]byte, error) // what stands in the answer's element
}

const loginName = "login"

// catalog is every operation that there is for anybody, by name. It is made once
// for a model and its functions; names are given here, so that they do not hang on
// who calls.
type catalog struct {
	model     *class.Model
	functions []*function.Function
	queries   map[string]*stored.Query
	entries   []entry
	byName    map[string]int
	typeOf    map[string]string // the names of the types of classes and stored queries, by code
}

// entry is an operation before it is known who calls: of a session, of a class or
// its button, of a stored query, or of a function.
type entry struct {
	name     string
	session  *operation
	class    *class.Class
	verb     *classVerb
	button   string
	query    *stored.Query
	function *function.Function
}

// ownTypes are those that do not come of classes.
var ownTypes = []complexType{problemType, problemErrorType, holderType, sessionType, answerType, removedType}

// catalog is that of the call's model.
func (c *call) catalog() *catalog {
	functions, queries := c.Functions(), c.Queries()
	if last := c.last.Load(); last != nil && last.model == c.model && slices.Equal(last.functions, functions) && maps.Equal(last.queries, queries) {
		return last
	}
	all := &catalog{model: c.model, functions: functions, queries: queries, byName: map[string]int{}, typeOf: map[string]string{}}
	given := names{}
	for _, name := range []string{"Session", serviceName} {
		given.give(name)
	}
	for _, t := range ownTypes {
		given.give(t.name)
	}
	add := func(wanted string, e entry) {
		e.name = given.give(wanted, "Response")
		all.byName[e.name] = len(all.entries)
		all.entries = append(all.entries, e)
	}
	for _, op := range sessionOperations {
		add(op.name, entry{session: op})
	}
	for _, class := range c.model.Classes() {
		all.typeOf[class.Code] = given.give(class.Code, "Page", "Result", "Changes")
		for i := range classVerbs {
			v := &classVerbs[i]
			add(v.verb+titled(class.Code)+v.suffix, entry{class: class, verb: v})
		}
	}
	for _, f := range functions {
		add(f.Code, entry{function: f})
	}
	for _, class := range c.model.Classes() {
		for _, b := range class.Buttons {
			add("press"+titled(class.Code)+titled(b.Code), entry{class: class, button: b.Code})
		}
	}
	for _, code := range slices.Sorted(maps.Keys(queries)) {
		all.typeOf[code] = given.give(code, "Page")
		add("get"+titled(code), entry{query: queries[code]})
	}
	c.last.Store(all)
	return all
}

// allowed makes the operation of an entry, nil when it is not there for the caller.
func (c *call) allowed(all *catalog, e entry) *operation {
	switch {
	case e.session != nil:
		return e.session
	case e.function != nil && c.actor.Rights.MayCall(e.function.Code):
		return functionOperation(e.function, e.name)
	case e.query != nil && e.query.Columns != nil && c.actor.Rights.MayQuery(e.query.Code):
		return queryOperation(e.name, all.typeOf[e.query.Code], e.query)
	case e.button != "":
		for _, b := range e.class.Offered(c.actor.Rights.Class(e.class.Code)) {
			if b.Code == e.button {
				return buttonOperation(e.name, all.typeOf[e.class.Code], c.shape(e.class), b)
			}
		}
	case e.verb != nil && e.verb.allowed(c.actor.Rights.Class(e.class.Code)):
		return e.verb.operation(e.name, all.typeOf[e.class.Code], c.shape(e.class))
	}
	return nil
}

// service is what there is for a caller, in the order in which the WSDL has it.
type service struct {
	types      []complexType
	operations []*operation
}

func (c *call) service() *service {
	all := c.catalog()
	s := &service{types: slices.Clone(ownTypes)}
	for _, e := range all.entries {
		if op := c.allowed(all, e); op != nil {
			s.operations = append(s.operations, op)
		}
	}
	for _, class := range c.model.Classes() {
		if !c.actor.Rights.Class(class.Code).Nothing() {
			s.types = append(s.types, c.shape(class).types(all.typeOf)...)
		}
	}
	for _, e := range all.entries {
		if e.query != nil && c.allowed(all, e) != nil {
			s.types = append(s.types, queryTypes(all.typeOf[e.query.Code], e.query)...)
		}
	}
	return s
}

// operation finds the one that is called.
func (c *call) operation() (*operation, error) {
	if c.actor.Rights == nil { // nobody yet
		return sessionOperations[0], nil
	}
	all := c.catalog()
	if i, ok := all.byName[c.in.local]; ok {
		if op := c.allowed(all, all.entries[i]); op != nil {
			return op, nil
		}
	}
	var known []string
	for _, op := range c.service().operations {
		known = append(known, op.name)
	}
	return nil, fault.New(fault.NotFound, "%s", strict.None("operation", c.in.local, known))
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

// kindOf is how a column is typed.
func kindOf(c *class.Column) string {
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

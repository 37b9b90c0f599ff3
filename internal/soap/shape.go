package soap

import (
	"fmt"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/right"
	"junctor/internal/value"
)

// shape is a class as a caller may see it.
type shape struct {
	class   *class.Class
	rights  right.Class
	columns []*class.Column
	leads   map[string]*class.Class // by the code of a ref that the caller may follow
}

// shape is that of a class for the caller, who may have no right to it at all.
func (c *call) shape(of *class.Class) *shape {
	if s := c.shapes[of]; s != nil {
		return s
	}
	s := &shape{class: of, rights: c.actor.Rights.Class(of.Code), leads: map[string]*class.Class{}}
	for _, column := range columnsOf(of) {
		if !column.System && !s.rights.Sees(column.Code) {
			continue
		}
		s.columns = append(s.columns, column)
		if column.Kind == class.Ref && !c.actor.Rights.Class(column.Class).Read.None() {
			s.leads[column.Code] = c.model.Class(column.Class)
		}
	}
	if c.shapes == nil {
		c.shapes = map[*class.Class]*shape{}
	}
	c.shapes[of] = s
	return s
}

// columnsOf are a class's columns in the order in which they are shown: the id,
// the version, its own, and what else the system knows of the record.
func columnsOf(c *class.Class) []*class.Column {
	var first, last []*class.Column
	for _, s := range class.System() {
		switch s.Code {
		case "id", "version":
			first = append(first, s)
		case "deleted_at":
		default:
			last = append(last, s)
		}
	}
	return slices.Concat(first, c.Columns, last)
}

// classVerb is an operation that every class has.
type classVerb struct {
	verb, suffix string
	comment      string // %s is the class
	allowed      func(right.Class) bool
	in           []element // nil: records to be written
	out          element   // its kind is what follows the name of the class's type
	serve        func(*call, *shape) ([]byte, error)
}

var (
	pageElement   = element{name: "page", kind: "Page"}
	changeElement = element{name: "changes", kind: "Changes"}
	resultElement = element{name: "result", kind: "Result", optional: true, many: true}
	allOrNothing  = element{name: "atomic", kind: xsBoolean, optional: true, comment: "all or none: the first refusal is the fault, and nothing is written"}
)

func mayRead(r right.Class) bool   { return !r.Read.None() }
func mayCreate(r right.Class) bool { return !r.Create.None() }
func mayUpdate(r right.Class) bool { return !r.Update.None() }
func mayDelete(r right.Class) bool { return !r.Delete.None() }
func mayUpsert(r right.Class) bool { return mayCreate(r) || mayUpdate(r) }

var classVerbs = []classVerb{
	{"get", "", "Reads a page of %s.", mayRead, queryElements, pageElement, (*call).get},
	{"get", "Changes", "Reads what has changed in %s since a delta of getting them with track.", mayRead, changesElements, changeElement, (*call).changes},
	{"create", "", "Makes records of %s.", mayCreate, nil, resultElement, writing(create)},
	{"update", "", "Changes records of %s, each named by its id or a key: absent stays, xsi:nil clears.", mayUpdate, nil, resultElement, writing(update)},
	{"upsert", "", "Changes records of %s that are there, by id or key, and makes the others.", mayUpsert, nil, resultElement, writing(upsert)},
	{"delete", "", "Deletes records of %s, each named by its id or a key.", mayDelete, nil, resultElement, writing(remove)},
}

// operation is that of a class.
func (v *classVerb) operation(name, typeName string, s *shape) *operation {
	in, out := v.in, v.out
	if in == nil {
		in = []element{{name: "record", kind: "tns:" + typeName, optional: true, many: true}, allOrNothing}
	}
	out.kind = "tns:" + typeName + out.kind
	return &operation{
		name: name, comment: fmt.Sprintf(v.comment, s.class.Code), in: func() []element { return in }, out: []element{out}, records: true,
		serve: func(c *call) ([]byte, error) { return v.serve(c, c.shape(s.class)) },
	}
}

// types are those that the operations need. named are the names of all classes'
// types, by code.
func (s *shape) types(named map[string]string) []complexType {
	name := named[s.class.Code]
	own := complexType{name: name, comment: s.class.Comment}
	for _, column := range s.columns {
		own.elements = append(own.elements, s.element(column))
		if to := s.leads[column.Code]; to != nil && column.Kind == class.Ref {
			own.elements = append(own.elements, element{
				name: column.Code, kind: "tns:" + named[to.Code], optional: true, nillable: true,
				comment: "the record that " + column.Field() + " leads to: read when expanded; written by a key",
			})
		}
	}
	one := element{name: "record", kind: "tns:" + name, optional: true}
	records := one
	records.many = true
	return []complexType{
		own,
		{name: name + "Page", elements: []element{
			records, {name: "count", kind: xsLong, optional: true}, {name: "next", kind: xsString, optional: true, comment: "the cursor of the next page; absent on the last"},
			{name: "delta", kind: xsString, optional: true, comment: "on the last page, with track"},
		}},
		{name: name + "Changes", elements: []element{
			records, {name: "removed", kind: "tns:Removed", optional: true, many: true},
			{name: "next", kind: xsString, optional: true, comment: "more is there: ask again with it as delta at once"},
			{name: "delta", kind: xsString, optional: true, comment: "everything is read: ask again with it later"},
		}},
		{name: name + "Result", elements: []element{
			{name: "outcome", kind: xsString, values: []string{"created", "updated", "unchanged", "deleted", "failed"}},
			{name: "id", kind: xsString, optional: true}, {name: "version", kind: xsLong, optional: true}, one, {name: "problem", kind: "tns:Problem", optional: true},
		}},
	}
}

func (s *shape) element(column *class.Column) element {
	e := element{name: column.Field(), kind: kindOf(column), optional: true, nillable: !column.Required && !column.System, comment: column.Comment, values: column.Values}
	var notes []string
	if e.comment != "" {
		notes = append(notes, e.comment)
	}
	switch {
	case column.Code == "version" && column.System:
		notes = append(notes, "in what is written: the version that the record must have (If-Match)")
	case !column.Written() && column.Code != "id" || s.rights.ReadOnly[column.Code]:
		notes = append(notes, "read-only")
	}
	switch column.Kind {
	case class.JSON:
		notes = append(notes, "JSON as text")
	case class.File:
		notes = append(notes, "the id of a file")
	case class.Ref:
		notes = append(notes, "the id of a record of "+column.Class)
	}
	e.comment = strings.Join(notes, "; ")
	switch column.Type {
	case value.Decimal:
		e.digits, e.fraction = column.Precision, column.Scale
	case value.Text:
		e.length = column.Length
	}
	return e
}

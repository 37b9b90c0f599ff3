package soap

import (
	"slices"
	"strings"

	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/value"
)

// shape is a class as a caller may see it.
type shape struct {
	class   *record.Class
	rights  right.Class
	name    string // of its type
	columns []*record.Column
	leads   map[string]*record.Class // by the code of a ref that the caller may follow
}

// newShape makes the shape of a class, which the caller may have no right to at
// all. given may be nil when nobody asks for the name.
func newShape(c *call, class *record.Class, given names) *shape {
	s := &shape{class: class, rights: c.actor.Rights.Class(class.Code), leads: map[string]*record.Class{}}
	if given != nil {
		s.name = given.give(class.Code, "Page", "Result", "Changes")
	}
	for _, column := range columnsOf(class) {
		if !column.System && !s.rights.Sees(column.Code) {
			continue
		}
		s.columns = append(s.columns, column)
		if column.Kind == record.Ref && !c.actor.Rights.Class(column.Class).Read.None() {
			s.leads[column.Code] = c.model.Class(column.Class)
		}
	}
	return s
}

// columnsOf are a class's columns in the order in which they are shown: the id,
// the version, its own, and what else the system knows of the record.
func columnsOf(c *record.Class) []*record.Column {
	var first, last []*record.Column
	for _, s := range record.System() {
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

// operations are those of a class that the caller may use; every name is given,
// whoever calls.
func (s *shape) operations(given names) []*operation {
	code := s.class.Code
	titled := strings.ToUpper(code[:1]) + code[1:]
	page := element{name: "page", kind: "tns:" + s.name + "Page"}
	changes := element{name: "changes", kind: "tns:" + s.name + "Changes"}
	results := element{name: "result", kind: "tns:" + s.name + "Result", optional: true, many: true}
	records := element{name: "record", kind: "tns:" + s.name, optional: true, many: true}
	atomic := element{name: "atomic", kind: xsBoolean, optional: true, comment: "all or none: the first refusal is the fault, and nothing is written"}
	writes := func() []element { return []element{records, atomic} }
	about := ""
	if s.class.Comment != "" {
		about = " (" + s.class.Comment + ")"
	}
	var all []*operation
	add := func(allowed bool, verb, suffix, comment string, in func() []element, out element, serve func(*call, *shape) ([]byte, error)) {
		op := &operation{
			name: given.operation(verb + titled + suffix), comment: comment, in: in, out: []element{out},
			serve: func(c *call) ([]byte, error) { return serve(c, s) },
		}
		if allowed {
			all = append(all, op)
		}
	}
	reads, creates, updates := !s.rights.Read.None(), !s.rights.Create.None(), !s.rights.Update.None()
	add(reads, "get", "", "Reads a page of "+code+about+".", func() []element { return queryElements }, page, (*call).get)
	add(reads, "get", "Changes", "Reads what has changed in "+code+" since a delta of getting them with track.", func() []element { return changesElements }, changes, (*call).changes)
	add(creates, "create", "", "Makes records of "+code+".", writes, results, writing(create))
	add(updates, "update", "", "Changes records of "+code+", each named by its id or a key: absent stays, xsi:nil clears.", writes, results, writing(update))
	add(creates || updates, "upsert", "", "Changes records of "+code+" that are there, by id or key, and makes the others.", writes, results, writing(upsert))
	add(!s.rights.Delete.None(), "delete", "", "Deletes records of "+code+", each named by its id or a key.", writes, results, writing(remove))
	return all
}

// types are those that the operations need. named are the names of all classes'
// types, by code.
func (s *shape) types(named map[string]string) []complexType {
	own := complexType{name: s.name, comment: s.class.Comment}
	for _, column := range s.columns {
		own.elements = append(own.elements, s.element(column))
		if to := s.leads[column.Code]; to != nil && column.Kind == record.Ref {
			own.elements = append(own.elements, element{
				name: column.Code, kind: "tns:" + named[to.Code], optional: true, nillable: true,
				comment: "the record that " + column.Field() + " leads to: read when expanded; written by a key",
			})
		}
	}
	one := element{name: "record", kind: "tns:" + s.name, optional: true}
	records := one
	records.many = true
	return []complexType{
		own,
		{name: s.name + "Page", elements: []element{
			records, {name: "count", kind: xsLong, optional: true}, {name: "next", kind: xsString, optional: true, comment: "the cursor of the next page; absent on the last"},
			{name: "delta", kind: xsString, optional: true, comment: "on the last page, with track"},
		}},
		{name: s.name + "Changes", elements: []element{
			records, {name: "removed", kind: "tns:Removed", optional: true, many: true},
			{name: "next", kind: xsString, optional: true, comment: "more is there: ask again with it as delta at once"},
			{name: "delta", kind: xsString, optional: true, comment: "everything is read: ask again with it later"},
		}},
		{name: s.name + "Result", elements: []element{
			{name: "outcome", kind: xsString, values: []string{"created", "updated", "unchanged", "deleted", "failed"}},
			{name: "id", kind: xsString, optional: true}, {name: "version", kind: xsLong, optional: true}, one, {name: "problem", kind: "tns:Problem", optional: true},
		}},
	}
}

func (s *shape) element(column *record.Column) element {
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
	case record.JSON:
		notes = append(notes, "JSON as text")
	case record.File:
		notes = append(notes, "the id of a file")
	case record.Ref:
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

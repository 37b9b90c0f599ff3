package soap

import (
	"encoding/json"
	"fmt"
	"strings"

	"junctor/internal/class"
	"junctor/internal/class/param"
	"junctor/internal/db"
	"junctor/internal/record"
	"junctor/internal/stored"
	"junctor/internal/value"
)

// queryOperation makes the operation that reads a stored query: that of a class,
// with the query's parameters.
func queryOperation(name, typeName string, q *stored.Query) *operation {
	comment := fmt.Sprintf("Reads rows of the stored query %s.", q.Code)
	if q.Comment != "" {
		comment += " " + strings.ToUpper(q.Comment[:1]) + q.Comment[1:] + "."
	}
	var in []element
	if params := paramElements(q); params != nil {
		in = append(in, element{name: "params", inner: params, optional: true})
	}
	for _, e := range queryElements {
		if e.name != "expand" && e.name != "track" { // rows lead nowhere, and nobody tells of their changes
			in = append(in, e)
		}
	}
	return &operation{
		name: name, comment: comment, in: func() []element { return in }, out: []element{{name: "page", kind: "tns:" + typeName + "Page"}},
		serve: func(c *call) ([]byte, error) { return c.rows(q, in) },
	}
}

func paramElements(q *stored.Query) (all []element) {
	for _, p := range q.Params {
		e := columnElement(p.Column)
		e.optional, e.nillable = !p.Required || p.Default != nil, !p.Required
		all = append(all, e)
	}
	return all
}

// columnElement is a column of a query, or a parameter.
func columnElement(c *class.Column) element {
	e := element{name: c.Code, kind: kindOf(c), comment: c.Comment, values: c.Values, optional: true, nillable: true, json: c.Type == value.JSON}
	if e.json {
		e.comment = strings.TrimPrefix(e.comment+"; JSON as text", "; ")
	}
	switch {
	case c.Type == value.Decimal && c.Precision > 0:
		e.digits, e.fraction = c.Precision, c.Scale
	case c.Type == value.Text:
		e.length = c.Length
	}
	return e
}

// queryTypes are those of a stored query's rows.
func queryTypes(name string, q *stored.Query) []complexType {
	row := complexType{name: name, comment: q.Comment}
	for _, c := range q.Columns {
		row.elements = append(row.elements, columnElement(c))
	}
	return []complexType{row, {name: name + "Page", elements: []element{
		{name: "row", kind: "tns:" + name, optional: true, many: true}, {name: "count", kind: xsLong, optional: true},
		{name: "next", kind: xsString, optional: true, comment: "the cursor of the next page; absent on the last"},
	}}}
}

// rows reads a page of a stored query.
func (c *call) rows(q *stored.Query, known []element) ([]byte, error) {
	in := c.read(known)
	ask := asked("", in)
	given := map[string]json.RawMessage{}
	if params := in.elements["params"]; params != nil {
		r := &reader{}
		if err := json.Unmarshal(r.object(paramElements(q), params[0], "/params"), &given); err != nil {
			return nil, err
		}
		in.found = append(in.found, r.found...)
	}
	if ask.Expand != nil {
		in.wrong("select", "rows lead to no records: name columns only")
	}
	if err := in.refused(); err != nil {
		return nil, err
	}
	args, err := param.JSONArgs(q.Params, given)
	if err != nil {
		return nil, below("/params", err)
	}
	use := stored.Use{Filter: ask.Filter, Order: ask.Order, Select: ask.Select, Skip: ask.Skip, Top: ask.Top, Page: ask.Page, Cursor: ask.Cursor}
	if use.Page == 0 {
		use.Page = record.DefaultPage
	}
	var page *stored.Page
	err = c.DB.Read(c.r.Context(), func(tx *db.Tx) (err error) {
		page, err = q.Read(tx, c.actor.Rights, args, use, c.Records.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	var w writer
	w.open("page")
	for _, r := range page.Rows {
		w.open("row")
		r.Columns(func(name string, _ *class.Column, v value.Value) { w.value(name, v) })
		w.close("row")
	}
	if ask.Count {
		w.number("count", int64(page.Count))
	}
	w.some("next", page.Next)
	w.close("page")
	return c.fits(&w)
}

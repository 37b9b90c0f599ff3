package odata

import (
	"encoding/json"
	"net/http"
	"slices"

	"junctor/internal/class"
	"junctor/internal/value"
)

// namespace is that of the classes in $metadata.
const namespace = "junctor"

// edmType is how a column is typed for OData.
func edmType(c *class.Column) string {
	if c.Kind == class.File {
		return "Edm.Stream"
	}
	switch c.Type {
	case value.Boolean:
		return "Edm.Boolean"
	case value.Integer:
		return "Edm.Int64"
	case value.Decimal:
		return "Edm.Decimal"
	case value.Date:
		return "Edm.Date"
	case value.DateTime:
		return "Edm.DateTimeOffset"
	case value.JSON:
		return "Edm.Untyped"
	}
	return "Edm.String"
}

// The vocabularies that $metadata uses, by their short names.
var vocabularies = []struct{ namespace, alias, uri string }{
	{"Org.OData.Core.V1", "Core", "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.xml"},
	{"Org.OData.Capabilities.V1", "Capabilities", "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Capabilities.V1.xml"},
	{"Org.OData.Validation.V1", "Validation", "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Validation.V1.xml"},
}

// metadata answers the classes as the caller may see them (CSDL 4.01).
func (q *request) metadata() (*answer, error) {
	s := q.schema()
	a := q.newAnswer(http.StatusOK)
	if q.form.kind == asJSON && q.askedJSON() {
		body, err := json.Marshal(s.json())
		if err != nil {
			return nil, err
		}
		a.header.Set("Content-Type", asJSON)
		a.body = slices.Concat(body, []byte{'\n'})
		return a, nil
	}
	a.header.Set("Content-Type", "application/xml; charset=utf-8")
	a.body = s.xml(q.version)
	return a, nil
}

// askedJSON tells a wish for JSON from none at all: $metadata is XML by itself.
func (q *request) askedJSON() bool {
	_, format := q.options.given["format"]
	accepted := q.header.Values("Accept")
	return format || len(accepted) > 1 || len(accepted) == 1 && accepted[0] != "*/*"
}

// schema is what $metadata says, before it is written.
type schema struct {
	names
	types   []entityType
	queries []storedFunction
}

type entityType struct {
	code, name, comment string
	properties          []property
	buttons             []*class.Button
	navigations         []navigation
	keys                [][]string // alternate ones
	read                bool       // there is an entity set to be read
	insertable          bool
	updatable           bool
	deletable           bool
	requireMatch        bool
}

type property struct {
	name, kind, comment string
	nullable            bool
	length              int // 0: none is said
	precision, scale    int
	variable            bool   // the scale is not known
	fallback            string // its default
	values              []string
	computed, readOnly  bool
}

type navigation struct {
	name, to, kind string // kind is the type of what it leads to
	nullable       bool
}

// names are those of the schema. Types, actions, functions and the container
// share one namespace: what stands in addresses has its own name, and the rest
// gives way.
type names struct {
	types     map[string]string // of classes, by code
	functions map[string]string // of stored queries, by code
	rows      map[string]string // the types of their rows
	container string
}

func (q *request) names() names {
	n := names{types: map[string]string{}, functions: map[string]string{}, rows: map[string]string{}}
	taken := map[string]bool{}
	give := func(name string) string {
		for taken[name] {
			name += "_"
		}
		taken[name] = true
		return name
	}
	for _, code := range q.classes() {
		for _, b := range q.model.Class(code).Offered(q.actor.Rights.Class(code)) {
			taken[b.Code] = true
		}
	}
	for _, code := range q.offered() {
		n.functions[code] = give(code)
	}
	for _, code := range q.classes() {
		n.types[code] = give(code)
	}
	for _, code := range q.offered() {
		n.rows[code] = give(code + "_row")
	}
	n.container = give("Container")
	return n
}

func (q *request) schema() schema {
	s := schema{names: q.names()}
	for _, code := range q.classes() {
		s.types = append(s.types, q.entityType(q.model.Class(code), s.names))
	}
	for _, code := range q.offered() {
		if stored := q.queries[code]; stored.Columns != nil { // else nobody knows what it answers
			s.queries = append(s.queries, functionOf(stored, s.names))
		}
	}
	return s
}

func (q *request) entityType(c *class.Class, n names) entityType {
	rights := q.actor.Rights.Class(c.Code)
	t := entityType{
		code: c.Code, name: n.types[c.Code], comment: c.Comment, read: !rights.Read.None(), requireMatch: c.RequireMatch, buttons: c.Offered(rights),
		insertable: !rights.Create.None(), updatable: !rights.Update.None(), deletable: !rights.Delete.None(),
	}
	for _, column := range columnsOf(c) {
		if !column.System && !rights.Sees(column.Code) {
			continue
		}
		p := propertyOf(column)
		p.computed, p.readOnly = !column.Written() && column.Code != "id", rights.ReadOnly[column.Code]
		t.properties = append(t.properties, p)
		if to := q.leads(c, column.Code); to != nil {
			t.navigations = append(t.navigations, navigation{column.Code, to.Code, n.types[to.Code], !column.Required})
		}
	}
	for _, key := range c.Keys {
		names := make([]string, 0, len(key))
		for _, code := range key {
			if rights.Sees(code) {
				names = append(names, c.Column(code).Field())
			}
		}
		if len(names) == len(key) {
			t.keys = append(t.keys, names)
		}
	}
	return t
}

// propertyOf is a column, or a parameter, by itself.
func propertyOf(column *class.Column) property {
	p := property{name: column.Field(), kind: edmType(column), comment: column.Comment, nullable: !column.Required && !column.System, values: column.Values}
	switch p.kind {
	case "Edm.String":
		p.length = column.Length
	case "Edm.Decimal":
		p.precision, p.scale = column.Precision, column.Scale
		if p.precision == 0 {
			p.precision = value.MaxDigits
		}
	case "Edm.DateTimeOffset":
		p.precision = 6
	}
	if column.Default != nil && !column.Default.IsNull() {
		p.fallback = column.Default.String()
	}
	return p
}

package odata

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"

	"junctor/internal/record"
	"junctor/internal/value"
)

// namespace is that of the classes in $metadata.
const namespace = "junctor"

// edmType is how a column is typed for OData.
func edmType(c *record.Column) string {
	if c.Kind == record.File {
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
	container string
	types     []entityType
}

type entityType struct {
	name, comment string
	properties    []property
	navigations   []navigation
	keys          [][]string // alternate ones
	read          bool       // there is an entity set to be read
	insertable    bool
	updatable     bool
	deletable     bool
	requireMatch  bool
}

type property struct {
	name, kind, comment string
	nullable            bool
	length              int // 0: none is said
	precision, scale    int
	fallback            string // its default
	values              []string
	computed, readOnly  bool
}

type navigation struct {
	name, to string
	nullable bool
}

func (q *request) schema() schema {
	s := schema{container: "Container"}
	for q.model.Class(s.container) != nil { // a type and a container share one namespace
		s.container += "_"
	}
	for _, code := range q.classes() {
		s.types = append(s.types, q.entityType(q.model.Class(code)))
	}
	return s
}

func (q *request) entityType(c *record.Class) entityType {
	rights := q.actor.Rights.Class(c.Code)
	t := entityType{
		name: c.Code, comment: c.Comment, read: !rights.Read.None(), requireMatch: c.RequireMatch,
		insertable: !rights.Create.None(), updatable: !rights.Update.None(), deletable: !rights.Delete.None(),
	}
	for _, column := range columnsOf(c) {
		if !column.System && !rights.Sees(column.Code) {
			continue
		}
		p := property{
			name: column.Field(), kind: edmType(column), comment: column.Comment, nullable: !column.Required && !column.System,
			computed: !column.Written() && column.Code != "id", readOnly: rights.ReadOnly[column.Code], values: column.Values,
		}
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
		t.properties = append(t.properties, p)
		if to := q.leads(c, column.Code); to != nil {
			t.navigations = append(t.navigations, navigation{column.Code, to.Code, !column.Required})
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

// element writes XML without a tree.
type element struct{ bytes.Buffer }

func (w *element) open(name string, pairs ...string) {
	w.tag(name, pairs...)
	w.WriteString(">")
}

func (w *element) leaf(name string, pairs ...string) {
	w.tag(name, pairs...)
	w.WriteString("/>")
}

func (w *element) tag(name string, pairs ...string) {
	w.WriteString("\n<" + name)
	for i := 0; i+1 < len(pairs); i += 2 {
		w.WriteString(" " + pairs[i] + `="`)
		xml.EscapeText(&w.Buffer, []byte(pairs[i+1])) //nolint:errcheck // memory takes it
		w.WriteString(`"`)
	}
}

func (w *element) close(name string) { w.WriteString("</" + name + ">") }

// says writes a boolean annotation.
func (w *element) says(term string, is bool) {
	if is {
		w.leaf("Annotation", "Term", term, "Bool", "true")
	}
}

func (s schema) xml(version string) []byte {
	var w element
	w.WriteString(`<?xml version="1.0" encoding="utf-8"?>`)
	w.open("edmx:Edmx", "xmlns:edmx", "http://docs.oasis-open.org/odata/ns/edmx", "Version", version)
	for _, v := range vocabularies {
		w.open("edmx:Reference", "Uri", v.uri)
		w.leaf("edmx:Include", "Namespace", v.namespace, "Alias", v.alias)
		w.close("edmx:Reference")
	}
	w.open("edmx:DataServices")
	w.open("Schema", "xmlns", "http://docs.oasis-open.org/odata/ns/edm", "Namespace", namespace)
	for _, t := range s.types {
		t.xml(&w)
	}
	w.open("EntityContainer", "Name", s.container)
	for _, t := range s.types {
		t.set(&w)
	}
	w.says("Capabilities.KeyAsSegmentSupported", true)
	w.leaf("Annotation", "Term", "Capabilities.BatchSupported", "Bool", "true")
	w.close("EntityContainer")
	w.close("Schema")
	w.close("edmx:DataServices")
	w.close("edmx:Edmx")
	w.WriteString("\n")
	return w.Bytes()
}

func (t entityType) xml(w *element) {
	w.open("EntityType", "Name", t.name)
	w.open("Key")
	w.leaf("PropertyRef", "Name", "id")
	w.close("Key")
	for _, p := range t.properties {
		p.xml(w)
	}
	for _, n := range t.navigations {
		w.open("NavigationProperty", "Name", n.name, "Type", namespace+"."+n.to, "Nullable", strconv.FormatBool(n.nullable))
		w.leaf("ReferentialConstraint", "Property", n.name+"_id", "ReferencedProperty", "id")
		w.close("NavigationProperty")
	}
	if t.comment != "" {
		w.leaf("Annotation", "Term", "Core.Description", "String", t.comment)
	}
	if len(t.keys) > 0 {
		w.open("Annotation", "Term", "Core.AlternateKeys")
		w.open("Collection")
		for _, key := range t.keys {
			w.open("Record")
			w.open("PropertyValue", "Property", "Key")
			w.open("Collection")
			for _, name := range key {
				w.open("Record")
				w.leaf("PropertyValue", "Property", "Name", "PropertyPath", name)
				w.leaf("PropertyValue", "Property", "Alias", "String", name)
				w.close("Record")
			}
			w.close("Collection")
			w.close("PropertyValue")
			w.close("Record")
		}
		w.close("Collection")
		w.close("Annotation")
	}
	w.close("EntityType")
}

func (p property) xml(w *element) {
	pairs := []string{"Name", p.name, "Type", p.kind}
	if !p.nullable {
		pairs = append(pairs, "Nullable", "false")
	}
	if p.length > 0 {
		pairs = append(pairs, "MaxLength", strconv.Itoa(p.length))
	}
	if p.precision > 0 {
		pairs = append(pairs, "Precision", strconv.Itoa(p.precision))
	}
	if p.kind == "Edm.Decimal" {
		pairs = append(pairs, "Scale", strconv.Itoa(p.scale))
	}
	if p.fallback != "" {
		pairs = append(pairs, "DefaultValue", p.fallback)
	}
	if p.comment == "" && !p.computed && !p.readOnly && p.values == nil {
		w.leaf("Property", pairs...)
		return
	}
	w.open("Property", pairs...)
	if p.comment != "" {
		w.leaf("Annotation", "Term", "Core.Description", "String", p.comment)
	}
	w.says("Core.Computed", p.computed)
	if p.readOnly {
		w.open("Annotation", "Term", "Core.Permissions")
		w.WriteString("<EnumMember>Core.Permission/Read</EnumMember>")
		w.close("Annotation")
	}
	if p.values != nil {
		w.open("Annotation", "Term", "Validation.AllowedValues")
		w.open("Collection")
		for _, v := range p.values {
			w.open("Record")
			w.leaf("PropertyValue", "Property", "Value", "String", v)
			w.close("Record")
		}
		w.close("Collection")
		w.close("Annotation")
	}
	w.close("Property")
}

func (t entityType) set(w *element) {
	w.open("EntitySet", "Name", t.name, "EntityType", namespace+"."+t.name)
	for _, n := range t.navigations {
		w.leaf("NavigationPropertyBinding", "Path", n.name, "Target", n.to)
	}
	for _, r := range t.restrictions() {
		if r.allowed {
			continue
		}
		w.open("Annotation", "Term", "Capabilities."+r.term)
		w.open("Record")
		w.leaf("PropertyValue", "Property", r.member, "Bool", "false")
		w.close("Record")
		w.close("Annotation")
	}
	if t.requireMatch {
		w.open("Annotation", "Term", "Core.OptimisticConcurrency")
		w.leaf("Collection")
		w.close("Annotation")
	}
	w.close("EntitySet")
}

type restriction struct {
	term, member string
	allowed      bool
}

func (t entityType) restrictions() []restriction {
	return []restriction{
		{"ReadRestrictions", "Readable", t.read},
		{"InsertRestrictions", "Insertable", t.insertable},
		{"UpdateRestrictions", "Updatable", t.updatable},
		{"DeleteRestrictions", "Deletable", t.deletable},
	}
}

// json is the schema in CSDL JSON 4.01.
func (s schema) json() map[string]any {
	references := map[string]any{}
	for _, v := range vocabularies {
		references[v.uri] = map[string]any{"$Include": []any{map[string]any{"$Namespace": v.namespace, "$Alias": v.alias}}}
	}
	container := map[string]any{"$Kind": "EntityContainer", "@Capabilities.BatchSupported": true, "@Capabilities.KeyAsSegmentSupported": true}
	all := map[string]any{}
	for _, t := range s.types {
		all[t.name] = t.json()
		set := map[string]any{"$Collection": true, "$Type": namespace + "." + t.name}
		bindings := map[string]any{}
		for _, n := range t.navigations {
			bindings[n.name] = n.to
		}
		if len(bindings) > 0 {
			set["$NavigationPropertyBinding"] = bindings
		}
		for _, r := range t.restrictions() {
			if !r.allowed {
				set["@Capabilities."+r.term] = map[string]any{r.member: false}
			}
		}
		if t.requireMatch {
			set["@Core.OptimisticConcurrency"] = []string{}
		}
		container[t.name] = set
	}
	all[s.container] = container
	return map[string]any{"$Version": version401, "$EntityContainer": namespace + "." + s.container, "$Reference": references, namespace: all}
}

func (t entityType) json() map[string]any {
	all := map[string]any{"$Kind": "EntityType", "$Key": []string{"id"}}
	for _, p := range t.properties {
		all[p.name] = p.json()
	}
	for _, n := range t.navigations {
		one := map[string]any{"$Kind": "NavigationProperty", "$Type": namespace + "." + n.to, "$ReferentialConstraint": map[string]any{n.name + "_id": "id"}}
		if n.nullable {
			one["$Nullable"] = true
		}
		all[n.name] = one
	}
	if t.comment != "" {
		all["@Core.Description"] = t.comment
	}
	var keys []any
	for _, key := range t.keys {
		var parts []any
		for _, name := range key {
			parts = append(parts, map[string]any{"Name": name, "Alias": name})
		}
		keys = append(keys, map[string]any{"Key": parts})
	}
	if keys != nil {
		all["@Core.AlternateKeys"] = keys
	}
	return all
}

func (p property) json() map[string]any {
	one := map[string]any{}
	if p.kind != "Edm.String" { // which is what stands for nothing said
		one["$Type"] = p.kind
	}
	if p.nullable {
		one["$Nullable"] = true
	}
	if p.length > 0 {
		one["$MaxLength"] = p.length
	}
	if p.precision > 0 {
		one["$Precision"] = p.precision
	}
	if p.kind == "Edm.Decimal" {
		one["$Scale"] = p.scale
	}
	if p.fallback != "" {
		one["$DefaultValue"] = p.fallback
	}
	if p.comment != "" {
		one["@Core.Description"] = p.comment
	}
	if p.computed {
		one["@Core.Computed"] = true
	}
	if p.readOnly {
		one["@Core.Permissions"] = "Read"
	}
	if p.values != nil {
		var values []any
		for _, v := range p.values {
			values = append(values, map[string]any{"Value": v})
		}
		one["@Validation.AllowedValues"] = values
	}
	return one
}

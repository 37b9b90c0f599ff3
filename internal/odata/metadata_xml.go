package odata

import (
	"bytes"
	"encoding/xml"
	"strconv"
)

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
	w.leaf("Annotation", "Term", "Core.DefaultNamespace", "Bool", "true")
	for _, t := range s.types {
		t.xml(&w)
		t.actionsXML(&w)
	}
	for _, f := range s.queries {
		f.xml(&w)
	}
	w.open("EntityContainer", "Name", s.container)
	for _, t := range s.types {
		t.set(&w)
	}
	for _, f := range s.queries {
		w.leaf("FunctionImport", "Name", f.code, "Function", namespace+"."+f.name, "IncludeInServiceDocument", strconv.FormatBool(f.listed))
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
		w.open("NavigationProperty", "Name", n.name, "Type", namespace+"."+n.kind, "Nullable", strconv.FormatBool(n.nullable))
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

// pairs are what a property and a parameter have in common.
func (p property) pairs() []string {
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
		pairs = append(pairs, "Scale", p.scaleText())
	}
	return pairs
}

func (p property) xml(w *element) {
	pairs := p.pairs()
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
	w.open("EntitySet", "Name", t.code, "EntityType", namespace+"."+t.name)
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

package soap

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// deepest is how many levels of a JSON Schema become types of XML Schema; what is
// below them is text.
const deepest = 10

// allParams is the element for all parameters of a schema that names none, or none
// that could be an element.
var allParams = element{name: "params", kind: xsString, optional: true, json: true, comment: "the parameters: a JSON object as text"}

// parameters are the elements for the parameters of a function: the properties of
// its schema, typed as far as XML Schema can say it, the rest as JSON in a text.
// When that cannot be done, whole is true, and the element is allParams.
func parameters(schema json.RawMessage) (all []element, whole bool) {
	if all, ok := schemaOf(schema).elements(schema, 0); ok {
		return all, false
	}
	return []element{allParams}, true
}

// jsonSchema is what of a JSON Schema can be said in XML Schema.
type jsonSchema struct {
	Ref         string          `json:"$ref"`
	Type        json.RawMessage `json:"type"`
	Format      string          `json:"format"`
	Enum        []any           `json:"enum"`
	Properties  members         `json:"properties"`
	Required    []string        `json:"required"`
	Items       json.RawMessage `json:"items"`
	Description string          `json:"description"`
}

// members are those of an object, in their order.
type members struct {
	names  []string
	values map[string]json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *members) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return err
	}
	m.names, m.values = nil, map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return err
		}
		text, _ := name.(string) // members have text names
		m.names = append(m.names, text)
		m.values[text] = v
	}
	return nil
}

func schemaOf(raw json.RawMessage) (s jsonSchema) {
	if json.Unmarshal(raw, &s) != nil { // true, or a part of a form that is not asked for here
		return jsonSchema{}
	}
	return s
}

// resolve follows references within the document.
func (s jsonSchema) resolve(root json.RawMessage) jsonSchema {
	for range deepest {
		path, ok := strings.CutPrefix(s.Ref, "#/")
		if !ok {
			break
		}
		at := root
		for part := range strings.SplitSeq(path, "/") {
			var there map[string]json.RawMessage
			if json.Unmarshal(at, &there) != nil {
				return jsonSchema{}
			}
			at = there[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		}
		described := s.Description
		s = schemaOf(at)
		if described != "" {
			s.Description = described
		}
	}
	return s
}

// types are what a value may be, and whether it may be null too.
func (s jsonSchema) types() (kind string, nullable bool) {
	var one string
	if json.Unmarshal(s.Type, &one) == nil {
		return one, false
	}
	var several []string
	if json.Unmarshal(s.Type, &several) != nil {
		return "", false
	}
	rest := slices.DeleteFunc(slices.Clone(several), func(t string) bool { return t == "null" })
	if len(rest) != 1 {
		return "", false
	}
	return rest[0], len(rest) < len(several)
}

// elements are those of an object's properties. It is false for an object without,
// and for names that are none in XML.
func (s jsonSchema) elements(root json.RawMessage, depth int) (all []element, ok bool) {
	if len(s.Properties.names) == 0 || depth >= deepest {
		return nil, false
	}
	for _, name := range s.Properties.names {
		if !isName(name) {
			return nil, false
		}
		e := typed(name, s.Properties.values[name], root, depth)
		e.optional = !slices.Contains(s.Required, name)
		all = append(all, e)
	}
	return all, true
}

// typed is the element for a property.
func typed(name string, raw, root json.RawMessage, depth int) element {
	s := schemaOf(raw).resolve(root)
	e := element{name: name, comment: s.Description, kind: xsString}
	var kind string
	kind, e.nillable = s.types()
	switch kind {
	case "string":
		switch s.Format {
		case "date":
			e.kind = xsDate
		case "date-time":
			e.kind = xsDateTime
		}
		for _, v := range s.Enum {
			if text, ok := v.(string); ok && e.kind == xsString {
				e.values = append(e.values, text)
			}
		}
		return e
	case "integer":
		e.kind = xsLong
		return e
	case "number":
		e.kind = xsDecimal
		return e
	case "boolean":
		e.kind = xsBoolean
		return e
	case "object":
		if inner, ok := s.elements(root, depth+1); ok {
			e.kind, e.inner = "", inner
			return e
		}
	case "array":
		if item := typed(name, s.Items, root, depth+1); s.Items != nil && depth < deepest && !item.many && !item.json {
			item.many, item.comment = true, e.comment
			item.nillable = item.nillable || e.nillable
			return item
		}
	}
	e.json = true
	e.comment = strings.TrimPrefix(e.comment+"; JSON as text", "; ")
	return e
}

// params is what was sent to a function as the JSON that it takes. What JSON
// Schema says of it is for the function to check.
func (c *call) params(known []element, whole bool) ([]byte, error) {
	r := &reader{}
	params := r.object(known, c.in, "")
	if len(r.found) > 0 {
		return nil, fault.New(fault.Unprocessable, "What is sent to the function is not right.").WithFields(r.found...)
	}
	if !whole {
		return params, nil
	}
	for _, child := range c.in.children {
		if text := strings.TrimSpace(child.text); text != "" {
			return []byte(text), nil
		}
	}
	return nil, nil
}

// reader makes JSON of elements, and collects what is wrong.
type reader struct{ found []fault.Field }

func (r *reader) wrong(pointer, detail string) {
	r.found = append(r.found, fault.Field{Pointer: pointer, Detail: detail})
}

func (r *reader) object(known []element, n *node, pointer string) []byte {
	given := map[string][]*node{}
	names := make([]string, 0, len(known))
	for _, e := range known {
		names = append(names, e.name)
	}
	for _, child := range n.children {
		if !child.ours() || !slices.Contains(names, child.local) {
			r.wrong(strict.Pointer(pointer, child.local), strict.Unknown(child.local, names))
			continue
		}
		given[child.local] = append(given[child.local], child)
	}
	b := []byte{'{'}
	for _, e := range known {
		here := strict.Pointer(pointer, e.name)
		var v []byte
		switch nodes := given[e.name]; {
		case e.many:
			v = r.list(e, nodes, here)
		case len(nodes) > 1:
			r.wrong(here, strict.Twice)
		case len(nodes) == 1:
			v = r.value(e, nodes[0], here)
		}
		if v == nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, quoted(e.name)...), ':'), v...)
	}
	return append(b, '}')
}

// list is an array: the empty one where it must be there, and none else.
func (r *reader) list(e element, nodes []*node, pointer string) []byte {
	switch {
	case len(nodes) == 0 && e.optional:
		return nil
	case len(nodes) == 1 && nodes[0].null:
		return []byte("null")
	}
	b := []byte{'['}
	for i, n := range nodes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r.value(e, n, pointer)...)
	}
	return append(b, ']')
}

func (r *reader) value(e element, n *node, pointer string) []byte {
	switch {
	case n.null:
		return []byte("null")
	case e.inner != nil:
		return r.object(e.inner, n, pointer)
	case len(n.children) > 0:
		r.wrong(pointer, "must be a text, without elements in it")
		return []byte("null")
	case e.json:
		text := strings.TrimSpace(n.text)
		if !json.Valid([]byte(text)) {
			r.wrong(pointer, "must be JSON as text")
			return []byte("null")
		}
		return []byte(text)
	}
	return scalar(valueTypes[e.kind], n.text)
}

// valueTypes are what texts of a type are read as.
var valueTypes = map[string]value.Type{
	xsString: value.Text, xsInt: value.Integer, xsLong: value.Integer, xsDecimal: value.Decimal, xsBoolean: value.Boolean, xsDate: value.Date, xsDateTime: value.DateTime,
}

package packet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/class/param"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/record"
	"junctor/internal/strict"
)

type wirePacket struct {
	Comment string                     `json:"comment"`
	Params  map[string]json.RawMessage `json:"params"`
	Parts   map[string]json.RawMessage `json:"parts" strict:"required"`
}

type wirePart struct {
	Class      string                     `json:"class"`
	Query      string                     `json:"query"`
	Function   string                     `json:"function"`
	Connection string                     `json:"connection"`
	Filter     string                     `json:"filter"`
	OrderBy    string                     `json:"orderby"`
	Top        *int                       `json:"top"`
	Select     names                      `json:"select"`
	Expand     names                      `json:"expand"`
	One        bool                       `json:"one"`
	Params     map[string]json.RawMessage `json:"params"`
	Path       string                     `json:"path"`
	Optional   bool                       `json:"optional"`
	Parts      map[string]json.RawMessage `json:"parts"`
}

// names is a list, or a text with commas.
type names []string

// UnmarshalJSON reads either.
func (n *names) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		for name := range strings.SplitSeq(text, ",") {
			*n = append(*n, strings.TrimSpace(name))
		}
		return nil
	}
	if json.Unmarshal(raw, (*[]string)(n)) != nil {
		return errors.New("must be a list of names, or names with commas between them")
	}
	return nil
}

type parser struct {
	found []fault.Field
	parts int
}

func (p *parser) add(pointer, format string, args ...any) {
	p.found = append(p.found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// Parse reads a packet's body as it stands under its code in junctor.yaml, as
// JSON. What is wrong has pointers into the body; the Packet is of use only when
// nothing is. Whether there is what it names is for Check.
func Parse(code string, body json.RawMessage) (*Packet, []fault.Field) {
	var w wirePacket
	found := strict.Decode(body, &w)
	packet := &Packet{Code: code, Comment: w.Comment}
	if len(found) > 0 {
		return packet, found
	}
	var p parser
	packet.Params, found = param.Parse("/params", w.Params)
	p.found = append(p.found, found...)
	if len(w.Parts) == 0 {
		p.add("/parts", "must have a part at least")
	}
	packet.Parts = p.list("/parts", w.Parts, 1)
	if p.parts > maxParts {
		p.add("/parts", "are more than %d, those within others included", maxParts)
	}
	return packet, p.found
}

func (p *parser) list(at string, bodies map[string]json.RawMessage, depth int) (parts []*Part) {
	if depth > maxDepth {
		p.add(at, "are more than %d levels deep", maxDepth)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		p.parts++
		place := strict.Pointer(at, name)
		if !class.IsCode(name) {
			p.add(place, "%q %s", name, class.CodeRule)
			continue
		}
		if part := p.part(place, name, bodies[name], depth); part != nil {
			parts = append(parts, part)
		}
	}
	return parts
}

func (p *parser) part(at, name string, body json.RawMessage, depth int) *Part {
	var w wirePart
	if found := strict.Decode(body, &w); len(found) > 0 {
		for _, f := range found {
			p.add(at+f.Pointer, "%s", f.Detail)
		}
		return nil
	}
	part := &Part{
		Name: name, Class: w.Class, Query: w.Query, Function: w.Function, Connection: w.Connection,
		Top: w.Top, Select: w.Select, One: w.One, Path: w.Path, Optional: w.Optional,
	}
	if !p.source(at, part, &w) {
		return nil
	}
	p.reads(at, part, &w)
	p.params(at, part, w.Params)
	part.Parts = p.list(at+"/parts", w.Parts, depth+1)
	return part
}

// source sees to it that a part has one source, and no member that belongs to
// another.
func (p *parser) source(at string, part *Part, w *wirePart) bool {
	var sources []string
	for _, s := range []struct{ name, code string }{
		{"class", part.Class}, {"query", part.Query}, {"function", part.Function}, {"connection", part.Connection},
	} {
		if s.code != "" {
			sources = append(sources, s.name)
		}
	}
	switch {
	case len(sources) > 1:
		p.add(at, "has %s; a part has one source", strings.Join(sources, " and "))
		return false
	case len(sources) == 0 && len(w.Parts) == 0:
		p.add(at, "has no source: give it class, query, function or connection, or parts")
		return false
	}
	kind := "group"
	if len(sources) == 1 {
		kind = sources[0]
	}
	before := len(p.found)
	for _, m := range []struct {
		name  string
		given bool
		of    []string
	}{
		{"filter", w.Filter != "", []string{"class", "query"}},
		{"orderby", w.OrderBy != "", []string{"class", "query"}},
		{"top", w.Top != nil, []string{"class", "query"}},
		{"select", w.Select != nil, []string{"class", "query"}},
		{"one", w.One, []string{"class", "query"}},
		{"expand", w.Expand != nil, []string{"class"}},
		{"params", w.Params != nil, []string{"query", "function", "connection"}},
		{"path", w.Path != "", []string{"connection"}},
		{"optional", w.Optional, []string{"function", "connection"}},
		{"parts", w.Parts != nil, []string{"class", "query", "group"}},
	} {
		if m.given && !slices.Contains(m.of, kind) {
			p.add(at+"/"+m.name, "belongs to a part with %s", strings.Join(slices.DeleteFunc(m.of, func(s string) bool { return s == "group" }), " or "))
		}
	}
	return len(p.found) == before
}

// reads reads how records are chosen.
func (p *parser) reads(at string, part *Part, w *wirePart) {
	var err error
	if w.Filter != "" {
		if part.Filter, err = filter.Parse(w.Filter); err != nil {
			p.add(at+"/filter", "%s", mistake(err))
		}
	}
	if w.OrderBy != "" {
		if part.Order, err = filter.ParseOrder(w.OrderBy); err != nil {
			p.add(at+"/orderby", "%s", mistake(err))
		}
	}
	if part.Top != nil && (*part.Top < 1 || *part.Top > most) {
		p.add(at+"/top", "must be from 1 to %d", most)
	}
	if part.Top != nil && part.One {
		p.add(at+"/top", "has no place beside one, which is the first record")
	}
	for _, path := range w.Expand {
		first, second, deep := strings.Cut(path, "/")
		i := slices.IndexFunc(part.Expand, func(e record.Expand) bool { return e.Ref == first })
		if i < 0 {
			part.Expand = append(part.Expand, record.Expand{Ref: first})
			i = len(part.Expand) - 1
		}
		if deep {
			part.Expand[i].Expand = append(part.Expand[i].Expand, record.Expand{Ref: second})
		}
	}
}

// params reads values: any JSON, in which a text that begins with @ stands for a
// parameter, and one with @@ for a text with @.
func (p *parser) params(at string, part *Part, given map[string]json.RawMessage) {
	if given == nil {
		return
	}
	part.Params = map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		d := json.NewDecoder(bytes.NewReader(given[name]))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			p.add(strict.Pointer(at+"/params", name), "is not JSON")
			continue
		}
		part.Params[name] = v
	}
}

func mistake(err error) string {
	var e *filter.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("character %d: %s", e.At, e.Detail)
	}
	return err.Error()
}

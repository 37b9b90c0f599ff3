package packet

import (
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
	"junctor/internal/right"
	"junctor/internal/stored"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// parent begins the parameters that stand for the columns of the record around a
// part: @parent.number.
const parent = "parent."

// Reference is what a packet names: a class, a query, a function, a connection.
type Reference struct{ Pointer, Kind, Code string }

// References are all that the parts name, with pointers into the body; kinds are
// the keys of junctor.yaml.
func (p *Packet) References() []Reference {
	var all []Reference
	var walk func(at string, parts []*Part)
	walk = func(at string, parts []*Part) {
		for _, part := range parts {
			place := strict.Pointer(at, part.Name)
			for _, r := range []Reference{
				{"/class", "classes", part.Class}, {"/query", "queries", part.Query},
				{"/function", "functions", part.Function}, {"/connection", "connections", part.Connection},
			} {
				if r.Code != "" {
					r.Pointer = place + r.Pointer
					all = append(all, r)
				}
			}
			walk(place+"/parts", part.Parts)
		}
	}
	walk("/parts", p.Parts)
	return all
}

// Names is what there is for a packet to name. What is not there is not looked
// at further: Reference finds it.
type Names struct {
	Model   *class.Model
	Queries map[string]*stored.Query // their columns are nil while nobody knows them
}

// Check finds what is wrong with the packet beside what it names, with pointers
// into its body.
func (p *Packet) Check(names Names) []fault.Field {
	c := checker{names: names}
	params := param.Types(p.Params)
	maps.Copy(params, right.ParamTypes())
	c.list("/parts", p.Parts, params)
	return c.found
}

type checker struct {
	parser
	names Names
}

func (c *checker) list(at string, parts []*Part, params map[string]filter.ParamType) {
	for _, part := range parts {
		place := strict.Pointer(at, part.Name)
		s := c.shape(part)
		c.values(place+"/params", part.Params, params)
		c.path(place+"/path", part.Path, params)
		if q := c.names.Queries[part.Query]; q != nil {
			c.takes(place+"/params", part.Params, q.Params)
		}
		if s == nil {
			if !part.inside() {
				c.list(place+"/parts", part.Parts, params)
			}
			continue
		}
		c.reads(place, part, s, params)
		if len(part.Parts) == 0 {
			continue
		}
		inner := map[string]filter.ParamType{}
		for name, t := range params {
			if !strings.HasPrefix(name, parent) {
				inner[name] = t
			}
		}
		for _, name := range s.shown(part) {
			if t, err := s.types([]string{name}); err == nil {
				inner[parent+name] = filter.ParamType{Type: t}
			}
		}
		for _, within := range part.Parts {
			if slices.Contains(s.names, within.Name) || slices.ContainsFunc(part.Expand, func(e record.Expand) bool { return e.Ref == within.Name }) {
				c.add(strict.Pointer(place+"/parts", within.Name), "is the name of a column already")
			}
		}
		c.list(place+"/parts", part.Parts, inner)
	}
}

// shape is what the records of a part have: nil when nobody can say.
type shape struct {
	names []string // properties
	types func(path []string) (value.Type, error)
	class *class.Class
}

func (s *shape) shown(part *Part) []string {
	if part.Select == nil {
		return s.names
	}
	return part.Select
}

func (c *checker) shape(part *Part) *shape {
	if of := c.names.Model.Class(part.Class); of != nil {
		s := &shape{class: of, types: func(path []string) (value.Type, error) { return c.names.Model.TypeOf(of, path) }}
		for _, column := range slices.Concat(of.Columns, class.System()) {
			s.names = append(s.names, column.Field())
		}
		return s
	}
	q := c.names.Queries[part.Query]
	if q == nil || q.Columns == nil {
		return nil
	}
	s := &shape{types: q.TypeOf}
	for _, column := range q.Columns {
		s.names = append(s.names, column.Code)
	}
	return s
}

func (c *checker) reads(at string, part *Part, s *shape, params map[string]filter.ParamType) {
	if part.Filter != nil {
		if err := filter.Condition(part.Filter, filter.Env{Column: s.types, Params: params}); err != nil {
			c.add(at+"/filter", "%s", mistake(err))
		}
	}
	for _, o := range part.Order {
		if o.Expr.Op != filter.Name {
			c.add(at+"/orderby", "is made of columns, like received desc,number")
		} else if _, err := s.types(o.Expr.Name); err != nil {
			c.add(at+"/orderby", "%s", err.Error())
		}
	}
	for _, name := range part.Select {
		if !slices.Contains(s.names, name) {
			c.add(at+"/select", "%s", strict.Unknown(name, s.names))
		}
	}
	if s.class != nil {
		c.expand(at, s.class, part.Expand)
	}
}

func (c *checker) expand(at string, of *class.Class, expand []record.Expand) {
	for _, e := range expand {
		column := of.Column(e.Ref)
		if column == nil || column.Kind != class.Ref {
			c.add(at+"/expand", "%q is no ref of the class %s", e.Ref, of.Code)
			continue
		}
		if to := c.names.Model.Class(column.Class); to != nil {
			c.expand(at, to, e.Expand)
		}
	}
}

// takes compares what is given with what a query takes.
func (c *checker) takes(at string, given map[string]any, params []*param.Param) {
	var known []string
	for _, p := range params {
		known = append(known, p.Code)
		if _, ok := given[p.Code]; !ok && p.Required && p.Default == nil {
			c.add(strict.Pointer(at, p.Code), "is required")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			c.add(strict.Pointer(at, name), "%s", strict.Unknown(name, known))
		}
	}
}

// values checks that the parameters in values are there.
func (c *checker) values(at string, given map[string]any, params map[string]filter.ParamType) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		_, err := filled(given[name], func(name string) (any, error) {
			_, ok := params[name]
			if !ok {
				return nil, errors.New(strict.Unknown(name, slices.Sorted(maps.Keys(params))))
			}
			return "", nil
		})
		if err != nil {
			c.add(strict.Pointer(at, name), "%s", err.Error())
		}
	}
}

func (c *checker) path(at, path string, params map[string]filter.ParamType) {
	_, err := expanded(path, func(name string) (string, error) {
		if t, ok := params[name]; !ok || t.List {
			return "", errors.New(strict.Unknown(name, slices.Sorted(maps.Keys(params))))
		}
		return "x", nil
	})
	if err != nil {
		c.add(at, "%s", err.Error())
	}
}

// filled is a value with parameters in the place of the texts that name them.
func filled(v any, get func(name string) (any, error)) (any, error) {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "@@") {
			return v[1:], nil
		}
		if name, ok := strings.CutPrefix(v, "@"); ok {
			return get(name)
		}
	case []any:
		all := make([]any, len(v))
		for i := range v {
			var err error
			if all[i], err = filled(v[i], get); err != nil {
				return nil, err
			}
		}
		return all, nil
	case map[string]any:
		all := make(map[string]any, len(v))
		for name := range v {
			var err error
			if all[name], err = filled(v[name], get); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	return v, nil
}

// expanded is a path with parameters in the place of {name}.
func expanded(path string, get func(name string) (string, error)) (string, error) {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(path, "{")
		b.WriteString(before)
		if !open {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("a { is not closed; write {name} for a parameter")
		}
		text, err := get(name)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		path = after
	}
}

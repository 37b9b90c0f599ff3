package host

import (
	"encoding/json"
	"strings"

	"junctor/internal/class"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/record"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// queryArgs are what a query asks for.
type queryArgs struct {
	Filter  string                     `json:"filter"`
	Params  map[string]json.RawMessage `json:"params"` // of the filter
	OrderBy string                     `json:"orderby"`
	Top     *int                       `json:"top"`
	Skip    int                        `json:"skip"`
	Select  []string                   `json:"select"`
	Expand  []string                   `json:"expand"` // paths: customer/country
}

// query answers records. Nobody is to take a part for the whole: when there are
// more than one answer holds, top has to be given.
func (s *recordStep) query() ([]byte, error) {
	q := record.Query{Class: s.Class, Select: s.Select, Skip: s.Skip, Top: s.Top, Page: record.MaxPage}
	if s.Top != nil && (*s.Top < 0 || *s.Top > record.MaxPage) {
		return nil, fault.New(fault.Invalid, "top is a number from 0 to %d.", record.MaxPage)
	}
	if s.Skip < 0 {
		return nil, fault.New(fault.Invalid, "skip is a number from 0.")
	}
	var err error
	if q.Expand, err = s.expansion(); err != nil {
		return nil, err
	}
	if s.Filter != "" {
		if q.Filter, err = filter.Parse(s.Filter); err != nil {
			return nil, fault.New(fault.Invalid, "The filter cannot be used: %s", strict.Stop(err.Error()))
		}
		if q.Params, err = s.params(q.Filter); err != nil {
			return nil, err
		}
	}
	if s.OrderBy != "" {
		if q.Order, err = filter.ParseOrder(s.OrderBy); err != nil {
			return nil, fault.New(fault.Invalid, "The order cannot be used: %s.", strings.TrimSuffix(err.Error(), "."))
		}
	}
	page, err := s.store.Query(s.tx, s.model, s.actor, q)
	if err != nil {
		return nil, err
	}
	if page.Next != "" && s.Top == nil {
		return nil, fault.New(fault.TooLarge, "More than %d records fit; give top, and ask for the rest with a filter that begins behind the last one.", record.MaxPage)
	}
	b := []byte{'['}
	for i, r := range page.Records {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendRecord(b, r, "")
	}
	return append(b, ']'), nil
}

// expansion makes a tree of the paths.
func (s *recordStep) expansion() (all []record.Expand, err error) {
	for _, path := range s.Expand {
		level := &all
		for _, ref := range strings.Split(path, "/") {
			if ref == "" {
				return nil, fault.New(fault.Invalid, "expand has the empty name %q; it takes refs, like customer or customer/country.", path)
			}
			level = &descend(level, ref).Expand
		}
	}
	return all, nil
}

func descend(level *[]record.Expand, ref string) *record.Expand {
	for i := range *level {
		if (*level)[i].Ref == ref {
			return &(*level)[i]
		}
	}
	*level = append(*level, record.Expand{Ref: ref})
	return &(*level)[len(*level)-1]
}

// params are the filter's parameters. A text that is compared with a date or a
// decimal is one: JSON has no other way to say it.
func (s *recordStep) params(e *filter.Expr) (map[string]*filter.Expr, error) {
	types := map[string]value.Type{}
	s.compared(e, types)
	params := make(map[string]*filter.Expr, len(s.Params))
	for name, raw := range s.Params {
		p, err := param(raw, types[name])
		if err != nil {
			return nil, fault.New(fault.Invalid, "The filter's parameter %s cannot be used: %v.", name, err)
		}
		params[name] = p
	}
	return params, nil
}

func param(raw json.RawMessage, t value.Type) (*filter.Expr, error) {
	if raw[0] == '[' {
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, err
		}
		list := &filter.Expr{Op: filter.List}
		for _, item := range items {
			one, err := param(item, t)
			if err != nil {
				return nil, err
			}
			list.Args = append(list.Args, one)
		}
		return list, nil
	}
	var v value.Value
	var err error
	if raw[0] == '"' && t != value.Null && t != value.JSON {
		v, err = value.FromJSON(t, raw)
	} else {
		v, err = value.Infer(raw)
	}
	return &filter.Expr{Op: filter.Literal, Value: v}, err
}

// compared finds of which type the columns are that parameters are compared with.
func (s *recordStep) compared(e *filter.Expr, types map[string]value.Type) {
	switch e.Op {
	case filter.Eq, filter.Ne, filter.Gt, filter.Ge, filter.Lt, filter.Le, filter.In:
		left, right := e.Args[0], e.Args[1]
		if left.Op == filter.Param {
			left, right = right, left
		}
		if left.Op != filter.Name {
			break
		}
		params := []*filter.Expr{right}
		if right.Op == filter.List {
			params = right.Args
		}
		for _, p := range params {
			if p.Op == filter.Param {
				types[p.Name[0]] = s.typeOf(left.Name)
			}
		}
	}
	for _, arg := range e.Args {
		s.compared(arg, types)
	}
}

// typeOf is the type of a path's column; Null when there is none.
func (s *recordStep) typeOf(path []string) value.Type {
	c := s.model.Class(s.Class)
	for i, name := range path {
		if c == nil {
			break
		}
		column := columnOf(c, name)
		switch {
		case column == nil:
			return value.Null
		case i == len(path)-1:
			return column.Type
		case column.Kind == class.Ref:
			c = s.model.Class(column.Class)
		default:
			return value.Null
		}
	}
	return value.Null
}

// columnOf finds a column by its code or its property: a ref is known by both.
func columnOf(c *class.Class, name string) *class.Column {
	if column := c.Column(name); column != nil {
		return column
	}
	if code, ok := strings.CutSuffix(name, "_id"); ok {
		if column := c.Column(code); column != nil && column.Kind == class.Ref {
			return column
		}
	}
	return nil
}

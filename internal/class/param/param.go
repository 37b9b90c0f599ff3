// Package param keeps the parameters of stored queries and packets: what they
// are declared as, which is written like a column, and the values that a caller
// gives them.
//
// It must not know what they are for.
package param

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// Param is a parameter of a packet or of a stored query. Its type is written as
// that of a column.
type Param struct {
	*class.Column
	List bool // any number of values, behind `in`: text[]
}

// kinds are what a parameter can be.
var kinds = []class.Kind{class.Text, class.Integer, class.Decimal, class.Boolean, class.Date, class.DateTime, class.JSON, class.Enum}

// maxParams is how many parameters one thing can have.
const maxParams = 100

// Parse reads the parameters of a body, by name, each like a column:
// "text!", "integer[]" or a map. What is wrong has pointers that begin with at.
func Parse(at string, bodies map[string]json.RawMessage) ([]*Param, []fault.Field) {
	var found fault.Found
	if len(bodies) > maxParams {
		found.Add(at, "has more than %d parameters", maxParams)
	}
	var all []*Param
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		place := strict.Pointer(at, name)
		if !class.IsCode(name) {
			found.Add(place, "%q %s", name, class.CodeRule)
			continue
		}
		body, list := single(bodies[name])
		column, wrong := class.ParseColumn(place, name, body)
		found = append(found, wrong...)
		switch {
		case !slices.Contains(kinds, column.Kind):
			found.Add(place, "a parameter cannot be %s; it is one of text, integer, decimal, boolean, date, datetime, json and enum", column.Kind)
		case column.Computed != nil || column.Unique || column.Index || column.Was != "":
			found.Add(place, "a parameter has a type, and may have required, default, length, pattern, min, max, values, precision, scale and comment")
		case list && (column.Kind == class.JSON || column.Default != nil):
			found.Add(place, "a list has no default, and is none of json")
		}
		all = append(all, &Param{Column: column, List: list})
	}
	return all, found
}

// single takes [] off a type: text[]! is text!, of which there may be many.
func single(body json.RawMessage) (json.RawMessage, bool) {
	var text string
	var members map[string]json.RawMessage
	switch {
	case json.Unmarshal(body, &text) == nil:
		short, list := unlisted(text)
		if !list {
			return body, false
		}
		raw, err := json.Marshal(short)
		return raw, err == nil
	case json.Unmarshal(body, &members) == nil && json.Unmarshal(members["type"], &text) == nil:
		short, list := unlisted(text)
		if !list {
			return body, false
		}
		raw, err := json.Marshal(short)
		if err != nil {
			return body, false
		}
		members["type"] = raw
		whole, err := json.Marshal(members)
		return whole, err == nil
	}
	return body, false
}

func unlisted(text string) (string, bool) {
	required := ""
	if strings.HasSuffix(text, "!") {
		text, required = strings.TrimSuffix(text, "!"), "!"
	}
	short, list := strings.CutSuffix(text, "[]")
	return short + required, list
}

// Args are values of parameters, by name: one of each but of lists, none for null.
type Args map[string][]value.Value

// TextArgs reads parameters that came as text, as those of a URL do. Errors:
// fault.Unprocessable with everything that is wrong, each at the pointer /NAME.
func TextArgs(params []*Param, given map[string][]string) (Args, error) {
	args, found := Args{}, fault.Found(nil)
	for _, param := range params {
		texts, at := given[param.Code], strict.Pointer("", param.Code)
		if len(texts) > 1 && !param.List {
			found.Add(at, "is given %d times", len(texts))
			continue
		}
		for _, text := range texts {
			v, err := param.FromText(text)
			args.take(&found, at, param, v, err)
		}
		args.complete(&found, at, param, len(texts) > 0)
	}
	return args.whole(found, params, slices.Sorted(maps.Keys(given)))
}

// JSONArgs is TextArgs for values in JSON; a list is an array.
func JSONArgs(params []*Param, given map[string]json.RawMessage) (Args, error) {
	args, found := Args{}, fault.Found(nil)
	for _, param := range params {
		raw, at := given[param.Code], strict.Pointer("", param.Code)
		var items []json.RawMessage
		switch {
		case raw == nil || string(raw) == "null":
		case !param.List:
			items = []json.RawMessage{raw}
		case json.Unmarshal(raw, &items) != nil:
			found.Add(at, "is a list: write an array")
			continue
		}
		for _, item := range items {
			v, err := param.FromJSON(item)
			args.take(&found, at, param, v, err)
		}
		args.complete(&found, at, param, raw != nil && string(raw) != "null")
	}
	return args.whole(found, params, slices.Sorted(maps.Keys(given)))
}

func (a Args) take(found *fault.Found, at string, param *Param, v value.Value, err error) {
	if err == nil {
		err = param.Check(v)
	}
	if err != nil {
		found.Add(at, "%s", err.Error())
		return
	}
	a[param.Code] = append(a[param.Code], v)
}

// complete looks at a parameter that was not given.
func (a Args) complete(found *fault.Found, at string, param *Param, given bool) {
	switch {
	case given:
	case param.Default != nil:
		a[param.Code] = []value.Value{*param.Default}
	case param.Required:
		found.Add(at, "is required")
	}
}

func (a Args) whole(found fault.Found, params []*Param, names []string) (Args, error) {
	known := make([]string, len(params))
	for i, param := range params {
		known[i] = param.Code
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			found.Add(strict.Pointer("", name), "%s", strict.Unknown(name, known))
		}
	}
	if len(found) > 0 {
		return nil, fault.New(fault.Unprocessable, "The parameters are not valid.").WithFields(found...)
	}
	for _, param := range params {
		if _, ok := a[param.Code]; !ok {
			a[param.Code] = nil
		}
	}
	return a, nil
}

// Exprs are the values as filter.Bind takes them.
func (a Args) Exprs(params []*Param) map[string]*filter.Expr {
	all := make(map[string]*filter.Expr, len(params))
	for _, p := range params {
		values := a[p.Code]
		switch {
		case p.List:
			list := &filter.Expr{Op: filter.List}
			for _, v := range values {
				list.Args = append(list.Args, &filter.Expr{Op: filter.Literal, Value: v})
			}
			all[p.Code] = list
		case len(values) == 0:
			all[p.Code] = &filter.Expr{Op: filter.Literal}
		default:
			all[p.Code] = &filter.Expr{Op: filter.Literal, Value: values[0]}
		}
	}
	return all
}

// JSON is a parameter's value as JSON: an array for a list.
func (a Args) JSON(p *Param) json.RawMessage {
	values := a[p.Code]
	if !p.List {
		if len(values) == 0 {
			return json.RawMessage("null")
		}
		return values[0].AppendJSON(nil)
	}
	b := []byte{'['}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.AppendJSON(b)
	}
	return append(b, ']')
}

// Types are the types of parameters, for checking expressions.
func Types(params []*Param) map[string]filter.ParamType {
	all := make(map[string]filter.ParamType, len(params))
	for _, p := range params {
		all[p.Code] = filter.ParamType{Type: p.Type, List: p.List}
	}
	return all
}

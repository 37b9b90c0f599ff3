package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"junctor/internal/filter"
	"junctor/internal/value"
)

// Filter chooses events by what they say: an expression over id, source, type,
// subject, time and data/... . What data have is known only when they come, so
// that what cannot be compared is not equal, and nothing is wrong with it.
type Filter struct{ expr *filter.Expr }

// names are what a filter may name, and of what type it is.
var names = map[string]value.Type{
	"id": value.Text, "source": value.Text, "type": value.Text, "subject": value.Text, "time": value.DateTime, "data": value.Null,
}

// ParseFilter reads a filter; that of no text is nil and chooses every event.
// The error is for people.
func ParseFilter(text string) (*Filter, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	expr, err := filter.Parse(text)
	if err != nil {
		return nil, err
	}
	err = filter.Condition(expr, filter.Env{Column: func(path []string) (value.Type, error) {
		t, known := names[path[0]]
		if !known || len(path) > 1 && path[0] != "data" {
			return t, fmt.Errorf("an event has no %s; a filter is over id, source, type, subject, time and data/NAME", strings.Join(path, "/"))
		}
		return t, nil
	}})
	if err != nil {
		return nil, err
	}
	return &Filter{expr}, nil
}

// choose reports whether the filter chooses the event; a nil one does.
func (f *Filter) choose(i *Item) (bool, error) {
	if f == nil {
		return true, nil
	}
	var data any
	read := false
	chosen, err := filter.Match(f.expr, filter.Scope{Now: value.At(time.Now()), Column: func(path []string) (value.Value, error) {
		switch path[0] {
		case "id":
			return value.String(i.ID), nil
		case "source":
			return value.String(i.Source), nil
		case "type":
			return value.String(i.Type), nil
		case "subject":
			if i.Subject == "" {
				return value.Value{}, nil
			}
			return value.String(i.Subject), nil
		case "time":
			return value.At(i.time()), nil
		}
		if !read {
			data, read = i.content(), true
		}
		return within(data, path[1:]), nil
	}})
	var beyond *filter.Error
	if errors.As(err, &beyond) { // a number of the event's that nothing can be calculated with
		return false, nil
	}
	return chosen, err
}

// Takes reports whether the filter chooses an event; a nil one does.
func (f *Filter) Takes(i *Item) (bool, error) { return f.choose(i) }

// decode is JSON with its numbers as they are written; nil for none.
func decode(text json.RawMessage) (v any) {
	if text == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// within is what a path leads to: null when there is nothing, and something that
// is equal to nothing for an object or a list.
func within(v any, path []string) value.Value {
	for _, name := range path {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	var result value.Value
	var err error
	switch v := v.(type) {
	case string:
		return value.String(v)
	case bool:
		return value.Bool(v)
	case json.Number:
		kind := value.Integer
		if strings.ContainsAny(string(v), ".eE") {
			kind = value.Decimal
		}
		if result, err = value.FromJSON(kind, []byte(v)); err != nil && kind == value.Integer {
			result, err = value.FromJSON(value.Decimal, []byte(v))
		}
	case map[string]any, []any:
		result, err = value.FromJSON(value.JSON, []byte("{}"))
	}
	if err != nil {
		return value.Value{}
	}
	return result
}

package odata

import (
	"strings"

	"junctor/internal/class"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/record"
)

const (
	maxNames  = 500
	maxNested = 5 // levels of $expand that are read at all; package record has the last word
)

// shapeOf reads $select and $expand. A nil list of names means everything.
func shapeOf(given map[string]string, version string, depth int) (names []string, expand []record.Expand, err error) {
	if text, ok := given["select"]; ok && strings.TrimSpace(text) != "" {
		if names, err = readSelect(text); err != nil {
			return nil, nil, err
		}
	}
	if text, ok := given["expand"]; ok && strings.TrimSpace(text) != "" {
		if expand, err = readExpand(text, version, depth); err != nil {
			return nil, nil, err
		}
	}
	return names, expand, nil
}

func readSelect(text string) ([]string, error) {
	var names []string
	for _, item := range filter.Divide(text, ',') {
		item = strings.TrimSpace(item)
		switch {
		case item == "*":
			return nil, nil
		case !isName(item):
			return nil, fault.New(fault.Invalid, "$select: %.100q is no name of a column; columns of another record are chosen within $expand, as in $expand=customer($select=name).", item)
		case len(names) == maxNames:
			return nil, fault.New(fault.Invalid, "$select has more than %d names.", maxNames)
		}
		names = append(names, item)
	}
	return names, nil
}

// readExpand reads customer($select=name;$expand=region),owner.
func readExpand(text, version string, depth int) (all []record.Expand, err error) {
	if depth == maxNested {
		return nil, fault.New(fault.Invalid, "$expand is nested deeper than %d levels.", maxNested)
	}
	for _, item := range filter.Divide(text, ',') {
		name, inner, nested := strings.Cut(strings.TrimSpace(item), "(")
		e := record.Expand{Ref: strings.TrimSpace(name)}
		if !isName(e.Ref) && e.Ref != "*" || len(all) == maxNames {
			return nil, fault.New(fault.Invalid, "$expand: %.100q is no name of a ref.", e.Ref)
		}
		if nested {
			inner, closed := strings.CutSuffix(inner, ")")
			if !closed {
				return nil, fault.New(fault.Invalid, "$expand: a closing parenthesis is missing in %.100q.", item)
			}
			if e.Select, e.Expand, err = nestedShape(inner, version, depth+1); err != nil {
				return nil, err
			}
		}
		all = append(all, e)
	}
	return all, nil
}

func nestedShape(text, version string, depth int) ([]string, []record.Expand, error) {
	given := map[string]string{}
	for _, option := range filter.Divide(text, ';') {
		name, value, ok := strings.Cut(strings.TrimSpace(option), "=")
		if version == version401 && !strings.HasPrefix(name, "$") {
			name = "$" + strings.ToLower(name)
		}
		switch {
		case strings.TrimSpace(option) == "":
		case !ok, name != "$select" && name != "$expand":
			return nil, nil, fault.New(fault.Invalid, "$expand: %.100q is neither $select=... nor $expand=..., which are what the one record of a ref takes.", option)
		case given[name[1:]] != "":
			return nil, nil, fault.New(fault.Invalid, "$expand: %s is given more than once.", name)
		default:
			given[name[1:]] = value
		}
	}
	return shapeOf(given, version, depth)
}

func isName(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return text != ""
}

// expansion is $expand with its * written out.
func (q *request) expansion() []record.Expand { return q.expanded(q.target.end, q.options.expand) }

func (q *request) expanded(c *class.Class, expand []record.Expand) (all []record.Expand) {
	for _, e := range expand {
		if e.Ref != "*" {
			if to := q.leads(c, e.Ref); to != nil {
				e.Expand = q.expanded(to, e.Expand)
			}
			all = append(all, e)
			continue
		}
		for _, column := range c.Columns {
			to := q.leads(c, column.Code)
			if to == nil || hasRef(expand, column.Code) {
				continue
			}
			all = append(all, record.Expand{Ref: column.Code, Select: e.Select, Expand: q.expanded(to, e.Expand)})
		}
	}
	return all
}

func hasRef(expand []record.Expand, code string) bool {
	for _, e := range expand {
		if e.Ref == code {
			return true
		}
	}
	return false
}

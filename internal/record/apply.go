package record

import (
	"slices"
	"strconv"
	"strings"

	"junctor/internal/class"
	"junctor/internal/cursor"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/strict"
)

// Grouping is what OData's $apply asks for: groups of records and what is
// calculated over each.
type Grouping struct {
	Filter     *filter.Expr // of the records, before they are grouped; nil: all
	By         [][]string   // paths; none: all records are one group
	Aggregates []Aggregate
}

// Aggregate is one calculation.
type Aggregate struct {
	Path   []string // what is calculated with; nil for Count of the records
	Method string   // sum, min, max, average, count, countdistinct
	As     string   // the name of the result
}

// The methods of aggregates.
const (
	Sum           = "sum"
	Min           = "min"
	Max           = "max"
	Average       = "average"
	Count         = "count" // of records, or of the values that are not null
	CountDistinct = "countdistinct"
)

var methods = []string{Sum, Min, Max, Average, Count, CountDistinct}

const (
	maxApply      = 16 << 10 // bytes
	maxAggregates = 32
)

// ParseApply reads the part of OData's $apply that there is: groupby, with or
// without aggregate, or aggregate alone, and filter before them:
//
//	filter(state eq 'done')/groupby((customer/code,state),aggregate(total with sum as revenue,$count as orders))
//
// The error is fault.Invalid.
func ParseApply(text string) (*Grouping, error) {
	if len(text) > maxApply {
		return nil, badApply("is longer than %d bytes", maxApply)
	}
	a := &Grouping{}
	for i, step := range filter.Divide(text, '/') {
		word, inner, ok := call(step)
		switch {
		case !ok:
			return nil, badApply("%.100q is none of filter(...), groupby(...), aggregate(...)", step)
		case word == "filter" && i == 0:
			e, err := filter.Parse(inner)
			if err != nil {
				return nil, badApply("filter: %v", err)
			}
			a.Filter = e
			continue
		case i > 0 && a.Filter == nil || i > 1:
			return nil, badApply("nothing can follow groupby or aggregate")
		case word == "groupby":
			if err := a.groupBy(inner); err != nil {
				return nil, err
			}
		case word == "aggregate":
			if err := a.aggregate(inner); err != nil {
				return nil, err
			}
		default:
			return nil, badApply("%s", strict.Unknown(word, []string{"filter", "groupby", "aggregate"}))
		}
	}
	if a.By == nil && a.Aggregates == nil {
		return nil, badApply("groupby or aggregate is missing")
	}
	return a, a.names()
}

func badApply(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "$apply: "+format+".", args...)
}

// names finds results of the same name, and names that are none.
func (a *Grouping) names() error {
	seen := map[string]bool{}
	for _, path := range a.By {
		key := strings.Join(path, "/")
		if seen[key] {
			return badApply("%s is given twice", key)
		}
		seen[key], seen[path[0]] = true, true
	}
	for _, g := range a.Aggregates {
		if seen[g.As] {
			return badApply("the name %s is given twice", g.As)
		}
		seen[g.As] = true
	}
	return nil
}

// groupBy reads (a,b/c),aggregate(...).
func (a *Grouping) groupBy(text string) error {
	parts := filter.Divide(text, ',')
	word, inner, ok := call(parts[0])
	if !ok || word != "" || len(parts) > 2 {
		return badApply("groupby is written groupby((column,ref/column),aggregate(...))")
	}
	for _, item := range filter.Divide(inner, ',') {
		path, err := path(item)
		if err != nil {
			return err
		}
		a.By = append(a.By, path)
	}
	if len(a.By) > maxOrder {
		return badApply("records are grouped by %d columns at most", maxOrder)
	}
	if len(parts) == 1 {
		return nil
	}
	if word, inner, ok = call(parts[1]); !ok || word != "aggregate" {
		return badApply("behind the columns of groupby comes aggregate(...), not %.100q", parts[1])
	}
	return a.aggregate(inner)
}

// aggregate reads total with sum as revenue,$count as orders.
func (a *Grouping) aggregate(text string) error {
	for _, item := range filter.Divide(text, ',') {
		words := strings.Fields(item)
		var g Aggregate
		switch {
		case len(words) == 3 && words[0] == "$count" && words[1] == "as":
			g = Aggregate{Method: Count, As: words[2]}
		case len(words) == 5 && words[1] == "with" && words[3] == "as":
			path, err := path(words[0])
			if err != nil {
				return err
			}
			if !slices.Contains(methods, words[2]) {
				return badApply("%s", strict.Unknown(words[2], methods))
			}
			g = Aggregate{Path: path, Method: words[2], As: words[4]}
		default:
			return badApply("%.100q is neither like total with sum as revenue nor like $count as orders", item)
		}
		if !class.IsCode(g.As) {
			return badApply("%.100q %s", g.As, class.CodeRule)
		}
		a.Aggregates = append(a.Aggregates, g)
	}
	if len(a.Aggregates) > maxAggregates {
		return badApply("at most %d aggregates are possible", maxAggregates)
	}
	return nil
}

func path(text string) ([]string, error) {
	path := strings.Split(strings.TrimSpace(text), "/")
	for _, step := range path {
		if !class.IsCode(step) {
			return nil, badApply("%.100q is no column", text)
		}
	}
	return path, nil
}

// call reads word(inner).
func call(text string) (word, inner string, ok bool) {
	text = strings.TrimSpace(text)
	open := strings.IndexByte(text, '(')
	if open < 0 || !strings.HasSuffix(text, ")") {
		return "", "", false
	}
	return strings.TrimSpace(text[:open]), text[open+1 : len(text)-1], true
}

// offset is where a page of groups begins.
func offset(q Query, sum string) (int, error) {
	if q.Cursor == "" {
		return q.Skip, nil
	}
	var form cursorForm
	if err := cursor.Decode(q.Cursor, &form); err != nil {
		return 0, err
	}
	at, err := strconv.Atoi(form.Start)
	if err != nil || form.Sum != sum || at < 0 {
		return 0, cursor.Damaged()
	}
	return at, nil
}

package class

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

// wire is a class as it is written.
type wire struct {
	Key          json.RawMessage            `json:"key"`
	Columns      map[string]json.RawMessage `json:"columns" strict:"required"`
	Label        string                     `json:"label"`
	Comment      string                     `json:"comment"`
	Delete       string                     `json:"delete"`
	RequireMatch bool                       `json:"require_match"`
	Keep         *unit.Duration             `json:"keep"`
	History      string                     `json:"history"`
	Rules        []wireRule                 `json:"rules"`
	Buttons      map[string]wireButton      `json:"buttons"`
}

type wireRule struct {
	When     []string `json:"when" strict:"required"`
	If       string   `json:"if"`
	Before   bool     `json:"before"`
	Scenario string   `json:"scenario" strict:"required"`
}

type wireButton struct {
	Scenario string `json:"scenario" strict:"required"`
	Label    string `json:"label"`
}

// Limits of a class.
const (
	maxColumns    = 200
	maxKeys       = 8
	maxKeyColumns = 8
	maxRules      = 50
	maxButtons    = 50
	longestKeep   = 100 * 365 * 24 * time.Hour
)

var codePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,49}$`)

// IsCode reports whether a class, a column or the like may be called so.
func IsCode(name string) bool { return codePattern.MatchString(name) }

// CodeRule is what is wrong with a name that is no code, behind the name.
const CodeRule = "is not usable as a name: write letters, digits and underscores, a letter first, up to 50"

// classReserved are codes whose view would have the name of a table of Junctor's own.
var classReserved = []string{"tokens"}

// parser collects what is wrong with one body.
type parser struct{ found fault.Found }

func (p *parser) add(pointer, format string, args ...any) { p.found.Add(pointer, format, args...) }

// Parse reads one class by itself. What it returns is never nil, and of
// use only when nothing was found.
func Parse(code string, body json.RawMessage) (*Class, []fault.Field) {
	var p parser
	switch {
	case !IsCode(code):
		p.add("", "%q %s", code, CodeRule)
	case slices.Contains(classReserved, strings.ToLower(code)):
		p.add("", "%q is taken: a table of Junctor's own has the name of its view, api_%s", code, strings.ToLower(code))
	}
	var w wire
	p.found = append(p.found, strict.Decode(body, &w)...)
	c := &Class{
		Code: code, Label: w.Label, Comment: w.Comment, RequireMatch: w.RequireMatch,
		Hard: p.oneOf("/delete", w.Delete, "soft", "hard") == "hard",
		Keep: p.keep(w.Keep), History: History(p.oneOf("/history", w.History, string(HistoryChanged), string(HistoryFull), string(HistoryNone))),
		byCode: map[string]*Column{},
	}
	p.columns(c, w.Columns)
	c.Keys = p.keys(c, w.Key)
	p.indexed(c)
	p.label(c)
	p.computed(c)
	c.Rules = p.rules(w.Rules)
	c.Buttons = p.buttons(w.Buttons)
	return c, p.found
}

// oneOf checks a word against the possible ones; the first is the default.
func (p *parser) oneOf(pointer, word, standard string, others ...string) string {
	possible := append([]string{standard}, others...)
	if word == "" {
		return standard
	}
	if slices.Contains(possible, word) {
		return word
	}
	p.add(pointer, "%s", strict.Unknown(word, possible))
	return standard
}

func (p *parser) keep(given *unit.Duration) time.Duration {
	if given == nil {
		return DefaultKeep
	}
	if d := time.Duration(*given); d < 0 || d > longestKeep {
		p.add("/keep", "must be from 0 (for ever) to %s", unit.FormatDuration(longestKeep))
	}
	return time.Duration(*given)
}

// columns reads the columns and finds names that clash.
func (p *parser) columns(c *Class, given map[string]json.RawMessage) {
	if len(given) == 0 {
		p.add("/columns", "must name at least one column")
	}
	if len(given) > maxColumns {
		p.add("/columns", "has %d columns, at most %d are possible", len(given), maxColumns)
	}
	fields := map[string]string{} // by their lower-case name: which column has it
	for _, column := range system {
		c.byCode[column.Code] = column
	}
	for _, code := range slices.Sorted(maps.Keys(given)) {
		at := strict.Pointer("/columns", code)
		column := p.column(at, code, given[code])
		if p.name(at, code) {
			p.clash(at, column, fields)
		}
		c.Columns = append(c.Columns, column)
		c.byCode[code] = column
	}
	for _, column := range c.Columns {
		if column.Was != "" && given[column.Was] != nil && !strings.EqualFold(column.Was, column.Code) {
			p.add(strict.Pointer("/columns", column.Code)+"/was", "the column %q is still there; a renamed column's former name is free", column.Was)
		}
	}
}

// columnReserved are names that OData's expressions or one of the databases
// give a meaning of their own.
var columnReserved = map[string]string{
	"rowid": "SQLite", "oid": "SQLite", "tableoid": "PostgreSQL", "ctid": "PostgreSQL", "xmin": "PostgreSQL", "xmax": "PostgreSQL",
	"cmin": "PostgreSQL", "cmax": "PostgreSQL",
	"and": "a filter", "or": "a filter", "not": "a filter", "eq": "a filter", "ne": "a filter", "gt": "a filter", "ge": "a filter",
	"lt": "a filter", "le": "a filter", "in": "a filter", "has": "a filter", "add": "a filter", "sub": "a filter", "mul": "a filter",
	"div": "a filter", "divby": "a filter", "mod": "a filter", "null": "a filter", "true": "a filter", "false": "a filter",
	"any": "a filter", "all": "a filter",
}

// name reports whether a column may be called so.
func (p *parser) name(at, code string) bool {
	folded := strings.ToLower(code)
	switch {
	case !IsCode(code):
		p.add(at, "%q %s", code, CodeRule)
	case slices.ContainsFunc(system, func(s *Column) bool { return s.Code == folded }):
		p.add(at, "%q is a column that every record has; choose another name", folded)
	case columnReserved[folded] != "":
		p.add(at, "%q means something else to %s; choose another name", code, columnReserved[folded])
	default:
		return true
	}
	return false
}

// clash finds columns that would have the same name in the table or for callers:
// customer_id beside the ref customer, Total beside total.
func (p *parser) clash(at string, column *Column, fields map[string]string) {
	names := []string{strings.ToLower(column.Code)}
	if column.Kind == Ref {
		names = append(names, strings.ToLower(column.Field()))
	}
	for _, name := range names {
		switch other, taken := fields[name]; {
		case column.Kind == Ref && (name == "before" || name == "changed"):
			p.add(at, "a ref cannot be called %q: in the condition of a rule %s/COLUMN means something else", column.Code, name)
		case taken && strings.EqualFold(other, column.Code):
			p.add(at, "differs from the column %q by case only", other)
		case taken:
			p.add(at, "clashes with the column %q: a ref %s has the property %s_id beside it", other, strings.TrimSuffix(name, "_id"), strings.TrimSuffix(name, "_id"))
		case slices.ContainsFunc(system, func(s *Column) bool { return s.Code == name }):
			p.add(at, "would be %q in the table, which every record has; choose another name", name)
		default:
			fields[name] = column.Code
		}
	}
}

// keys reads a column, a list of columns, or a list of lists.
func (p *parser) keys(c *Class, raw json.RawMessage) [][]string {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var one string
	var list []string
	var lists [][]string
	switch {
	case json.Unmarshal(raw, &one) == nil:
		lists = [][]string{{one}}
	case json.Unmarshal(raw, &list) == nil:
		lists = [][]string{list}
	case json.Unmarshal(raw, &lists) != nil:
		p.add("/key", "must be a column, a list of columns that are one key, or a list of such lists")
		return nil
	}
	if len(lists) > maxKeys {
		p.add("/key", "has %d keys, at most %d are possible", len(lists), maxKeys)
	}
	seen := map[string]bool{}
	for i, columns := range lists {
		at := "/key"
		if len(lists) > 1 {
			at = fmt.Sprintf("/key/%d", i)
		}
		p.key(c, at, columns, i == 0)
		sorted := slices.Sorted(slices.Values(columns))
		if name := strings.Join(sorted, ","); seen[name] {
			p.add(at, "is a key already")
		} else {
			seen[name] = true
		}
	}
	return lists
}

// key checks one key. The columns of the first one are required: others refer
// by it.
func (p *parser) key(c *Class, at string, columns []string, first bool) {
	if len(columns) == 0 || len(columns) > maxKeyColumns {
		p.add(at, "must name from 1 to %d columns", maxKeyColumns)
	}
	seen := map[string]bool{}
	for _, code := range columns {
		column := c.byCode[code]
		if column != nil && column.System {
			column = nil
		}
		switch {
		case column == nil:
			p.add(at, "%s", missing(c, code))
			continue
		case seen[code]:
			p.add(at, "names the column %q twice", code)
		case column.Kind == JSON || column.Kind == File:
			p.add(at, "the column %q is %s, which cannot be a key", code, column.Kind)
		case first && column.Computed == nil && column.Kind != Autonumber:
			column.Required = true
		}
		seen[code] = true
	}
}

// missing is the sentence for a column that is not there.
func missing(c *Class, code string) string {
	var codes []string
	for _, column := range c.Columns {
		codes = append(codes, column.Code)
	}
	if near := strict.Nearest(code, codes); near != "" {
		return fmt.Sprintf("there is no column %q; did you mean %q?", code, near)
	}
	return fmt.Sprintf("there is no column %q", code)
}

// An entry of an index has about 2,700 bytes on PostgreSQL at most, four for a
// character.
const (
	indexedLength = 255 // of an indexed text that says nothing
	maxIndexed    = 640 // characters in one index
)

// indexed bounds what stands in an index.
func (p *parser) indexed(c *Class) {
	bound := func(column *Column) int {
		if column.Kind != Text {
			return 100
		}
		if column.Length == 0 {
			column.Length = indexedLength
		}
		return column.Length
	}
	for _, column := range c.Columns {
		if (column.Unique || column.Index) && column.Kind != JSON && bound(column) > maxIndexed {
			p.add(strict.Pointer("/columns", column.Code), "a text with an index has at most %d characters: give it a shorter length", maxIndexed)
		}
	}
	for _, key := range c.Keys {
		sum := 0
		for _, code := range key {
			if column := c.byCode[code]; column != nil {
				sum += bound(column)
			}
		}
		if sum > maxIndexed {
			p.add("/key", "the key %s has up to %d characters, %d are possible: give its texts a shorter length", strings.Join(key, ", "), sum, maxIndexed)
		}
	}
}

func (p *parser) label(c *Class) {
	if c.Label == "" {
		return
	}
	switch column := c.byCode[c.Label]; {
	case column == nil:
		p.add("/label", "%s", missing(c, c.Label))
	case column.Kind == JSON || column.Kind == File || column.Kind == Ref:
		p.add("/label", "the column %q is %s, which names nothing for people", c.Label, column.Kind)
	}
}

func (p *parser) rules(given []wireRule) (rules []Rule) {
	if len(given) > maxRules {
		p.add("/rules", "has %d rules, at most %d are possible", len(given), maxRules)
	}
	for i, w := range given {
		at := fmt.Sprintf("/rules/%d", i)
		r := Rule{Before: w.Before, Scenario: w.Scenario}
		for j, when := range w.When {
			switch when {
			case "created":
				r.Created = true
			case "updated":
				r.Updated = true
			case "deleted":
				r.Deleted = true
			default:
				p.add(fmt.Sprintf("%s/when/%d", at, j), "%s", strict.Unknown(when, []string{"created", "updated", "deleted"}))
			}
		}
		if len(w.When) == 0 {
			p.add(at+"/when", "must name at least one of created, updated, deleted")
		}
		if w.If != "" {
			expr, err := filter.Parse(w.If)
			if err != nil {
				p.add(at+"/if", "%s", err.Error())
			}
			r.If = expr
		}
		if w.Scenario == "" {
			p.add(at+"/scenario", "must not be empty")
		}
		rules = append(rules, r)
	}
	return rules
}

func (p *parser) buttons(given map[string]wireButton) (buttons []Button) {
	if len(given) > maxButtons {
		p.add("/buttons", "has %d buttons, at most %d are possible", len(given), maxButtons)
	}
	for _, code := range slices.Sorted(maps.Keys(given)) {
		at := strict.Pointer("/buttons", code)
		if !IsCode(code) {
			p.add(at, "%q %s", code, CodeRule)
		}
		if given[code].Scenario == "" {
			p.add(at+"/scenario", "must not be empty")
		}
		buttons = append(buttons, Button{Code: code, Label: given[code].Label, Scenario: given[code].Scenario})
	}
	return buttons
}

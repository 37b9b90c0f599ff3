package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/right"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// Role is a named set of rights.
type Role struct {
	Code, Label, Comment string
	Grants               *right.Set // of an account with this role alone; without the account
}

type wireRole struct {
	Label     string               `json:"label"`
	Comment   string               `json:"comment"`
	Classes   map[string]wireClass `json:"classes"`
	Functions []string             `json:"functions"`
	Packets   []string             `json:"packets"`
	Queries   []string             `json:"queries"`
	Events    wireEvents           `json:"events"`
	Admin     []string             `json:"admin"`
}

type wireClass struct {
	Create   wireRow  `json:"create"`
	Read     wireRow  `json:"read"`
	Update   wireRow  `json:"update"`
	Delete   wireRow  `json:"delete"`
	Hide     []string `json:"hide"`
	ReadOnly []string `json:"readonly"`
	Buttons  []string `json:"buttons"`
}

type wireEvents struct {
	Read    []string `json:"read"`
	Publish []string `json:"publish"`
}

// wireRow is true, false or a filter.
type wireRow struct{ row right.Row }

// UnmarshalJSON reads it; errors say what is wrong with the filter.
func (w *wireRow) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &w.row.All) == nil {
		return nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errors.New(`must be true, false or a filter such as "state ne 'done'"`)
	}
	e, err := filter.Parse(text)
	if err != nil {
		return errors.New(filterMistake(err))
	}
	w.row.Filter = e
	return nil
}

func filterMistake(err error) string {
	var e *filter.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("character %d of the filter: %s", e.At, e.Detail)
	}
	return err.Error()
}

// ParseRole reads a role's body as it stands under its code in junctor.yaml, as
// JSON, and finds everything that is wrong with pointers into the body. Whether
// there is what it names is for Role.Check.
func ParseRole(code string, body json.RawMessage) (*Role, []fault.Field) {
	var w wireRole
	p := parser{found: strict.Decode(body, &w)}
	s := &right.Set{
		Classes: map[string]right.Class{}, Functions: set(w.Functions), Packets: set(w.Packets), Queries: set(w.Queries), Areas: set(w.Admin),
		Read: w.Events.Read, Publish: w.Events.Publish,
	}
	for class, c := range w.Classes {
		s.Classes[class] = right.Class{
			Create: c.Create.row, Read: c.Read.row, Update: c.Update.row, Delete: c.Delete.row,
			Hidden: set(c.Hide), ReadOnly: set(c.ReadOnly), Buttons: set(c.Buttons),
		}
	}
	for i, area := range w.Admin {
		if area != right.Any && !slices.Contains(right.Areas(), area) {
			p.add(fmt.Sprintf("/admin/%d", i), "%s", strict.Unknown(area, append(right.Areas(), right.Any)))
		}
	}
	p.patterns("/events/read", w.Events.Read)
	p.patterns("/events/publish", w.Events.Publish)
	return &Role{Code: code, Label: w.Label, Comment: w.Comment, Grants: s}, p.found
}

// patterns checks types of events: segments of letters, digits, "_" and "-"
// between dots, "*" for one, "**" at the end.
func (p *parser) patterns(pointer string, patterns []string) {
	for i, pattern := range patterns {
		segments := strings.Split(pattern, ".")
		for n, segment := range segments {
			rest := segment == "**" && n == len(segments)-1
			if segment != "*" && !rest && (segment == "" || strings.ContainsFunc(segment, notInType)) {
				p.add(fmt.Sprintf("%s/%d", pointer, i), "%q is no type of events such as order.paid, record.orders.* or record.**", pattern)
				break
			}
		}
	}
}

func notInType(r rune) bool { return r <= ' ' || r == '*' || r == 0x7f }

// Names are what a role may name, as the configuration has it.
type Names struct {
	Classes                     map[string]Columns
	Functions, Packets, Queries []string
}

// Columns are those of a class.
type Columns struct {
	Names   []string
	Buttons []string
	Types   func(path []string) (value.Type, error) // of what a filter names, see filter.Env
}

// Check finds what a role names and there is not, and what is wrong with its
// filters, with pointers into the role's body.
func (r *Role) Check(names Names) []fault.Field {
	var p parser
	classes := slices.Sorted(maps.Keys(names.Classes))
	for _, code := range slices.Sorted(maps.Keys(r.Grants.Classes)) {
		pointer := strict.Pointer("/classes", code)
		columns, ok := names.Classes[code]
		if !ok {
			p.add(pointer, "%s", missing("class", code, classes))
			continue
		}
		c := r.Grants.Classes[code]
		for member, row := range map[string]right.Row{"create": c.Create, "read": c.Read, "update": c.Update, "delete": c.Delete} {
			p.filter(strict.Pointer(pointer, member), row, columns.Types)
		}
		for member, list := range map[string]map[string]bool{"hide": c.Hidden, "readonly": c.ReadOnly} {
			for column := range list {
				if !slices.Contains(columns.Names, column) {
					p.add(strict.Pointer(pointer, member), "%s", missing("column", column, columns.Names))
				}
			}
		}
		p.known(strict.Pointer(pointer, "buttons"), "button", c.Buttons, columns.Buttons)
	}
	p.known("/functions", "function", r.Grants.Functions, names.Functions)
	p.known("/packets", "packet", r.Grants.Packets, names.Packets)
	p.known("/queries", "stored query", r.Grants.Queries, names.Queries)
	slices.SortStableFunc(p.found, func(a, b fault.Field) int { return strings.Compare(a.Pointer+a.Detail, b.Pointer+b.Detail) })
	return p.found
}

func (p *parser) filter(pointer string, row right.Row, types func([]string) (value.Type, error)) {
	if row.Filter == nil {
		return
	}
	if err := filter.Condition(row.Filter, filter.Env{Column: types, Params: right.ParamTypes()}); err != nil {
		p.add(pointer, "%s", filterMistake(err))
	}
}

func (p *parser) known(pointer, what string, named map[string]bool, there []string) {
	for name := range named {
		if name != right.Any && !slices.Contains(there, name) {
			p.add(pointer, "%s", missing(what, name, there))
		}
	}
}

func missing(what, name string, there []string) string {
	if near := strict.Nearest(name, there); near != "" {
		return fmt.Sprintf("there is no %s %q, did you mean %q?", what, name, near)
	}
	return fmt.Sprintf("there is no %s %q", what, name)
}

func set(names []string) map[string]bool {
	if len(names) == 0 {
		return nil
	}
	all := make(map[string]bool, len(names))
	for _, n := range names {
		all[n] = true
	}
	return all
}

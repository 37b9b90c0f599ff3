package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/right"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// Hooks are what hub fills: where changes go, and who follows the rules of
// classes. Each is called in the transaction of the write; nil does nothing.
type Hooks struct {
	// Changed takes what has changed, to tell it as an event.
	Changed func(tx *db.Tx, changes ...Change) error
	// Start starts the runs of rules that come after a change.
	Start func(tx *db.Tx, starts ...Start) error
	// Before asks a rule that comes before a change. What it returns is a JSON
	// object of columns to be set, or nothing; an error refuses the change. The
	// row is not written yet, and nothing else of the change is.
	Before func(tx *db.Tx, ask Ask) (columns json.RawMessage, err error)
	// Log is where changes can be read again; nil where Changes is not used.
	Log Log
}

// Change is one change of a record, for its event.
type Change struct {
	Class   string
	Kind    Result // Created, Updated or Deleted
	ID      string
	Key     string   // the values of the class's first key, with a comma between them; the id for a class without
	Version int64    // after the change
	Changed []string // properties, sorted as the class's columns; for a new record those that are not null, for a deleted one none
	Before  json.RawMessage
	After   json.RawMessage // JSON objects as the class's history says; nil for none
	By      string
	Account right.Account // who made the change; the zero Account for a run and for foreign programs
	Run     string        // the run that made the change, "" for none
	Depth   int           // see Actor
}

// Start is a run that a rule asks for.
type Start struct {
	Scenario string
	Change   Change
	Record   json.RawMessage // the whole row, after the change; before it for a deleted one
	Before   json.RawMessage // the whole row before the change; nil for a new one
}

// Ask is a question to a rule that comes before a change.
type Ask struct {
	Scenario string
	Class    string
	Kind     Result
	ID       string
	Before   json.RawMessage // the whole row as it is; nil for a new record
	Record   json.RawMessage // as it would become; nil for a deletion
	Changed  []string        // properties, as in Change
	Account  right.Account   // as in Change
	Run      string          // as in Change
}

// moment is which change is being made.
type moment uint8

const (
	onCreated moment = iota
	onUpdated
	onDeleted
)

func (m moment) result() Result { return [...]Result{Created, Updated, Deleted}[m] }

// concerns reports whether a rule is for such changes.
func (m moment) concerns(r *class.Rule) bool {
	return [...]bool{r.Created, r.Updated, r.Deleted}[m]
}

// before asks the rules that come before the change, in their order; each sees
// what those before it have set.
func (w *write) before(when moment) error {
	if w.store.hooks.Before == nil {
		return nil
	}
	for _, rule := range w.class.Rules {
		if !rule.Before || !when.concerns(&rule) {
			continue
		}
		if when != onDeleted {
			w.compute()
		}
		if len(w.found) > 0 {
			return nil // it will be refused
		}
		applies, err := w.applies(rule)
		if err != nil {
			return err
		}
		if !applies {
			continue
		}
		ask := Ask{Scenario: rule.Scenario, Class: w.class.Code, Kind: when.result(), Account: w.actor.account(), Run: w.actor.Run}
		if w.old != nil {
			ask.ID, ask.Before = w.old[atID].Text(), w.wholeRow(w.old)
		}
		if when != onDeleted {
			ask.ID, ask.Record = w.row[atID].Text(), w.wholeRow(w.row)
			for _, i := range w.different() {
				ask.Changed = append(ask.Changed, w.layout.columns[i].Field())
			}
		}
		columns, err := w.store.hooks.Before(w.tx, ask)
		if err != nil {
			return err
		}
		if err := w.set(rule, columns, when); err != nil {
			return err
		}
	}
	return nil
}

// set takes what a rule has changed. A rule may write what callers may not, but
// not what nobody does.
func (w *write) set(rule class.Rule, columns json.RawMessage, when moment) error {
	if len(columns) == 0 || string(columns) == "null" || when == onDeleted {
		return nil
	}
	if w.wished == nil {
		w.wished = slices.Clone(w.row)
	}
	var found []fault.Field
	var causes []error
	wrong := func(name, detail string) {
		causes = append(causes, errors.New(name+" "+detail))
		if i, ok := w.layout.at[name]; ok && !w.rights.Sees(w.layout.columns[i].Code) {
			found = append(found, fault.Field{Detail: "a column that you cannot see got another value than it takes"})
			return
		}
		found = append(found, fault.Field{Pointer: strict.Pointer("", name), Detail: detail})
	}
	if !json.Valid(columns) || columns[0] != '{' {
		found = append(found, fault.Field{Detail: "must be a JSON object of columns"})
	} else {
		members(columns, func(name string, raw []byte) {
			i, ok := w.layout.at[name]
			if !ok || i >= w.layout.own && !w.layout.columns[i].Written() {
				wrong(name, "is no column that a rule can write")
				return
			}
			v, err := w.layout.columns[i].FromJSON(raw)
			switch {
			case err != nil:
				wrong(name, err.Error())
			case i >= w.layout.own:
				w.row[i], w.placed[i] = v, true
			}
		})
	}
	if found != nil {
		return fault.Wrap(errors.Join(causes...), fault.ScenarioFailed, "The rule %s of the class %s returned what cannot be stored.", rule.Scenario, w.class.Code).WithFields(found...)
	}
	return nil
}

// ruled reports whether a rule has given a column its value.
func (w *write) ruled(i int) bool { return w.wished != nil && !sameValue(w.row[i], w.wished[i]) }

// applies evaluates a rule's condition. It names the row's columns as they are to
// be, or of a deleted record as they were; before/COLUMN is the former value, and
// changed/COLUMN says whether it is another one.
func (w *write) applies(rule class.Rule) (bool, error) {
	if rule.If == nil {
		return true, nil
	}
	row := w.row
	if row == nil {
		row = w.old
	}
	scope := w.scope(row)
	now := scope.Column
	scope.Column = func(path []string) (value.Value, error) {
		if len(path) < 2 || path[0] != "before" && path[0] != "changed" {
			return now(path)
		}
		i, ok := w.layout.at[path[1]]
		if c := w.layout.refs[path[1]]; !ok && c != nil {
			i, ok = w.layout.at[c.Field()], true
		}
		switch {
		case !ok || len(path) > 2:
			return value.Value{}, nil
		case path[0] == "changed" && w.old == nil:
			return value.Bool(!row[i].IsNull()), nil
		case path[0] == "changed":
			return value.Bool(w.row != nil && !sameValue(row[i], w.old[i])), nil
		case w.old == nil:
			return value.Value{}, nil
		}
		return w.old[i], nil
	}
	ok, err := filter.Match(rule.If, scope)
	if err != nil {
		return false, fault.Wrap(err, fault.Internal, "The condition of a rule of the class %s cannot be evaluated.", w.class.Code)
	}
	return ok, nil
}

// CheckRules finds what is wrong with the conditions of a class's rules, with
// pointers like /rules/0/if. It needs the whole model, since paths lead to other
// classes.
func CheckRules(m *class.Model, c *class.Class) (found []fault.Field) {
	l := newLayout(c)
	b := &builder{store: &Store{}, model: m}
	src := b.seen(c, asSystem)
	for i, rule := range c.Rules {
		if rule.If == nil {
			continue
		}
		env := filter.Env{Column: func(path []string) (value.Type, error) {
			if len(path) != 2 || path[0] != "before" && path[0] != "changed" {
				return b.typeOf(src, path)
			}
			at, ok := l.at[path[1]]
			if ref := l.refs[path[1]]; !ok && ref != nil {
				at, ok = l.at[ref.Field()], true
			}
			switch {
			case !ok:
				return value.Null, b.unknown(src, path[1])
			case path[0] == "changed":
				return value.Boolean, nil
			}
			return l.columns[at].Type, nil
		}}
		if err := filter.Condition(rule.If, env); err != nil {
			found = append(found, fault.Field{Pointer: fmt.Sprintf("/rules/%d/if", i), Detail: err.Error()})
		}
	}
	return found
}

// tell says the change, and starts the runs of the rules that come after it.
func (w *write) tell(when moment) error {
	hooks := w.store.hooks
	if hooks.Changed == nil && hooks.Start == nil {
		return nil
	}
	change := w.describe(when)
	if hooks.Changed != nil {
		if err := hooks.Changed(w.tx, change); err != nil {
			return err
		}
	}
	if hooks.Start == nil {
		return nil
	}
	var starts []Start
	for _, rule := range w.class.Rules {
		if rule.Before || !when.concerns(&rule) {
			continue
		}
		applies, err := w.applies(rule)
		if err != nil {
			return err
		}
		if applies {
			row := w.row
			if row == nil {
				row = w.old
			}
			start := Start{Scenario: rule.Scenario, Change: change, Record: w.wholeRow(row)}
			if w.old != nil {
				start.Before = w.wholeRow(w.old)
			}
			starts = append(starts, start)
		}
	}
	if starts == nil {
		return nil
	}
	return hooks.Start(w.tx, starts...)
}

// describe is the change as its event tells it.
func (w *write) describe(when moment) Change {
	row := w.row
	if row == nil {
		row = w.old
	}
	c := Change{Class: w.class.Code, Kind: when.result(), ID: row[atID].Text(), Key: w.keyOf(row), Version: row[atVersion].Int(), By: w.actor.By, Account: w.actor.account(), Run: w.actor.Run, Depth: w.actor.Depth}
	var changed []int
	if when == onDeleted {
		c.Version++
	} else {
		changed = w.different()
	}
	for _, i := range changed {
		c.Changed = append(c.Changed, w.layout.columns[i].Field())
	}
	switch w.class.History {
	case class.HistoryNone:
		return c
	case class.HistoryFull:
		changed = nil
	}
	if when == onDeleted {
		changed = nil // what a deleted record was is all there is to know
	}
	if w.old != nil {
		c.Before = w.rowJSON(w.old, changed)
	}
	if w.row != nil {
		c.After = w.rowJSON(w.row, changed)
	}
	return c
}

// different are the places of the class's columns that have another value than
// before; of a new record those that are not null.
func (w *write) different() (places []int) {
	for i := w.layout.own; i < len(w.row); i++ {
		former := value.Value{}
		if w.old != nil {
			former = w.old[i]
		}
		if !sameValue(w.row[i], former) {
			places = append(places, i)
		}
	}
	return places
}

// account is whose rights the actor has.
func (a Actor) account() right.Account {
	if a.Rights == nil {
		return right.Account{}
	}
	return a.Rights.Account
}

// keyOf is a record's name in the outside world.
func (w *write) keyOf(row []value.Value) string {
	if len(w.class.Keys) == 0 {
		return row[atID].Text()
	}
	var parts []string
	for _, code := range w.class.Keys[0] {
		parts = append(parts, string(row[w.layout.at[w.class.Column(code).Field()]].AppendText(nil)))
	}
	return strings.Join(parts, ",")
}

func (w *write) wholeRow(row []value.Value) json.RawMessage { return w.rowJSON(row, nil) }

// rowJSON writes columns of a row as an object, the system's and all of the
// class's when none are named.
func (w *write) rowJSON(row []value.Value, places []int) json.RawMessage {
	b := make([]byte, 0, 256)
	b = append(b, '{')
	for i, v := range row {
		if places != nil && !slices.Contains(places, i) {
			continue
		}
		b = append(v.AppendJSON(append(b, w.layout.keys[i]...)), ',')
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

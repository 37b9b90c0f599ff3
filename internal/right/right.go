// Package right says what a caller may do, in the one form that every door
// asks: OData, SOAP, packets, functions, events, files and the admin API.
//
// What is not granted is refused: the zero Set may do nothing. The package
// must not know who is calling, where rights are kept, nor how a door answers.
package right

import (
	"maps"
	"slices"
	"strings"

	"junctor/internal/filter"
	"junctor/internal/value"
)

// Any in a list of functions, packets, queries or areas stands for all of them.
const Any = "*"

// The areas of the admin API. A role that names one may do everything in it.
const (
	Access        = "access"        // accounts, applications, roles, units, sessions, API tokens
	Approvals     = "approvals"     // what people are asked to decide
	Audit         = "audit"         // the audit log
	Channels      = "channels"      // channels, with their tokens
	Configuration = "configuration" // plan, apply and export of everything
	Connections   = "connections"   // connections, secrets
	Events        = "events"        // the event log
	Records       = "records"       // classes, views, stored queries, packets
	Runs          = "runs"          // runs, nodes, purge
	Scenarios     = "scenarios"     // scenarios, functions
	Settings      = "settings"      // settings, metrics
)

// Areas lists the areas.
func Areas() []string {
	return []string{Access, Approvals, Audit, Channels, Configuration, Connections, Events, Records, Runs, Scenarios, Settings}
}

// Set is what one account may do. It is never changed once made.
type Set struct {
	Everything bool // of an administrator: nothing below is asked
	Account    Account
	Classes    map[string]Class
	Functions  map[string]bool
	Packets    map[string]bool
	Queries    map[string]bool // stored ones
	Areas      map[string]bool // of the admin API
	Read       []string        // types of events, as patterns
	Publish    []string        // the same
}

// Account is whose rights they are, for the filters of rows.
type Account struct {
	ID    string
	Login string
	Kind  string
	Unit  string   // "" for none
	Units []string // the unit and all below it
}

// Class is what may be done with the records of one class. Reading and
// deleting need a row that fits, creating one that fits afterwards, updating
// one that fits before and after.
type Class struct {
	Create, Read, Update, Delete Row
	Hidden                       map[string]bool // columns that are not there for the caller
	ReadOnly                     map[string]bool // columns that the caller cannot write
	Buttons                      map[string]bool // that may be pressed, for records that may be read
}

// Row says which rows: all, those that a filter takes, or (the zero Row) none.
// Filters may have the parameters of Account.Params.
type Row struct {
	All    bool
	Filter *filter.Expr
}

// Full is the Set of an account with every right.
func Full(a Account) *Set { return &Set{Everything: true, Account: a} }

// Class is what may be done with a class; the zero Class for one that no role
// names.
func (s *Set) Class(code string) Class {
	if s.Everything {
		all := Row{All: true}
		return Class{Create: all, Read: all, Update: all, Delete: all, Buttons: everyButton}
	}
	return s.Classes[code]
}

var everyButton = map[string]bool{Any: true}

// MayCall reports whether the function may be called.
func (s *Set) MayCall(function string) bool { return s.has(s.Functions, function) }

// MayFetch reports whether the packet may be fetched. Its parts need rights of
// their own.
func (s *Set) MayFetch(packet string) bool { return s.has(s.Packets, packet) }

// MayQuery reports whether a stored query may be used. It answers all that its
// SQL reads: rights in classes are not asked.
func (s *Set) MayQuery(query string) bool { return s.has(s.Queries, query) }

// MayManage reports whether an area of the admin API is open.
func (s *Set) MayManage(area string) bool { return s.has(s.Areas, area) }

func (s *Set) has(names map[string]bool, name string) bool {
	return s.Everything || names[name] || names[Any]
}

// MayRead reports whether events of a type may be read. That of a record's
// change needs the right to read the record as well.
func (s *Set) MayRead(eventType string) bool {
	return s.Everything || slices.ContainsFunc(s.Read, func(p string) bool { return Match(p, eventType) })
}

// MayPublish reports whether events of a type may be published.
func (s *Set) MayPublish(eventType string) bool {
	return s.Everything || slices.ContainsFunc(s.Publish, func(p string) bool { return Match(p, eventType) })
}

// None reports whether no row fits.
func (r Row) None() bool { return !r.All && r.Filter == nil }

// Or is the rows of both.
func (r Row) Or(other Row) Row {
	switch {
	case r.All || other.None():
		return r
	case other.All || r.None():
		return other
	}
	return Row{Filter: &filter.Expr{Op: filter.Or, Args: []*filter.Expr{r.Filter, other.Filter}}}
}

// Nothing reports whether a class is not there for the caller at all.
func (c Class) Nothing() bool {
	return c.Create.None() && c.Read.None() && c.Update.None() && c.Delete.None()
}

// Sees reports whether a column is there for the caller.
func (c Class) Sees(column string) bool { return !c.Hidden[column] }

// Writes reports whether the caller may write a column.
func (c Class) Writes(column string) bool { return !c.Hidden[column] && !c.ReadOnly[column] }

// Presses reports whether the caller may press a button.
func (c Class) Presses(button string) bool { return c.Buttons[button] || c.Buttons[Any] }

// Match reports whether a type of events fits a pattern: `*` stands for one
// segment between dots, `**` at the end for one or more.
func Match(pattern, eventType string) bool {
	have := strings.Split(eventType, ".")
	want := strings.Split(pattern, ".")
	for i, segment := range want {
		if i == len(have) {
			return false
		}
		if segment == "**" && i == len(want)-1 {
			return true
		}
		if segment != "*" && segment != have[i] {
			return false
		}
	}
	return len(have) == len(want)
}

// Params are the values of the parameters that a role's filter may have.
func (a Account) Params() map[string]*filter.Expr {
	units := make([]*filter.Expr, len(a.Units))
	for i, u := range a.Units {
		units[i] = text(u)
	}
	unit := &filter.Expr{Op: filter.Literal}
	if a.Unit != "" {
		unit = text(a.Unit)
	}
	return map[string]*filter.Expr{
		"account.id": text(a.ID), "account.login": text(a.Login), "account.unit": unit,
		"account.units": {Op: filter.List, Args: units},
	}
}

// ParamTypes are the parameters that a role's filter may have, for checking it.
func ParamTypes() map[string]filter.ParamType {
	return map[string]filter.ParamType{
		"account.id": {Type: value.Text}, "account.login": {Type: value.Text}, "account.unit": {Type: value.Text},
		"account.units": {Type: value.Text, List: true},
	}
}

func text(s string) *filter.Expr { return &filter.Expr{Op: filter.Literal, Value: value.String(s)} }

// Merge is what an account may do that has several roles, each given as the Set
// of an account with that role alone. What one of them grants is granted: rows
// are united. A column that one of them hides is hidden, and one that one of
// them makes read-only is read-only.
//
// A filter that asks for the account's unit takes no row for an account
// without one.
func Merge(a Account, roles ...*Set) *Set {
	all := &Set{
		Account: a, Classes: map[string]Class{},
		Functions: map[string]bool{}, Packets: map[string]bool{}, Queries: map[string]bool{}, Areas: map[string]bool{},
	}
	for _, role := range roles {
		all.Everything = all.Everything || role.Everything
		maps.Copy(all.Functions, role.Functions)
		maps.Copy(all.Packets, role.Packets)
		maps.Copy(all.Queries, role.Queries)
		maps.Copy(all.Areas, role.Areas)
		all.Read = append(all.Read, role.Read...)
		all.Publish = append(all.Publish, role.Publish...)
		for code, c := range role.Classes {
			all.Classes[code] = all.Classes[code].or(c, a)
		}
	}
	return all
}

func (c Class) or(other Class, a Account) Class {
	return Class{
		Create: c.Create.Or(a.reach(other.Create)), Read: c.Read.Or(a.reach(other.Read)),
		Update: c.Update.Or(a.reach(other.Update)), Delete: c.Delete.Or(a.reach(other.Delete)),
		Hidden: union(c.Hidden, other.Hidden), ReadOnly: union(c.ReadOnly, other.ReadOnly),
		Buttons: union(c.Buttons, other.Buttons),
	}
}

// reach is a role's rows for the account: none where the role asks for a unit
// that it has not.
func (a Account) reach(r Row) Row {
	if a.Unit == "" && (names(r.Filter, "account.unit") || names(r.Filter, "account.units")) {
		return Row{}
	}
	return r
}

// names reports whether an expression has the parameter.
func names(e *filter.Expr, param string) bool {
	if e == nil {
		return false
	}
	return (e.Op == filter.Param && e.Name[0] == param) ||
		slices.ContainsFunc(e.Args, func(arg *filter.Expr) bool { return names(arg, param) })
}

func union(a, b map[string]bool) map[string]bool {
	if len(a) == 0 && len(b) == 0 {
		return nil
	}
	all := maps.Clone(a)
	if all == nil {
		all = map[string]bool{}
	}
	maps.Copy(all, b)
	return all
}

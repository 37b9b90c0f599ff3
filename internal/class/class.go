// Package class says what the classes of a domain are, which are typed tables that
// the configuration declares: their columns, keys, rules and buttons, what values
// a column takes, and how it is kept in each of the databases.
//
// It must not know of records: package table makes a class's table, package record
// reads and writes what stands in it.
package class

import (
	"time"

	"junctor/internal/filter"
)

// Class is one class as configured, with every default filled in. It never
// changes.
type Class struct {
	Code         string
	Label        string // the column whose value names a record for people; "" for the first key
	Comment      string
	Columns      []*Column  // by code
	Keys         [][]string // external keys, each a list of columns; the first is what others refer by
	Hard         bool       // delete removes the row; otherwise it sets deleted_at
	RequireMatch bool       // a change without If-Match is refused
	Keep         time.Duration
	History      History
	Rules        []Rule
	Buttons      []Button  // by code
	Computed     []*Column // in an order in which each finds those that it needs
	byCode       map[string]*Column
}

// History says what a change's event tells of the record.
type History string

// The values of a class's history.
const (
	HistoryFull    History = "full"    // all columns before and after
	HistoryChanged History = "changed" // those that have changed, before and after
	HistoryNone    History = "none"    // their names only
)

// Rule is what happens at changes of a class's records.
type Rule struct {
	Created, Updated, Deleted bool
	If                        *filter.Expr // nil: always
	Before                    bool         // in the change's transaction, which it may refuse or change
	Scenario                  string
}

// DefaultKeep is how long deleted records are kept where a class does not say.
const DefaultKeep = 30 * 24 * time.Hour

// Column finds a column by its code, system columns included; nil when there is none.
func (c *Class) Column(code string) *Column { return c.byCode[code] }

// Table is the name of the class's table.
func (c *Class) Table() string { return "class_" + c.Code }

// View is the name of the class's API view.
func (c *Class) View() string { return "api_" + c.Code }

// Autonumbers reports whether the class has a column that numbers its records.
func (c *Class) Autonumbers() bool {
	for _, column := range c.Columns {
		if column.Kind == Autonumber {
			return true
		}
	}
	return false
}

package subscription

import (
	"fmt"
	"slices"
	"strings"

	"junctor/internal/event"
	"junctor/internal/fault"
)

// Choice is which events somebody gets. The zero Choice is all.
type Choice struct {
	Types  []string
	Filter string

	patterns event.Patterns
	filter   *event.Filter
}

// ParseChoice reads patterns of types and a filter, and says what is wrong with
// the members types and filter.
func ParseChoice(types []string, filter string) (Choice, []fault.Field) {
	c := Choice{Types: types, Filter: filter}
	var found []fault.Field
	var err error
	if c.patterns, err = event.ParsePatterns(types); err != nil {
		found = append(found, fault.Field{Pointer: "/types", Detail: err.Error()})
	}
	if len(filter) > maxFilter {
		return c, append(found, fault.Field{Pointer: "/filter", Detail: fmt.Sprintf("has %d bytes; at most %d are possible", len(filter), maxFilter)})
	}
	if c.filter, err = event.ParseFilter(filter); err != nil {
		found = append(found, fault.Field{Pointer: "/filter", Detail: err.Error()})
	}
	return c, found
}

// Query asks the log for these events, behind a position, of types that a channel
// lets its subscribers hear of.
func (c *Choice) Query(after int64, allowed Allowed) event.Query {
	return event.Query{After: after, Types: c.patterns, Filter: c.filter, Allow: allowed.Has}
}

// Takes reports whether an event is one of them.
func (c *Choice) Takes(i *event.Item) bool {
	if !c.patterns.Match(i.Type) {
		return false
	}
	taken, err := c.filter.Takes(i)
	return taken && err == nil
}

// Allowed is of which types the subscribers of a channel may hear. The zero
// Allowed is all but what is internal.
type Allowed struct{ patterns event.Patterns }

// internal is how types begin that subscribers hear of only when their channel says so.
var internal = []string{"approval", "channel", "config", "link", "run", "schedule", "session", "subscription"}

// everything is what configured subscriptions may hear of.
var everything = Allowed{mustPatterns("**")}

func mustPatterns(list ...string) event.Patterns {
	p, err := event.ParsePatterns(list)
	if err != nil {
		panic(err) // a mistake of the program
	}
	return p
}

// NewAllowed reads the patterns of a channel; none is the zero Allowed. The error
// is for people and names the pattern.
func NewAllowed(types []string) (Allowed, error) {
	patterns, err := event.ParsePatterns(types)
	return Allowed{patterns}, err
}

// Has reports whether a type is one of them.
func (a Allowed) Has(kind string) bool {
	if len(a.patterns) == 0 {
		first, _, _ := strings.Cut(kind, ".")
		return !slices.Contains(internal, first)
	}
	return a.patterns.Match(kind)
}

// Package packet is composite queries: data about one thing, collected from
// classes, stored queries, functions and HTTP connections into one answer. It
// reads what a packet is configured as, checks it, and fetches it with the
// rights of a caller.
//
// It must not know by which door a caller came, nor how functions are executed
// and connections opened: hub fills Sources.
package packet

import (
	"junctor/internal/class/param"
	"junctor/internal/filter"
	"junctor/internal/record"
)

// Packet is one packet as configured.
type Packet struct {
	Code, Comment string
	Params        []*param.Param // by name
	Parts         []*Part        // by name
}

// Part is one member of a packet's answer. Its source is one of Class, Query,
// Function and Connection; without one it is an object of its Parts.
type Part struct {
	Name string

	Class, Query         string
	Function, Connection string

	// Of a class or a query.
	Filter *filter.Expr
	Order  []filter.Order
	Top    *int     // nil: all, up to most
	Select []string // nil: all
	Expand []record.Expand
	One    bool // the first record itself, or null

	Params   map[string]any // of a query or a function, and the query of a connection's URL
	Path     string         // of a connection, with {name} in it
	Optional bool           // of a function or a connection: null when it fails

	Parts []*Part // within each record; by name
}

// inside reports whether the part is read from the database.
func (p *Part) inside() bool { return p.Class != "" || p.Query != "" }

// outside reports whether the part is asked of others.
func (p *Part) outside() bool { return p.Function != "" || p.Connection != "" }

// List reports whether the packet's answer is one list: CSV shows that.
func (p *Packet) List() bool {
	return len(p.Parts) == 1 && p.Parts[0].inside() && !p.Parts[0].One
}

// Limits of a packet.
const (
	maxParts   = 50
	maxDepth   = 5       // of parts within parts
	most       = 10_000  // records of a part without top, and the largest top
	mostAsks   = 1_000   // reads of one fetch
	mostRecord = 100_000 // records of one fetch
	mostBytes  = 32 << 20
)

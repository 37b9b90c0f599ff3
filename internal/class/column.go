package class

import (
	"fmt"
	"regexp"
	"strings"

	"junctor/internal/filter"
	"junctor/internal/value"
)

// Kind is what a column is declared as.
type Kind string

// The kinds, as they are written in the configuration.
const (
	Text       Kind = "text"
	Integer    Kind = "integer"
	Decimal    Kind = "decimal"
	Boolean    Kind = "boolean"
	Date       Kind = "date"
	DateTime   Kind = "datetime"
	JSON       Kind = "json"
	Enum       Kind = "enum"
	Ref        Kind = "ref"
	File       Kind = "file"
	Autonumber Kind = "autonumber"
)

var kinds = []string{
	string(Text), string(Integer), string(Decimal), string(Boolean), string(Date), string(DateTime),
	string(JSON), string(Enum), string(Ref), string(File), string(Autonumber),
}

// Column is one column of a class. It never changes.
type Column struct {
	Code, Comment string
	Kind          Kind
	Type          value.Type // of its values: text for an enum, a ref (the id) and a file (the id); of an autonumber integer or, with a pattern, text
	System        bool       // id, version and the like: every class has it, nobody writes it

	Required, Unique, Index bool
	Default                 *value.Value
	Length                  int            // of a text, in characters; 0: no limit but MaxText
	Pattern                 *regexp.Regexp // matches the whole text
	Min, Max                *value.Value
	Values                  []string // of an enum
	Precision, Scale        int      // of a decimal
	Class                   string   // of a ref
	Computed                *filter.Expr
	Numbering               *Numbering // of an autonumber with a pattern
	Was                     string     // the column's former code, for a renaming
}

// Numbering is the pattern of an autonumber: ORD-{00000} writes the seventh as
// ORD-00007.
type Numbering struct {
	Before, After string
	Digits        int // at least so many
}

// MaxText is how many characters a text may have where the column does not say.
const MaxText = 1 << 20

// Field is the column's name in its table, and the property that callers know:
// a ref's is its code and _id.
func (c *Column) Field() string {
	if c.Kind == Ref {
		return c.Code + "_id"
	}
	return c.Code
}

// Written reports whether callers may give the column a value.
func (c *Column) Written() bool {
	return !c.System && c.Computed == nil && c.Kind != Autonumber
}

// system are the columns that every class has besides its own.
var system = []*Column{
	{Code: "id", Kind: Text, Type: value.Text, System: true, Required: true, Unique: true, Comment: "the record's identifier"},
	{Code: "version", Kind: Integer, Type: value.Integer, System: true, Required: true, Comment: "rises with every change, from 1"},
	{Code: "created_at", Kind: DateTime, Type: value.DateTime, System: true, Required: true},
	{Code: "created_by", Kind: Text, Type: value.Text, System: true, Required: true},
	{Code: "modified_at", Kind: DateTime, Type: value.DateTime, System: true, Required: true},
	{Code: "modified_by", Kind: Text, Type: value.Text, System: true, Required: true},
	{Code: "deleted_at", Kind: DateTime, Type: value.DateTime, System: true},
}

// System are the columns that every class has besides its own: id, version,
// created_at, created_by, modified_at, modified_by, deleted_at. They are read
// like any other, and nobody writes them but Junctor itself.
func System() []*Column { return system }

// Format writes an autonumber's n-th value.
func (n *Numbering) Format(number int64) string {
	digits := value.Int(number).String()
	if missing := n.Digits - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return n.Before + digits + n.After
}

// ByDatabase is what modified_by says of a row that was written by a foreign
// program directly in the database.
const ByDatabase = "database"

// Describe is a column's type with its limits, for people.
func (c *Column) Describe() string {
	var parts []string
	switch {
	case c.Kind == Text && c.Length > 0:
		parts = append(parts, fmt.Sprintf("text of up to %d characters", c.Length))
	case c.Kind == Decimal:
		parts = append(parts, fmt.Sprintf("decimal(%d,%d)", c.Precision, c.Scale))
	case c.Kind == Enum:
		parts = append(parts, "enum("+strings.Join(c.Values, ",")+")")
	case c.Kind == Ref:
		parts = append(parts, "ref("+c.Class+")")
	default:
		parts = append(parts, string(c.Kind))
	}
	if c.Numbering != nil {
		parts = append(parts, "like "+c.Numbering.Before+"{"+strings.Repeat("0", c.Numbering.Digits)+"}"+c.Numbering.After)
	}
	if c.Pattern != nil {
		parts = append(parts, "like "+c.pattern())
	}
	if c.Min != nil {
		parts = append(parts, "from "+c.Min.String())
	}
	if c.Max != nil {
		parts = append(parts, "up to "+c.Max.String())
	}
	return strings.Join(parts, " ")
}

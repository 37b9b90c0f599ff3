package class

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/value"
)

// How a column is kept in each of the databases, written and read, is here and
// nowhere else.
//
//	kind                 PostgreSQL         SQLite
//	text, enum, ref,     TEXT COLLATE "C"   TEXT
//	file, autonumber*
//	integer, autonumber  BIGINT             INTEGER
//	decimal(p,s)         NUMERIC(p,s)       p <= 18: INTEGER without its point (10.10 of scale 2 is 1010);
//	                                        above: TEXT of p+1 characters whose order is that of the numbers
//	boolean              BOOLEAN            INTEGER, 0 or 1
//	date                 DATE               TEXT, 2026-11-22
//	datetime             TIMESTAMPTZ        INTEGER, microseconds since 1970, UTC
//	json                 JSON               TEXT
//
// * with a pattern. JSON is kept as it was written, not as JSONB, so that both
// databases give the same text back.

// SQLType is the column's type in a table.
func (c *Column) SQLType(postgres bool) string {
	if postgres {
		switch c.Type {
		case value.Integer:
			return "BIGINT"
		case value.Decimal:
			return fmt.Sprintf("NUMERIC(%d,%d)", c.Precision, c.Scale)
		case value.Boolean:
			return "BOOLEAN"
		case value.Date:
			return "DATE"
		case value.DateTime:
			return "TIMESTAMPTZ"
		case value.JSON:
			return "JSON"
		}
		return `TEXT COLLATE "C"`
	}
	switch c.Type {
	case value.Integer, value.Boolean, value.DateTime:
		return "INTEGER"
	case value.Decimal:
		if c.Precision <= ScaledDigits {
			return "INTEGER"
		}
	}
	return "TEXT"
}

// SQLValid is the condition on what a foreign program writes on SQLite, whose
// types let through what could not be read; "" where they do not.
func (c *Column) SQLValid(name string) string {
	switch {
	case c.Type == value.Boolean:
		return name + " IN (0, 1)"
	case c.Type == value.Date:
		return name + " IS date(" + name + ", '+0 days')"
	case c.Type == value.DateTime: // the years from 1 to 9999
		return name + " BETWEEN -62135596800000000 AND 253402300799999999"
	case c.Type == value.Decimal && c.Precision <= ScaledDigits:
		return fmt.Sprintf("abs(%s) < 1%s", name, strings.Repeat("0", c.Precision))
	case c.Type == value.Decimal:
		return fmt.Sprintf("length(%s) = %d AND %s NOT GLOB '*[^0-9]*' AND substr(%s, 1, 1) IN ('0', '1')", name, c.Precision+1, name, name)
	case c.Type == value.JSON:
		return "json_valid(" + name + ")"
	case c.Type == value.Text && c.Kind != Ref:
		return "instr(" + name + ", char(0)) = 0"
	}
	return ""
}

// Source is a column of a statement's row source that takes what Arg makes.
func (c *Column) Source(postgres bool, name string) db.Column {
	switch {
	case c.Type == value.Integer,
		!postgres && (c.Type == value.Boolean || c.Type == value.DateTime || c.Type == value.Decimal && c.Precision <= ScaledDigits):
		return db.Int(name)
	}
	return db.Text(name)
}

// NotNull reports whether the table itself keeps null out. A foreign program
// cannot know a number or compute.
func (c *Column) NotNull() bool { return c.Required && c.Computed == nil && c.Kind != Autonumber }

// ScaledDigits is up to how many digits a decimal is an INTEGER on SQLite.
const ScaledDigits = 18

// Long reports whether a column's numbers are text on SQLite.
func (c *Column) Long() bool { return c.Type == value.Decimal && c.Precision > ScaledDigits }

// Arg is a value of the column as an argument of a statement, for a place where
// the database knows by itself that it belongs to the column; elsewhere on
// PostgreSQL the placeholder is followed by Cast.
func (c *Column) Arg(postgres bool, v value.Value) any {
	switch {
	case v.IsNull():
		return nil
	case c.Type == value.Text || c.Type == value.JSON:
		return v.Text()
	case c.Type == value.Integer:
		return v.Int()
	case postgres:
		return v.String() // PostgreSQL reads it by the column's type
	case c.Type == value.Boolean:
		return v.IsTrue()
	case c.Type == value.DateTime:
		return v.UnixMicro()
	case c.Type == value.Decimal && c.Precision <= ScaledDigits:
		n, _ := v.Unscaled() // Fit has seen to it
		return n
	case c.Type == value.Decimal:
		return ordered(v, c.Precision)
	}
	return v.String()
}

// Cast follows a placeholder whose type PostgreSQL cannot know: $1::numeric.
func (c *Column) Cast(postgres bool) string {
	if !postgres {
		return ""
	}
	switch c.Type {
	case value.Integer:
		return "::bigint"
	case value.Decimal:
		return "::numeric"
	case value.Boolean:
		return "::boolean"
	case value.Date:
		return "::date"
	case value.DateTime:
		return "::timestamptz"
	case value.JSON:
		return "::json"
	}
	return "::text"
}

// Cell takes one column of a row that is read: it is what Rows.Scan is given,
// for the bare column in the list of what is selected.
type Cell struct {
	Column *Column
	Value  value.Value
}

// Scan implements sql.Scanner; both drivers come here.
func (c *Cell) Scan(src any) error {
	v, err := c.Column.Read(src)
	if err != nil {
		return fmt.Errorf("column %s: %w", c.Column.Field(), err)
	}
	c.Value = v
	return nil
}

// Read makes a value of what a driver hands over.
func (c *Column) Read(src any) (value.Value, error) {
	switch src := src.(type) {
	case nil:
		return value.Value{}, nil
	case int64:
		switch c.Type {
		case value.Integer:
			return value.Int(src), nil
		case value.Decimal:
			return value.Scaled(src, c.Scale), nil
		case value.Boolean:
			return value.Bool(src != 0), nil
		case value.DateTime:
			return value.Micro(src), nil
		}
	case bool:
		return value.Bool(src), nil
	case time.Time:
		if c.Type == value.Date {
			return value.Day(src), nil
		}
		return value.At(src), nil
	case []byte:
		return c.readText(string(src))
	case string:
		return c.readText(src)
	}
	return value.Value{}, fmt.Errorf("%v (%T) is no %s", src, src, c.Type)
}

func (c *Column) readText(src string) (value.Value, error) {
	switch c.Type {
	case value.Text:
		return value.String(src), nil
	case value.JSON:
		return value.FromJSON(value.JSON, []byte(src))
	case value.Decimal:
		if c.Precision > ScaledDigits && len(src) == c.Precision+1 && !strings.ContainsAny(src, ".-") {
			return disordered(src, c.Scale)
		}
		v, err := value.FromText(value.Decimal, src)
		if err != nil {
			return value.Value{}, err
		}
		return value.Fit(v, value.MaxDigits, c.Scale)
	}
	return value.FromText(c.Type, src)
}

// ordered is a number without its point as text of one width whose order is the
// numbers': 1 and the digits when it is not negative, 0 and their complements to
// nine when it is.
func ordered(v value.Value, precision int) string {
	digits := strings.Replace(v.String(), ".", "", 1)
	negative := strings.HasPrefix(digits, "-")
	digits = strings.TrimPrefix(digits, "-")
	digits = strings.Repeat("0", max(0, precision-len(digits))) + digits[max(0, len(digits)-precision):] // 0.12 of decimal(2,2) has a digit more
	if !negative {
		return "1" + digits
	}
	return "0" + complement(digits)
}

// disordered is ordered's way back.
func disordered(text string, scale int) (value.Value, error) {
	sign, digits := "", text[1:]
	if text[0] == '0' {
		sign, digits = "-", complement(digits)
	}
	point := len(digits) - scale
	whole := digits[:point]
	if whole == "" {
		whole = "0"
	}
	if scale > 0 {
		whole += "." + digits[point:]
	}
	v, err := value.FromText(value.Decimal, sign+whole)
	if err != nil {
		return value.Value{}, err
	}
	return value.Fit(v, value.MaxDigits, scale)
}

func complement(digits string) string {
	b := []byte(digits)
	for i := range b {
		b[i] = '0' + '9' - b[i]
	}
	return string(b)
}

// SQLLiteral writes a value of the column into a statement that takes no
// arguments.
func (c *Column) SQLLiteral(postgres bool, v value.Value) string {
	switch arg := c.Arg(postgres, v).(type) {
	case nil:
		return "NULL"
	case bool:
		if arg {
			return "1"
		}
		return "0"
	case int64:
		return strconv.FormatInt(arg, 10)
	case string:
		return db.Literal(arg)
	default:
		panic(fmt.Sprintf("class: %T in a statement", arg))
	}
}

// Alive is the condition on a class's rows that are not deleted.
const Alive = `"deleted_at" IS NULL`

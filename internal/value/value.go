// Package value is what a column of a record holds and what an expression
// comes to: a small immutable value with its type, exact to the last digit.
//
// It must not know of classes, databases or expressions.
package value

import (
	"cmp"
	"math/big"
	"strings"
	"time"
)

// Type is what a value is. Null is the type of the value null, which belongs to
// every type.
type Type uint8

const (
	Null Type = iota
	Boolean
	Integer  // 64 bits, signed
	Decimal  // exact, up to 38 digits, up to 38 of them behind the point
	Text     // Unicode
	Date     // a day of the years 1 to 9999
	DateTime // a moment of these years, to the microsecond
	JSON     // any other value of JSON, as its compact text
)

var names = [...]string{"null", "boolean", "integer", "decimal", "text", "date", "datetime", "json"}

// String is the type's name as classes are written: "integer", "datetime".
func (t Type) String() string { return names[t] }

// IsNumber reports whether it is Integer or Decimal.
func (t Type) IsNumber() bool { return t == Integer || t == Decimal }

// Value is a value of one type; the zero Value is null. Two values are the same
// by == when they are of one type and, for a Decimal, of one scale: 1.0 and
// 1.00 differ by ==, and are equal by Compare.
type Value struct {
	kind  Type
	scale uint8  // of a Decimal: the digits behind its point
	n     int64  // 0 or 1; the integer; the Decimal without its point; days or microseconds since 1970
	s     string // the Text or JSON; the Decimal without its point when it is beyond 64 bits, else ""
}

// Bool is true or false.
func Bool(b bool) Value {
	if b {
		return Value{kind: Boolean, n: 1}
	}
	return Value{kind: Boolean}
}

// Int is a whole number.
func Int(n int64) Value { return Value{kind: Integer, n: n} }

// Scaled is the Decimal unscaled divided by ten to the scale: Scaled(1010, 2)
// is 10.10. The scale is 0 to 38; any other is a mistake of the program.
func Scaled(unscaled int64, scale int) Value {
	if scale < 0 || scale > MaxDigits {
		panic("value.Scaled: a scale from 0 to 38 is needed")
	}
	return Value{kind: Decimal, scale: uint8(scale), n: unscaled}
}

// String is a Text. Text that comes from outside goes through FromJSON or
// FromText, which refuse what cannot be stored.
func String(text string) Value { return Value{kind: Text, s: text} }

// Raw is JSON whose text is known to be valid, because it was read before it was
// kept; null is null, of any other text FromText is the one to ask.
func Raw(text string) Value {
	if text == "null" {
		return Value{}
	}
	return Value{kind: JSON, s: text}
}

// Day is the Date that t shows in its own time zone.
func Day(t time.Time) Value {
	year, month, day := t.Date()
	return Value{kind: Date, n: time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay}
}

// At is a DateTime; what is below a microsecond is cut off.
func At(t time.Time) Value { return Micro(t.UnixMicro()) }

// Micro is the DateTime so many microseconds after 1970-01-01T00:00:00Z.
func Micro(us int64) Value { return Value{kind: DateTime, n: us} }

const secondsOfDay = 24 * 60 * 60

// Type is Null for null.
func (v Value) Type() Type { return v.kind }

// IsNull reports whether it is null.
func (v Value) IsNull() bool { return v.kind == Null }

// IsTrue reports whether it is the Boolean true.
func (v Value) IsTrue() bool { return v.kind == Boolean && v.n == 1 }

// Int is an Integer as a number; 0 for every other type.
func (v Value) Int() int64 {
	if v.kind != Integer {
		return 0
	}
	return v.n
}

// Text is a Text, or the compact text of a JSON value; "" for every other type,
// which AppendText writes.
func (v Value) Text() string {
	if v.kind != Text && v.kind != JSON {
		return ""
	}
	return v.s
}

// Time is a DateTime, or a Date at midnight, in UTC; the zero Time for every
// other type.
func (v Value) Time() time.Time {
	switch v.kind {
	case Date:
		return time.Unix(v.n*secondsOfDay, 0).UTC()
	case DateTime:
		return time.UnixMicro(v.n).UTC()
	}
	return time.Time{}
}

// UnixMicro is a DateTime in microseconds since 1970; 0 for every other type.
func (v Value) UnixMicro() int64 {
	if v.kind != DateTime {
		return 0
	}
	return v.n
}

// Unscaled is a Decimal without its point, 1010 for 10.10, or an Integer. It is
// not ok for every other type, and for a Decimal beyond 64 bits.
func (v Value) Unscaled() (n int64, ok bool) {
	if !v.kind.IsNumber() || v.s != "" {
		return 0, false
	}
	return v.n, true
}

// Scale is how many digits a Decimal has behind its point; 0 for every other
// type.
func (v Value) Scale() int { return int(v.scale) }

// String is the text that AppendText writes, "null" for null.
func (v Value) String() string {
	if v.kind == Null {
		return "null"
	}
	return string(v.AppendText(nil))
}

// Equal reports whether Compare finds no difference: 1, 1.0 and 1.00 are equal,
// null is equal to null.
func Equal(a, b Value) bool { return Compare(a, b) == 0 }

// Compare is negative when a comes before b, 0 when they are equal, positive
// otherwise. Null comes first; numbers are compared exactly whatever their type,
// text by code point, false before true. Values of types that do not go together
// are ordered by type, so that every list of values has one order.
func Compare(a, b Value) int {
	if a.kind != b.kind {
		if a.kind.IsNumber() && b.kind.IsNumber() {
			return compareNumbers(a, b)
		}
		return cmp.Compare(a.kind, b.kind)
	}
	switch a.kind {
	case Text, JSON:
		return strings.Compare(a.s, b.s) // the order of UTF-8 is that of code points
	case Decimal:
		return compareNumbers(a, b)
	}
	return cmp.Compare(a.n, b.n)
}

func compareNumbers(a, b Value) int {
	if x, y, ok := aligned(a, b); ok {
		return cmp.Compare(x, y)
	}
	x, y := alignedBig(a, b)
	return x.Cmp(y)
}

// aligned gives both numbers without their points at one scale, the greater of
// the two, when that fits into 64 bits.
func aligned(a, b Value) (x, y int64, ok bool) {
	if a.s != "" || b.s != "" {
		return 0, 0, false
	}
	x, y, ok = a.n, b.n, true
	if a.scale < b.scale {
		x, ok = shift(x, int(b.scale-a.scale))
	} else if b.scale < a.scale {
		y, ok = shift(y, int(a.scale-b.scale))
	}
	return x, y, ok
}

func alignedBig(a, b Value) (x, y *big.Int) {
	x, y = a.big(), b.big()
	if a.scale < b.scale {
		x.Mul(x, pow10(int(b.scale-a.scale)))
	} else if b.scale < a.scale {
		y.Mul(y, pow10(int(a.scale-b.scale)))
	}
	return x, y
}

// Weight is how many bytes of text values have, JSON included.
func Weight(values []Value) (n int) {
	for _, v := range values {
		if t := v.Type(); t == Text || t == JSON {
			n += len(v.Text())
		}
	}
	return n
}

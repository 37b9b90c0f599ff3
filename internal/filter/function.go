package filter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"junctor/internal/value"
)

// function is one of 5.1.1.5 to 5.1.1.9. Of null it is null, and of what it does
// not take too, where the types are not known before.
type function struct {
	takes []kinds
	least int        // how many of them must be there
	gives value.Type // Null: what it takes
	do    func(a [most]value.Value) (value.Value, error)
}

// most is how many values a function takes.
const most = 3

// kinds is a set of types.
type kinds uint16

const (
	text   = kinds(1 << value.Text)
	whole  = kinds(1 << value.Integer)
	number = kinds(1<<value.Integer | 1<<value.Decimal)
	moment = kinds(1 << value.DateTime)
	day    = kinds(1<<value.Date | 1<<value.DateTime)
)

func (k kinds) has(t value.Type) bool { return t == value.Null || k&(1<<t) != 0 }

func (k kinds) String() string {
	switch k {
	case text:
		return "text"
	case whole:
		return "an integer"
	case number:
		return "a number"
	case moment:
		return "a datetime"
	}
	return "a date or datetime"
}

// Functions are the names of all functions, sorted.
func Functions() []string { return slices.Sorted(maps.Keys(functions)) }

// White is what trim takes away: the characters that Unicode calls White_Space.
const White = "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

var functions = map[string]function{
	"contains":   {[]kinds{text, text}, 2, value.Boolean, both(strings.Contains)},
	"startswith": {[]kinds{text, text}, 2, value.Boolean, both(strings.HasPrefix)},
	"endswith":   {[]kinds{text, text}, 2, value.Boolean, both(strings.HasSuffix)},
	"concat":     {[]kinds{text, text}, 2, value.Text, concat},
	"indexof":    {[]kinds{text, text}, 2, value.Integer, indexOf},
	"length":     {[]kinds{text}, 1, value.Integer, length},
	"substring":  {[]kinds{text, whole, whole}, 2, value.Text, substring},
	"tolower":    {[]kinds{text}, 1, value.Text, changed(func(s string) string { return strings.Map(unicode.ToLower, s) })},
	"toupper":    {[]kinds{text}, 1, value.Text, changed(func(s string) string { return strings.Map(unicode.ToUpper, s) })},
	"trim":       {[]kinds{text}, 1, value.Text, changed(func(s string) string { return strings.Trim(s, White) })},

	"year":              {[]kinds{day}, 1, value.Integer, part(time.Time.Year)},
	"month":             {[]kinds{day}, 1, value.Integer, part(func(t time.Time) int { return int(t.Month()) })},
	"day":               {[]kinds{day}, 1, value.Integer, part(time.Time.Day)},
	"hour":              {[]kinds{moment}, 1, value.Integer, part(time.Time.Hour)},
	"minute":            {[]kinds{moment}, 1, value.Integer, part(time.Time.Minute)},
	"second":            {[]kinds{moment}, 1, value.Integer, part(time.Time.Second)},
	"fractionalseconds": {[]kinds{moment}, 1, value.Decimal, fraction},
	"date":              {[]kinds{day}, 1, value.Date, date},
	"now":               {nil, 0, value.DateTime, now},

	"round":   {[]kinds{number}, 1, value.Null, rounded(value.Round)},
	"floor":   {[]kinds{number}, 1, value.Null, rounded(value.Floor)},
	"ceiling": {[]kinds{number}, 1, value.Null, rounded(value.Ceiling)},
}

func both(is func(s, part string) bool) func([most]value.Value) (value.Value, error) {
	return func(a [most]value.Value) (value.Value, error) { return value.Bool(is(a[0].Text(), a[1].Text())), nil }
}

func changed(f func(string) string) func([most]value.Value) (value.Value, error) {
	return func(a [most]value.Value) (value.Value, error) { return value.String(f(a[0].Text())), nil }
}

func part(of func(time.Time) int) func([most]value.Value) (value.Value, error) {
	return func(a [most]value.Value) (value.Value, error) { return value.Int(int64(of(a[0].Time()))), nil }
}

func rounded(f func(value.Value) (value.Value, error)) func([most]value.Value) (value.Value, error) {
	return func(a [most]value.Value) (value.Value, error) { return f(a[0]) }
}

// longest bounds what concat makes, which could repeat a long text thousands of
// times.
const longest = 16 << 20

func concat(a [most]value.Value) (value.Value, error) {
	if len(a[0].Text())+len(a[1].Text()) > longest {
		return value.Value{}, fmt.Errorf("a text of more than %d bytes", longest)
	}
	return value.String(a[0].Text() + a[1].Text()), nil
}

// Places and lengths are counted in code points, from 0.

func length(a [most]value.Value) (value.Value, error) {
	return value.Int(int64(utf8.RuneCountInString(a[0].Text()))), nil
}

func indexOf(a [most]value.Value) (value.Value, error) {
	i := strings.Index(a[0].Text(), a[1].Text())
	if i < 0 {
		return value.Int(-1), nil
	}
	return value.Int(int64(utf8.RuneCountInString(a[0].Text()[:i]))), nil
}

// substring of a place or length below 0 is null: OData refuses the one and
// leaves the other to the service.
func substring(a [most]value.Value) (value.Value, error) {
	s, start, count := a[0].Text(), a[1].Int(), int64(len(a[0].Text()))
	if !a[2].IsNull() {
		count = a[2].Int()
	}
	if start < 0 || count < 0 {
		return value.Value{}, nil
	}
	s = s[bytesOf(s, start):]
	return value.String(s[:bytesOf(s, count)]), nil
}

// bytesOf is the length of the first n code points.
func bytesOf(s string, n int64) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func fraction(a [most]value.Value) (value.Value, error) {
	return value.Scaled(int64(a[0].Time().Nanosecond()/1000), 6), nil
}

func date(a [most]value.Value) (value.Value, error) { return value.Day(a[0].Time()), nil }

// now stands in the table for its name; Eval takes the moment from its Scope.
func now([most]value.Value) (value.Value, error) { return value.Value{}, nil }

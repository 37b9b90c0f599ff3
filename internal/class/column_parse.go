package class

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// wireColumn is a column as it is written in full. Pointers tell "not given"
// from zero.
type wireColumn struct {
	Type      string          `json:"type" strict:"required"`
	Required  bool            `json:"required"`
	Unique    *bool           `json:"unique"`
	Index     bool            `json:"index"`
	Default   json.RawMessage `json:"default"`
	Length    *int            `json:"length"`
	Pattern   *string         `json:"pattern"`
	Min       json.RawMessage `json:"min"`
	Max       json.RawMessage `json:"max"`
	Values    []string        `json:"values"`
	Precision *int            `json:"precision"`
	Scale     *int            `json:"scale"`
	Class     *string         `json:"class"`
	Comment   string          `json:"comment"`
	Computed  *string         `json:"computed"`
	Was       string          `json:"was"`
}

// belongs says which members a kind knows besides those that all do.
var belongs = map[string][]Kind{
	"length":    {Text},
	"pattern":   {Text, Autonumber},
	"min":       {Integer, Decimal, Date, DateTime},
	"max":       {Integer, Decimal, Date, DateTime},
	"values":    {Enum},
	"precision": {Decimal},
	"scale":     {Decimal},
	"class":     {Ref},
	"default":   {Text, Integer, Decimal, Boolean, Date, DateTime, JSON, Enum},
	"computed":  {Text, Integer, Decimal, Boolean, Date, DateTime},
	"required":  {Text, Integer, Decimal, Boolean, Date, DateTime, JSON, Enum, Ref, File},
	"unique":    {Text, Integer, Decimal, Boolean, Date, DateTime, Enum, Ref, Autonumber},
	"index":     {Text, Integer, Decimal, Boolean, Date, DateTime, Enum, Ref, Autonumber},
}

const (
	maxPattern   = 500 // characters
	maxValues    = 500
	maxValue     = 100 // characters of one of an enum's values
	maxNumbering = 50  // characters around an autonumber's digits
	maxDigits    = 18  // of an autonumber
)

// ParseColumn reads what has a type as a column has it: "TYPE", "TYPE!" or a map.
// What is wrong has pointers that begin with at. The column is never nil, and of
// use only when nothing was found.
func ParseColumn(at, code string, raw json.RawMessage) (*Column, []fault.Field) {
	var p parser
	c := p.column(at, code, raw)
	return c, p.found
}

// column reads "TYPE", "TYPE!" or a map. What it returns is never nil.
func (p *parser) column(at, code string, raw json.RawMessage) *Column {
	var w wireColumn
	var short string
	if json.Unmarshal(raw, &short) == nil {
		w.Type = short
		if strings.HasSuffix(short, "!") {
			w.Type, w.Required = strings.TrimSuffix(short, "!"), true
		}
	} else {
		found := strict.Decode(raw, &w)
		for _, f := range found {
			p.found = append(p.found, fault.Field{Pointer: at + f.Pointer, Detail: f.Detail})
		}
		if len(found) > 0 {
			return &Column{Code: code, Kind: Text, Type: value.Text}
		}
		if strings.HasSuffix(w.Type, "!") {
			w.Type, w.Required = strings.TrimSuffix(w.Type, "!"), true
		}
		at += "/type"
	}
	c := &Column{Code: code, Comment: w.Comment, Required: w.Required, Unique: w.Unique != nil && *w.Unique, Index: w.Index, Was: w.Was}
	ok := p.typed(at, c, &w)
	c.Type = c.Kind.Type()
	if !ok {
		return c
	}
	p.members(strings.TrimSuffix(at, "/type"), c, &w)
	return c
}

var typePattern = regexp.MustCompile(`^\s*([A-Za-z_]+)\s*(?:\((.*)\))?\s*$`)

// typed reads the type with what stands in its parentheses, which is the same
// as a member of the map.
func (p *parser) typed(at string, c *Column, w *wireColumn) bool {
	parts := typePattern.FindStringSubmatch(w.Type)
	c.Kind = Text
	if parts == nil {
		p.add(at, "%q is no type: write one like text, decimal(12,2), enum(new,done) or ref(customers), with ! behind it when it is required", w.Type)
		return false
	}
	name, arguments, given := parts[1], parts[2], strings.Contains(w.Type, "(")
	if !slices.Contains(kinds, name) {
		p.add(at, "%s", strict.Unknown(name, kinds))
		return false
	}
	c.Kind = Kind(name)
	if !given {
		return true
	}
	return p.arguments(at, c, w, strings.Split(arguments, ","))
}

// arguments puts what stands in a type's parentheses where a map would have it.
func (p *parser) arguments(at string, c *Column, w *wireColumn, list []string) bool {
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	number := func(text string, into **int, member string) bool {
		n, err := strconv.Atoi(text)
		if err != nil {
			p.add(at, "%q is not a whole number", text)
			return false
		}
		return p.once(at, *into != nil, member) && set(into, &n)
	}
	switch {
	case c.Kind == Decimal && len(list) == 2:
		return number(list[0], &w.Precision, "precision") && number(list[1], &w.Scale, "scale")
	case c.Kind == Decimal:
		p.add(at, "decimal has two numbers: the digits in all, and those behind the point, like decimal(12,2)")
	case c.Kind == Text && len(list) == 1:
		return number(list[0], &w.Length, "length")
	case c.Kind == Enum:
		return p.once(at, w.Values != nil, "values") && set(&w.Values, list)
	case c.Kind == Ref && len(list) == 1:
		return p.once(at, w.Class != nil, "class") && set(&w.Class, &list[0])
	default:
		p.add(at, "%s has nothing in parentheses", c.Kind)
	}
	return false
}

func (p *parser) once(at string, given bool, member string) bool {
	if given {
		p.add(at, "says what the member %s says too; write one of them", member)
	}
	return !given
}

func set[T any](into *T, v T) bool {
	*into = v
	return true
}

// members checks and takes over everything beside the type.
func (p *parser) members(at string, c *Column, w *wireColumn) {
	before := len(p.found)
	for _, m := range []struct {
		name  string
		given bool
	}{
		{"required", w.Required}, {"unique", w.Unique != nil && *w.Unique}, {"index", w.Index}, {"default", len(w.Default) > 0},
		{"length", w.Length != nil}, {"pattern", w.Pattern != nil}, {"min", len(w.Min) > 0}, {"max", len(w.Max) > 0}, {"values", w.Values != nil},
		{"precision", w.Precision != nil}, {"scale", w.Scale != nil}, {"class", w.Class != nil}, {"computed", w.Computed != nil},
	} {
		if m.given && !slices.Contains(belongs[m.name], c.Kind) {
			p.add(at+"/"+m.name, "%s; a column that is %s has no %s", only(m.name), c.Kind, m.name)
		}
	}
	if w.Was != "" && !IsCode(w.Was) {
		p.add(at+"/was", "%q %s", w.Was, CodeRule)
	}
	switch c.Kind {
	case Text:
		p.text(at, c, w)
	case Decimal:
		p.decimal(at, c, w)
	case Enum:
		p.enum(at, c, w)
	case Ref:
		if w.Class == nil || *w.Class == "" {
			p.add(at+"/class", "is required: the class that the column refers to, like ref(customers)")
		} else {
			c.Class = *w.Class
		}
	case Autonumber:
		c.Unique = w.Unique == nil || *w.Unique
		p.numbering(at, c, w)
	}
	if len(p.found) > before {
		return // a limit that cannot be read would only be complained about twice
	}
	p.bounds(at, c, w)
	if w.Computed != nil {
		p.expression(at, c, w)
	}
	c.Default = p.value(at+"/default", c, w.Default)
	if c.Default != nil {
		if err := c.Check(*c.Default); err != nil {
			p.add(at+"/default", "%s", err.Error())
		}
	}
}

// only says which kinds have a member.
func only(member string) string {
	names := make([]string, len(belongs[member]))
	for i, k := range belongs[member] {
		names[i] = string(k)
	}
	if len(names) == 1 {
		return "is for " + names[0] + " only"
	}
	return "is for " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " only"
}

func (p *parser) text(at string, c *Column, w *wireColumn) {
	if w.Length != nil {
		if c.Length = *w.Length; c.Length < 1 || c.Length > MaxText {
			p.add(at+"/length", "must be from 1 to %d characters", MaxText)
		}
	}
	if w.Pattern == nil {
		return
	}
	if utf8.RuneCountInString(*w.Pattern) > maxPattern {
		p.add(at+"/pattern", "has more than %d characters", maxPattern)
		return
	}
	pattern, err := regexp.Compile(`^(?:` + *w.Pattern + `)$`)
	if err != nil {
		p.add(at+"/pattern", "is not a regular expression (RE2): %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return
	}
	c.Pattern = pattern
}

func (p *parser) decimal(at string, c *Column, w *wireColumn) {
	if w.Precision == nil {
		p.add(at+"/precision", "is required: the digits in all, and scale, those behind the point, like decimal(12,2)")
		return
	}
	c.Precision = *w.Precision
	if w.Scale != nil {
		c.Scale = *w.Scale
	}
	if c.Precision < 1 || c.Precision > value.MaxDigits {
		p.add(at+"/precision", "must be from 1 to %d digits", value.MaxDigits)
	} else if c.Scale < 0 || c.Scale > c.Precision {
		p.add(at+"/scale", "must be from 0 to the precision, %d", c.Precision)
	}
}

func (p *parser) enum(at string, c *Column, w *wireColumn) {
	c.Values = w.Values
	if len(c.Values) == 0 || len(c.Values) > maxValues {
		p.add(at+"/values", "must name from 1 to %d values, like enum(new,sent,done)", maxValues)
	}
	seen := map[string]bool{}
	for i, v := range c.Values {
		place := fmt.Sprintf("%s/values/%d", at, i)
		switch {
		case strings.TrimSpace(v) != v || v == "" || utf8.RuneCountInString(v) > maxValue || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == utf8.RuneError }):
			p.add(place, "%q is not usable: write 1 to %d characters, without space at its ends or control characters", v, maxValue)
		case seen[v]:
			p.add(place, "%q is there twice", v)
		}
		seen[v] = true
	}
}

var numberingPattern = regexp.MustCompile(`^([^{}]*)\{(0+)\}([^{}]*)$`)

func (p *parser) numbering(at string, c *Column, w *wireColumn) {
	if w.Pattern == nil {
		return
	}
	parts := numberingPattern.FindStringSubmatch(*w.Pattern)
	if parts == nil || len(parts[2]) > maxDigits || utf8.RuneCountInString(parts[1]+parts[3]) > maxNumbering {
		p.add(at+"/pattern", "must have one place for the number, like ORD-{00000}: as many zeros as it has digits at least, up to %d, and up to %d characters around it", maxDigits, maxNumbering)
		return
	}
	c.Numbering = &Numbering{Before: parts[1], After: parts[3], Digits: len(parts[2])}
	c.Type = value.Text
}

func (p *parser) bounds(at string, c *Column, w *wireColumn) {
	c.Min = p.value(at+"/min", c, w.Min)
	c.Max = p.value(at+"/max", c, w.Max)
	if c.Min != nil && c.Max != nil && value.Compare(*c.Min, *c.Max) > 0 {
		p.add(at+"/max", "must not be below min, which is %s", c.Min)
	}
}

// value reads a value of the column as JSON; nil when there is none.
func (p *parser) value(at string, c *Column, raw json.RawMessage) *value.Value {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	v, err := c.FromJSON(raw)
	if err != nil {
		p.add(at, "%s", err.Error())
		return nil
	}
	return &v
}

// Type is what values of a kind are.
func (k Kind) Type() value.Type {
	switch k {
	case Integer, Autonumber:
		return value.Integer
	case Decimal:
		return value.Decimal
	case Boolean:
		return value.Boolean
	case Date:
		return value.Date
	case DateTime:
		return value.DateTime
	case JSON:
		return value.JSON
	}
	return value.Text
}

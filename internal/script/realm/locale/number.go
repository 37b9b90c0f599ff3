package locale

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// NumberOptions are the resolved options of Intl.NumberFormat.
type NumberOptions struct {
	Locale          string `json:"locale"`
	NumberingSystem string `json:"numberingSystem"`
	Style           string `json:"style"`
	Currency        string `json:"currency,omitempty"`
	CurrencyDisplay string `json:"currencyDisplay,omitempty"`
	CurrencySign    string `json:"currencySign,omitempty"`
	Unit            string `json:"unit,omitempty"`
	UnitDisplay     string `json:"unitDisplay,omitempty"`
	Digits
	UseGrouping    any    `json:"useGrouping"` // false or always, auto, min2
	Notation       string `json:"notation"`
	CompactDisplay string `json:"compactDisplay,omitempty"`
	SignDisplay    string `json:"signDisplay"`
}

var currencyCode = regexp.MustCompile(`^[A-Za-z]{3}$`)

// fractions are the currencies without two decimal places.
var fractions = map[int]string{
	0: "AFN ALL BIF CLP COP DJF GNF HUF IDR IQD IRR ISK JPY KMF KPW KRW LAK LBP MGA MMK PKR PYG RWF SLL SOS SYP UGX VND VUV XAF XOF XPF YER",
	3: "BHD JOD KWD LYD OMR TND",
}

// ResolveNumber makes resolved options, in JSON, of canonical locales and the
// options a script gave, in JSON.
func (s *Set) ResolveNumber(tags []string, options string) (string, error) {
	r, err := parseRaw(options)
	if err != nil {
		return "", err
	}
	o := NumberOptions{Locale: s.match(tags), NumberingSystem: "latn"}
	if err := o.resolveStyle(r, s.table(o.Locale)); err != nil {
		return "", err
	}
	var currency, unit string
	err = r.choices([]choiceOf{
		{&o.Notation, "notation", "standard", []string{"standard", "compact", "scientific", "engineering"}},
		{&o.CompactDisplay, "compactDisplay", "short", []string{"short", "long"}},
		{&o.SignDisplay, "signDisplay", "auto", []string{"auto", "never", "always", "exceptZero", "negative"}},
		{&currency, "currencyDisplay", "symbol", []string{"symbol", "narrowSymbol", "code", "name"}},
		{&unit, "unitDisplay", "short", []string{"long", "short", "narrow"}},
	})
	if err != nil {
		return "", err
	}
	if o.Notation == "scientific" || o.Notation == "engineering" {
		return "", outOfRange("Intl.NumberFormat: the notation %q is not available", o.Notation)
	}
	minimum, maximum := 0, 3
	switch o.Style {
	case "currency":
		minimum, maximum = 2, 2
		for n, codes := range fractions {
			if strings.Contains(codes, o.Currency) {
				minimum, maximum = n, n
			}
		}
		o.CurrencyDisplay = currency
	case "percent":
		maximum = 0
	case "unit":
		o.UnitDisplay = unit
	}
	compact := o.Notation == "compact"
	if !compact {
		o.CompactDisplay = ""
	} else if o.Style == "currency" {
		minimum, maximum = 0, 3
	}
	if o.Digits, err = resolveDigits(r, minimum, maximum, compact); err != nil {
		return "", err
	}
	if o.UseGrouping, err = grouping(r, compact); err != nil {
		return "", err
	}
	out, err := json.Marshal(o)
	return string(out), err
}

func (o *NumberOptions) resolveStyle(r raw, t *table) error {
	err := r.choices([]choiceOf{
		{&o.Style, "style", "decimal", []string{"decimal", "percent", "currency", "unit"}},
		{&o.CurrencySign, "currencySign", "standard", []string{"standard", "accounting"}},
	})
	if err != nil {
		return err
	}
	code, hasCode := r["currency"].(string)
	if hasCode && !currencyCode.MatchString(code) {
		return outOfRange("Invalid currency code : %s", code)
	}
	name, hasUnit := r["unit"].(string)
	if hasUnit {
		if _, ok := t.Units[name+" short"]; !ok {
			return outOfRange("Invalid unit argument for Intl.NumberFormat() '%s'", name)
		}
	}
	switch {
	case o.Style == "currency" && !hasCode:
		return errors.New("the style currency needs the option currency")
	case o.Style == "unit" && !hasUnit:
		return errors.New("the style unit needs the option unit")
	}
	if o.Style == "currency" {
		o.Currency = strings.ToUpper(code)
	} else {
		o.CurrencySign = ""
	}
	if o.Style == "unit" {
		o.Unit = name
	}
	return nil
}

func grouping(r raw, compact bool) (any, error) {
	v, ok := r["useGrouping"]
	switch {
	case !ok && compact:
		return "min2", nil
	case !ok:
		return "auto", nil
	}
	switch v {
	case true, "true", "false":
		if v == true {
			return "always", nil
		}
		if compact {
			return "min2", nil
		}
		return "auto", nil
	case false, "", 0.0, nil:
		return false, nil
	case "min2", "auto", "always":
		return v, nil
	}
	return nil, outOfRange("Value %v out of range for Intl.NumberFormat options property useGrouping", v)
}

// Number formats a number, written as JavaScript writes it, by resolved options.
func (s *Set) Number(resolved, value string) ([]Part, error) {
	o, err := parsed[NumberOptions](s, "number", resolved)
	if err != nil {
		return nil, err
	}
	n, err := parseDecimal(value)
	if err != nil {
		return nil, err
	}
	return o.format(s.table(o.Locale), n), nil
}

func (o *NumberOptions) format(t *table, n decimal) []Part {
	if o.Style == "percent" && !n.zero() {
		n.exp += 2
	}
	body, category, zero := o.body(t, n)
	sign := o.sign(n.negative && !n.nan, zero || n.nan)
	switch o.Style {
	case "percent":
		return around(t, t.Number.Percent, sign, body, nil)
	case "unit":
		parts := around(t, form(t.Units[o.Unit+" "+o.UnitDisplay], category), sign, body, nil)
		for i := range parts {
			if parts[i].Type == "percentSign" {
				parts[i].Type = "unit"
			}
		}
		return parts
	case "currency":
		return o.currency(t, sign, body, category)
	}
	return around(t, "#", sign, body, nil)
}

// sign is "-", "+" or nothing. zero is what is zero once it is rounded.
func (o *NumberOptions) sign(negative, zero bool) string {
	switch {
	case o.SignDisplay == "never", zero && (o.SignDisplay == "exceptZero" || o.SignDisplay == "negative"):
		return ""
	case negative:
		return "-"
	case o.SignDisplay == "always" || o.SignDisplay == "exceptZero":
		return "+"
	}
	return ""
}

// body writes the digits, with the word of the compact notation after them.
func (o *NumberOptions) body(t *table, n decimal) (parts []Part, category string, zero bool) {
	if n.nan {
		return []Part{{"nan", t.Number.NaN}}, "other", false
	}
	if n.infinite {
		return []Part{{"infinity", t.Number.Infinity}}, "other", false
	}
	word := compactForm{Forms: map[string]string{"other": "#"}}
	scaled := n
	if o.Notation == "compact" {
		scaled, word = o.shorten(t, n)
	}
	rounded, integer, fraction := o.apply(scaled)
	category = plural(o.Locale, integer, fraction)
	parts = o.digits(t, integer, fraction)
	for _, p := range affixes(form(word.Forms, category), "compact") {
		if p.Value != "#" {
			parts = append(parts, p)
		}
	}
	return parts, category, rounded.zero()
}

// shorten divides by the power of ten that the compact notation names.
func (o *NumberOptions) shorten(t *table, n decimal) (decimal, compactForm) {
	forms := t.Compact[o.CompactDisplay]
	at := func(exp int) (decimal, compactForm) {
		if exp < 4 || n.zero() {
			return n, compactForm{Forms: map[string]string{"other": "#"}}
		}
		f := forms[min(exp-4, len(forms)-1)]
		scaled := n
		scaled.exp -= f.Shift
		return scaled, f
	}
	scaled, f := at(n.exp)
	if rounded, _, _ := o.apply(scaled); rounded.exp > scaled.exp { // 999,999 is a million
		return at(n.exp + 1)
	}
	return scaled, f
}

// digits writes the groups, the point and the fraction.
func (o *NumberOptions) digits(t *table, integer, fraction string) []Part {
	least := t.Number.MinimumGrouping // digits before the first separator
	switch o.UseGrouping {
	case false:
		least = len(integer)
	case "min2":
		least = 2
	case "always":
		least = 1
	}
	var parts []Part
	if len(integer) < 3+least {
		parts = append(parts, Part{"integer", integer})
	} else {
		first := (len(integer)-1)%3 + 1
		parts = append(parts, Part{"integer", integer[:first]})
		for i := first; i < len(integer); i += 3 {
			parts = append(parts, Part{"group", t.Number.Group}, Part{"integer", integer[i : i+3]})
		}
	}
	if fraction != "" {
		parts = append(parts, Part{"decimal", t.Number.Decimal}, Part{"fraction", fraction})
	}
	return parts
}

func (o *NumberOptions) currency(t *table, sign string, body []Part, category string) []Part {
	symbol := o.Currency
	switch o.CurrencyDisplay {
	case "name":
		if names, ok := t.CurrencyNames[o.Currency]; ok {
			symbol = form(names, category)
		}
		return around(t, t.CurrencyName, sign, body, &symbol)
	case "symbol", "narrowSymbol":
		if s, ok := t.Symbols[o.Currency]; ok {
			symbol = s
		}
		if s, ok := t.Narrow[o.Currency]; ok && o.CurrencyDisplay == "narrowSymbol" {
			symbol = s
		}
	}
	pattern := t.Number.Currency
	if sign == "-" && o.CurrencySign == "accounting" && strings.HasPrefix(t.Number.Accounting, "(") {
		pattern, sign = t.Number.Accounting, ""
	}
	if last, _ := utf8.DecodeLastRuneInString(symbol); strings.Contains(pattern, "¤#") && body[0].Type == "integer" && !unicode.In(last, unicode.S, unicode.Z) {
		pattern = strings.Replace(pattern, "¤#", "¤\u00a0#", 1)
	}
	return around(t, pattern, sign, body, &symbol)
}

// around puts a number into its pattern and the sign before everything.
func around(t *table, pattern, sign string, body []Part, currency *string) []Part {
	var parts []Part
	switch sign {
	case "-":
		parts = append(parts, Part{"minusSign", t.Number.Minus})
	case "+":
		parts = append(parts, Part{"plusSign", t.Number.Plus})
	}
	for _, p := range affixes(pattern, "unit") {
		switch {
		case p.Value == "#":
			parts = append(parts, body...)
		case p.Value == "%":
			parts = append(parts, Part{"percentSign", "%"})
		case p.Value == "¤" && currency != nil:
			parts = append(parts, Part{"currency", *currency})
		case p.Value == "(" || p.Value == ")":
			parts = append(parts, Part{"literal", p.Value})
		default:
			parts = append(parts, p)
		}
	}
	return parts
}

// affixes splits a pattern into the number (#), blanks next to it and the texts
// around, which get the given type.
func affixes(pattern, kind string) []Part {
	before, after, _ := strings.Cut(pattern, "#")
	var parts []Part
	if text := strings.TrimRightFunc(before, unicode.IsSpace); text != "" {
		parts = append(parts, one(text, kind)...)
	}
	if blank := before[len(strings.TrimRightFunc(before, unicode.IsSpace)):]; blank != "" {
		parts = append(parts, Part{"literal", blank})
	}
	parts = append(parts, Part{"", "#"})
	text := strings.TrimLeftFunc(after, unicode.IsSpace)
	if blank := after[:len(after)-len(text)]; blank != "" {
		parts = append(parts, Part{"literal", blank})
	}
	if text != "" {
		parts = append(parts, one(text, kind)...)
	}
	return parts
}

// one keeps brackets apart from what they enclose.
func one(text, kind string) []Part {
	var parts []Part
	if rest, ok := strings.CutPrefix(text, "("); ok {
		parts, text = append(parts, Part{"literal", "("}), rest
	}
	rest, closed := strings.CutSuffix(text, ")")
	if rest != "" {
		parts = append(parts, Part{kind, rest})
	}
	if closed {
		parts = append(parts, Part{"literal", ")"})
	}
	return parts
}

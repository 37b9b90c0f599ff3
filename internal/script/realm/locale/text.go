package locale

import (
	"encoding/json"
	"strings"
)

// ListOptions are the resolved options of Intl.ListFormat.
type ListOptions struct {
	Locale string `json:"locale"`
	Type   string `json:"type"`
	Style  string `json:"style"`
}

// RelativeOptions are the resolved options of Intl.RelativeTimeFormat.
type RelativeOptions struct {
	Locale          string `json:"locale"`
	Style           string `json:"style"`
	Numeric         string `json:"numeric"`
	NumberingSystem string `json:"numberingSystem"`
}

// PluralOptions are the resolved options of Intl.PluralRules.
type PluralOptions struct {
	Locale string `json:"locale"`
	Type   string `json:"type"`
	Digits
	Categories []string `json:"pluralCategories"`
}

// CollatorOptions are the resolved options of Intl.Collator.
type CollatorOptions struct {
	Locale            string `json:"locale"`
	Usage             string `json:"usage"`
	Sensitivity       string `json:"sensitivity"`
	IgnorePunctuation bool   `json:"ignorePunctuation"`
	Collation         string `json:"collation"`
	Numeric           bool   `json:"numeric"`
	CaseFirst         string `json:"caseFirst"`
}

var widths = []string{"long", "short", "narrow"}

// ResolveText makes the resolved options, in JSON, of a format by its kind: list,
// relative, plural or collator.
func (s *Set) ResolveText(kind string, tags []string, options string) (string, error) {
	r, err := parseRaw(options)
	if err != nil {
		return "", err
	}
	var resolved any
	tag := s.match(tags)
	switch kind {
	case "list":
		o := &ListOptions{Locale: tag}
		resolved, err = o, r.choices([]choiceOf{{&o.Type, "type", "conjunction", []string{"conjunction", "disjunction", "unit"}}, {&o.Style, "style", "long", widths}})
	case "relative":
		o := &RelativeOptions{Locale: tag, NumberingSystem: "latn"}
		resolved, err = o, r.choices([]choiceOf{{&o.Style, "style", "long", widths}, {&o.Numeric, "numeric", "always", []string{"always", "auto"}}})
	case "plural":
		o := &PluralOptions{Locale: tag}
		resolved, err = o, r.choices([]choiceOf{{&o.Type, "type", "cardinal", []string{"cardinal", "ordinal"}}})
		if err == nil {
			o.Digits, err = resolveDigits(r, 0, 3, false)
		}
		o.Categories = categories(tag, o.Type == "ordinal")
	default:
		o := &CollatorOptions{Locale: tag, Collation: "default", CaseFirst: "false"}
		o.IgnorePunctuation, _ = r["ignorePunctuation"].(bool)
		o.Numeric, _ = r["numeric"].(bool)
		caseFirst := ""
		resolved, err = o, r.choices([]choiceOf{{&o.Usage, "usage", "sort", []string{"sort", "search"}}, {&o.Sensitivity, "sensitivity", "variant", []string{"base", "accent", "case", "variant"}}, {&caseFirst, "caseFirst", "false", []string{"upper", "lower", "false"}}})
		if err == nil && (o.IgnorePunctuation || caseFirst == "upper") {
			err = outOfRange("Intl.Collator: the options ignorePunctuation and caseFirst: \"upper\" are not available")
		}
	}
	if err != nil {
		return "", err
	}
	out, err := json.Marshal(resolved)
	return string(out), err
}

// List joins items.
func (s *Set) List(resolved string, items []string) ([]Part, error) {
	o, err := parsed[ListOptions](s, "list", resolved)
	if err != nil {
		return nil, err
	}
	words := s.table(o.Locale).Lists[o.Type+" "+o.Style]
	var parts []Part
	for i, item := range items {
		if i > 0 {
			word := words[2]
			switch {
			case len(items) == 2:
				word = words[0]
			case i == len(items)-1:
				word = words[3]
			case i == 1:
				word = words[1]
			}
			parts = append(parts, Part{"literal", word})
		}
		parts = append(parts, Part{"element", item})
	}
	return parts, nil
}

// Relative says how far away something is: value is a number as JavaScript writes
// it, unit one of second, minute, hour, day, week, month, quarter, year, or its plural.
func (s *Set) Relative(resolved, value, unit string) ([]Part, error) {
	o, err := parsed[RelativeOptions](s, "relative", resolved)
	if err != nil {
		return nil, err
	}
	t := s.table(o.Locale)
	forms, ok := t.Relative[strings.TrimSuffix(unit, "s")+" "+o.Style]
	if !ok {
		return nil, outOfRange("Invalid unit argument for format() '%s'", unit)
	}
	n, err := parseDecimal(value)
	if err != nil {
		return nil, err
	}
	if n.nan || n.infinite {
		return nil, outOfRange("Value need to be finite number for Intl.RelativeTimeFormat.prototype.format()")
	}
	if word, ok := forms.Words[value]; ok && o.Numeric == "auto" {
		return []Part{{"literal", word}}, nil
	}
	if word, ok := forms.Words["0"]; ok && o.Numeric == "auto" && n.zero() {
		return []Part{{"literal", word}}, nil
	}
	pattern := forms.Future
	if n.negative {
		pattern, n.negative = forms.Past, false
	}
	number := NumberOptions{Locale: o.Locale, Style: "decimal", Digits: Digits{MinimumInteger: 1, MinimumFraction: new(int), MaximumFraction: or(nil, 3), Mode: "halfExpand"}, UseGrouping: "auto", SignDisplay: "auto"}
	body, category, _ := number.body(t, n)
	before, after, _ := strings.Cut(form(pattern, category), "#")
	var parts []Part
	if before != "" {
		parts = append(parts, Part{"literal", before})
	}
	parts = append(parts, body...)
	if after != "" {
		parts = append(parts, Part{"literal", after})
	}
	return parts, nil
}

// Plural returns the plural form of a number.
func (s *Set) Plural(resolved, value string) (string, error) {
	o, err := parsed[PluralOptions](s, "plural", resolved)
	if err != nil {
		return "", err
	}
	n, err := parseDecimal(value)
	if err != nil || n.nan || n.infinite {
		return "other", err
	}
	_, integer, fraction := o.apply(n)
	if o.Type == "ordinal" {
		return ordinal(o.Locale, integer, fraction), nil
	}
	return plural(o.Locale, integer, fraction), nil
}

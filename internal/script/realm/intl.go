package realm

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"junctor/internal/script/realm/locale"
)

// intl serves the part intl. Options cross as JSON; a RangeError comes back as a
// text that begins with "!", since a native's error is always a TypeError.
type intl struct{ set *locale.Set }

func newIntl(zone *time.Location) intl { return intl{locale.New(zone)} }

// resolve makes resolved options: (kind, tags, options[, required, defaults]).
func (n intl) resolve(args []any) (any, error) {
	s, err := texts(args, min(max(len(args), 3), 5))
	if err != nil {
		return nil, err
	}
	tags, err := canonical(s[1])
	if err != nil {
		return rangeError("", err)
	}
	var out string
	switch s[0] {
	case "number":
		out, err = n.set.ResolveNumber(tags, s[2])
	case "date":
		if len(s) < 5 {
			return nil, errors.New("realm: intlResolve of a date needs five arguments")
		}
		out, err = n.set.ResolveDate(tags, s[2], s[3], s[4])
	default:
		out, err = n.set.ResolveText(s[0], tags, s[2])
	}
	return rangeError(out, err)
}

// format writes (kind, resolved, value, parts, unit): as a text, or with parts as
// JSON [{type, value}, ...].
func (n intl) format(args []any) (any, error) {
	s, err := texts(args, 3)
	if err != nil {
		return nil, err
	}
	var parts []locale.Part
	switch s[0] {
	case "number":
		parts, err = n.set.Number(s[1], s[2])
	case "date":
		var ms int64
		if ms, err = strconv.ParseInt(s[2], 10, 64); err == nil {
			parts, err = n.set.Date(s[1], ms)
		}
	case "list":
		var items []string
		if err = json.Unmarshal([]byte(s[2]), &items); err == nil {
			parts, err = n.set.List(s[1], items)
		}
	case "relative":
		unit, _ := args[4].(string)
		parts, err = n.set.Relative(s[1], s[2], unit)
	case "plural":
		var form string
		form, err = n.set.Plural(s[1], s[2])
		return rangeError(form, err)
	}
	if err != nil || !flag(args, 3) {
		return rangeError(locale.Text(parts), err)
	}
	out, err := json.Marshal(parts)
	return string(out), err
}

// compare orders two texts: (resolved, a, b).
func (n intl) compare(args []any) (any, error) {
	s, err := texts(args, 3)
	if err != nil {
		return nil, err
	}
	order, err := n.set.Compare(s[0], s[1], s[2])
	return float64(order), err
}

// locales returns tags, a JSON array, in canonical form: ("canonical" or
// "supported", tags).
func (n intl) locales(args []any) (any, error) {
	s, err := texts(args, 2)
	if err != nil {
		return nil, err
	}
	tags, err := canonical(s[1])
	if err != nil {
		return rangeError("", err)
	}
	if s[0] == "supported" {
		tags = n.set.Supported(tags)
	}
	out, err := json.Marshal(tags)
	return string(out), err
}

func canonical(tags string) ([]string, error) {
	var list []string
	if err := json.Unmarshal([]byte(tags), &list); err != nil {
		return nil, fmt.Errorf("locales: %w", err)
	}
	return locale.Canonical(list)
}

// rangeError turns a RangeError into the text that stands for it.
func rangeError(out string, err error) (any, error) {
	var outside *locale.RangeError
	if errors.As(err, &outside) {
		return "!" + outside.Message, nil
	}
	return out, err
}

// localeCase maps a text to upper or lower case by the rules of a language:
// (tag, upper, text). Only Turkish, Azeri and Lithuanian have rules of their own.
func localeCase(args []any) (any, error) {
	s, err := texts(args, 3)
	if err != nil {
		return nil, err
	}
	tag, err := language.Parse(s[0])
	if err != nil {
		return nil, fmt.Errorf("the locale %q: %w", s[0], err)
	}
	if s[1] == "upper" {
		return cases.Upper(tag).String(s[2]), nil
	}
	return cases.Lower(tag, cases.HandleFinalSigma(true)).String(s[2]), nil
}

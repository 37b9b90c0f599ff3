// Package accept reads what a caller would like to get: the headers Accept and
// Accept-Encoding of RFC 9110, sections 12.5.1 and 12.5.3.
//
// It is a leaf: it knows nothing of Junctor.
package accept

import (
	"strconv"
	"strings"
)

// most bounds how many parts of a header are looked at.
const most = 100

// part is one wish: a name in lower case, and how much it is wished for.
type part struct {
	name string
	q    float64 // 0 (not at all) to 1
}

// parse reads a list of names with weights. Parameters other than q are left
// out; a weight that is none counts as 1, as most servers have it.
func parse(values []string) []part {
	var parts []part
	for _, value := range values {
		for text := range strings.SplitSeq(value, ",") {
			name, parameters, _ := strings.Cut(text, ";")
			if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
				continue
			}
			if len(parts) == most {
				return parts
			}
			parts = append(parts, part{name, weight(parameters)})
		}
	}
	return parts
}

func weight(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && q >= 0 && q <= 1 {
			return q
		}
		return 1
	}
	return 1
}

// Types are the media types that a caller takes.
type Types []part

// ParseTypes reads the values of Accept. What is no media type is left out.
func ParseTypes(values []string) Types {
	parts := parse(values)
	kept := parts[:0]
	for _, p := range parts {
		if kind, sub, ok := strings.Cut(p.name, "/"); ok && kind != "" && sub != "" {
			kept = append(kept, p)
		}
	}
	return Types(kept)
}

// Quality is how much the caller wishes for a type (lower case, without
// parameters): 0, not at all, to 1. The most specific part that fits decides.
// An empty list takes everything.
func (t Types) Quality(name string) float64 {
	if len(t) == 0 {
		return 1
	}
	kind, _, _ := strings.Cut(name, "/")
	best, q := 0, 0.0
	for _, p := range t {
		specific := 0
		switch p.name {
		case name:
			specific = 3
		case kind + "/*":
			specific = 2
		case "*/*":
			specific = 1
		}
		if specific > best || specific == best && specific > 0 && p.q > q {
			best, q = specific, p.q
		}
	}
	return q
}

// Named is the greatest wish for a type that is named in full and that fits.
// named reports whether there is one.
func (t Types) Named(fits func(name string) bool) (q float64, named bool) {
	for _, p := range t {
		if !strings.HasPrefix(p.name, "*/") && !strings.HasSuffix(p.name, "/*") && fits(p.name) {
			q, named = max(q, p.q), true
		}
	}
	return q, named
}

// Encoding chooses among codings, the best first, by the values of
// Accept-Encoding. "" is identity: the caller named no coding that is offered,
// or likes identity better. must reports that the caller refuses identity.
func Encoding(values, offered []string) (coding string, must bool) {
	if len(values) == 0 {
		return "", false
	}
	parts := parse(values)
	wish := func(names ...string) (q float64, named bool) {
		for _, p := range parts {
			for _, name := range names {
				if p.name == name {
					q, named = max(q, p.q), true
				}
			}
		}
		return q, named
	}
	other, starred := wish("*")
	identity, named := wish("identity")
	if !named && starred && other == 0 {
		must = true
	}
	must = must || named && identity == 0
	best := 0.0
	for _, name := range offered {
		q, known := wish(name, "x-"+name)
		if !known {
			q = other
		}
		if q > best {
			coding, best = name, q
		}
	}
	if named && identity > best {
		return "", false
	}
	return coding, must
}

package event

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Patterns choose events by their types. The parts of a type are separated by
// dots. * stands for one part, ** at the end for one or more. No pattern at all chooses every event.
type Patterns []pattern

type pattern struct {
	parts []string
	rest  bool // more may follow
}

// maxPatterns is how many types a reader may name.
const maxPatterns = 100

// ParsePatterns reads patterns. Its error is for people and names the pattern.
func ParsePatterns(list []string) (Patterns, error) {
	if len(list) > maxPatterns {
		return nil, fmt.Errorf("are %d; at most %d are possible", len(list), maxPatterns)
	}
	var all Patterns
	for _, text := range list {
		if wrong := checkText(text, MaxName); wrong != "" && len(text) <= MaxName { // no type has that either, and no database asks for it
			return nil, fmt.Errorf("has the pattern %q, which %s", text, wrong)
		}
		p := pattern{parts: strings.Split(text, ".")}
		if last := len(p.parts) - 1; p.parts[last] == "**" {
			p.parts, p.rest = p.parts[:last], true
		}
		for _, part := range p.parts {
			if part != "*" && strings.Contains(part, "*") {
				return nil, fmt.Errorf("has %q: * stands for a whole part between dots, ** for any rest at the end", text)
			}
		}
		if text == "" || len(text) > MaxName {
			return nil, fmt.Errorf("has a pattern of %d bytes; 1 to %d are possible", len(text), MaxName)
		}
		all = append(all, p)
	}
	return all, nil
}

// Match reports whether one of the patterns fits the type.
func (p Patterns) Match(kind string) bool {
	return len(p) == 0 || slices.ContainsFunc(p, func(one pattern) bool { return one.match(kind) })
}

func (p pattern) match(kind string) bool {
	more := true
	for _, part := range p.parts {
		var have string
		if !more {
			return false
		}
		if have, kind, more = strings.Cut(kind, "."); part != "*" && part != have {
			return false
		}
	}
	return p.rest == more
}

// condition is SQL for what the patterns can choose, or a little more; "" for
// everything. Its arguments are numbered from n.
func (p Patterns) condition(n int) (sql string, args []any) {
	var parts []string
	for _, one := range p {
		literal := one.parts
		if i := slices.Index(literal, "*"); i >= 0 {
			literal = literal[:i]
		}
		prefix := strings.Join(literal, ".")
		switch {
		case prefix == "":
			return "", nil
		case len(literal) == len(one.parts) && !one.rest:
			parts = append(parts, fmt.Sprintf("type = $%d", n+len(args)))
			args = append(args, prefix)
		default:
			parts = append(parts, fmt.Sprintf("(type >= $%d AND type < $%d)", n+len(args), n+len(args)+1))
			args = append(args, prefix, prefix+string(utf8.MaxRune))
		}
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " AND (" + strings.Join(parts, " OR ") + ")", args
}

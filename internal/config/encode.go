package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// encoder writes JSON values as YAML that people would have written: blocks,
// and short maps of plain values in one line.
type encoder struct{ out bytes.Buffer }

// shortLine is how long a map may be to stand in one line.
const shortLine = 80

func (e *encoder) indent(depth int) { e.out.WriteString(strings.Repeat("  ", depth)) }

func (e *encoder) line(depth int, key, value string) {
	e.indent(depth)
	e.out.WriteString(scalar(key) + ": " + scalar(value) + "\n")
}

// value writes what follows a colon or dash, with its line's end: in the same
// line where it is short, otherwise as a block at the depth.
func (e *encoder) value(v any, depth int) {
	if line, ok := inline(v); ok && len(line) <= shortLine {
		e.out.WriteString(" " + line + "\n")
		return
	}
	if text, ok := plain(v); ok {
		e.out.WriteString(" " + text + "\n")
		return
	}
	e.out.WriteByte('\n')
	e.block(v, depth)
}

// block writes the members of a map or the items of a list, a line for each.
func (e *encoder) block(v any, depth int) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range inOrder(v) {
			e.indent(depth)
			e.out.WriteString(scalar(name) + ":")
			e.value(v[name], depth+1)
		}
	case []any:
		for _, item := range v {
			e.indent(depth)
			e.out.WriteByte('-')
			e.item(item, depth+1)
		}
	}
}

// item writes an item behind its dash; a map that is too long for one line
// begins there all the same.
func (e *encoder) item(v any, depth int) {
	m, ok := v.(map[string]any)
	if line, short := inline(v); !ok || short && len(line) <= shortLine {
		e.value(v, depth)
		return
	}
	for i, name := range inOrder(m) {
		if i == 0 {
			e.out.WriteByte(' ')
		} else {
			e.indent(depth)
		}
		e.out.WriteString(scalar(name) + ":")
		e.value(m[name], depth+1)
	}
}

// inline is a value in one line, if none of its members has members.
func inline(v any) (string, bool) {
	var parts []string
	open, end := "{ ", " }"
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return "{}", true
		}
		for _, name := range inOrder(v) {
			text, ok := plain(v[name])
			if !ok {
				return "", false
			}
			parts = append(parts, scalar(name)+": "+text)
		}
	case []any:
		if len(v) == 0 {
			return "[]", true
		}
		open, end = "[", "]"
		for _, item := range v {
			text, ok := inline(item)
			if !ok {
				return "", false
			}
			parts = append(parts, text)
		}
	default:
		return plain(v)
	}
	return open + strings.Join(parts, ", ") + end, true
}

// plain writes a value without members.
func plain(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "null", true
	case string:
		return scalar(v), true
	case bool, json.Number:
		return fmt.Sprint(v), true
	}
	return "", false
}

var (
	// word is a text that no reader of YAML takes for anything else, also
	// between brackets.
	word = regexp.MustCompile(`^[A-Za-z_$/][A-Za-z0-9_$./-]*( [A-Za-z0-9_$/][A-Za-z0-9_$./-]*)*$`)
	// measure is a duration, size or rate of one part.
	measure = regexp.MustCompile(`^[1-9][0-9]*(ms|s|m|h|d|w|B|KB|MB|GB|KiB|MiB|GiB|/s|/m|/h|/d)$`)
	// reserved are words that some readers take for booleans or null.
	reserved = regexp.MustCompile(`^(?i:true|false|null|yes|no|on|off|y|n)$`)
)

// scalar writes a text, in quotes where it could be read as something else.
func scalar(text string) string {
	const longest = 100 // of an unquoted text
	if len(text) <= longest && (measure.MatchString(text) || word.MatchString(text) && !reserved.MatchString(text)) {
		return text
	}
	return quoted(text)
}

// quoted writes a text as YAML and JSON both read it. What is not printable is
// escaped, so that editors and parsers leave it alone.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r >= 0xfffe && r <= 0xffff, r == utf8.RuneError:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

package xml

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// checkName accepts names as Namespaces in XML 1.0 has them: one colon at most,
// neither first nor last.
func checkName(name string) error {
	prefix, local, prefixed := strings.Cut(name, ":")
	if !prefixed {
		prefix, local = "a", name
	}
	if !isPlainName(prefix) || !isPlainName(local) {
		return fmt.Errorf("%q is not a name in XML", name)
	}
	return nil
}

func isPlainName(name string) bool {
	for i, r := range name {
		if !isNameStart(r) && (i == 0 || !isNamePart(r)) {
			return false
		}
	}
	return name != "" && utf8.ValidString(name)
}

func isNameStart(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' ||
		r >= 0xC0 && r <= 0x2FF && r != 0xD7 && r != 0xF7 || r >= 0x370 && r <= 0x1FFF && r != 0x37E ||
		r == 0x200C || r == 0x200D || r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF ||
		r >= 0x3001 && r <= 0xD7FF || r >= 0xF900 && r <= 0xFDCF || r >= 0xFDF0 && r <= 0xFFFD || r >= 0x10000 && r <= 0xEFFFF
}

func isNamePart(r rune) bool {
	return r == '-' || r == '.' || r >= '0' && r <= '9' || r == 0xB7 || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040
}

// badChar finds the first character that XML 1.0 cannot hold, not even escaped.
func badChar(text string) (rune, bool) {
	for i, r := range text {
		ok := r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
		if !ok || r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			return r, true
		}
	}
	return 0, false
}

// scope counts the declarations of prefixes in force.
type scope map[string]int

func newScope() scope { return scope{"xml": 1, "xmlns": 1} }

// enter brings an element's declarations in force and checks its names.
func (s scope) enter(e *Element) error {
	if name, twice := repeated(e.Attr); twice {
		return fmt.Errorf("attribute %s is given twice", name)
	}
	for _, a := range e.Attr {
		if prefix, ok := strings.CutPrefix(a.Name, "xmlns:"); ok {
			if a.Value == "" {
				return fmt.Errorf("prefix %s is declared with an empty namespace", prefix)
			}
			s[prefix]++
		}
	}
	if err := s.declared(e.Name); err != nil {
		return err
	}
	for _, a := range e.Attr {
		if err := s.declared(a.Name); err != nil {
			return err
		}
	}
	return nil
}

func repeated(attrs []Attr) (string, bool) {
	if len(attrs) < 2 {
		return "", false
	}
	seen := make(map[string]bool, len(attrs))
	for _, a := range attrs {
		if seen[a.Name] {
			return a.Name, true
		}
		seen[a.Name] = true
	}
	return "", false
}

func (s scope) leave(e *Element) {
	for _, a := range e.Attr {
		if prefix, ok := strings.CutPrefix(a.Name, "xmlns:"); ok {
			s[prefix]--
		}
	}
}

func (s scope) declared(name string) error {
	if prefix, _, ok := strings.Cut(name, ":"); ok && s[prefix] == 0 {
		return fmt.Errorf("the prefix of %s is not declared: xmlns:%s is missing", name, prefix)
	}
	return nil
}

package connection

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// reference is what stands between ${ and }.
var reference = regexp.MustCompile(`^(env:[A-Za-z_][A-Za-z0-9_]*|secret:[A-Za-z0-9_][A-Za-z0-9_.-]*)$`)

// CheckText reports a malformed reference in a text value of a configuration;
// nil when Expand can only fail for want of the thing referred to.
func CheckText(text string) error {
	_, err := expand(text, func(string) (string, error) { return "", nil })
	return err
}

// HasReference reports whether text contains a reference, so that its value is
// known only once it is opened.
func HasReference(text string) bool { return len(References(text)) > 0 }

// References are what a text refers to, "env:NAME" or "secret:name", in its order.
func References(text string) (refs []string) {
	expand(text, func(ref string) (string, error) { refs = append(refs, ref); return "", nil }) //nolint:errcheck // what stands before a mistake counts
	return refs
}

// Beside are the parts of a text that stand before, between and after its
// references; what it stands for, without any.
func Beside(text string) []string {
	around, err := expand(text, func(string) (string, error) { return "\x00", nil })
	if err != nil {
		return []string{text}
	}
	return strings.Split(around, "\x00")
}

// IsWord reports whether a part of a text has letters or digits, so that it may
// be part of a credential; whsec_, with which secrets of webhooks begin, is not.
func IsWord(part string) bool {
	return strings.ContainsFunc(strings.TrimPrefix(part, "whsec_"), func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// Literal is what a text without references stands for: $${ is a plain ${.
func Literal(text string) string { return strings.ReplaceAll(text, "$${", "${") }

// Expander resolves references and remembers the values, so that they can be
// kept out of errors. It is not safe for concurrent use while expanding.
type Expander struct {
	secrets Secrets
	values  []string
}

// NewExpander returns an Expander that asks secrets.
func NewExpander(secrets Secrets) *Expander { return &Expander{secrets: secrets} }

// Expand replaces every ${env:NAME} and ${secret:name} in text; $${ stands for
// a literal ${. Values are inserted as they are and not expanded again.
func (x *Expander) Expand(text string) (string, error) {
	return expand(text, func(ref string) (string, error) {
		if x.secrets == nil {
			return "", fmt.Errorf("${%s} cannot be resolved here", ref)
		}
		value, err := x.secrets(ref)
		if err != nil {
			return "", fmt.Errorf("${%s}: %w", ref, err)
		}
		x.Also(value)
		return value, nil
	})
}

// Also adds values to those that Hide keeps out of texts: credentials that were
// written without a reference, and other spellings of one.
func (x *Expander) Also(values ...string) {
	for _, v := range values {
		if v == "" {
			continue
		}
		x.values = append(x.values, v)
		if quoted := strconv.Quote(v); quoted[1:len(quoted)-1] != v { // as Go's errors write it
			x.values = append(x.values, quoted[1:len(quoted)-1])
		}
	}
	sort.Slice(x.values, func(i, j int) bool { return len(x.values[i]) > len(x.values[j]) })
}

// Hide replaces every value that was expanded with ***: for texts of foreign
// origin that go into an error.
func (x *Expander) Hide(text string) string {
	for _, v := range x.values { // longest first: one value may contain another
		text = strings.ReplaceAll(text, v, "***")
	}
	return text
}

func expand(text string, value func(ref string) (string, error)) (string, error) {
	var b strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			b.WriteString(text)
			return b.String(), nil
		}
		if i > 0 && text[i-1] == '$' {
			b.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 || !reference.MatchString(text[i+2:i+end]) {
			return "", fmt.Errorf("write a reference as ${env:NAME} or ${secret:name}, and $${ for a literal ${")
		}
		resolved, err := value(text[i+2 : i+end])
		if err != nil {
			return "", err
		}
		b.WriteString(text[:i] + resolved)
		text = text[i+end+1:]
	}
}

package channel

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Secrets resolves one reference, without its braces: "env:NAME" to the
// server's environment variable, "secret:name" to the sealed store. What it
// cannot find is an error that names the reference, never a value.
type Secrets func(reference string) (string, error)

// reference is ${env:NAME} or ${secret:name}.
var reference = regexp.MustCompile(`^(env:[A-Za-z_][A-Za-z0-9_]*|secret:[A-Za-z0-9_][A-Za-z0-9_.-]*)\}`)

// CheckReferences finds a ${ that begins no proper reference.
func CheckReferences(text string) error {
	_, err := expand(text, func(string) (string, error) { return "", nil })
	return err
}

// Resolve replaces every reference in text by its value.
func (s Secrets) Resolve(text string) (string, error) {
	if !strings.Contains(text, "${") {
		return text, nil
	}
	if s == nil {
		return "", errors.New("there is nothing to resolve references with")
	}
	return expand(text, s)
}

func expand(text string, resolve Secrets) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		match := reference.FindStringSubmatch(rest)
		if match == nil {
			return "", fmt.Errorf("%q is no reference: write ${env:NAME} or ${secret:name}", "${"+clip(rest))
		}
		value, err := resolve(match[1])
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		text = rest[len(match[0]):]
	}
}

// clip keeps an error short; what follows a broken reference is not repeated
// beyond its brace, it may be a secret.
func clip(rest string) string {
	if end := strings.IndexByte(rest, '}'); end >= 0 && end < 60 {
		return rest[:end+1]
	}
	return "..."
}

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a folder. It prints like a compiler's message.
type Problem struct {
	File    string `json:"file"`             // relative to the folder, with slashes
	Line    int    `json:"line,omitempty"`   // from 1; 0 when the mistake has no place
	Column  int    `json:"column,omitempty"` // from 1, in characters
	Message string `json:"message"`
}

// String is FILE:LINE:COLUMN: MESSAGE.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// tidy puts problems in the order of files and places, each once.
func tidy(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(problems)
}

// sentence puts the place in words before what is wrong with it:
// channels.shop.timeout: "x" is not a duration.
func sentence(pointer, detail string) string {
	if pointer == "" {
		return detail
	}
	return dotted(pointer) + ": " + detail
}

func dotted(pointer string) string {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, p := range parts {
		parts[i] = unescape(p)
	}
	return strings.Join(parts, ".")
}

func unescape(part string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
}

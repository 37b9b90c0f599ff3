package run

import (
	"strings"
	"unicode/utf8"
)

// clean makes a text from outside storable on both databases: valid UTF-8
// without NUL, at most limit bytes, cut between characters.
func clean(s string, limit int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

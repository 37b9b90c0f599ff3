package run

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// digested is clean for a text that must not be mistaken for another one: what
// is longer than limit is replaced by its digest.
func digested(s string, limit int) string {
	if len(s) <= limit {
		return clean(s, 3*limit) // replaced bytes grow
	}
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

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

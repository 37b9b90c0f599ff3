package http

import (
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"
)

// own are the headers that frame or route a message and follow from the rest.
var own = []string{
	"Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
	"Upgrade", "Te", "Trailer", "Proxy-Authorization", "Proxy-Connection", "Expect",
}

// checkHeaderName refuses what is no token (RFC 9110) and the own headers.
func checkHeaderName(name string) error {
	if !isToken(name) {
		return fmt.Errorf("%q is not a header's name", name)
	}
	if slices.Contains(own, textproto.CanonicalMIMEHeaderKey(name)) {
		return fmt.Errorf("the header %s is set by Junctor itself", name)
	}
	return nil
}

func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// checkHeaderValue refuses line breaks and other control characters, which
// could begin another header. It does not repeat the value.
func checkHeaderValue(value string) error {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return errors.New("a header's value may not contain line breaks or control characters")
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

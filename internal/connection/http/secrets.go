package http

import (
	"regexp"
	"slices"
	"strings"

	"junctor/internal/connection"
)

// SecretMembers are the members of a connection's body that hold a credential, for
// whoever keeps these out of sight. A dot leads into a member; below headers case
// does not matter. A ! is behind those without which what they stand in is not
// complete: left out, they stay as they are.
func SecretMembers() []string {
	return []string{
		"auth.basic.password!", "auth.bearer", "auth.api_key.value!", "auth.oauth2.client_secret!", "tls.key", "proxy",
		"headers.authorization", "headers.cookie", "headers.x-api-key", "headers.x-auth-token",
	}
}

// IsSecret reports whether a text that is written out at one of SecretMembers is
// a credential: a key may be a file's name, and a proxy's URL may have no
// password.
func IsSecret(member, text string) bool {
	switch member {
	case "tls.key":
		return strings.Contains(text, "-----BEGIN ")
	case "proxy":
		return TellsPassword(text)
	}
	return true
}

// frame is what may stand beside the reference to a credential without being part
// of one: Bearer, session=, a quotation mark.
var frame = regexp.MustCompile(`^["']?[,;:]? ?([A-Za-z-]{1,20} )?([A-Za-z0-9_.-]{1,40}=)?["']?$`)

// TellsBeside reports whether a text with references at one of SecretMembers has
// (part of) a credential written out beside them.
func TellsBeside(member, text string) bool {
	parts := connection.Beside(text)
	switch {
	case member == "tls.key":
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(part, "-----") || strings.Contains(part, "\n") })
	case member == "proxy":
		if _, rest, found := strings.Cut(text, "://"); found {
			text = rest
		}
		_, password, _ := splitUser(text[:max(0, strings.LastIndexByte(text, '@'))])
		return slices.ContainsFunc(connection.Beside(password), func(part string) bool { return part != "" })
	case member == "auth.api_key.value" || strings.HasPrefix(member, "headers."):
		return slices.ContainsFunc(parts, func(part string) bool { return !frame.MatchString(part) })
	}
	return slices.ContainsFunc(parts, connection.IsWord)
}

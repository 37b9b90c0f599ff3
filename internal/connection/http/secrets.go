package http

import "strings"

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

package http

// SecretMembers are the members of a connection's body that hold a credential, for
// whoever keeps these out of sight. A dot leads into a member; below headers case
// does not matter. A ! is behind those without which what they stand in is not
// complete: left out, they stay as they are.
func SecretMembers() []string {
	return []string{
		"auth.basic.password!", "auth.bearer", "auth.api_key.value!",
		"headers.authorization", "headers.cookie", "headers.x-api-key", "headers.x-auth-token",
	}
}

package channel

// SecretMembers are the members of a channel's body that hold a credential, for
// whoever keeps these out of sight. A dot leads into a member, * to every
// element of a list or, where there is none, to the value itself. A ! is behind
// those without which what they stand in is not complete: left out, they stay as
// they are.
func SecretMembers() []string {
	return []string{
		"verify.*.basic.password!", "verify.*.bearer", "verify.*.hmac.secret!",
		"verify.*.standard-webhooks", "verify.*.stripe", "verify.*.github", "verify.*.shopify",
		"external.primary_token", "external.secondary_token",
	}
}

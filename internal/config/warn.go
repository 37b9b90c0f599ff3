package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/fault"
)

// secretPlaces are where credentials stand in a body, a * for every element of
// a list or the value itself.
var secretPlaces = map[string][][]string{
	Connections: {{"auth", "bearer"}, {"auth", "basic", "password"}, {"auth", "api_key", "value"}, {"auth", "oauth2", "client_secret"}, {"tls", "key"}, {"proxy"}},
	Channels:    {{"verify", "*", "bearer"}, {"verify", "*", "basic", "password"}, {"external", "primary_token"}, {"external", "secondary_token"}},
}

// warnings name the credentials that are written out, which work, but which
// exports, the API and the history show to everyone who may read those; and the
// secrets that are referred to and not set yet. What the environment has to hold
// is known to the server only, which may be another one.
func (s *Service) warnings(w *wanted) []string {
	var written, missing []string
	for _, kind := range []string{Connections, Channels} {
		for _, name := range sorted(w.bodies[kind]) {
			var body any
			if json.Unmarshal(w.bodies[kind][name], &body) != nil {
				continue // checked before
			}
			for _, path := range secretPlaces[kind] {
				if member := path[len(path)-1]; writtenOut(body, path, member) {
					written = append(written, fmt.Sprintf("%s %q has a credential written out (%s): write ${env:NAME} or ${secret:name} instead", kind, name, member))
				}
			}
			for _, secret := range s.unset(body) {
				missing = append(missing, fmt.Sprintf("%s %q refers to the secret %q, which is not set: junctor secret set %s", kind, name, secret, secret))
			}
		}
	}
	return append(written, missing...)
}

// unset are the secrets that a body refers to and that are not there, sorted.
func (s *Service) unset(body any) (names []string) {
	if s.parts.Secrets == nil {
		return nil
	}
	refs := references(body, nil)
	slices.Sort(refs)
	for _, ref := range slices.Compact(refs) {
		if name, ok := strings.CutPrefix(ref, "secret:"); ok {
			if _, err := s.parts.Secrets(ref); fault.Is(err, fault.NotFound) {
				names = append(names, name)
			}
		}
	}
	return names
}

// references adds those in all texts of a body.
func references(v any, refs []string) []string {
	switch v := v.(type) {
	case string:
		refs = append(refs, connection.References(v)...)
	case []any:
		for _, item := range v {
			refs = references(item, refs)
		}
	case map[string]any:
		for _, item := range v {
			refs = references(item, refs)
		}
	}
	return refs
}

// writtenOut reports whether a credential without a reference stands at the
// path, whose last member is given.
func writtenOut(v any, path []string, member string) bool {
	if len(path) == 0 {
		text, ok := v.(string)
		return ok && credential(member, text)
	}
	if list, ok := v.([]any); ok && path[0] == "*" {
		for _, item := range list {
			if writtenOut(item, path[1:], member) {
				return true
			}
		}
		return false
	}
	if path[0] == "*" {
		return writtenOut(v, path[1:], member)
	}
	m, ok := v.(map[string]any)
	return ok && writtenOut(m[path[0]], path[1:], member)
}

// credential reports whether the text itself is one: a key may be a file's
// name, and a proxy's URL may have no password.
func credential(member, text string) bool {
	switch member {
	case "key":
		return strings.Contains(text, "-----BEGIN ")
	case "proxy":
		return http.TellsPassword(text)
	default:
		return text != "" && !connection.HasReference(text)
	}
}

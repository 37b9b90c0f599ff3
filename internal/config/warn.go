package config

import (
	"encoding/json"
	"fmt"

	"junctor/internal/connection"
)

// secretPlaces are where credentials stand in a body, a * for every element of
// a list or the value itself.
var secretPlaces = map[string][][]string{
	Connections: {{"auth", "bearer"}, {"auth", "basic", "password"}, {"auth", "api_key", "value"}},
	Channels:    {{"verify", "*", "bearer"}, {"verify", "*", "basic", "password"}, {"external", "primary_token"}, {"external", "secondary_token"}},
}

// warnings name the credentials that are written out. They work, but exports,
// the API and the history show them to everyone who may read those.
func (w *wanted) warnings() []string {
	var all []string
	for _, kind := range []string{Connections, Channels} {
		for _, name := range sorted(w.bodies[kind]) {
			var body any
			if json.Unmarshal(w.bodies[kind][name], &body) != nil {
				continue // checked before
			}
			for _, path := range secretPlaces[kind] {
				if writtenOut(body, path) {
					all = append(all, fmt.Sprintf("%s %q has a credential written out (%s): write ${env:NAME} or ${secret:name} instead", kind, name, path[len(path)-1]))
				}
			}
		}
	}
	return all
}

// writtenOut reports whether a text without a reference stands at the path.
func writtenOut(v any, path []string) bool {
	if len(path) == 0 {
		text, ok := v.(string)
		return ok && text != "" && !connection.HasReference(text)
	}
	if list, ok := v.([]any); ok && path[0] == "*" {
		for _, item := range list {
			if writtenOut(item, path[1:]) {
				return true
			}
		}
		return false
	}
	if path[0] == "*" {
		return writtenOut(v, path[1:])
	}
	m, ok := v.(map[string]any)
	return ok && writtenOut(m[path[0]], path[1:])
}

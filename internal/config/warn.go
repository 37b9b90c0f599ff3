package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/channel"
	"junctor/internal/connection"
	"junctor/internal/fault"
)

// warnings name the secrets that are referred to and not set yet, and what
// channels caution about. What the environment has to hold is known to the server
// only, which may be another one. It is called outside of transactions; what the
// plan is about to set counts as set.
func (s *Service) warnings(p *plan) []string {
	w, set := p.wanted, p.sets()
	var missing, cautions []string
	for _, kind := range []string{Connections, Channels} {
		for _, name := range sorted(w.bodies[kind]) {
			var body any
			if json.Unmarshal(w.bodies[kind][name], &body) != nil {
				continue // checked before
			}
			for _, secret := range s.unset(body) {
				if set[secret] {
					continue
				}
				missing = append(missing, fmt.Sprintf("%s %q refers to the secret %q, which is not set: junctor secret set %s", kind, name, secret, secret))
			}
		}
	}
	for _, name := range sorted(w.bodies[Channels]) {
		c, _ := channel.Parse(name, w.bodies[Channels][name]) // checked before
		if caution := c.Caution(); caution != "" {
			cautions = append(cautions, fmt.Sprintf("%s %q %s", Channels, name, caution))
		}
	}
	return slices.Concat(missing, cautions)
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

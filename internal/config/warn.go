package config

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/catalog"
	"junctor/internal/connection"
	"junctor/internal/db"
	"junctor/internal/fault"
)

// warnings name the secrets that are referred to and not set yet, and what
// channels caution about. What the environment has to hold is known to the server
// only, which may be another one. It is called outside of transactions; what the
// plan is about to set counts as set.
func (s *Service) warnings(p *plan) []string {
	w, set := p.wanted, p.sets()
	var missing, cautions []string
	for _, k := range kinds {
		for _, name := range sorted(w.bodies[k.name]) {
			if k.caution != nil {
				if caution := k.caution(name, w.bodies[k.name][name]); caution != "" {
					cautions = append(cautions, fmt.Sprintf("%s %q %s", k.name, name, caution))
				}
			}
			var body any
			if json.Unmarshal(w.bodies[k.name][name], &body) != nil {
				continue // checked before
			}
			for _, secret := range s.unset(body) {
				if set[secret] {
					continue
				}
				missing = append(missing, fmt.Sprintf("%s %q refers to the secret %q, which is not set: junctor secret set %s", k.name, name, secret, secret))
			}
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

// Unreferred is nil when nothing refers to a secret, so that it can be deleted.
// Otherwise it is a fault.Conflict that names what does.
func (s *Service) Unreferred(ctx context.Context, secret string) error {
	var objects []catalog.Object
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		objects, err = s.objects.All(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("find what refers to the secret %q: %w", secret, err)
	}
	var by []string
	for _, o := range objects {
		var body any
		if json.Unmarshal(Whole(o.Kind, o.Code, o.Body), &body) == nil && slices.Contains(references(body, nil), "secret:"+secret) {
			by = append(by, fmt.Sprintf("%s %q", o.Kind, o.Code))
		}
	}
	if len(by) == 0 {
		return nil
	}
	return fault.New(fault.Conflict, "the secret %q is referred to by %s; "+
		"`junctor secret set %s` gives it another value, --force (force=true) deletes it all the same", secret, strings.Join(by, ", "), secret)
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

package config

import (
	"context"
	"encoding/json"
	"fmt"

	"junctor/internal/catalog"
	"junctor/internal/db"
	"junctor/internal/script"
)

// Export reads the whole configuration as a set that, applied again, changes
// nothing. References to secrets are in it, their values are not.
func (s *Service) Export(ctx context.Context) (*Set, error) {
	var set *Set
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		objects, err := s.objects.All(tx)
		if err != nil {
			return err
		}
		set = newSet()
		scenarios := map[string]json.RawMessage{}
		for _, o := range objects {
			set.take(o, scenarios)
		}
		set.Scenarios, err = s.bundles(tx, scenarios)
		return err
	})
	return set, err
}

func newSet() *Set {
	set := &Set{
		Domain:    Domain,
		Objects:   map[string]map[string]json.RawMessage{},
		Scenarios: map[string]*script.Bundle{},
	}
	for _, k := range kinds {
		if k.mapped() {
			set.Objects[k.name] = map[string]json.RawMessage{}
		}
	}
	return set
}

// take puts an object where it belongs, a scenario's body into scenarios.
func (set *Set) take(o catalog.Object, scenarios map[string]json.RawMessage) {
	switch k := kindOf(o.Kind); {
	case k == nil: // a newer release's
	case k.mapped():
		set.Objects[o.Kind][o.Code] = o.Body
	case k.written():
		set.Settings = o.Body
	default:
		scenarios[o.Code] = o.Body
	}
}

// bundles reads the bundles that the bodies of scenarios name.
func (s *Service) bundles(tx *db.Tx, bodies map[string]json.RawMessage) (map[string]*script.Bundle, error) {
	all := map[string]*script.Bundle{}
	for name, body := range bodies {
		version, err := versionIn(body)
		if err != nil {
			return nil, fmt.Errorf("scenario %q: %w", name, err)
		}
		v, err := s.versions.Find(tx, name, version)
		if err != nil {
			return nil, err
		}
		all[name] = v.Bundle
	}
	return all, nil
}

// versionIn reads the body of a scenario's object (see versionOf).
func versionIn(body json.RawMessage) (string, error) {
	var b struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return "", fmt.Errorf("read its body: %w", err)
	}
	return b.Version, nil
}

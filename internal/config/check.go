package config

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"junctor/internal/fault"
	"junctor/internal/script"
	"junctor/internal/strict"
)

// Check finds everything that is wrong with a set, with pointers such as
// /channels/shop/scenario. It compiles the scenarios.
func Check(ctx context.Context, set *Set) []fault.Field {
	_, found := check(ctx, set)
	return found
}

// check is Check that hands on what was compiled.
func check(ctx context.Context, set *Set) (map[string]*script.Program, []fault.Field) {
	programs, found := checkScenarios(ctx, set.Scenarios)
	known := map[string]string{}
	for name := range set.Scenarios {
		known[name] = ""
	}
	return programs, append(found, checkObjects(set, known)...)
}

// checkObjects is Check for everything but the scenarios' own content. scenarios
// are those that may be named; one with a reason exists but cannot be used, and
// the reason is the answer.
func checkObjects(set *Set, scenarios map[string]string) []fault.Field {
	var c checker
	if set.Domain != "" && set.Domain != Domain {
		c.add("/domain", "this release has the domain %q only", Domain)
	}
	_, found := ParseSettings(set.Settings)
	c.below("/"+Settings, found)
	there := world{Scenarios: scenarios}
	for name, objects := range set.Objects {
		there.have(name, objects)
	}
	for _, name := range sorted(set.Objects) {
		k := kindOf(name)
		if k == nil || !k.mapped() {
			c.add("/"+name, "%s", unknownKind(name))
			continue
		}
		for _, code := range sorted(set.Objects[name]) {
			pointer, body := strict.Pointer("/"+name, code), set.Objects[name][code]
			if wrong := checkCode(code); wrong != "" {
				c.add(pointer, "%s", wrong)
			}
			c.below(pointer, k.body(code, body))
			c.below(pointer, there.lacks(k, code, body))
		}
	}
	c.below("", agree(set.Objects))
	return c.found
}

// world is which objects there are, by kind and code. One with a reason exists
// but cannot be used.
type world map[string]map[string]string

// have adds objects.
func (w world) have(kind string, objects map[string]json.RawMessage) {
	if w[kind] == nil {
		w[kind] = map[string]string{}
	}
	for code := range objects {
		w[kind][code] = ""
	}
}

// lacks finds what a body names and is not there.
func (w world) lacks(k *kind, code string, body json.RawMessage) []fault.Field {
	var c checker
	for _, r := range k.references(code, body) {
		switch reason, exists := w[r.kind][r.code]; {
		case !exists && r.agreed:
		case !exists:
			c.add(r.pointer, "%s", kindOf(r.kind).lacks(r.code, sorted(w[r.kind])))
		case reason != "":
			c.add(r.pointer, "%s", reason)
		}
	}
	return c.found
}

type checker struct{ found []fault.Field }

func (c *checker) add(pointer, format string, args ...any) {
	c.found = append(c.found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// below adds findings below a place, each once.
func (c *checker) below(pointer string, found []fault.Field) {
	for _, f := range found {
		if f.Pointer = pointer + f.Pointer; !slices.Contains(c.found, f) {
			c.found = append(c.found, f)
		}
	}
}

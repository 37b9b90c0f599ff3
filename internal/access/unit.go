package access

import (
	"encoding/json"
	"slices"

	"junctor/internal/fault"
	"junctor/internal/strict"
)

// Unit is a place in the organisation tree.
type Unit struct {
	Code    string `json:"-"`
	Parent  string `json:"parent"` // "" at the top
	Label   string `json:"label"`
	Comment string `json:"comment"`
}

// ParseUnit reads a unit's body as it stands under its code in junctor.yaml, as
// JSON. Whether its parent exists is for Objects.Check.
func ParseUnit(code string, body json.RawMessage) (Unit, []fault.Field) {
	u := Unit{Code: code}
	found := strict.Decode(body, &u)
	return u, found
}

// below lists a unit and all below it, by code; nothing for one that there is
// not.
func below(units map[string]Unit, code string) []string {
	if _, ok := units[code]; !ok {
		return nil
	}
	all := []string{code}
	for i := 0; i < len(all); i++ {
		for _, u := range units {
			if u.Parent == all[i] && !slices.Contains(all, u.Code) {
				all = append(all, u.Code)
			}
		}
	}
	slices.Sort(all)
	return all
}

// circular reports whether a unit is, over its parents, its own parent.
func circular(units map[string]Unit, code string) bool {
	at := units[code].Parent
	for range units {
		if at == code {
			return true
		}
		at = units[at].Parent
	}
	return false
}

package access

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"junctor/internal/fault"
	"junctor/internal/strict"
)

// Objects are all that the configuration says of who may come in and what they
// may do.
type Objects struct {
	Applications, Accounts map[string]Definition
	Roles                  map[string]*Role
	Units                  map[string]Unit
}

// ParseObjects reads the bodies of Applications, Accounts, Roles and Units by
// kind and code, as JSON; other kinds are left alone. What is wrong has pointers
// such as /roles/shop/admin/0. References between them are not looked at.
func ParseObjects(bodies map[string]map[string]json.RawMessage) (Objects, []fault.Field) {
	o := Objects{Applications: map[string]Definition{}, Accounts: map[string]Definition{}, Roles: map[string]*Role{}, Units: map[string]Unit{}}
	var p parser
	for _, kind := range []string{Applications, Accounts, Roles, Units} {
		for _, code := range slices.Sorted(maps.Keys(bodies[kind])) {
			p.below(strict.Pointer("/"+kind, code), o.parse(kind, code, bodies[kind][code]))
		}
	}
	return o, p.found
}

func (o Objects) parse(kind, code string, body json.RawMessage) (found []fault.Field) {
	switch kind {
	case Applications:
		o.Applications[code], found = ParseApplication(code, body)
	case Accounts:
		o.Accounts[code], found = ParseAccount(code, body)
	case Roles:
		o.Roles[code], found = ParseRole(code, body)
	case Units:
		o.Units[code], found = ParseUnit(code, body)
	}
	return found
}

// Check finds what names something that there is not, with pointers such as
// /applications/eshop/roles/0.
func (o Objects) Check(names Names) []fault.Field {
	var p parser
	roles, units := slices.Sorted(maps.Keys(o.Roles)), slices.Sorted(maps.Keys(o.Units))
	who := func(kind string, all map[string]Definition) {
		for _, login := range slices.Sorted(maps.Keys(all)) {
			d, pointer := all[login], strict.Pointer("/"+kind, login)
			for i, role := range d.Roles {
				if o.Roles[role] == nil {
					p.add(fmt.Sprintf("%s/roles/%d", pointer, i), "%s", missing("role", role, roles))
				}
			}
			if _, ok := o.Units[d.Unit]; d.Unit != "" && !ok {
				p.add(pointer+"/unit", "%s", missing("unit", d.Unit, units))
			}
			if _, taken := o.Applications[login]; kind == Accounts && taken {
				p.add(pointer, "is the login of an application already")
			}
		}
	}
	who(Applications, o.Applications)
	who(Accounts, o.Accounts)
	for _, code := range roles {
		p.below(strict.Pointer("/"+Roles, code), o.Roles[code].Check(names))
	}
	for _, code := range units {
		u, pointer := o.Units[code], strict.Pointer("/"+Units, code)+"/parent"
		switch _, ok := o.Units[u.Parent]; {
		case u.Parent == "":
		case !ok:
			p.add(pointer, "%s", missing("unit", u.Parent, units))
		case circular(o.Units, code):
			p.add(pointer, "leads back to the unit itself; a tree has a top")
		}
	}
	return p.found
}

func (p *parser) below(pointer string, found []fault.Field) {
	for _, f := range found {
		p.add(pointer+f.Pointer, "%s", f.Detail)
	}
}

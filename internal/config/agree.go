package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"junctor/internal/access"
	"junctor/internal/class"
	"junctor/internal/fault"
	"junctor/internal/packet"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/stored"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// agree finds what the classes and those who may use them get wrong about each
// other, with pointers such as /roles/shop/classes/orders/read. all are the bodies
// by kind and code.
func agree(all map[string]map[string]json.RawMessage) []fault.Field {
	var c checker
	model, found := class.NewModel(all[Classes])
	c.below("/"+Classes, found)
	objects, _ := access.ParseObjects(all) // what is wrong with one by itself is said there
	names := access.Names{Classes: map[string]access.Columns{}, Functions: sorted(all[Functions]), Packets: sorted(all[Packets]), Queries: sorted(all[Queries])}
	for _, class := range model.Classes() {
		names.Classes[class.Code] = columnsOf(model, class)
		c.below(strict.Pointer("/"+Classes, class.Code), record.CheckRules(model, class))
	}
	c.below("", objects.Check(names))
	queries := map[string]*stored.Query{}
	for _, code := range sorted(all[Queries]) {
		queries[code], _ = stored.Parse(code, all[Queries][code])
		if model.Class(code) != nil { // both are read at one address
			c.add(strict.Pointer("/"+Queries, code), "%q is the code of a class too: choose another", code)
		}
	}
	c.below("", checkPackets(all[Packets], packet.Names{Model: model, Queries: queries}))
	return c.found
}

// checkPackets finds what packets get wrong about classes and stored queries.
func checkPackets(bodies map[string]json.RawMessage, names packet.Names) []fault.Field {
	var c checker
	for _, code := range sorted(bodies) {
		if p, found := packet.Parse(code, bodies[code]); len(found) == 0 {
			c.below(strict.Pointer("/"+Packets, code), p.Check(names))
		}
	}
	return c.found
}

func packetRefers(code string, body json.RawMessage) (all []reference) {
	p, _ := packet.Parse(code, body)
	for _, r := range p.References() {
		all = append(all, reference{pointer: r.Pointer, kind: r.Kind, code: r.Code})
	}
	return all
}

// columnsOf is what a role may name of a class, also over its refs.
func columnsOf(m *class.Model, c *class.Class) access.Columns {
	var names []string
	for _, column := range slices.Concat(c.Columns, class.System()) {
		names = append(names, column.Code)
	}
	var buttons []string
	for _, b := range c.Buttons {
		buttons = append(buttons, b.Code)
	}
	return access.Columns{Names: names, Buttons: buttons, Types: func(path []string) (value.Type, error) { return m.TypeOf(c, path) }}
}

// checkClass checks a class by itself: those that it refers to count as there.
func checkClass(code string, body json.RawMessage) []fault.Field {
	bodies := map[string]json.RawMessage{code: body}
	model, _ := class.NewModel(bodies)
	for _, column := range model.Class(code).Columns {
		if _, there := bodies[column.Class]; column.Kind == class.Ref && !there {
			bodies[column.Class] = json.RawMessage(`{"columns":{"x":"text"}}`)
		}
	}
	_, found := class.NewModel(bodies)
	return within(strict.Pointer("", code), found)
}

// within are the findings at a place and below it, with pointers from there.
func within(place string, found []fault.Field) (inside []fault.Field) {
	for _, f := range found {
		if rest, ok := strings.CutPrefix(f.Pointer, place); ok && (rest == "" || rest[0] == '/') {
			inside = append(inside, fault.Field{Pointer: rest, Detail: f.Detail})
		}
	}
	return inside
}

func classRefers(code string, body json.RawMessage) (all []reference) {
	model, _ := class.NewModel(map[string]json.RawMessage{code: body})
	c := model.Class(code)
	for _, column := range c.Columns {
		if column.Kind == class.Ref {
			all = append(all, reference{strict.Pointer("/columns", column.Code), Classes, column.Class, true})
		}
	}
	for i, rule := range c.Rules {
		all = append(all, reference{pointer: fmt.Sprintf("/rules/%d/scenario", i), kind: Scenarios, code: rule.Scenario})
	}
	for _, button := range c.Buttons {
		all = append(all, reference{pointer: strict.Pointer("/buttons", button.Code) + "/scenario", kind: Scenarios, code: button.Scenario})
	}
	return all
}

func roleRefers(code string, body json.RawMessage) (all []reference) {
	role, _ := access.ParseRole(code, body)
	for _, class := range slices.Sorted(maps.Keys(role.Grants.Classes)) {
		all = append(all, reference{strict.Pointer("/classes", class), Classes, class, true})
	}
	for _, granted := range []struct {
		kind  string
		names map[string]bool
	}{{Functions, role.Grants.Functions}, {Packets, role.Grants.Packets}, {Queries, role.Grants.Queries}} {
		for _, name := range slices.Sorted(maps.Keys(granted.names)) {
			if name != right.Any {
				all = append(all, reference{"/" + granted.kind, granted.kind, name, true})
			}
		}
	}
	return all
}

// accountRefers is for applications and people.
func accountRefers(parse func(string, json.RawMessage) (access.Definition, []fault.Field)) func(string, json.RawMessage) []reference {
	return func(code string, body json.RawMessage) []reference {
		d, _ := parse(code, body)
		all := []reference{{"/unit", Units, d.Unit, true}}
		for i, role := range d.Roles {
			all = append(all, reference{fmt.Sprintf("/roles/%d", i), Roles, role, true})
		}
		return all
	}
}

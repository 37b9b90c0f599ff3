package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"junctor/internal/catalog"
	"junctor/internal/channel"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/script"
	"junctor/internal/strict"
)

// wanted is a checked set in canonical form.
type wanted struct {
	bodies  map[string]map[string]json.RawMessage // kind -> code -> body
	bundles map[string]*script.Bundle
	params  map[string]json.RawMessage // that scenarios export
}

func newWanted(set *Set) (*wanted, error) {
	w := &wanted{bodies: map[string]map[string]json.RawMessage{}, bundles: set.Scenarios}
	for _, k := range kinds {
		w.bodies[k.name] = map[string]json.RawMessage{}
		for name, body := range set.bodies(k) {
			text, err := Canonical(body)
			if err != nil {
				return nil, fmt.Errorf("%s %q: %w", k.name, name, err)
			}
			w.bodies[k.name][name] = text
		}
	}
	return w, nil
}

// plan is what has to be done to get from the present objects to the wanted
// ones, and what there is afterwards.
type plan struct {
	*wanted
	changed []Change
	claims  []catalog.Object // made by the API, and from now on the files'
	stays   map[string]map[string]json.RawMessage
	present map[string]map[string]catalog.Object
	written map[string]map[string][]literal // secrets written out, of each kind and code
}

// plan compares and checks that what stays without being in the set still has
// what it refers to.
func (s *Service) plan(tx *db.Tx, w *wanted, o Options) (*plan, error) {
	present, err := s.objects.All(tx)
	if err != nil {
		return nil, err
	}
	p, err := s.settled(tx, w, present)
	if err != nil {
		return nil, err
	}
	p.compareAll(o.Prune)
	found := p.left()
	others, err := s.bundles(tx, p.stays[Scenarios])
	if err != nil {
		return nil, err
	}
	for name, bundle := range w.bundles {
		others[name] = bundle
	}
	if found = append(found, agreeing(others)...); len(found) > 0 {
		return nil, refused(found)
	}
	return p, nil
}

// left finds what objects lack that stay without being in the set.
func (p *plan) left() []fault.Field {
	there := world{}
	for _, k := range kinds {
		there.have(k.name, p.after(k.name))
	}
	all := map[string]map[string]json.RawMessage{}
	for _, k := range kinds {
		all[k.name] = p.after(k.name)
	}
	found := agree(all)
	var c checker
	for _, k := range kinds {
		for _, name := range sorted(p.stays[k.name]) {
			place := strict.Pointer("/"+k.name, name)
			for _, f := range slices.Concat(there.lacks(k, name, p.stays[k.name][name]), within(place, found)) {
				c.add(place+f.Pointer, "%s (this %s was made by the API and stays)", f.Detail, k.one)
			}
			found = slices.DeleteFunc(found, func(f fault.Field) bool { return len(within(place, []fault.Field{f})) > 0 })
		}
	}
	return append(c.found, found...) // of two with one login, the other is the set's
}

// settled begins a plan: the wanted bodies as they would be stored.
func (s *Service) settled(tx *db.Tx, w *wanted, present []catalog.Object) (*plan, error) {
	p := &plan{
		wanted: &wanted{bodies: maps.Clone(w.bodies), bundles: w.bundles, params: w.params},
		stays:  map[string]map[string]json.RawMessage{}, present: map[string]map[string]catalog.Object{}, written: map[string]map[string][]literal{},
	}
	for _, k := range kinds {
		p.present[k.name], p.stays[k.name], p.written[k.name] = map[string]catalog.Object{}, map[string]json.RawMessage{}, map[string][]literal{}
	}
	for _, object := range present {
		if p.present[object.Kind] != nil { // a newer release's kinds are left alone
			p.present[object.Kind][object.Code] = object
		}
	}
	var c checker
	for _, k := range kinds {
		p.bodies[k.name] = map[string]json.RawMessage{}
		for _, name := range sorted(w.bodies[k.name]) {
			out, found, err := s.settle(tx, k, name, w.bodies[k.name][name], p.present[k.name][name].Body)
			if err != nil {
				return nil, err
			}
			c.below(strict.Pointer("/"+k.name, name), found)
			p.bodies[k.name][name], p.written[k.name][name] = out.body, out.literals
		}
	}
	return p, problems(c.found)
}

// compareAll finds the changes.
func (p *plan) compareAll(prune bool) {
	for _, kind := range Kinds() {
		codes := map[string]bool{}
		for name := range p.bodies[kind] {
			codes[name] = true
		}
		for name := range p.present[kind] {
			codes[name] = true
		}
		for _, name := range sorted(codes) {
			object, exists := p.present[kind][name]
			body, listed := p.bodies[kind][name]
			p.compare(kind, name, object, exists, body, listed, prune)
		}
	}
}

func (p *plan) compare(kind, name string, object catalog.Object, exists bool, body json.RawMessage, listed, prune bool) {
	change := func(action string) {
		c := Change{Kind: kind, Code: name, Action: action}
		if action == Update {
			c.Detail = difference(kind, object.Body, body, p.written[kind][name])
		}
		p.changed = append(p.changed, c)
	}
	switch {
	case listed && !exists:
		change(Create)
		return
	case listed && (!bytes.Equal(object.Body, body) || settled{literals: p.written[kind][name]}.fresh()):
		change(Update)
	case !listed && object.Origin != catalog.Files && !prune:
		p.stays[kind][name] = object.Body
	case !listed:
		change(Delete)
	}
	if listed && object.Origin != catalog.Files {
		p.claims = append(p.claims, object)
	}
}

// difference says what an update changes, without values, which may be secrets.
func difference(kind string, from, to json.RawMessage, written []literal) string {
	if kind == Scenarios {
		old, _ := versionIn(from) // a body that cannot be read has no version to show
		new, _ := versionIn(to)
		return old + " -> " + new
	}
	var before, after map[string]json.RawMessage
	if json.Unmarshal(from, &before) != nil || json.Unmarshal(to, &after) != nil {
		return ""
	}
	names := map[string]bool{}
	for _, l := range written {
		if member, _, _ := strings.Cut(l.place, "."); l.fresh {
			names[member] = true
		}
	}
	for _, members := range []map[string]json.RawMessage{before, after} {
		for name := range members {
			if !bytes.Equal(before[name], after[name]) {
				names[name] = true
			}
		}
	}
	return strings.Join(sorted(names), ", ")
}

// list is the changes for people and programs: never nil.
func (p *plan) list() []Change { return append([]Change{}, p.changed...) }

// changes reports whether objects of a kind do.
func (p *plan) changes(kind string) bool {
	return slices.ContainsFunc(p.changed, func(c Change) bool { return c.Kind == kind })
}

// after is the objects of a kind that there are afterwards.
func (p *plan) after(kind string) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, some := range []map[string]json.RawMessage{p.stays[kind], p.bodies[kind]} {
		for name, body := range some {
			all[name] = body
		}
	}
	return all
}

// sets are the names of the secrets that are written out.
func (p *plan) sets() map[string]bool {
	names := map[string]bool{}
	for _, objects := range p.written {
		for _, literals := range objects {
			for _, l := range literals {
				names[l.name] = true
			}
		}
	}
	return names
}

// notes tell of all secrets that are written out.
func (p *plan) notes() (all []string) {
	for _, kind := range Kinds() {
		for _, name := range sorted(p.written[kind]) {
			all = append(all, notes(kind, name, p.written[kind][name])...)
		}
	}
	return all
}

func (p *plan) endpoints(tokens map[string]string) []Endpoint {
	all, channels := []Endpoint{}, p.after(Channels)
	for _, name := range sorted(channels) {
		parsed, _ := channel.Parse(name, channels[name]) // checked before
		all = append(all, EndpointOf(parsed, tokens[name]))
	}
	return all
}

// EndpointOf says where a channel is reached; without a token, nowhere yet.
func EndpointOf(c channel.Config, token string) Endpoint {
	e := Endpoint{Code: c.Code, Type: string(c.Type), Token: token}
	if token != "" {
		e.Path, e.WebsocketPath = "/api/token/v1/"+token, "/ws/token/v1/"+token
	}
	return e
}

// execute makes the changes of a plan.
func (s *Service) execute(tx *db.Tx, p *plan, author string) error {
	for _, o := range p.claims {
		if err := s.objects.Claim(tx, o.Kind, o.Code, catalog.Files); err != nil {
			return err
		}
	}
	var before []catalog.Object
	for _, c := range p.changed {
		if object, existed := p.present[c.Kind][c.Code]; existed {
			before = append(before, object)
		}
		if err := s.seal(tx, p.written[c.Kind][c.Code], author); err != nil {
			return err
		}
		if c.Action == Delete {
			if err := s.objects.Delete(tx, c.Kind, c.Code, author); err != nil {
				return err
			}
		} else if _, err := s.put(tx, c.Kind, c.Code, p.bodies[c.Kind][c.Code], &built{p.bundles[c.Code], p.params[c.Code]}, author, catalog.Files); err != nil {
			return err
		}
		if err := s.changed(tx, author, c); err != nil {
			return err
		}
	}
	return s.sweep(tx, before, author)
}

// built is a scenario's content as it is kept.
type built struct {
	bundle *script.Bundle
	params json.RawMessage // that it exports
}

// put writes one object, and a scenario's content with it.
func (s *Service) put(tx *db.Tx, kind, name string, body json.RawMessage, b *built, author, origin string) (catalog.Object, error) {
	if kind == Scenarios {
		if _, _, err := s.versions.Save(tx, name, b.bundle, b.params, author); err != nil {
			return catalog.Object{}, err
		}
	}
	return s.objects.Put(tx, catalog.Object{Kind: kind, Code: name, Body: body, Author: author, Origin: origin})
}

func (s *Service) changed(tx *db.Tx, author string, c Change) error {
	if s.parts.Changed == nil {
		return nil
	}
	return s.parts.Changed(tx, author, c)
}

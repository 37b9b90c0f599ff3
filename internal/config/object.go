package config

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/catalog"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/strict"
)

// Edit says who changes one object, and on what condition.
type Edit struct {
	Author  string
	IfMatch *int64 // the version it must have, 0: it must not exist yet; nil: no condition

	AllowDrop bool // of a class: also when it loses data
}

// StaleError is in the chain of a fault.Stale and has what is there now.
type StaleError struct{ Current catalog.Object }

func (e *StaleError) Error() string { return fmt.Sprintf("the version now is %d", e.Current.Version) }

// Get reads one object. Errors: fault.NotFound.
func (s *Service) Get(ctx context.Context, kind, name string) (catalog.Object, error) {
	return s.objects.Get(ctx, kind, name)
}

// List reads a page of a kind, see catalog.Store.List.
func (s *Service) List(ctx context.Context, kind, after string, limit int) (page []catalog.Object, next string, err error) {
	return s.objects.List(ctx, kind, after, limit)
}

// History reads all versions of an object, see catalog.Store.History.
func (s *Service) History(ctx context.Context, kind, name string) ([]catalog.Object, error) {
	return s.objects.History(ctx, kind, name)
}

// Put creates or replaces one object by its body, the YAML entry as JSON. A
// scenario's body is {"sources": {"scenarios/NAME.ts": "..."}} and is bundled
// here, so it cannot use npm packages; a body with a "version" takes up one of
// its earlier versions again. A body that changes nothing makes no version.
// Errors: fault.NotFound (kind), fault.Unprocessable with pointers into the
// body, fault.Stale.
func (s *Service) Put(ctx context.Context, kind, name string, body json.RawMessage, e Edit) (catalog.Object, error) {
	k := kindOf(kind)
	if k == nil {
		return catalog.Object{}, fault.New(fault.NotFound, "There is no kind of configuration called %q.", kind)
	}
	body, content, err := s.read(ctx, k, name, body)
	if err != nil {
		return catalog.Object{}, err
	}
	var stored catalog.Object
	var left []table.Unfinished
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if stored, err = s.edit(tx, k, name, body, content, e); err != nil {
			return err
		}
		if left, err = s.tablesAfter(tx, kind, e.AllowDrop); err != nil {
			return err
		}
		return s.storedAfter(tx, kind, name)
	})
	if err != nil {
		return catalog.Object{}, err
	}
	return stored, s.follow(ctx, left)
}

func (s *Service) edit(tx *db.Tx, k *kind, name string, body json.RawMessage, content *built, e Edit) (catalog.Object, error) {
	present, exists, err := s.present(tx, k.name, name, e)
	if err != nil {
		return catalog.Object{}, err
	}
	out, found, err := s.settle(tx, k, name, body, present.Body)
	if err != nil || len(found) > 0 {
		return catalog.Object{}, errors.Join(err, problems(found))
	}
	body = out.body
	if exists && bytes.Equal(present.Body, body) && !out.fresh() {
		return present, nil
	}
	if err := s.fits(tx, k, name, body, content); err != nil {
		return catalog.Object{}, err
	}
	if k.name == Channels {
		if _, err := s.tokens.Ensure(tx, name); err != nil {
			return catalog.Object{}, err
		}
	}
	if err := s.seal(tx, out.literals, e.Author); err != nil {
		return catalog.Object{}, err
	}
	stored, err := s.put(tx, k.name, name, body, content, e.Author, catalog.API)
	if err != nil {
		return catalog.Object{}, err
	}
	action := Create
	if exists {
		action = Update
		if err := s.sweep(tx, []catalog.Object{present}, e.Author); err != nil {
			return catalog.Object{}, err
		}
	}
	return stored, s.changed(tx, e.Author, Change{Kind: k.name, Code: name, Action: action})
}

// Delete removes one object. Errors: fault.NotFound, fault.Stale, and
// fault.Conflict when another object needs it.
func (s *Service) Delete(ctx context.Context, kind, name string, e Edit) error {
	var left []table.Unfinished
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		present, exists, err := s.present(tx, kind, name, e)
		if err != nil {
			return err
		}
		if !exists {
			return fault.New(fault.NotFound, "There is no %q in %s.", name, kind)
		}
		if users, err := s.users(tx, kind, name); err != nil {
			return err
		} else if users != "" {
			return fault.New(fault.Conflict, "%s is used by %s; change these first.", kindOf(kind).sentence(name), users)
		}
		if err := s.objects.Delete(tx, kind, name, e.Author); err != nil {
			return err
		}
		if err := s.sweep(tx, []catalog.Object{present}, e.Author); err != nil {
			return err
		}
		if err := s.changed(tx, e.Author, Change{Kind: kind, Code: name, Action: Delete}); err != nil {
			return err
		}
		if left, err = s.tablesAfter(tx, kind, e.AllowDrop); err != nil {
			return err
		}
		if err = s.storedAfter(tx, kind, name); fault.Is(err, fault.Unprocessable) {
			return fault.Wrap(err, fault.Conflict, "%s is used by a stored query; change that first.", kindOf(kind).sentence(name))
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.follow(ctx, left)
}

// present locks the configuration, reads the object and holds it against the
// condition.
func (s *Service) present(tx *db.Tx, kind, name string, e Edit) (o catalog.Object, exists bool, err error) {
	if err := s.objects.Lock(tx); err != nil {
		return o, false, err
	}
	o, err = s.objects.Find(tx, kind, name)
	if exists = err == nil; !exists && !fault.Is(err, fault.NotFound) {
		return o, false, err
	}
	if e.IfMatch != nil && *e.IfMatch != o.Version {
		return o, exists, fault.Wrap(&StaleError{Current: o}, fault.Stale, "%s %q was changed in the meantime; read it again.", kind, name)
	}
	return o, exists, nil
}

// users names the objects that refer to one: the channels a, b and the functions c.
func (s *Service) users(tx *db.Tx, kind, name string) (string, error) {
	objects, err := s.objects.All(tx)
	if err != nil {
		return "", err
	}
	var all []string
	for _, k := range kinds {
		var codes []string
		for _, o := range objects {
			is := func(r reference) bool { return r.kind == kind && r.code == name }
			if o.Kind == k.name && (o.Kind != kind || o.Code != name) && slices.ContainsFunc(k.references(o.Code, o.Body), is) {
				codes = append(codes, o.Code)
			}
		}
		if codes != nil {
			all = append(all, "the "+k.name+" "+strings.Join(codes, ", "))
		}
	}
	return strings.Join(all, " and "), nil
}

// fits checks an object against the others.
func (s *Service) fits(tx *db.Tx, k *kind, name string, body json.RawMessage, content *built) error {
	objects, err := s.objects.All(tx)
	if err != nil {
		return err
	}
	if content == nil {
		there, all := world{}, bodiesOf(append(objects, catalog.Object{Kind: k.name, Code: name, Body: body}))
		for kind := range all {
			there.have(kind, all[kind])
		}
		return problems(append(there.lacks(k, name, body), concerning(k, name, agree(all))...))
	}
	bundles, err := s.bundles(tx, bodiesOf(objects)[Scenarios])
	if err != nil {
		return err
	}
	bundles[name] = content.bundle
	found := agreeing(bundles)
	for i := range found {
		found[i].Pointer = "/sources"
	}
	return problems(found)
}

// bodiesOf sorts objects by kind and code.
func bodiesOf(objects []catalog.Object) map[string]map[string]json.RawMessage {
	all := map[string]map[string]json.RawMessage{}
	for _, o := range objects {
		if all[o.Kind] == nil {
			all[o.Kind] = map[string]json.RawMessage{}
		}
		all[o.Kind][o.Code] = o.Body
	}
	return all
}

// concerning are findings with pointers into one object. What is wrong in others
// because of it has their place in words.
func concerning(k *kind, name string, found []fault.Field) (all []fault.Field) {
	place := strict.Pointer("/"+k.name, name)
	for _, f := range found {
		if own := within(place, []fault.Field{f}); own != nil {
			all = append(all, own...)
		} else {
			all = append(all, fault.Field{Detail: sentence(f.Pointer, f.Detail)})
		}
	}
	return all
}

func problems(found []fault.Field) error {
	if len(found) == 0 {
		return nil
	}
	return refused(found)
}

// read checks a body by itself and brings it into canonical form, a scenario's
// with its bundle.
func (s *Service) read(ctx context.Context, k *kind, name string, body json.RawMessage) (json.RawMessage, *built, error) {
	var found []fault.Field
	if wrong := checkCode(name); wrong != "" {
		found = append(found, fault.Field{Detail: fmt.Sprintf("%q %s", name, wrong)})
	}
	if k.only != "" && name != k.only {
		found = append(found, fault.Field{Detail: fmt.Sprintf("the %s have the code %q", k.name, k.only)})
	}
	var anything any // so that what is no JSON is said once, with its place
	if broken := strict.Decode(body, &anything); broken != nil || len(found) > 0 {
		return nil, nil, refused(append(found, broken...))
	}
	if !k.written() {
		return s.readScenario(ctx, name, body)
	}
	if found = k.body(name, body); len(found) > 0 { // its references are checked in the transaction
		return nil, nil, refused(found)
	}
	text, err := Canonical(body)
	return text, nil, err
}

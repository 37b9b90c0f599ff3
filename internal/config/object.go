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
	"junctor/internal/channel"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/script"
	"junctor/internal/strict"
)

// Edit says who changes one object, and on what condition.
type Edit struct {
	Author  string
	IfMatch *int64 // the version it must have, 0: it must not exist yet; nil: no condition
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
	if !slices.Contains(Kinds(), kind) {
		return catalog.Object{}, fault.New(fault.NotFound, "There is no kind of configuration called %q.", kind)
	}
	body, bundle, err := s.read(ctx, kind, name, body)
	if err != nil {
		return catalog.Object{}, err
	}
	var stored catalog.Object
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		stored, err = s.edit(tx, kind, name, body, bundle, e)
		return err
	})
	return stored, err
}

func (s *Service) edit(tx *db.Tx, kind, name string, body json.RawMessage, bundle *script.Bundle, e Edit) (catalog.Object, error) {
	present, exists, err := s.present(tx, kind, name, e)
	if err != nil {
		return catalog.Object{}, err
	}
	var out settled
	if kind == Connections || kind == Channels {
		var found []fault.Field
		if out, found, err = s.settle(tx, kind, name, body, present.Body); err != nil || len(found) > 0 {
			return catalog.Object{}, errors.Join(err, problems(found))
		}
		body = out.body
	}
	if exists && bytes.Equal(present.Body, body) && !out.fresh() {
		return present, nil
	}
	if err := s.fits(tx, kind, name, body, bundle); err != nil {
		return catalog.Object{}, err
	}
	if kind == Channels {
		if _, err := s.tokens.Ensure(tx, name); err != nil {
			return catalog.Object{}, err
		}
	}
	if err := s.seal(tx, out.literals, e.Author); err != nil {
		return catalog.Object{}, err
	}
	stored, err := s.put(tx, kind, name, body, bundle, e.Author, catalog.API)
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
	return stored, s.changed(tx, e.Author, Change{Kind: kind, Code: name, Action: action})
}

// Delete removes one object. Errors: fault.NotFound, fault.Stale, and
// fault.Conflict when another object needs it.
func (s *Service) Delete(ctx context.Context, kind, name string, e Edit) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		present, exists, err := s.present(tx, kind, name, e)
		if err != nil {
			return err
		}
		if !exists {
			return fault.New(fault.NotFound, "There is no %q in %s.", name, kind)
		}
		if users, err := s.users(tx, kind, name); err != nil {
			return err
		} else if len(users) > 0 {
			return fault.New(fault.Conflict, "Scenario %q is used by the channels %s; change these first.", name, strings.Join(users, ", "))
		}
		if err := s.objects.Delete(tx, kind, name, e.Author); err != nil {
			return err
		}
		if err := s.sweep(tx, []catalog.Object{present}, e.Author); err != nil {
			return err
		}
		return s.changed(tx, e.Author, Change{Kind: kind, Code: name, Action: Delete})
	})
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

// users lists the channels that run a scenario.
func (s *Service) users(tx *db.Tx, kind, name string) (users []string, err error) {
	if kind != Scenarios {
		return nil, nil
	}
	objects, err := s.objects.All(tx)
	for _, o := range objects {
		if o.Kind != Channels {
			continue
		}
		if c, _ := channel.Parse(o.Code, o.Body); c.Scenario == name {
			users = append(users, o.Code)
		}
	}
	return users, err
}

// fits checks an object against the others.
func (s *Service) fits(tx *db.Tx, kind, name string, body json.RawMessage, bundle *script.Bundle) error {
	if kind != Channels && kind != Scenarios {
		return nil
	}
	objects, err := s.objects.All(tx)
	if err != nil {
		return err
	}
	scenarios, known := map[string]json.RawMessage{}, map[string]string{}
	for _, o := range objects {
		if o.Kind == Scenarios {
			scenarios[o.Code], known[o.Code] = o.Body, ""
		}
	}
	if kind == Channels {
		var c checker
		c.object("", kind, name, body, known)
		return problems(c.found)
	}
	bundles, err := s.bundles(tx, scenarios)
	if err != nil {
		return err
	}
	bundles[name] = bundle
	found := agreeing(bundles)
	for i := range found {
		found[i].Pointer = "/sources"
	}
	return problems(found)
}

func problems(found []fault.Field) error {
	if len(found) == 0 {
		return nil
	}
	return refused(found)
}

// read checks a body by itself and brings it into canonical form, a scenario's
// with its bundle.
func (s *Service) read(ctx context.Context, kind, name string, body json.RawMessage) (json.RawMessage, *script.Bundle, error) {
	var found []fault.Field
	if wrong := checkCode(name); wrong != "" {
		found = append(found, fault.Field{Detail: fmt.Sprintf("%q %s", name, wrong)})
	}
	if kind == Settings && name != SettingsCode {
		found = append(found, fault.Field{Detail: fmt.Sprintf("the settings have the code %q", SettingsCode)})
	}
	var anything any // so that what is no JSON is said once, with its place
	if broken := strict.Decode(body, &anything); broken != nil || len(found) > 0 {
		return nil, nil, refused(append(found, broken...))
	}
	switch kind {
	case Scenarios:
		return s.readScenario(ctx, name, body)
	case Settings:
		_, found = ParseSettings(body)
	case Connections:
		found = checkObject(kind, name, body)
	case Channels:
		found = checkObject(kind, name, body) // its references are checked in the transaction
	}
	if len(found) > 0 {
		return nil, nil, refused(found)
	}
	text, err := Canonical(body)
	return text, nil, err
}

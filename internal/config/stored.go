package config

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/packet"
	"junctor/internal/stored"
)

// asks reports whether objects of the kind have a say in what stored queries
// answer, or who uses that.
func asks(kind string) bool { return kind == Classes || kind == Queries || kind == Packets }

// stored finds what the database says about the stored queries, and what packets
// get wrong about their columns. The tables of classes are there.
func (s *Service) stored(tx *db.Tx, all map[string]map[string]json.RawMessage) ([]fault.Field, error) {
	if len(all[Queries]) == 0 {
		return nil, nil
	}
	model, err := table.Applied(tx)
	if err != nil {
		return nil, err
	}
	names := packet.Names{Model: model, Queries: map[string]*stored.Query{}}
	var list []*stored.Query
	for _, code := range sorted(all[Queries]) {
		q, found := stored.Parse(code, all[Queries][code])
		if len(found) > 0 {
			continue // of a newer release, that stays
		}
		names.Queries[code], list = q, append(list, q)
	}
	var c checker
	found, err := stored.Describe(tx, model, list)
	c.below("/"+Queries, found)
	c.below("", checkPackets(all[Packets], names))
	return c.found, err
}

// storedIn is stored for a plan, whose classes have their tables.
func (s *Service) storedIn(tx *db.Tx, p *plan) error {
	if !p.changes(Classes) && !p.changes(Queries) && !p.changes(Packets) {
		return nil
	}
	found, err := s.stored(tx, map[string]map[string]json.RawMessage{Queries: p.after(Queries), Packets: p.after(Packets)})
	if err == nil && len(found) > 0 {
		err = refused(found)
	}
	return err
}

// foresee asks the database what it would say of the plan's stored queries, with
// the tables that there would be, and leaves nothing of that.
func (s *Service) foresee(ctx context.Context, w *wanted, o Options, p *plan) error {
	if len(p.after(Queries)) == 0 || !p.changes(Classes) && !p.changes(Queries) && !p.changes(Packets) {
		return nil
	}
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if err := s.objects.Lock(tx); err != nil {
			return err
		}
		p, err := s.plan(tx, w, o)
		if err != nil {
			return err
		}
		if p.changes(Classes) {
			if _, _, err := s.tables(tx, p.after(Classes), true); err != nil {
				return err
			}
		}
		return cmp.Or(s.storedIn(tx, p), errLookOnly)
	})
	if errors.Is(err, errLookOnly) {
		return nil
	}
	return err
}

// storedAfter is stored after one object was changed by the API.
func (s *Service) storedAfter(tx *db.Tx, kind, code string) error {
	if !asks(kind) {
		return nil
	}
	objects, err := s.objects.All(tx)
	if err != nil {
		return err
	}
	found, err := s.stored(tx, bodiesOf(objects))
	if err != nil {
		return err
	}
	return problems(concerning(kindOf(kind), code, found))
}

var errLookOnly = errors.New("nothing of this stays")

// describe lets the database say what the stored queries of a snapshot answer.
func (s *Service) describe(ctx context.Context, snap *Snapshot) {
	if len(snap.Queries) == 0 {
		return
	}
	var list []*stored.Query
	for _, code := range sorted(snap.Queries) {
		list = append(list, snap.Queries[code])
	}
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		found, err := stored.Describe(tx, snap.Model, list)
		if err != nil {
			return err
		}
		for _, f := range found {
			snap.note(fmt.Errorf("the stored query at %s cannot be used: it %s", f.Pointer, f.Detail))
		}
		return errLookOnly
	})
	if !errors.Is(err, errLookOnly) {
		snap.note(fmt.Errorf("the stored queries cannot be used: %w", err))
	}
}

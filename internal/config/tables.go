package config

import (
	"context"
	"encoding/json"
	"errors"

	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/fault"
)

// modelOf is the classes of checked bodies.
func modelOf(bodies map[string]json.RawMessage) *class.Model {
	m, _ := class.NewModel(bodies)
	return m
}

// tables brings the tables to the classes, as far as that is done at once. Errors:
// fault.Conflict with the places of what cannot be done so.
func (s *Service) tables(tx *db.Tx, classes map[string]json.RawMessage, allowDrop bool) ([]table.Alteration, []table.Unfinished, error) {
	done, left, err := table.Apply(tx, modelOf(classes), allowDrop)
	return done, left, inClasses(err)
}

// tablesAfter is tables for one class that the API has changed or deleted.
func (s *Service) tablesAfter(tx *db.Tx, kind string, allowDrop bool) ([]table.Unfinished, error) {
	if kind != Classes {
		return nil, nil
	}
	objects, err := s.objects.All(tx)
	if err != nil {
		return nil, err
	}
	_, left, err := s.tables(tx, bodiesOf(objects)[Classes], allowDrop)
	return left, err
}

// inClasses puts the pointers of an error about tables below the classes.
func inClasses(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		for i := range f.Fields {
			f.Fields[i].Pointer = "/" + Classes + f.Fields[i].Pointer
		}
	}
	return err
}

// follow begins what cannot be done at once. The next start of the server does it
// too.
func (s *Service) follow(ctx context.Context, left []table.Unfinished) error {
	if len(left) == 0 || s.parts.Tables == nil {
		return nil
	}
	return s.parts.Tables(context.WithoutCancel(ctx), left)
}

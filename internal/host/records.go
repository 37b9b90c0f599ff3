package host

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/run"
)

//go:embed records.js
var recordsJS string

// Records is the business data of the domain; the hub keeps it.
type Records interface {
	// Records is the store, and the classes as they are now.
	Records() (*record.Store, *class.Model)
	// Reload brings the classes in use to what their tables are.
	Reload(ctx context.Context) error
}

// recordArgs are the arguments of every step on records.
type recordArgs struct {
	Class   string                     `json:"class"`
	ID      string                     `json:"id"`
	Key     map[string]json.RawMessage `json:"key"`
	Columns json.RawMessage            `json:"columns"`
	Version *int64                     `json:"version"` // that the record must have
	queryArgs
}

// recordStep is a call while it is done.
type recordStep struct {
	recordArgs
	tx    *db.Tx
	store *record.Store
	model *class.Model
	actor record.Actor
}

// recordSteps are how the steps on records are done. A run has every right; the
// changes that it makes name it.
func recordSteps(records Records) run.Handlers {
	read := func(do func(*recordStep) ([]byte, error)) step {
		return func(tx *db.Tx, c *run.Call) ([]byte, error) {
			s := &recordStep{tx: tx}
			if err := arguments(c, &s.recordArgs); err != nil {
				return nil, err
			}
			s.store, s.model = records.Records()
			s.actor = record.Actor{Rights: right.Full(right.Account{}), By: c.Run, Run: c.Run, Depth: c.Depth + 1}
			result, err := do(s)
			return result, s.failed(records, c.Name, err)
		}
	}
	change := func(do func(*recordStep) ([]byte, error)) step {
		return read(func(s *recordStep) ([]byte, error) {
			if err := s.circle(); err != nil {
				return nil, err
			}
			return do(s)
		})
	}
	return run.Handlers{
		"records.find":   {Read: read((*recordStep).get)},
		"records.get":    {Read: read((*recordStep).get)},
		"records.query":  {Read: read((*recordStep).query)},
		"records.create": {Internal: change((*recordStep).create)},
		"records.update": {Internal: change((*recordStep).update)},
		"records.upsert": {Internal: change((*recordStep).upsert)},
		"records.delete": {Internal: change((*recordStep).delete)},
	}
}

// RuleHandlers are the steps that a rule which comes before a change may make.
func RuleHandlers(records Records) run.Handlers {
	all, reads := recordSteps(records), run.Handlers{}
	for _, name := range []string{"records.find", "records.get", "records.query"} {
		reads[name] = all[name]
	}
	return reads
}

// address is which record is meant.
func (s *recordStep) address() (record.Address, error) {
	c := s.model.Class(s.Class)
	if s.Key == nil || c == nil { // that it is not there is said by the store
		return record.Address{ID: s.ID}, nil
	}
	var at record.Address
	for _, name := range slices.Sorted(maps.Keys(s.Key)) {
		column := columnOf(c, name)
		if column == nil {
			return at, fault.New(fault.Invalid, "The class %s has no column %q to find a record by.", s.Class, name)
		}
		v, err := column.FromJSON(s.Key[name])
		if err != nil {
			return at, fault.New(fault.Invalid, "A record of the class %s cannot be found by %s: %v.", s.Class, name, err)
		}
		if v.IsNull() {
			return at, fault.New(fault.Invalid, "A record of the class %s cannot be found by %s: it is null.", s.Class, name)
		}
		if column.Code == "id" && len(s.Key) == 1 {
			return record.Address{ID: v.Text()}, nil
		}
		at.Key = append(at.Key, record.KeyPart{Column: name, Value: v})
	}
	return at, nil
}

// get answers the record, or null when there is none.
func (s *recordStep) get() ([]byte, error) {
	at, err := s.address()
	if err != nil {
		return nil, err
	}
	expand, err := s.expansion()
	if err != nil {
		return nil, err
	}
	r, err := s.store.Get(s.tx, s.model, s.actor, s.Class, at, s.Select, expand)
	if fault.Is(err, fault.NotFound) && s.model.Class(s.Class) != nil {
		return []byte("null"), nil
	}
	if err != nil {
		return nil, err
	}
	return appendRecord(nil, r, ""), nil
}

func (s *recordStep) create() ([]byte, error) {
	return s.wrote(s.store.Create(s.tx, s.model, s.actor, s.Class, s.Columns))
}

func (s *recordStep) update() ([]byte, error) {
	at, err := s.address()
	if err != nil {
		return nil, err
	}
	return s.wrote(s.store.Update(s.tx, s.model, s.actor, s.Class, at, s.Columns, s.match()))
}

func (s *recordStep) upsert() ([]byte, error) {
	return s.wrote(s.store.Upsert(s.tx, s.model, s.actor, s.Class, record.Address{}, s.Columns, s.match(), false))
}

// delete answers whether there was such a record.
func (s *recordStep) delete() ([]byte, error) {
	at, err := s.address()
	if err != nil {
		return nil, err
	}
	_, err = s.store.Delete(s.tx, s.model, s.actor, s.Class, at, s.match())
	if fault.Is(err, fault.NotFound) && s.model.Class(s.Class) != nil {
		return []byte("false"), nil
	}
	return []byte("true"), err
}

func (s *recordStep) match() record.Match {
	if s.Version == nil {
		return record.Match{}
	}
	return record.Match{Given: true, Versions: []int64{*s.Version}}
}

func (s *recordStep) wrote(out *record.Outcome, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return appendRecord(nil, out.Record, out.Result), nil
}

// failed makes the step's failure of an error. What the transaction cannot go on
// with is made anew; any other trouble is the storage's.
func (s *recordStep) failed(records Records, step string, err error) error {
	var f *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, db.ErrUnique):
		return &run.Again{Err: err}
	case errors.Is(err, db.ErrRefused) && errors.As(record.Overtaken(err), &f):
		return &run.Again{Err: err, Fails: recordError(step, f)}
	case errors.Is(err, table.ErrStale), errors.Is(err, db.ErrUnfit): // the table has been replaced by another
		return &run.Again{Err: err, Ready: records.Reload}
	case errors.As(err, &f) && f.Code != fault.Internal && f.Code != fault.Unavailable:
		return recordError(step, f)
	case errors.Is(table.Current(s.tx, s.model, s.Class), table.ErrStale):
		return &run.Again{Err: err, Ready: records.Reload}
	}
	return err
}

// recordError is a refusal as the scenario gets it.
func recordError(step string, f *fault.Error) *run.StepError {
	p := fault.ProblemOf(f)
	if f.Code == fault.VersionRequired {
		p.Detail = "the class demands the version that this is a change of: give it as { version: record.version }"
	}
	data, err := json.Marshal(p)
	if err != nil { // of texts and numbers
		panic(err)
	}
	said := fault.Error{Code: f.Code, Title: p.Title, Detail: p.Detail, Fields: p.Errors}
	again := f.Code == fault.Conflict || f.Code == fault.Stale || f.Code == fault.ScenarioFailed
	return &run.StepError{Name: "RecordError", Message: step + ": " + said.Error(), Permanent: !again, Data: data}
}

// circle refuses changes at the end of a chain of rules, before they are made.
func (s *recordStep) circle() error {
	c := s.model.Class(s.Class)
	if c == nil || s.actor.Depth <= event.MaxDepth || !slices.ContainsFunc(c.Rules, func(r class.Rule) bool { return !r.Before }) {
		return nil
	}
	return fault.New(fault.Forbidden, "The class %s has rules, and this run is the %dth in a chain of changes and runs that led to each other; after %d it ends.", s.Class, s.actor.Depth, event.MaxDepth)
}

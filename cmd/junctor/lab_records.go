package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/config"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/host"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/strict"
	"junctor/internal/trial"
)

// labRecords are the records of a trial: tables of the folder's classes, which are
// as empty as a test begins. Rules that come before a change are asked; those
// that come after it start nothing.
type labRecords struct {
	bodies map[string]json.RawMessage
	model  *class.Model
	lab    *trial.Lab
}

func recordsOf(set *config.Set) *labRecords {
	return &labRecords{bodies: set.Objects[config.Classes], model: &class.Model{}}
}

// prepare makes the tables.
func (l *labRecords) prepare(tx *db.Tx) error {
	wanted, found := class.NewModel(l.bodies)
	if len(found) > 0 {
		return fault.New(fault.Unprocessable, "The classes are not valid.").WithFields(found...)
	}
	if _, _, err := table.Apply(tx, wanted, false); err != nil {
		return err
	}
	var err error
	l.model, err = table.Applied(tx)
	return err
}

// world is the records at a world's time.
func (l *labRecords) world(now func() time.Time) *labWorld {
	w := &labWorld{labRecords: l}
	w.store = record.NewStore(record.Hooks{Before: w.ask}, now)
	w.asker = scenario.Asker{Handlers: host.RuleHandlers(w), Now: now}
	return w
}

type labWorld struct {
	*labRecords
	store *record.Store
	asker scenario.Asker
}

func (w *labWorld) Records() (*record.Store, *class.Model) { return w.store, w.model }

func (w *labWorld) Reload(context.Context) error { return nil }

func (w *labWorld) ask(tx *db.Tx, ask record.Ask) (json.RawMessage, error) {
	change := host.Change{
		Class: w.model.Class(ask.Class), Action: string(ask.Kind), Record: ask.Record, Before: ask.Before,
		Changed: ask.Changed, Account: ask.Account, Run: ask.Run,
	}
	if change.Record == nil {
		change.Record = ask.Before
	}
	in, err := change.Input()
	if err != nil {
		return nil, err
	}
	return w.lab.Ask(tx, w.asker, ask.Scenario, in)
}

// recorded is what a mock of a step on records gives, with its decimals.
func (l *labRecords) recorded(c *run.Call, value json.RawMessage) json.RawMessage {
	var args struct{ Class string }
	if err := json.Unmarshal(c.Args, &args); err != nil {
		return value
	}
	return host.Recorded(l.model.Class(args.Class), value)
}

// change is the change of a record that a test hands to a scenario.
func (l *labRecords) change(raw json.RawMessage) (scenario.Input, error) {
	var given struct {
		Class   string                     `json:"class"`
		Action  string                     `json:"action"` // updated when absent
		Record  map[string]json.RawMessage `json:"record"`
		Before  map[string]json.RawMessage `json:"before"`
		Changed []string                   `json:"changed"`
		Account *struct {
			ID    string `json:"id"`
			Login string `json:"login"`
			Kind  string `json:"kind"`
		} `json:"account"`
		Run string `json:"run"`
	}
	wrong := fault.New(fault.Unprocessable, "The change is not valid.")
	if found := strict.Decode(raw, &given); len(found) > 0 {
		return scenario.Input{}, wrong.WithFields(found...)
	}
	class := l.model.Class(given.Class)
	if class == nil {
		var codes []string
		for _, c := range l.model.Classes() {
			codes = append(codes, c.Code)
		}
		return scenario.Input{}, wrong.WithFields(fault.Field{Pointer: "/class", Detail: strict.Unknown(given.Class, codes)})
	}
	c := host.Change{Class: class, Action: given.Action, Changed: given.Changed, Run: given.Run}
	if c.Action == "" {
		c.Action = string(record.Updated)
	}
	if a := given.Account; a != nil {
		c.Account = right.Account{ID: a.ID, Login: a.Login, Kind: a.Kind}
	}
	var err error
	if c.Record, err = whole(class, given.Record); err == nil && given.Before != nil {
		c.Before, err = whole(class, given.Before)
	}
	if err != nil {
		return scenario.Input{}, err
	}
	in, err := c.Input()
	if err != nil {
		return in, wrong.WithFields(fault.Field{Pointer: "/record", Detail: err.Error()})
	}
	return in, nil
}

// whole is a record with all the columns of its class: what is not given is null.
func whole(c *class.Class, given map[string]json.RawMessage) (json.RawMessage, error) {
	row := map[string]json.RawMessage{}
	for _, column := range c.Columns {
		row[column.Field()] = json.RawMessage("null")
	}
	for name, value := range given {
		row[name] = value
	}
	text, err := json.Marshal(row)
	if err != nil {
		return nil, fmt.Errorf("hand over a record: %w", err)
	}
	return text, nil
}

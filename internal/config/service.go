package config

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"junctor/internal/access"
	"junctor/internal/catalog"
	"junctor/internal/channel"
	"junctor/internal/class/table"
	"junctor/internal/connection"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/scenario"
	"junctor/internal/script"
)

// Service changes and reads the configuration of one domain.
type Service struct {
	db       *db.DB
	objects  *catalog.Store
	versions *scenario.Versions
	tokens   *channel.Tokens
	access   *access.Store
	parts    Parts
}

// Parts are what a Service may be given besides the stores; each may be nil.
type Parts struct {
	// Measure is how long a program takes to instantiate, for Apply's result.
	Measure func(*script.Program) (time.Duration, error)
	// Names finds what a program imports from "junctor" and is not there.
	Names func(*script.Program) []script.Diagnostic
	// Params is what a program exports as params, as JSON; nil for nothing. Without
	// it, the parameters of functions are not checked.
	Params func(context.Context, *script.Program) (json.RawMessage, error)
	// Secrets resolves references for Snapshot. Without it, channels whose
	// verification has references refuse everybody.
	Secrets connection.Secrets
	// Tables makes the runs that bring the tables of classes with records to what
	// is wanted of them, once that has been committed.
	Tables func(ctx context.Context, left []table.Unfinished) error
	// Runs are asked for Warnings; a function, since they are made after the
	// Service.
	Runs func() Runs
	// Changed is called in the transaction, after each change: for the audit.
	Changed func(tx *db.Tx, author string, c Change) error
}

// New returns the service over the stores of one database. Secrets that are
// written out in what it is given are kept by secrets.
func New(d *db.DB, objects *catalog.Store, versions *scenario.Versions, tokens *channel.Tokens, secrets *access.Store, parts Parts) *Service {
	return &Service{db: d, objects: objects, versions: versions, tokens: tokens, access: secrets, parts: parts}
}

// Options say how a set is applied.
type Options struct {
	Author    string
	Prune     bool // also remove what was made by the API or in the UI
	AllowDrop bool // also what makes classes lose data
}

// Actions of a change.
const (
	Create = "create"
	Update = "update"
	Delete = "delete"
)

// Change is one object that Plan would change or Apply has changed.
type Change struct {
	Kind   string `json:"kind"`
	Code   string `json:"code"`
	Action string `json:"action"`
	Detail string `json:"detail,omitempty"` // of an update: the members that differ, or the scenario's old and new version
}

// Result is what Plan and Apply say.
type Result struct {
	Changes   []Change           `json:"changes"`             // in the order of Kinds and codes; empty, never nil
	Tables    []table.Alteration `json:"tables,omitempty"`    // what becomes of the tables of classes
	Channels  []Endpoint         `json:"channels"`            // every channel there is afterwards
	Scenarios []ScenarioState    `json:"scenarios,omitempty"` // the set's scenarios
	Warnings  []string           `json:"warnings,omitempty"`  // what works and should not stay so
	Notes     []string           `json:"notes,omitempty"`     // which secrets were written out, and where they are kept
}

// Endpoint is a channel with its addresses. In a plan, a channel that is yet
// to be made has none.
type Endpoint struct {
	Code          string `json:"code"`
	Type          string `json:"type"`
	Token         string `json:"token,omitempty"`
	Path          string `json:"path,omitempty"`
	WebsocketPath string `json:"websocket_path,omitempty"`
}

// ScenarioState is a scenario of a set.
type ScenarioState struct {
	Code            string   `json:"code"`
	Version         string   `json:"version"`
	InstantiationUS int64    `json:"instantiation_us,omitempty"` // what every run costs before its first line
	Warnings        []string `json:"warnings,omitempty"`
}

// Plan says what Apply would do, and changes nothing. Errors:
// fault.Unprocessable with everything that is wrong.
func (s *Service) Plan(ctx context.Context, set *Set, o Options) (*Result, error) {
	wanted, _, err := s.prepare(ctx, set)
	if err != nil {
		return nil, err
	}
	var result *Result
	var p *plan
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		if p, err = s.plan(tx, wanted, o); err != nil {
			return err
		}
		tokens, err := s.tokens.All(tx)
		if err != nil {
			return err
		}
		result = &Result{Changes: p.list(), Channels: p.endpoints(tokens), Scenarios: states(set), Notes: p.notes()}
		if result.Tables, err = table.Plan(tx, modelOf(p.after(Classes))); err != nil {
			return err
		}
		return inClasses(table.Refused(result.Tables, true))
	})
	if err == nil {
		err = s.foresee(ctx, wanted, o, p)
	}
	if err != nil {
		return nil, err
	}
	result.Warnings = slices.Concat(s.missed(ctx, p), s.warnings(p))
	return result, nil
}

// Apply makes the configuration what the set says, in one transaction: what the
// set has is created or updated, what came from an earlier set and is missing
// now is deleted, what was made by the API stays unless o.Prune says otherwise.
// Errors: fault.Unprocessable with everything that is wrong; nothing is changed
// then.
func (s *Service) Apply(ctx context.Context, set *Set, o Options) (*Result, error) {
	wanted, programs, err := s.prepare(ctx, set)
	if err != nil {
		return nil, err
	}
	scenarios, err := s.measured(set, programs)
	if err != nil {
		return nil, err
	}
	var result *Result
	var p *plan
	var left []table.Unfinished
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := s.objects.Lock(tx); err != nil {
			return err
		}
		if p, err = s.plan(tx, wanted, o); err != nil {
			return err
		}
		if err := s.execute(tx, p, o.Author); err != nil {
			return err
		}
		tokens, err := s.ensureTokens(tx, p.after(Channels))
		if err != nil {
			return err
		}
		result = &Result{Changes: p.list(), Channels: p.endpoints(tokens), Scenarios: scenarios, Notes: p.notes()}
		if p.changes(Classes) {
			if result.Tables, left, err = s.tables(tx, p.after(Classes), o.AllowDrop); err != nil {
				return err
			}
		}
		return s.storedIn(tx, p)
	})
	if err != nil {
		return nil, err
	}
	result.Warnings = slices.Concat(s.missed(ctx, p), s.warnings(p))
	return result, s.follow(ctx, left)
}

// prepare checks a set and brings it into the form that is compared and stored.
func (s *Service) prepare(ctx context.Context, set *Set) (*wanted, map[string]*script.Program, error) {
	programs, found := check(ctx, set)
	if len(found) > 0 {
		return nil, nil, refused(found)
	}
	w, err := newWanted(set)
	if err == nil {
		w.params, err = s.parameters(ctx, set.Scenarios, programs)
	}
	return w, programs, err
}

func refused(found []fault.Field) error {
	return fault.New(fault.Unprocessable, "The configuration is not valid (mistakes: %d); nothing was changed.", len(found)).WithFields(found...)
}

func states(set *Set) []ScenarioState {
	var all []ScenarioState
	for _, name := range sorted(set.Scenarios) {
		b := set.Scenarios[name]
		all = append(all, ScenarioState{Code: name, Version: scenario.Name(scenario.Hash(b)), Warnings: b.Warnings})
	}
	return all
}

func (s *Service) measured(set *Set, programs map[string]*script.Program) ([]ScenarioState, error) {
	all := states(set)
	if err := s.unknownNames(programs); err != nil {
		return nil, err
	}
	if s.parts.Measure == nil {
		return all, nil
	}
	for i := range all {
		d, err := s.parts.Measure(programs[all[i].Code])
		if err != nil {
			return nil, fault.Wrap(err, fault.Unprocessable, "Scenario %q cannot be started; nothing was changed.", all[i].Code).
				WithFields(fault.Field{Pointer: "/" + Scenarios + "/" + all[i].Code, Detail: err.Error()})
		}
		all[i].InstantiationUS = d.Microseconds()
	}
	return all, nil
}

// unknownNames refuses scenarios that import what the module does not have.
func (s *Service) unknownNames(programs map[string]*script.Program) error {
	if s.parts.Names == nil {
		return nil
	}
	var found []fault.Field
	for _, name := range sorted(programs) {
		for _, d := range s.parts.Names(programs[name]) {
			found = append(found, fault.Field{Pointer: "/" + Scenarios + "/" + name, Detail: d.String()})
		}
	}
	if len(found) > 0 {
		return refused(found)
	}
	return nil
}

func (s *Service) ensureTokens(tx *db.Tx, channels map[string]json.RawMessage) (map[string]string, error) {
	tokens := map[string]string{}
	for _, name := range sorted(channels) {
		token, err := s.tokens.Ensure(tx, name)
		if err != nil {
			return nil, err
		}
		tokens[name] = token
	}
	return tokens, nil
}

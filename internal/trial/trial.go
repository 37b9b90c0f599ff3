// Package trial executes scenarios without a server: one of them to look at,
// or the tests that an integration brings along. Nothing is reached. Steps of
// the database are really made, in a transaction that is never committed; what
// would leave the machine is answered by mocks; time passes only when a
// scenario sleeps.
//
// It must not know where mocks and messages come from, nor how a report is
// shown. It has no journal: a run is executed once, from start to end.
package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"junctor/internal/channel"
	"junctor/internal/connection/http"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/schedule"
	"junctor/internal/script"
	"junctor/internal/strict"
)

// Options are what a Lab needs of an integration and of the module "junctor".
type Options struct {
	Dir       string // the integration's folder, for its tests
	Scenarios map[string]*script.Bundle
	Channels  map[string]channel.Config  // a channel of each scenario that has one, by the scenario's code
	Schedules map[string]schedule.Config // a schedule of each that has one, likewise
	Zone      *time.Location             // what scenarios count in; UTC when nil

	Module string                 // JavaScript of the module "junctor"
	Pure   map[string]script.Pure // its synchronous helpers
	// Handlers are how steps are done; those that reach outside are never called.
	Handlers func(now func() time.Time) run.Handlers
	// Answered makes the result of http.request of a mock's answer.
	Answered func(c *run.Call, response *http.Response) ([]byte, error)
	// Prepare makes in the lab's database what every world begins with; nil: nothing.
	Prepare func(tx *db.Tx) error
	// Recorded makes the result of a step on records of a mock's value, and Change
	// a scenario's input of the change of a record. Errors of Change are the test's.
	Recorded func(c *run.Call, value json.RawMessage) json.RawMessage
	Change   func(raw json.RawMessage) (scenario.Input, error)
}

// Lab is where scenarios are tried. It is for one goroutine.
type Lab struct {
	options  Options
	dir      string
	db       *db.DB
	pool     *script.Pool
	programs map[string]*script.Program
	known    []string // the names of all steps
}

// Open prepares a lab: a database in a temporary folder, and the script engine.
func Open(ctx context.Context, o Options) (_ *Lab, err error) {
	l := &Lab{options: o, programs: map[string]*script.Program{}}
	for name := range o.Handlers(time.Now) {
		l.known = append(l.known, name)
	}
	slices.Sort(l.known)
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if l.dir, err = os.MkdirTemp("", "junctor-trial-"); err != nil {
		return nil, fmt.Errorf("make a folder for the trial: %w", err)
	}
	if l.db, err = db.Open(ctx, db.Options{Dir: l.dir, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	if o.Prepare != nil {
		if err := l.db.Write(ctx, o.Prepare); err != nil {
			return nil, err
		}
	}
	if l.pool, err = script.NewPool(script.Config{Module: o.Module, Pure: o.Pure, Zone: o.Zone}); err != nil {
		return nil, fmt.Errorf("prepare the script engine: %w", err)
	}
	return l, nil
}

// Close ends the lab and removes its folder.
func (l *Lab) Close() error {
	if l.pool != nil {
		l.pool.Close()
	}
	var err error
	if l.db != nil {
		err = l.db.Close()
	}
	if l.dir != "" {
		err = errors.Join(err, os.RemoveAll(l.dir))
	}
	return err
}

// Steps are the names of all steps that a scenario can make, sorted.
func (l *Lab) Steps() []string { return l.known }

// errForget ends every world: nothing of it is kept.
var errForget = errors.New("a trial leaves nothing behind")

// In makes a world that begins empty at the given time, hands it to f and
// forgets it afterwards.
func (l *Lab) In(ctx context.Context, start time.Time, f func(*World) error) error {
	err := l.db.Write(ctx, func(tx *db.Tx) error {
		w := &World{lab: l, tx: tx, now: start}
		w.handlers = l.options.Handlers(func() time.Time { return w.now })
		if err := f(w); err != nil {
			return err
		}
		return errForget
	})
	if errors.Is(err, errForget) {
		return nil
	}
	return err
}

// Ask asks a scenario of the folder about a change before it is made.
func (l *Lab) Ask(tx *db.Tx, asker scenario.Asker, code string, in scenario.Input) (json.RawMessage, error) {
	program, err := l.program(code)
	if err != nil {
		return nil, fault.Wrap(err, fault.ScenarioFailed, "The rule %s cannot be asked.", code)
	}
	answer, err := asker.Ask(tx, code, in, func(s script.Start) (*script.Exec, *script.Turn, error) {
		s.Program = program
		return l.pool.Start(tx.Context(), s)
	})
	var failed *fault.Error
	if errors.As(err, &failed) && failed.Code == fault.ScenarioFailed && failed.Cause != nil { // here there is no server's log
		return nil, fault.New(fault.ScenarioFailed, "The rule %s did not complete, and nothing was stored: %s", code, strict.Stop(failed.Cause.Error()))
	}
	return answer, err
}

// program compiles a scenario, once. Errors: fault.NotFound; fault.Unprocessable
// with the places of what is wrong.
func (l *Lab) program(code string) (*script.Program, error) {
	if p, ok := l.programs[code]; ok {
		return p, nil
	}
	bundle, ok := l.options.Scenarios[code]
	if !ok {
		return nil, fault.New(fault.NotFound, "There is no scenario %q in the folder; there is %s.", code, list(l.options.Scenarios))
	}
	p, mistakes := script.Compile(bundle)
	if len(mistakes) == 0 {
		mistakes = l.pool.Check(p)
	}
	if len(mistakes) > 0 {
		return nil, mistaken(mistakes)
	}
	l.programs[code] = p
	return p, nil
}

// mistaken is what is wrong with sources, one line for each mistake.
func mistaken(mistakes []script.Diagnostic) error {
	lines := make([]string, len(mistakes))
	for i, m := range mistakes {
		lines[i] = m.String()
	}
	return fault.New(fault.Unprocessable, "%s", strings.Join(lines, "\n"))
}

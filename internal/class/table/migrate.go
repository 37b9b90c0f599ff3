package table

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
)

// Migration brings tables with data to their wanted definitions, by runs of
// MigrationProgram: the rows are copied into a new table in small transactions
// while triggers note which ones are written meanwhile, and the new table takes
// the old one's place in a short one. Every step can be made again: a run that is
// interrupted anywhere goes on where it was.
type Migration struct {
	DB *db.DB
	// Changed is called in the transaction in which a class's table changes:
	// every node has to load Applied again. May be nil.
	Changed func(tx *db.Tx) error
	// Pause waits between two transactions; time.After by itself when nil.
	Pause func(ctx context.Context, d time.Duration)
}

// A chunk is as many rows as take about this long to copy. Others write between
// two chunks.
const (
	chunkTime  = 15 * time.Millisecond
	chunkFirst = 200
	chunkLeast = 100
	chunkMost  = 500             // a machine may become slow from one to the next
	stepTime   = 5 * time.Second // of copying that make one step of the run
	swapBelow  = 50              // records that are still to be copied again when the swap begins
)

// Version is the only version of MigrationProgram.
const Version = "1"

func (u Unfinished) input() []byte {
	input, _ := json.Marshal(u) //nolint:errcheck // two plain members
	return input
}

// Execute implements run.Program. The steps of the run show how far it is.
func (m *Migration) Execute(_ context.Context, x *run.Execution) run.Outcome {
	p := process{x: x}
	superseded := false
	for _, name := range []string{"table.prepare", "table.copy", "table.swap", "table.clean"} {
		for !superseded || name == "table.clean" {
			c, err := p.step(name, x.Input())
			if err != nil {
				return run.Outcome{Left: err}
			}
			if c.Err != nil {
				return run.Outcome{Failure: &run.Failure{ErrorInfo: run.ErrorInfo{Name: c.Err.Name, Message: c.Err.Message, Permanent: c.Err.Permanent}, Calls: []int{p.calls}}}
			}
			var done progress
			if err := json.Unmarshal(c.Result, &done); err != nil {
				return run.Outcome{Failure: &run.Failure{ErrorInfo: run.ErrorInfo{Name: "Error", Message: err.Error(), Permanent: true}}}
			}
			for _, note := range done.Notes {
				x.Log("warn", note)
			}
			if superseded = superseded || done.Superseded; done.Done {
				break
			}
		}
	}
	output, err := json.Marshal(progress{Done: true, Superseded: superseded})
	if err != nil {
		return run.Outcome{Failure: &run.Failure{ErrorInfo: run.ErrorInfo{Name: "Error", Message: err.Error(), Permanent: true}}}
	}
	return run.Outcome{Output: output}
}

// process calls one step after another.
type process struct {
	x     *run.Execution
	calls int
}

func (p *process) step(name string, args []byte) (run.Completion, error) {
	p.calls++
	p.x.Call(p.calls, name, args)
	for {
		c, err := p.x.Next(nil)
		if err != nil || c.Call == p.calls {
			return c, err
		}
	}
}

// progress is a step's result.
type progress struct {
	Done       bool     `json:"done"`
	Copied     int64    `json:"copied,omitempty"` // rows, all in all
	Superseded bool     `json:"superseded,omitempty"`
	Notes      []string `json:"notes,omitempty"` // for the run's log
}

// Handlers are the steps of MigrationProgram.
func (m *Migration) Handlers() run.Handlers {
	handler := func(f func(context.Context, Unfinished) (progress, error)) run.Handler {
		return run.Handler{External: func(ctx context.Context, c *run.Call) ([]byte, error) {
			var u Unfinished
			if err := json.Unmarshal(c.Args, &u); err != nil {
				return nil, &run.StepError{Name: "Error", Message: err.Error(), Permanent: true}
			}
			done, err := f(ctx, u)
			if err != nil {
				return nil, explain(u, err)
			}
			return json.Marshal(done)
		}}
	}
	return run.Handlers{
		"table.prepare": handler(m.prepare), "table.copy": handler(m.copy), "table.swap": handler(m.swap), "table.clean": handler(m.clean),
	}
}

var errSuperseded = errors.New("another change of the class has taken this one's place")

// explain makes an error of a step what the run shows.
func explain(u Unfinished, err error) error {
	var bad *misfit
	switch {
	case errors.As(err, &bad):
		return &run.StepError{Name: "DataError", Permanent: true, Message: fmt.Sprintf("The class %s stays as it was: %s. Change the record or the class, and apply again or retry this run.", u.Class, bad.text)}
	case fault.Is(err, fault.Conflict):
		return &run.StepError{Name: "Conflict", Permanent: true, Message: err.Error()}
	}
	return err
}

// current finds the change in the tables' state; errSuperseded when it is not
// wanted any more, or done.
func (m *Migration) current(tx *db.Tx, u Unfinished) (*state, *tableState, *class.Class, error) {
	s, err := load(tx)
	if err != nil {
		return nil, nil, nil, err
	}
	t := s.tables[u.Class]
	if t == nil || t.wanted == nil || t.change != u.Number {
		return nil, nil, nil, errSuperseded
	}
	if *t.wanted == "" {
		return s, t, nil, nil
	}
	c, found := class.Parse(u.Class, json.RawMessage(*t.wanted))
	if len(found) > 0 {
		return nil, nil, nil, fault.New(fault.Internal, "The wanted definition of the class cannot be read.").WithFields(found...)
	}
	return s, t, c, nil
}

// write is a transaction of a step. superseded is no error of it.
func (m *Migration) write(ctx context.Context, u Unfinished, f func(tx *db.Tx, s *state, t *tableState, c *class.Class) error) (superseded bool, err error) {
	err = m.DB.Write(ctx, func(tx *db.Tx) error {
		s, t, c, err := m.current(tx, u)
		if err != nil {
			return err
		}
		return f(tx, s, t, c)
	})
	if errors.Is(err, errSuperseded) {
		return true, nil
	}
	return false, err
}

// prepare makes the shadow and the triggers.
func (m *Migration) prepare(ctx context.Context, u Unfinished) (progress, error) {
	// A vacuum of the old table would be in the way of the swap. One that is under
	// way gives up after a second; readers and writers do not wait for this.
	if superseded, err := m.write(ctx, u, func(tx *db.Tx, s *state, t *tableState, c *class.Class) error {
		if !s.dialect.postgres || t.position != nil || c == nil {
			return nil
		}
		return tx.Define("SET LOCAL lock_timeout = '5s'; ALTER TABLE " + db.Quote(t.class.Table()) + " SET (autovacuum_enabled = false)")
	}); superseded || err != nil {
		return progress{Done: true, Superseded: superseded}, err
	}
	superseded, err := m.write(ctx, u, func(tx *db.Tx, s *state, t *tableState, c *class.Class) error {
		if t.position != nil || c == nil {
			return nil
		}
		if err := s.dialect.impatient(tx); err != nil {
			return err
		}
		if err := define(tx, s.dialect.createTable(c, shadow(u.Class), stamp())); err != nil {
			return err
		}
		if err := s.dialect.carryIndexes(tx, t.class, c); err != nil {
			return err
		}
		statements := s.dialect.touchTriggers(t.class) // from here on writers wait for the commit
		if s.dialect.postgres {                        // a vacuum would hold the table when it is to take the other's place
			statements = append(statements, fmt.Sprintf("ALTER TABLE %s SET (autovacuum_enabled = false)", db.Quote(shadow(u.Class))))
		}
		if err := define(tx, statements); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM record_touched WHERE class = $1`, u.Class); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE record_tables SET position = '', copied = 0 WHERE class = $1`, u.Class)
		return err
	})
	return progress{Done: true, Superseded: superseded}, err
}

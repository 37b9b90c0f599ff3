package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/script"
)

// Validator lets scenarios that export `validate` decide about messages before
// anything is stored (A5).
type Validator struct {
	Runtime  *Runtime
	DB       *db.DB
	Handlers run.Handlers // what validate may call: kv
	Now      func() time.Time
}

// Answered is a refusal that the scenario has worded itself, by a Problem.
type Answered struct{ Output []byte }

func (a *Answered) Error() string { return "the scenario's validate has answered" }

// Has reports whether a version exports validate.
func (v *Validator) Has(ctx context.Context, code, version string) (bool, error) {
	exports, err := v.Runtime.Exports(ctx, code, version)
	return slices.Contains(exports, "validate"), err
}

// Validate asks the scenario. The returned function makes what validate wrote
// by kv; it belongs into the transaction of the run's row. Errors:
// fault.Unauthorized; *Answered; fault.ScenarioFailed when validate fails.
func (v *Validator) Validate(ctx context.Context, code, version string, in Input) (with func(*db.Tx) ([]db.Op, error), err error) {
	program, err := v.Runtime.compiled(ctx, code, version)
	if err != nil {
		return nil, err
	}
	source, content := in.arguments()
	_, exec, turn, err := v.Runtime.start(ctx, script.Start{
		Program: program, Entry: "validate", Seed: 1, Now: v.Now(), Args: []string{source, content, "", "1"},
	})
	if err != nil {
		return nil, err
	}
	defer exec.Close()
	var made []script.Call
	var waiting []script.Call
	for {
		for _, c := range turn.Calls {
			if !c.Notice {
				waiting = append(waiting, c)
			}
		}
		if turn.Done {
			if err := verdictOf(turn); err != nil {
				return nil, err
			}
			return v.repeat(made), nil
		}
		c := waiting[0]
		waiting = waiting[1:]
		settled, err := v.call(ctx, made, c)
		if err != nil {
			return nil, err
		}
		made = append(made, c)
		turn = exec.Resume(settled)
	}
}

// verdictOf reads what validate returned or threw.
func verdictOf(turn *script.Turn) error {
	refused := fault.New(fault.Unauthorized, "The message was not accepted by the channel's own check.")
	if turn.Err == nil {
		var answer struct{ Value any }
		if turn.Output != "" && json.Unmarshal([]byte(turn.Output), &answer) == nil && answer.Value == false {
			return refused
		}
		return nil
	}
	var said struct {
		Answer       json.RawMessage `json:"answer"`
		Unauthorized bool            `json:"unauthorized"`
	}
	if turn.Err.Data != "" && json.Unmarshal([]byte(turn.Err.Data), &said) == nil {
		if said.Unauthorized {
			return refused
		}
		if said.Answer != nil {
			return &Answered{said.Answer}
		}
	}
	return fault.Wrap(turn.Err, fault.ScenarioFailed, "The channel's own check of the message failed; the server's log says why.")
}

// errUndo ends a transaction that was only a look.
var errUndo = errors.New("nothing is kept yet")

// call finds what a call gives after those made before it, and keeps nothing:
// whether any of it happens is decided with the run.
func (v *Validator) call(ctx context.Context, made []script.Call, c script.Call) (script.Settle, error) {
	settled := script.Settle{ID: c.ID, Now: v.Now()}
	err := v.DB.Write(ctx, func(tx *db.Tx) error {
		for _, before := range made {
			if _, err := v.do(tx, before); err != nil {
				return err
			}
		}
		result, err := v.do(tx, c)
		var failed *run.StepError
		if errors.As(err, &failed) {
			value, _ := json.Marshal(failed) //nolint:errcheck // texts always marshal
			settled.Value = string(value)
			return errUndo
		}
		if err != nil {
			return err
		}
		settled.OK, settled.Value = true, string(result)
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return settled, nil
	}
	return settled, err
}

func (v *Validator) do(tx *db.Tx, c script.Call) ([]byte, error) {
	h := v.Handlers[c.Name]
	call := &run.Call{Name: c.Name, Args: []byte(c.Args), Seq: c.ID}
	switch {
	case h.Internal != nil:
		return h.Internal(tx, call)
	case h.Read != nil:
		return h.Read(tx, call)
	}
	return nil, &run.StepError{
		Name: "TypeError", Permanent: true,
		Message: c.Name + " is not possible in validate: it may use kv and the pure helpers; the rest belongs into the scenario itself",
	}
}

// repeat makes the calls in another transaction.
func (v *Validator) repeat(made []script.Call) func(*db.Tx) ([]db.Op, error) {
	if len(made) == 0 {
		return nil
	}
	return func(tx *db.Tx) ([]db.Op, error) {
		for _, c := range made {
			var failed *run.StepError
			if _, err := v.do(tx, c); err != nil && !errors.As(err, &failed) {
				return nil, err
			}
		}
		return nil, nil
	}
}

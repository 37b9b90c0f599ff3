package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
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

// ErrMoved is in the error of a run that was not stored because another message
// has changed what validate had read: it must be asked again.
var ErrMoved = errors.New("a value that validate has read was changed")

// made is a call of validate and what it gave.
type made struct {
	call    script.Call
	settled script.Settle
}

// Validate asks the scenario. The returned function makes what validate did
// by kv; it belongs into the transaction of the run's row, and fails with
// ErrMoved when something else comes out of it there. Errors:
// fault.Unauthorized; *Answered; fault.ScenarioFailed when validate fails.
func (v *Validator) Validate(ctx context.Context, code, version string, in Input) (with func(*db.Tx) ([]db.Op, error), err error) {
	program, err := v.Runtime.compiled(ctx, code, version)
	if err != nil {
		return nil, err
	}
	source, content, form := in.Arguments()
	_, exec, turn, err := v.Runtime.start(ctx, script.Start{
		Program: program, Entry: "validate", Seed: rand.Uint64(), Now: v.Now(), Args: []string{source, content, "", "1", form},
	})
	if err != nil {
		return nil, err
	}
	defer exec.Close()
	var done []made
	var waiting []script.Call
	for {
		for _, c := range turn.Calls {
			if !c.Notice {
				waiting = append(waiting, c)
			}
		}
		if turn.Done {
			if err := Refusal(turn); err != nil {
				return nil, err
			}
			return v.repeat(done), nil
		}
		c := waiting[0]
		waiting = waiting[1:]
		settled, err := v.call(ctx, done, c)
		if err != nil {
			return nil, err
		}
		done = append(done, made{c, settled})
		turn = exec.Resume(settled)
	}
}

// Refusal reads what validate returned or threw in its last turn: nil lets the
// message in. Errors: fault.Unauthorized; *Answered; fault.ScenarioFailed,
// which wraps the turn's *script.Error.
func Refusal(turn *script.Turn) error {
	refused := fault.New(fault.Unauthorized, "The message was not accepted by the channel's own check.")
	if turn.Err == nil {
		var answer struct{ Value any }
		if turn.Output != "" && json.Unmarshal([]byte(turn.Output), &answer) == nil && answer.Value == false {
			return refused
		}
		return nil
	}
	switch v := VerdictOf(turn.Err); {
	case v.Unauthorized:
		return refused
	case v.Answer != nil:
		return &Answered{v.Answer}
	}
	return fault.Wrap(turn.Err, fault.ScenarioFailed, "The channel's own check of the message failed; the server's log says why.")
}

// errUndo ends a transaction that was only a look.
var errUndo = errors.New("nothing is kept yet")

// call finds what a call gives after those made before it, and keeps nothing:
// whether any of it happens is decided with the run.
func (v *Validator) call(ctx context.Context, before []made, c script.Call) (settled script.Settle, err error) {
	look := func(tx *db.Tx) (err error) {
		for _, m := range before {
			if _, err := v.do(tx, m.call); err != nil {
				return err
			}
		}
		if settled, err = v.do(tx, c); err != nil {
			return err
		}
		return errUndo
	}
	transact := v.DB.Write
	if v.reads(c) && !slices.ContainsFunc(before, func(m made) bool { return !v.reads(m.call) }) {
		transact = v.DB.Read
	}
	if err := transact(ctx, look); !errors.Is(err, errUndo) {
		return settled, err
	}
	return settled, nil
}

// reads reports a call without an effect.
func (v *Validator) reads(c script.Call) bool { return v.Handlers[c.Name].Internal == nil }

// do makes a call and says how it ended. The error is the storage's.
func (v *Validator) do(tx *db.Tx, c script.Call) (script.Settle, error) {
	settled := script.Settle{ID: c.ID, Now: v.Now()}
	result, err := v.handle(tx, c)
	var failed *run.StepError
	if errors.As(err, &failed) {
		value, err := json.Marshal(failed)
		settled.Value = string(value)
		return settled, err
	}
	settled.OK, settled.Value = true, string(result)
	return settled, err
}

func (v *Validator) handle(tx *db.Tx, c script.Call) ([]byte, error) {
	h := v.Handlers[c.Name]
	call := &run.Call{Name: c.Name, Args: []byte(c.Args), Seq: c.ID}
	switch {
	case h.Internal != nil:
		return h.Internal(tx, call)
	case h.Read != nil:
		return h.Read(tx, call)
	}
	return nil, NotInValidate(c.Name)
}

// NotInValidate is how a call fails that validate may not make: name is that of
// the host function, such as "http.request".
func NotInValidate(name string) *run.StepError {
	return &run.StepError{
		Name: "TypeError", Permanent: true,
		Message: name + " is not possible in validate: it may use kv and the pure helpers; the rest belongs into the scenario itself",
	}
}

// repeat makes the calls in another transaction, where each must give what it
// gave when validate decided: of two messages with one nonce, one is let in.
func (v *Validator) repeat(done []made) func(*db.Tx) ([]db.Op, error) {
	if len(done) == 0 {
		return nil
	}
	return func(tx *db.Tx) ([]db.Op, error) {
		for _, m := range done {
			now, err := v.do(tx, m.call)
			if err != nil {
				return nil, err
			}
			if now.OK != m.settled.OK || now.Value != m.settled.Value {
				return nil, fault.Wrap(ErrMoved, fault.Unavailable,
					"Other messages that change the same values are coming in at this moment; nothing was accepted.").WithRetryAfter(time.Second)
			}
		}
		return nil, nil
	}
}

package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/script"
)

// What a rule that comes before a change may take: others who want to write wait
// for it.
const (
	ruleTurn = 250 * time.Millisecond // of computing, between two steps
	ruleCPU  = 500 * time.Millisecond // of computing
	ruleTime = 2 * time.Second        // in all
)

// RuleLimits puts the limits of rules into a pool's configuration. Rules have a
// pool of their own: a machine that a run holds while it waits for the writer
// would never come free for a rule that the writer waits for.
func RuleLimits(c script.Config) script.Config {
	c.Size, c.TurnCPU, c.RunCPU = 8, ruleTurn, ruleCPU
	return c
}

// Rules asks scenarios about changes of records before they are made, in the
// transaction of the change.
type Rules struct {
	Runtime *Runtime // of a pool with RuleLimits
	Asker
}

// Ask asks a version of a scenario, see Asker.Ask.
func (r *Rules) Ask(tx *db.Tx, code, version string, in Input) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(tx.Context(), ruleTime)
	defer cancel()
	program, err := r.Runtime.compiled(ctx, code, version)
	if err != nil {
		return nil, fault.Wrap(err, fault.ScenarioFailed, "The rule %s cannot be asked.", code)
	}
	return r.Asker.Ask(tx, code, in, func(s script.Start) (*script.Exec, *script.Turn, error) {
		s.Program = program
		_, exec, turn, err := r.Runtime.start(ctx, s)
		return exec, turn, err
	})
}

// Asker asks a scenario about a change.
type Asker struct {
	Handlers run.Handlers // what it may call: reads
	Now      func() time.Time
}

// Ask executes the scenario that start begins, with a change as its input. It
// returns what the scenario does, as JSON; nil for nothing. Errors: that of its
// Problem, fault.ScenarioFailed when it fails or takes too long.
func (r Asker) Ask(tx *db.Tx, code string, in Input, start func(script.Start) (*script.Exec, *script.Turn, error)) (json.RawMessage, error) {
	source, content, form := in.Arguments()
	exec, turn, err := start(script.Start{Entry: "default", Seed: rand.Uint64(), Now: r.Now(), Args: []string{source, content, "", "1", form}})
	if err != nil {
		return nil, fault.Wrap(err, fault.ScenarioFailed, "The rule %s could not be asked in time.", code)
	}
	defer exec.Close()
	defer time.AfterFunc(ruleTime, exec.Interrupt).Stop()
	var waiting []script.Call
	for {
		for _, c := range turn.Calls {
			if !c.Notice {
				waiting = append(waiting, c)
			}
		}
		if turn.Done {
			return ruled(code, turn)
		}
		settled, err := r.settle(tx, waiting[0])
		if err != nil {
			return nil, err
		}
		waiting = waiting[1:]
		turn = exec.Resume(settled)
	}
}

// settle makes a call and says how it ended. The error is the storage's.
func (r Asker) settle(tx *db.Tx, c script.Call) (script.Settle, error) {
	settled := script.Settle{ID: c.ID, Now: r.Now()}
	var result []byte
	var err error = &run.StepError{
		Name: "TypeError", Permanent: true,
		Message: c.Name + " is not possible in a rule that comes before a change: it may read records and use the pure helpers; the rest belongs into a rule that comes after it",
	}
	if read := r.Handlers[c.Name].Read; read != nil {
		result, err = read(tx, &run.Call{Name: c.Name, Args: []byte(c.Args), Seq: c.ID})
	}
	var failed *run.StepError
	if errors.As(err, &failed) {
		value, err := json.Marshal(failed)
		settled.Value = string(value)
		return settled, err
	}
	settled.OK, settled.Value = true, string(result)
	return settled, err
}

// ruled reads what a rule returned or threw.
func ruled(code string, turn *script.Turn) (json.RawMessage, error) {
	if turn.Err == nil {
		var answer struct{ Value json.RawMessage }
		if turn.Output == "" || json.Unmarshal([]byte(turn.Output), &answer) != nil {
			return nil, nil
		}
		return answer.Value, nil
	}
	v := VerdictOf(turn.Err)
	if v.Answer == nil {
		return nil, fault.Wrap(turn.Err, fault.ScenarioFailed, "The rule %s did not complete, and nothing was stored; the server's log says why.", code)
	}
	var answer struct{ Text string }
	var problem fault.Problem
	if json.Unmarshal(v.Answer, &answer) != nil || json.Unmarshal([]byte(answer.Text), &problem) != nil {
		return nil, fault.Wrap(turn.Err, fault.ScenarioFailed, "The rule %s refused the change, and its reason cannot be read.", code)
	}
	refusal := fault.New(refusals[problem.Status], "%s", problem.Detail)
	if refusal.Code == "" {
		refusal.Code = fault.Unprocessable
	}
	refusal.Title, refusal.Fields = problem.Title, problem.Errors
	return nil, refusal
}

// refusals are the codes of what a rule may answer with; any other status is 422.
var refusals = map[int]fault.Code{400: fault.Invalid, 403: fault.Forbidden, 409: fault.Conflict}

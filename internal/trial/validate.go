package trial

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/script"
)

// validate lets the scenario decide about the request before it runs, as on a
// server. refused: the report has the answer.
func (r *Run) validate(ctx context.Context, program *script.Program, source, content, form string) (refused bool, err error) {
	before := *r.report
	start := script.Start{Program: program, Entry: "validate", Args: []string{source, content, "", "1", form}}
	if err := r.begin(ctx, r.world.lab.pool, start); err != nil {
		return false, err
	}
	defer r.Close()
	if _, err := r.world.tx.Exec("SAVEPOINT validate"); err != nil {
		return false, err
	}
	for !r.turn.Done {
		for _, c := range r.fresh {
			if err := r.check(ctx, c); err != nil {
				return false, err
			}
		}
		r.fresh = nil
		r.turn = r.exec.Resume(r.land())
		r.note()
	}
	r.fresh, r.landed, r.asleep = nil, nil, nil
	before.Logs = r.report.Logs
	*r.report, r.output = before, "" // what else it did and said is no part of the run
	if r.report.refuse(r.turn) {
		_, err = r.world.tx.Exec("ROLLBACK TO validate") // what it wrote goes with the run or not at all
		return true, err
	}
	return false, nil
}

// check makes a call of validate: it may use kv.
func (r *Run) check(ctx context.Context, c script.Call) error {
	d := done{failed: scenario.NotInValidate(c.Name)}
	if strings.HasPrefix(c.Name, "kv.") {
		var err error
		if d, err = r.world.do(ctx, &run.Call{Name: c.Name, Args: []byte(c.Args), Seq: c.ID}); err != nil {
			return err
		}
	}
	r.report.Steps = append(r.report.Steps, run.Step{Seq: c.ID, Name: c.Name})
	r.made(c.ID, d)
	return nil
}

// refuse makes it the report of a message that validate did not let in, if its
// last turn says so.
func (o *Report) refuse(turn *script.Turn) bool {
	refusal := scenario.Refusal(turn)
	var answered *scenario.Answered
	switch {
	case refusal == nil:
		return false
	case errors.As(refusal, &answered):
		o.answer(answered.Output)
		o.State = Refused
	case fault.Is(refusal, fault.Unauthorized):
		o.problem(refusal)
	default:
		why := scenario.Failure(turn.Err)
		why.Message, why.Permanent = "validate: "+why.Message, true
		o.fail(why)
	}
	return true
}

// problem makes it the report of a message that was refused without a run.
func (o *Report) problem(why error) {
	status := fault.Status(fault.CodeOf(why))
	problem, err := json.Marshal(fault.ProblemOf(why))
	if err != nil {
		problem = fmt.Appendf(nil, `{"status":%d}`, status)
	}
	o.State, o.Status = Refused, status
	o.Headers["content-type"], o.JSON = "application/problem+json", problem
}

func encoded(b []byte) *string {
	text := base64.StdEncoding.EncodeToString(b)
	return &text
}

package trial

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/run"
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
	d := done{failed: &run.StepError{
		Name: "TypeError", Permanent: true,
		Message: c.Name + " is not possible in validate: it may use kv and the pure helpers; the rest belongs into the scenario itself",
	}}
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

// refuse reads what validate returned or threw.
func (o *Report) refuse(turn *script.Turn) bool {
	unauthorized := fault.New(fault.Unauthorized, "The message was not accepted by the channel's own check.")
	if turn.Err == nil {
		var answer struct{ Value any }
		if turn.Output == "" || json.Unmarshal([]byte(turn.Output), &answer) != nil || answer.Value != false {
			return false
		}
		o.problem(unauthorized)
		return true
	}
	switch v := verdictOf(turn.Err); {
	case v.Unauthorized:
		o.problem(unauthorized)
	case v.Answer != nil:
		o.answer(v.Answer)
	default:
		why := failure(turn.Err, v)
		why.Message, why.Permanent, why.Steps = "validate: "+why.Message, true, nil
		o.fail(why)
		return true
	}
	o.State = Refused
	return true
}

// problem makes it the report of a message that was refused without a run.
func (o *Report) problem(why *fault.Error) {
	problem, err := json.Marshal(fault.ProblemOf(why))
	if err != nil {
		problem = fmt.Appendf(nil, `{"status":%d}`, fault.Status(why.Code))
	}
	o.State, o.Status = Refused, fault.Status(why.Code)
	o.Headers["content-type"], o.JSON = "application/problem+json", problem
}

func encoded(b []byte) *string {
	text := base64.StdEncoding.EncodeToString(b)
	return &text
}

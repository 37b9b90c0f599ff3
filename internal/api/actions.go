package api

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"junctor/internal/fault"
	"junctor/internal/run"
)

// maxActions is how many runs one call acts upon, so that it ends before
// someone gives up waiting for it.
const maxActions = 10_000

type actions struct {
	Action string      `json:"action" strict:"required"` // retry, rerun, cancel, terminate, erase
	Filter *run.Filter `json:"filter" strict:"required"` // as in the list of runs; {} for all
	DryRun bool        `json:"dry_run"`                  // count only
}

type acted struct {
	Count    int64     `json:"count"` // chosen by the filter before anything was done
	Done     int       `json:"done"`
	Refused  []refusal `json:"refused,omitempty"` // the first hundred
	DryRun   bool      `json:"dry_run"`
	Complete bool      `json:"complete"` // false: there were more than one call takes; call again
}

type refusal struct {
	Run    string `json:"run"`
	Detail string `json:"detail"`
}

// action is what can be done to many runs.
type action struct {
	one    func(ctx context.Context, id string) (*run.Info, error)
	states []run.State // which runs it makes sense for; those chosen when the filter says nothing
	named  []run.State // others that the filter may name
}

func (d *door) actions() map[string]action {
	unfinished := []run.State{run.Queued, run.Running, run.Waiting}
	return map[string]action{
		"retry":     {one: d.Runs.Retry, states: []run.State{run.Failed}, named: []run.State{run.Waiting}},
		"cancel":    {one: d.Runs.Cancel, states: unfinished},
		"terminate": {one: d.Runs.Terminate, states: unfinished},
		"rerun": {one: func(ctx context.Context, id string) (*run.Info, error) {
			return d.Runs.Rerun(ctx, id, run.RerunOptions{})
		}, states: []run.State{run.Succeeded, run.Failed, run.Cancelled}},
	}
}

// actOnRuns does one thing to every run that a filter chooses.
func (d *door) actOnRuns(c *call, _ nothing, body actions) (acted, error) {
	if body.Action == erase {
		return d.eraseRuns(c, body)
	}
	known := d.actions()
	a, ok := known[body.Action]
	if !ok {
		return acted{}, fault.New(fault.Unprocessable, "there is no action %q", body.Action).
			WithFields(fault.Field{Pointer: "/action", Detail: fmt.Sprintf("is one of %v", append(sortedKeys(known), erase))})
	}
	filter := *body.Filter
	allowed := slices.Concat(a.states, a.named)
	for i, s := range filter.State {
		if !slices.Contains(allowed, s) {
			return acted{}, fault.New(fault.Unprocessable, "%s is for other runs", body.Action).
				WithFields(fault.Field{Pointer: fmt.Sprintf("/filter/state/%d", i), Detail: fmt.Sprintf("is one of %v", allowed)})
		}
	}
	if len(filter.State) == 0 {
		filter.State = a.states
	}
	result := acted{DryRun: body.DryRun, Complete: true}
	var err error
	if result.Count, err = d.Runs.Count(c.r.Context(), filter); err != nil || body.DryRun {
		c.dryRun = true
		return result, err
	}
	err = d.actOnEach(c.r.Context(), filter, a, &result)
	c.subject, c.detail = "runs", fmt.Sprintf("%s: %d of %d", body.Action, result.Done, result.Count)
	if err != nil && result.Done > 0 {
		c.record() // what was done was done
	}
	return result, err
}

// actOnEach goes through the list, which is newest first: runs that a rerun
// adds meanwhile are before the cursor and so not met.
func (d *door) actOnEach(ctx context.Context, filter run.Filter, a action, result *acted) error {
	filter.Limit = 1000
	for tried := 0; ; {
		runs, next, err := d.Runs.List(ctx, filter)
		if err != nil {
			return err
		}
		for _, r := range runs {
			_, err := a.one(ctx, r.ID)
			switch code := fault.CodeOf(err); {
			case err == nil:
				result.Done++
			case code == fault.Conflict || code == fault.NotFound: // it went on meanwhile
				if len(result.Refused) < 100 {
					result.Refused = append(result.Refused, refusal{r.ID, fault.ProblemOf(err).Detail})
				}
			default:
				return err
			}
		}
		if tried += len(runs); next == "" {
			return nil
		} else if tried >= maxActions {
			result.Complete = false
			return nil
		}
		filter.After = next
	}
}

// erase takes the content out of all runs with one subject.
const erase = "erase"

func (d *door) eraseRuns(c *call, body actions) (acted, error) {
	subject := body.Filter.Subject
	if !reflect.DeepEqual(*body.Filter, run.Filter{Subject: subject}) {
		return acted{}, fault.New(fault.Unprocessable, "what is erased is all that there is about one subject").
			WithFields(fault.Field{Pointer: "/filter", Detail: "has subject and nothing else"})
	}
	erased, err := d.Runs.Erase(c.r.Context(), subject, body.DryRun)
	c.dryRun = body.DryRun
	c.subject, c.detail = "runs", erased.Audit(subject)
	if err != nil && erased.Done > 0 {
		c.record() // what was done was done
	}
	result := acted{Count: erased.Count, Done: int(erased.Done), DryRun: body.DryRun, Complete: erased.Complete}
	for _, kept := range erased.Left {
		result.Refused = append(result.Refused, refusal{kept.Run, kept.Reason})
	}
	return result, err
}

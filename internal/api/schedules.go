package api

import (
	"context"
	"encoding/json"

	"junctor/internal/run"
	"junctor/internal/schedule"
)

// Schedules is what the door needs of schedules, besides their configuration.
type Schedules interface {
	// Status is how one stands. Errors: fault.NotFound.
	Status(ctx context.Context, code string) (schedule.Status, error)
	// Start starts a run now, for an account, with input when that is not nil.
	// Errors: fault.NotFound, fault.Conflict.
	Start(ctx context.Context, code string, input json.RawMessage, account string) (id string, err error)
	// Hold pauses or resumes one. Errors: fault.NotFound, fault.Conflict.
	Hold(ctx context.Context, code string, paused bool, author string) error
}

// scheduleFacts are what a schedule is shown with beside its entry.
func scheduleFacts(s schedule.Status) map[string]any {
	facts := map[string]any{"state": s.State, "next": s.Next, "previous": s.Previous, "last_run": nil}
	if s.LastRun != "" {
		facts["last_run"] = s.LastRun
	}
	return facts
}

type scheduleStart struct {
	Input json.RawMessage `json:"input,omitempty"` // instead of the schedule's own
}

func (d *door) runSchedule(c *call, _ nothing, body scheduleStart) (*run.Info, error) {
	id, err := d.Schedules.Start(c.r.Context(), c.path("code"), body.Input, c.caller.Account.ID)
	if err != nil {
		return nil, err
	}
	c.created("/api/v1/admin/runs/" + id)
	c.detail = id
	return d.Runs.Get(c.r.Context(), id)
}

func (d *door) pauseSchedule(c *call, _, _ nothing) (object, error) { return d.holdSchedule(c, true) }

func (d *door) resumeSchedule(c *call, _, _ nothing) (object, error) { return d.holdSchedule(c, false) }

func (d *door) holdSchedule(c *call, paused bool) (object, error) {
	if err := d.Schedules.Hold(c.r.Context(), c.path("code"), paused, c.caller.Author()); err != nil {
		return nil, err
	}
	return noun{door: d, kind: "schedules"}.get(c, nothing{}, nothing{})
}

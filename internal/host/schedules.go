package host

import (
	_ "embed"
	"encoding/json"
	"errors"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
)

//go:embed schedules.js
var schedulesJS string

// Schedules are the domain's schedules; the hub keeps them.
type Schedules interface {
	// Start starts a run of a schedule now, with input when that is not nil. The id
	// is "" when its overlap does not let another run begin.
	Start(tx *db.Tx, code string, input json.RawMessage) (id string, err error)
	// Hold pauses a schedule, or resumes it, for the call of a run.
	Hold(tx *db.Tx, c *run.Call, code string, paused bool) error
	// Next are up to n of its next times.
	Next(tx *db.Tx, code string, n int) ([]time.Time, error)
}

// maxTimes bounds what schedules.next tells.
const maxTimes = 1000

// ScheduleHandlers are the steps on schedules.
func ScheduleHandlers(schedules Schedules) run.Handlers {
	type args struct {
		Code  string          `json:"code"`
		Input json.RawMessage `json:"input"`
		Count int             `json:"count"`
	}
	with := func(do func(tx *db.Tx, c *run.Call, a args) (any, error)) step {
		return func(tx *db.Tx, c *run.Call) ([]byte, error) {
			var a args
			if err := arguments(c, &a); err != nil {
				return nil, err
			}
			result, err := do(tx, c, a)
			var f *fault.Error
			if errors.As(err, &f) && f.Code == fault.Conflict {
				return nil, &run.StepError{Name: "Error", Message: c.Name + ": " + f.Detail, Permanent: true}
			}
			if err != nil {
				return nil, refused(err)
			}
			return json.Marshal(result)
		}
	}
	hold := func(paused bool) step {
		return with(func(tx *db.Tx, c *run.Call, a args) (any, error) { return nil, schedules.Hold(tx, c, a.Code, paused) })
	}
	return run.Handlers{
		"schedules.start": {Internal: with(func(tx *db.Tx, _ *run.Call, a args) (any, error) {
			id, err := schedules.Start(tx, a.Code, a.Input)
			answer := struct {
				ID *string `json:"id"`
			}{&id}
			if id == "" {
				answer.ID = nil
			}
			return answer, err
		})},
		"schedules.pause":  {Internal: hold(true)},
		"schedules.resume": {Internal: hold(false)},
		"schedules.next": {Read: with(func(tx *db.Tx, _ *run.Call, a args) (any, error) {
			if a.Count < 1 || a.Count > maxTimes {
				return nil, fault.New(fault.Unprocessable, "schedules.next tells from 1 to %d times, not %d.", maxTimes, a.Count)
			}
			return schedules.Next(tx, a.Code, a.Count)
		})},
	}
}

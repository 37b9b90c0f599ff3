package host

import (
	_ "embed"
	"errors"
	"fmt"
	"time"

	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/run"
)

//go:embed wait.js
var waitJS string

// WaitHandlers are how runs wait for events.
func WaitHandlers(waits *event.Waits) run.Handlers {
	return run.Handlers{"waitForEvent": {Wait: &run.Wait{
		Timeout: func(c *run.Call) (time.Duration, error) {
			wanted, timeout, err := awaited(c)
			if err == nil {
				err = refused(wanted.Check())
			}
			return timeout, err
		},
		Begin: func(tx *db.Tx, calls []*run.Call) error {
			begun := make([]event.Wait, len(calls))
			for n, c := range calls {
				wanted, _, err := awaited(c)
				if err != nil {
					return err
				}
				begun[n] = event.Wait{Step: stepOf(c), Position: c.Position, Wanted: wanted}
			}
			return waits.Begin(tx, begun...)
		},
		Search: waits.Search,
		Arm:    waits.Arm,
		Expire: func(tx *db.Tx, c *run.Call) error { return waits.Expire(tx, stepOf(c)) },
		Look: func(tx *db.Tx, calls []*run.Call) (map[*run.Call]run.Came, error) {
			steps := make([]event.Step, len(calls))
			for n, c := range calls {
				steps[n] = stepOf(c)
			}
			came, err := waits.Look(tx, steps)
			results := make(map[*run.Call]run.Came, len(came))
			for n, c := range calls {
				if one, over := came[steps[n]]; over {
					results[c] = run.Came{Result: one.Event, Err: gone(one.Err)}
				}
			}
			return results, err
		},
		Drop: waits.Drop,
		Keep: waits.Keep,
	}}, "waits.end": {End: unwanted}}
}

func stepOf(c *run.Call) event.Step { return event.Step{Run: c.Run, Seq: c.Seq} }

// gone is what a scenario is told of events that were removed; nil for none.
func gone(err error) *run.StepError {
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	return &run.StepError{Name: "EventsGone", Message: f.Detail, Permanent: true}
}

// unwanted are the calls that nobody waits for any more.
func unwanted(c *run.Call) (calls []int, err error) {
	var a struct{ Calls []int }
	err = arguments(c, &a)
	return a.Calls, err
}

// longestWait bounds a wait that has a timeout.
const longestWait = longestSleep

// awaited are the arguments of a wait. Without timeout that is 0; a timeout of
// none is the shortest there is, so that what has come already is found.
func awaited(c *run.Call) (event.Wanted, time.Duration, error) {
	var a struct {
		Type, Subject, Match string
		Timeout              *float64 // milliseconds
	}
	if err := arguments(c, &a); err != nil {
		return event.Wanted{}, 0, err
	}
	wanted := event.Wanted{Type: a.Type, Subject: a.Subject, Match: a.Match}
	if a.Timeout == nil {
		return wanted, 0, nil
	}
	if *a.Timeout*float64(time.Millisecond) > float64(longestWait) {
		return wanted, 0, &run.StepError{Name: "RangeError", Permanent: true, Message: fmt.Sprintf("a timeout is at most %d days; without one the wait has no end", longestWait/(24*time.Hour))}
	}
	return wanted, max(time.Duration(*a.Timeout*float64(time.Millisecond)), time.Microsecond), nil
}

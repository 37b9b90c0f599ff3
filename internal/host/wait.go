package host

import (
	"context"
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
		Begin: func(tx *db.Tx, c *run.Call) error {
			wanted, _, err := awaited(c)
			if err != nil {
				return err
			}
			return waits.Begin(tx, c.Run, c.Seq, c.Position, wanted)
		},
		Search: func(ctx context.Context, c *run.Call) error { return waits.Search(ctx, c.Run, c.Seq) },
		Arm:    func(tx *db.Tx, c *run.Call) error { return waits.Arm(tx, c.Run, c.Seq) },
		Expire: func(tx *db.Tx, c *run.Call) error { return waits.Expire(tx, c.Run, c.Seq) },
		Look: func(tx *db.Tx, c *run.Call) ([]byte, bool, error) {
			came, over, err := waits.Look(tx, c.Run, c.Seq)
			var f *fault.Error
			if errors.As(err, &f) && f.Code == fault.Gone {
				err = &run.StepError{Name: "EventsGone", Message: f.Detail, Permanent: true}
			}
			return came, over, err
		},
		Came: func(tx *db.Tx, calls []*run.Call) (map[*run.Call][]byte, error) {
			runs := make([]string, len(calls))
			for i, c := range calls {
				runs[i] = c.Run
			}
			came, err := waits.Came(tx, runs)
			results := map[*run.Call][]byte{}
			for _, c := range calls {
				if event := came[c.Run][c.Seq]; event != nil {
					results[c] = event
				}
			}
			return results, err
		},
		Drop: waits.Drop,
		Keep: waits.Keep,
	}}, "waits.end": {End: unwanted}}
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

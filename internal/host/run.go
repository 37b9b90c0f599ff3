package host

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"junctor/internal/run"
	"junctor/internal/scenario"
)

type startArgs struct {
	Scenario    string          `json:"scenario"`
	Input       json.RawMessage `json:"input"`
	Subject     string          `json:"subject"`
	OrderingKey string          `json:"ordering_key"`
	Tags        []string        `json:"tags"`
}

// child makes the run that runs.start and runs.call ask for: the latest
// version of a scenario, with data instead of a request.
func child(scenarios Scenarios) func(context.Context, *run.Call) (run.Start, error) {
	return func(_ context.Context, c *run.Call) (run.Start, error) {
		var a startArgs
		if err := arguments(c, &a); err != nil {
			return run.Start{}, err
		}
		version, err := scenarios.Version(a.Scenario)
		if err != nil {
			return run.Start{}, refused(err)
		}
		return run.Start{
			Program: scenario.ProgramName(a.Scenario), Version: version, Channel: c.Channel, Mode: c.Mode, Subject: a.Subject,
			Tags: a.Tags, OrderingKey: a.OrderingKey, Input: scenario.Input{Content: a.Input}.Encode(),
		}, nil
	}
}

// longestSleep bounds one sleep; a scenario that waits longer sleeps again.
const longestSleep = 10 * 365 * 24 * time.Hour

func sleep(c *run.Call) (time.Duration, error) {
	var a struct {
		MS float64 `json:"ms"`
	}
	if err := arguments(c, &a); err != nil {
		return 0, err
	}
	d := time.Duration(a.MS * float64(time.Millisecond))
	if a.MS*float64(time.Millisecond) > float64(longestSleep) {
		return 0, &run.StepError{Name: "RangeError", Permanent: true, Message: fmt.Sprintf("a sleep lasts at most %d days", longestSleep/(24*time.Hour))}
	}
	return d, nil
}

// tell is the run's look at the clock: milliseconds since 1970.
func tell(_ *run.Call, now time.Time) ([]byte, error) {
	return strconv.AppendInt(nil, now.UnixMilli(), 10), nil
}

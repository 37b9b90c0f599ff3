package host

import (
	_ "embed"
	"encoding/json"
	"time"

	"junctor/internal/db"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/schedule"
)

//go:embed poll.js
var pollJS string

// Starter brings runs into being in a transaction; *run.Engine is one.
type Starter interface {
	Insert(tx *db.Tx, s run.Start) (id string, err error)
}

// PollHandlers are the steps of a poll: where it begins, and what becomes of the
// items that it has found.
func PollHandlers(runs Starter, scenarios Scenarios, now func() time.Time) run.Handlers {
	return run.Handlers{
		"poll.begin": {Read: pollBegin},
		"poll.take":  {Internal: pollTake(runs, scenarios, now)},
	}
}

func pollBegin(tx *db.Tx, c *run.Call) ([]byte, error) {
	var a struct {
		Name string `json:"name"`
	}
	if err := arguments(c, &a); err != nil {
		return nil, err
	}
	at, err := schedule.PollPosition(tx, a.Name)
	if err != nil {
		return nil, refused(err)
	}
	return json.Marshal(at)
}

type pollArgs struct {
	Name     string          `json:"name"`
	Version  int64           `json:"version"`
	Cursor   json.RawMessage `json:"cursor"`
	Scenario string          `json:"scenario"`
	Keep     float64         `json:"keep"` // milliseconds
	Tags     []string        `json:"tags"`
	Remember bool            `json:"remember"` // start nothing
	Items    []pollItem      `json:"items"`
}

type pollItem struct {
	Input       json.RawMessage `json:"input"`
	Key         *string         `json:"key"`
	Subject     string          `json:"subject"`
	OrderingKey string          `json:"ordering_key"`
}

// polled is what a poll says of itself. A stale one was overtaken by another.
type polled struct {
	Stale bool     `json:"stale,omitempty"`
	Runs  []string `json:"runs"`
	Known int      `json:"known"`
}

// pollTake moves the poll on and starts a run for each new item: all of it, or
// nothing.
func pollTake(runs Starter, scenarios Scenarios, now func() time.Time) step {
	return func(tx *db.Tx, c *run.Call) ([]byte, error) {
		var a pollArgs
		if err := arguments(c, &a); err != nil {
			return nil, err
		}
		version, err := scenarios.Version(a.Scenario)
		if err != nil {
			return nil, refused(err)
		}
		found := schedule.Polled{Name: a.Name, Version: a.Version, Cursor: a.Cursor, Items: len(a.Items), Keep: time.Duration(a.Keep * float64(time.Millisecond))}
		for _, item := range a.Items {
			if item.Key != nil {
				found.Keys = append(found.Keys, *item.Key)
			}
		}
		fresh, ok, err := schedule.TakePoll(tx, found, now())
		if err != nil {
			return nil, refused(err)
		}
		answer := polled{Stale: !ok, Runs: []string{}}
		if ok {
			answer.Known = len(a.Items) - len(fresh)
		}
		if a.Remember {
			fresh = nil
		}
		for _, i := range fresh {
			item := a.Items[i]
			id, err := runs.Insert(tx, run.Start{
				Program: scenario.ProgramName(a.Scenario), Version: version, Channel: c.Channel, Source: "poll:" + a.Name, Mode: c.Mode, Subject: item.Subject,
				Tags: a.Tags, OrderingKey: item.OrderingKey, Input: scenario.Input{Content: item.Input}.Encode(),
			})
			if err != nil {
				return nil, err
			}
			answer.Runs = append(answer.Runs, id)
		}
		return json.Marshal(answer)
	}
}

package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// start starts the run for one time, or leaves it out.
func (k *Keeper) start(tx *db.Tx, s *state, version string, at, now time.Time) (outcome, error) {
	begun, err := s.begin(version, Handed{Due: at, Late: now.Sub(at)})
	if err != nil {
		return outcome{}, err
	}
	why, run, err := k.held(tx, s, begun)
	if err != nil {
		return outcome{}, err
	}
	if why != "" {
		err := k.Tell(tx, "skipped", s.Code, struct {
			Code   string    `json:"code"`
			Due    time.Time `json:"due"`
			Reason string    `json:"reason"`
			Run    string    `json:"run,omitempty"`
		}{s.Code, at.UTC(), why, run})
		return outcome{code: s.Code, what: "skipped"}, err
	}
	id, err := k.Runs.Insert(tx, begun)
	if err != nil {
		return outcome{}, err
	}
	s.lastRun, s.previous = id, at
	return outcome{code: s.Code, what: "started", late: now.Sub(at)}, k.tellStarted(tx, s, id, at, false)
}

func (k *Keeper) tellStarted(tx *db.Tx, s *state, id string, at time.Time, manual bool) error {
	return k.Tell(tx, "started", s.Code, struct {
		Code   string    `json:"code"`
		Due    time.Time `json:"due"`
		Run    string    `json:"run"`
		Manual bool      `json:"manual"`
	}{s.Code, at.UTC(), id, manual})
}

// Why a time is left out.
const (
	whyRunning = "running" // the last run is going on
	whyQueue   = "queue"   // too many wait
)

// held says why no run is to be started now, "" for nothing, and the run that is
// in the way.
func (k *Keeper) held(tx *db.Tx, s *state, begun run.Start) (why, in string, err error) {
	switch s.Overlap {
	case Skip:
		if s.lastRun == "" {
			return "", "", nil
		}
		if open, err := k.Runs.Open(tx, s.lastRun); err != nil || open {
			return whyRunning, s.lastRun, err
		}
	case Queue:
		if n, err := k.Runs.Behind(tx, begun); err != nil || n >= most {
			return whyQueue, "", err
		}
	case Allow:
	}
	return "", "", nil
}

// Handed is what the scenario of a schedule is told.
type Handed struct {
	Due    time.Time
	Late   time.Duration
	Manual bool            // by hand, not by the clock
	Input  json.RawMessage // instead of the schedule's own; nil: that
}

const sourcePrefix = "schedule:"

// Source is what the runs of a schedule have as their source.
func Source(code string) string { return sourcePrefix + code }

// CodeOf is the schedule that a source names, "" for none.
func CodeOf(source string) string {
	code, is := strings.CutPrefix(source, sourcePrefix)
	if !is {
		return ""
	}
	return code
}

// Given is a run's input as the scenario sees it: see Schedule in junctor.d.ts.
func (c *Config) Given(h Handed, previous time.Time) (scenario.Input, error) {
	out := struct {
		Code     string          `json:"code"`
		Due      time.Time       `json:"due"`
		LateBy   int64           `json:"lateBy"` // milliseconds
		Previous *time.Time      `json:"previous"`
		Manual   bool            `json:"manual"`
		Input    json.RawMessage `json:"input,omitempty"`
	}{Code: c.Code, Due: h.Due.UTC(), LateBy: max(h.Late, 0).Milliseconds(), Manual: h.Manual, Input: c.Input}
	if !previous.IsZero() {
		previous = previous.UTC()
		out.Previous = &previous
	}
	if h.Input != nil {
		out.Input = h.Input
	}
	content, err := json.Marshal(out)
	return scenario.Input{Content: content}, err
}

// begin is the run to be.
func (s *state) begin(version string, h Handed) (run.Start, error) {
	in, err := s.Given(h, s.previous)
	if err != nil {
		return run.Start{}, fmt.Errorf("schedule %q: %w", s.Code, err)
	}
	// Each has its place in line, so that one that is to wait comes after those that
	// began when the overlap was another one.
	return run.Start{
		Program: scenario.ProgramName(s.Scenario), Version: version, Source: Source(s.Code), Input: in.Encode(), OrderingKey: "queue", Beside: s.Policy.Beside,
	}, nil
}

// ErrGoingOn is why a schedule is not started whose overlap does not let it.
var ErrGoingOn = errors.New("runs of the schedule are going on")

// Manual says how a schedule is started by hand.
type Manual struct {
	Input   json.RawMessage // instead of the schedule's own; nil: that
	Account string          // who asks, by id; "" for a run
}

// StartIn starts a run of the schedule now, in the caller's transaction, whatever
// its next time is and whether it is paused. Errors: fault.NotFound; fault.Conflict
// when it is not enabled, or its overlap does not let another run begin.
func (k *Keeper) StartIn(tx *db.Tx, code string, m Manual) (id string, err error) {
	s, err := find(tx, code)
	if err != nil {
		return "", err
	}
	if !s.Enabled {
		return "", fault.New(fault.Conflict, "The schedule %q has enabled: false in its configuration; change it there.", code)
	}
	version, err := k.Version(s.Scenario)
	if err != nil {
		return "", err
	}
	now := k.Store.now()
	begun, err := s.begin(version, Handed{Due: now, Manual: true, Input: m.Input})
	if err != nil {
		return "", err
	}
	begun.Account = m.Account
	why, in, err := k.held(tx, s, begun)
	switch {
	case err != nil:
		return "", err
	case why == whyRunning:
		return "", fault.Wrap(ErrGoingOn, fault.Conflict, "The run %s of the schedule %q is going on, and its overlap is skip. Wait for its end, or cancel it.", in, code)
	case why == whyQueue:
		return "", fault.Wrap(ErrGoingOn, fault.Conflict, "%d runs of the schedule %q wait for the one before them already.", most, code)
	}
	if id, err = k.Runs.Insert(tx, begun); err != nil {
		return "", err
	}
	if _, err := tx.Exec(`UPDATE schedules SET last_run = $2 WHERE code = $1`, code, id); err != nil {
		return "", fmt.Errorf("start the schedule %q: %w", code, err)
	}
	return id, k.tellStarted(tx, s, id, now, true)
}

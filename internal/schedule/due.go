package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// Runs is what starting a run needs of the engine.
type Runs interface {
	Insert(tx *db.Tx, s run.Start) (id string, err error)
	// Open reports whether a run has not ended.
	Open(tx *db.Tx, id string) (bool, error)
	// Behind is how many runs wait behind another of an ordering key.
	Behind(tx *db.Tx, s run.Start) (int64, error)
}

// Keeper starts what comes due. Each node has one; any of them may come first.
type Keeper struct {
	Store   *Store
	Runs    Runs
	Version func(scenario string) (string, error) // that a new run takes
	// Tell appends an event about a schedule.
	Tell    func(tx *db.Tx, kind, code string, data any) error
	Metrics *Metrics // nil: none
	Clock   clock.Clock
	Log     *slog.Logger
}

const (
	// late is what comes later than this as missed.
	late = time.Minute
	// window is how far back missed times are looked at.
	window = 7 * day
	// most is how many runs one look starts for missed times of one schedule, and
	// how many may wait in its queue.
	most = 1000
	// batch is how many schedules are worked on in one transaction.
	batch = 100
	// pollEvery bounds how late this node notices what another one has changed.
	pollEvery = 5 * time.Second
	// shortly is when to look again at what another node holds.
	shortly = 100 * time.Millisecond
)

// Run starts what comes due until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	changed := make(chan struct{}, 1)
	defer k.Store.db.Listen(topic, func(string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	for ctx.Err() == nil {
		n, next, err := k.Once(ctx)
		if err != nil && ctx.Err() == nil {
			k.Log.Error("schedules that are due could not be followed; trying again", "error", err)
		}
		wait := pollEvery
		if err == nil && !next.IsZero() {
			wait = min(wait, max(next.Sub(k.Store.now()), 0))
		}
		if wait == 0 && n == 0 {
			wait = shortly // another node holds what is due
		}
		due, stop := k.Clock.After(wait)
		select {
		case <-due:
		case <-changed:
		case <-ctx.Done():
		}
		stop()
	}
}

// Once starts what is due now. It returns how many schedules that were, and when
// the next one comes due: the zero time for none.
func (k *Keeper) Once(ctx context.Context) (n int, next time.Time, err error) {
	now := k.Store.now()
	next, err = k.first(ctx)
	if err != nil || next.IsZero() || next.After(now) {
		return 0, next, err
	}
	var told []outcome
	err = k.Store.db.Write(ctx, func(tx *db.Tx) (err error) {
		n, told, err = k.follow(tx, now)
		return err
	})
	if err != nil {
		return 0, time.Time{}, err
	}
	k.Metrics.count(told)
	next, err = k.first(ctx)
	return n, next, err
}

// first is when the first schedule comes due.
func (k *Keeper) first(ctx context.Context) (time.Time, error) {
	var at *int64
	err := k.Store.db.Read(ctx, func(tx *db.Tx) error {
		at = nil
		return tx.QueryRow(`SELECT min(due_at) FROM schedules WHERE due_at IS NOT NULL`).Scan(&at)
	})
	if err != nil || at == nil {
		return time.Time{}, err
	}
	return db.Time(*at), nil
}

// outcome is what became of a schedule's time, for the metrics.
type outcome struct {
	code, what string
	times      int // 0: one
	late       time.Duration
}

// follow starts the runs of a batch of due schedules in one transaction with
// their next times. It returns how many schedules that were.
func (k *Keeper) follow(tx *db.Tx, now time.Time) (n int, told []outcome, err error) {
	due, unusable, err := k.due(tx, now)
	if err != nil {
		return 0, nil, err
	}
	for _, code := range unusable {
		k.Log.Warn("a schedule cannot be followed by this release", "schedule", code)
		if err := later(tx, code, now.Add(time.Hour)); err != nil {
			return 0, nil, err
		}
	}
	for _, s := range due {
		if len(told) > most {
			break // the others are left for the next transaction
		}
		before := s.next
		more, err := k.come(tx, s, now)
		switch {
		case fault.Is(err, fault.NotFound):
			// This node does not know its scenario yet: another one does, or this one soon.
			k.Log.Warn("a schedule cannot be followed yet", "schedule", s.Code, "error", err)
			err = later(tx, s.Code, now.Add(pollEvery))
		case err == nil:
			told = append(told, more...)
			err = s.moved(tx, before)
		}
		if err != nil {
			return 0, nil, err
		}
		n++
	}
	return n, told, nil
}

// later puts off looking at a schedule; its next time stays.
func later(tx *db.Tx, code string, until time.Time) error {
	_, err := tx.Exec(`UPDATE schedules SET due_at = $2 WHERE code = $1`, code, db.Micros(until))
	return err
}

// moved writes the schedule's next time, on the condition that it still was the
// one that has come now.
func (s *state) moved(tx *db.Tx, before time.Time) error {
	n, err := tx.Exec(`UPDATE schedules SET next_at = $3, due_at = $4, previous = $5, last_run = $6 WHERE code = $1 AND next_at = $2`,
		s.Code, db.Micros(before), micros(s.next), s.due(), micros(s.previous), s.lastRun)
	if err == nil && n != 1 {
		err = fmt.Errorf("the schedule %q was followed by another node meanwhile", s.Code)
	}
	return err
}

// due reads and locks schedules that have come due and that no other node holds.
func (k *Keeper) due(tx *db.Tx, now time.Time) (all []*state, unusable []string, err error) {
	rows, err := tx.Query(`SELECT `+columns+` FROM schedules WHERE due_at <= $1 ORDER BY due_at, code LIMIT $2 `+tx.SkipLocked(), db.Micros(now), batch)
	if err != nil {
		return nil, nil, fmt.Errorf("read the schedules that are due: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		s, code, err := read(rows)
		if fault.Is(err, fault.Unprocessable) {
			unusable = append(unusable, code)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		all = append(all, s)
	}
	return all, unusable, rows.Err()
}

// reckoning is what is to be done for the times of a schedule that have come.
type reckoning struct {
	starts []time.Time // in their order
	missed int         // how many times no node was there for
	from   time.Time   // the first of these
	to     time.Time   // the last
	made   int         // how many of starts are for missed times
	next   time.Time
}

// reckon goes through the times from s.next to now.
func (s *state) reckon(now time.Time) (r reckoning) {
	times := s.times()
	at := s.next
	var missed []time.Time
	miss := func(t time.Time) {
		if r.missed++; r.missed == 1 {
			r.from = t
		}
		r.to = t
	}
	if early := times.Next(now.Add(-window)); !early.IsZero() && at.Before(early) && !early.After(now) {
		miss(at) // and all before the window
		at = early
	}
	for ; !at.IsZero(); at = times.Next(at) {
		comes := at.Add(s.delay(at))
		if comes.After(now) {
			break
		}
		if now.Sub(comes) <= late {
			r.starts = append(r.starts, at)
			continue
		}
		miss(at)
		if missed = append(missed, at); len(missed) > most {
			missed = missed[1:]
		}
	}
	r.next = at
	switch {
	case s.Missed == MissedAll:
		r.made, r.starts = len(missed), append(missed, r.starts...)
	case s.Missed == MissedOnce && r.missed > 0 && len(r.starts) == 0:
		r.made, r.starts = 1, []time.Time{r.to}
	}
	return r
}

// come starts the runs of a schedule whose time has come. Errors: fault.NotFound
// when its scenario is not known here; nothing is written then.
func (k *Keeper) come(tx *db.Tx, s *state, now time.Time) (told []outcome, err error) {
	version, err := k.Version(s.Scenario)
	if err != nil {
		return nil, err
	}
	r := s.reckon(now)
	s.next = r.next
	if r.missed > 0 {
		err := k.Tell(tx, "missed", s.Code, struct {
			Code    string    `json:"code"`
			Times   int       `json:"times"`
			From    time.Time `json:"from"`
			To      time.Time `json:"to"`
			Started int       `json:"started"`
		}{s.Code, r.missed, r.from.UTC(), r.to.UTC(), r.made})
		if err != nil {
			return nil, err
		}
		told = append(told, outcome{code: s.Code, what: "missed", times: r.missed})
	}
	for _, at := range r.starts {
		one, err := k.start(tx, s, version, at, now)
		if err != nil {
			return nil, err
		}
		told = append(told, one)
	}
	return told, nil
}

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
	start := run.Start{Program: scenario.ProgramName(s.Scenario), Version: version, Source: Source(s.Code), Input: in.Encode()}
	if s.Overlap == Queue {
		start.OrderingKey = "queue"
	}
	return start, nil
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

package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
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
	// late is from when on a time counts as missed.
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
	work := 0
	for _, s := range due {
		if len(told) > most || work > 10*most {
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
			for _, o := range more {
				work += o.times
			}
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

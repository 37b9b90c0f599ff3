package subscription

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
)

// Replay is what is to be sent again.
type Replay struct {
	After  int64     // a position; event.Oldest: from the beginning
	Since  time.Time // instead: what came into the log then or later
	Choice Choice    // of what the subscription chooses
	DryRun bool      // count only
}

// Replayed is what came of it.
type Replayed struct {
	ID       string // "" when nothing is sent
	Count    int64  // events that are sent again, as far as they were counted
	Complete bool   // false: there may be more
}

// Replaying is a replay that is under way.
type Replaying struct {
	Replayed
	Author               string
	StartedAt            time.Time
	Types                []string // as they were asked for
	Filter               string
	After, Position, End int64 // where it began, up to where events have their deliveries, and where it ends
	Sent                 int64 // deliveries that it has begun
}

// countTime is for how long events are counted.
const countTime = 5 * time.Second

// Replay sends events again that a subscription has had, in the order of the log,
// beside what is new; its deliveries have its id as their tag. Errors:
// fault.NotFound; fault.Conflict for one that is not active, or has too many
// replays under way; *event.TooOld.
func (s *Store) Replay(ctx context.Context, code string, r Replay, by Author) (done Replayed, err error) {
	after := r.After
	if !r.Since.IsZero() {
		if after, err = s.Events.Since(ctx, r.Since); err != nil {
			return done, err
		}
	}
	var at row
	var until int64
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if at, err = readRow(tx, code); err != nil {
			return err
		}
		v, err := s.view(tx, at)
		until = v.Position
		return err
	})
	if err != nil {
		return done, err
	}
	if at.state != Active {
		return done, fault.New(fault.Conflict, "The subscription %q is %s: enable it first.", code, at.state)
	}
	x, err := s.find(ctx, code)
	if err != nil || x == nil {
		return done, errors.Join(err, none(code))
	}
	if done, after, err = s.count(ctx, x, r.Choice, after, until); err != nil || r.DryRun || done.Count == 0 && done.Complete {
		return done, err
	}
	types, err := listText(r.Choice.Types)
	if err != nil {
		return done, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		const most = 10
		if err := bump(tx); err != nil {
			return err
		}
		v, err := s.view(tx, at)
		if err != nil {
			return err
		}
		if v.Replays >= most {
			return fault.New(fault.Conflict, "The subscription %q has %d replays under way; wait for one to end.", code, v.Replays)
		}
		now := s.Clock.Now()
		done.ID = s.ids.New("rpl", now)
		_, err = tx.Exec(`INSERT INTO subscription_readers (id, subscription, position, until, types, filter, began, started_at, author, counted, complete, sent)
			VALUES ($1, $2, $3, $4, $5, $6, $3, $7, $8, $9, $10, 0)`,
			done.ID, code, after, until, types, r.Choice.Filter, db.Micros(now), by.Name, done.Count, done.Complete)
		if err != nil {
			return err
		}
		return s.Audit(tx, by, "subscription.replay", code, done.ID)
	})
	if err != nil {
		done.ID = ""
	}
	return done, err
}

// Replays are those of a subscription that are under way, the oldest first.
// Errors: fault.NotFound.
func (s *Store) Replays(ctx context.Context, code string) (all []Replaying, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		all = nil
		if _, err := readRow(tx, code); err != nil {
			return err
		}
		rows, err := tx.Query(`SELECT id, author, started_at, types, filter, began, position, until, counted, complete, sent
			FROM subscription_readers WHERE subscription = $1 AND id <> $1 ORDER BY id`, code)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r Replaying
			var types string
			var at int64
			if err := rows.Scan(&r.ID, &r.Author, &at, &types, &r.Filter, &r.After, &r.Position, &r.End, &r.Count, &r.Complete, &r.Sent); err != nil {
				return err
			}
			if r.StartedAt = db.Time(at); types != "" {
				if err := json.Unmarshal([]byte(types), &r.Types); err != nil {
					return err
				}
			}
			all = append(all, r)
		}
		return errors.Join(rows.Err(), rows.Close())
	})
	if err != nil {
		return nil, fmt.Errorf("list the replays of %q: %w", code, err)
	}
	return all, nil
}

// EndReplay ends a replay that is under way, or all of a subscription for the id
// "": nothing more of them is sent, but for deliveries that have begun, which are
// runs. Errors: fault.NotFound.
func (s *Store) EndReplay(ctx context.Context, code, id string, by Author) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := bump(tx); err != nil {
			return err
		}
		if _, err := readRow(tx, code); err != nil {
			return err
		}
		ended, err := endReplays(tx, code, id)
		switch {
		case err != nil:
			return err
		case len(ended) > 0:
			return s.Audit(tx, by, "subscription.end-replay", code, strings.Join(ended, ", "))
		case id != "":
			return fault.New(fault.NotFound, "The subscription %q has no replay %q under way; it may have sent all of it.", code, id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Reload(ctx)
}

// endReplays ends those of a subscription, or the one with the id, and returns
// their ids; bump comes first.
func endReplays(tx *db.Tx, code, id string) (ended []string, err error) {
	rows, err := tx.Query(`DELETE FROM subscription_readers WHERE subscription = $1 AND id <> $1 AND ($2 = '' OR id = $2) RETURNING id`, code, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ended = append(ended, id)
	}
	return ended, errors.Join(rows.Err(), rows.Close())
}

// count counts what both choose between two positions. from is where it begins.
func (s *Store) count(ctx context.Context, x *subscriber, choice Choice, after, until int64) (done Replayed, from int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*countTime)
	defer cancel()
	began := time.Now()
	q := x.config.Choice.Query(after, x.allowed)
	q.Limit = event.MaxLimit
	for from = after; ; {
		page, err := s.Events.Read(ctx, q)
		if err != nil {
			return done, from, err
		}
		if from == event.Oldest { // the reader has a real place
			from = 0
		}
		for n := range page.Items {
			if i := &page.Items[n]; i.Seq <= until && choice.Takes(i) {
				done.Count++
			}
		}
		if !page.More || page.Next >= until {
			done.Complete = true
			return done, from, nil
		}
		if time.Since(began) > countTime {
			return done, from, nil
		}
		q.After = page.Next
	}
}

package subscription

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/unit"
)

// giveUp is for how long the deliveries to an endpoint fail before it is
// disabled.
const giveUp = 5 * 24 * time.Hour

// health is how an endpoint fares, as this node has seen it.
type health struct {
	mu      sync.Mutex
	failing bool
	dirty   bool   // there is something to write down
	success int64  // the last one since that was done; microseconds, 0 for none
	first   int64  // the first failure since the last success
	failure int64  // the last one
	text    string // what it was

	again time.Time // when deliveries are hurried once more; zero: not

	open            int // unfinished deliveries, as they were counted
	counted, probed time.Time
}

func (h *health) isFailing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failing
}

// succeeded notes that an event was taken.
func (s *Store) succeeded(x *subscriber) {
	h := x.health
	h.mu.Lock()
	changed := h.failing
	h.failing, h.dirty, h.success, h.first = false, true, db.Micros(s.Clock.Now()), 0
	h.mu.Unlock()
	if changed {
		s.hurry(x)
	}
}

// failed notes that one was not. A try that began before the subscription was
// defined anew says nothing of it.
func (s *Store) failed(x *subscriber, text string) {
	if now := s.list.Load().of[x.code]; now == nil || now.version != x.version {
		return
	}
	const longest = 500
	if len(text) > longest {
		text = text[:longest]
	}
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "") // it may repeat what the endpoint has sent
	h := x.health
	h.mu.Lock()
	changed := !h.failing
	now := db.Micros(s.Clock.Now())
	if h.first == 0 {
		h.first = now
	}
	h.failing, h.dirty, h.failure, h.text = true, true, now, text
	over := now-h.first >= giveUp.Microseconds()
	h.mu.Unlock()
	if changed || over {
		s.tellHealth()
	}
}

func (s *Store) tellHealth() {
	select {
	case s.unwell <- struct{}{}:
	default:
	}
}

// hurry is for an endpoint that answers again, and for one that wants nothing any
// more: what waits for its next try makes it now.
func (s *Store) hurry(x *subscriber) {
	s.tellHealth()
	s.wake()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := s.Runs().Hurry(ctx, x.source()); err != nil {
			s.Log.Debug("deliveries could not be hurried; they are tried at their times", "subscription", x.code, "error", err)
		}
	}()
}

// settled is after which time no delivery is still about to wait, for long, for a
// subscription that it has found stopped in the moment in which it was enabled.
const settled = 3 * time.Second

// hurryLater lets what was late for hurry make its next try too.
func (s *Store) hurryLater() {
	now := time.Now()
	for _, x := range s.list.Load().of {
		h := x.health
		h.mu.Lock()
		due := !h.again.IsZero() && now.After(h.again)
		if due {
			h.again = time.Time{}
		}
		due = due && !h.failing // the tries of one that fails come at their times
		h.mu.Unlock()
		if due {
			s.hurry(x)
		}
	}
}

// watchHealth writes down how the endpoints fare, until ctx ends.
func (s *Store) watchHealth(ctx context.Context) {
	const every = 2 * time.Second
	for {
		over, stop := clock.Real{}.After(every)
		select {
		case <-over:
		case <-s.unwell:
		case <-ctx.Done():
		}
		stop()
		s.hurryLater()
		if err := s.writeHealth(context.WithoutCancel(ctx)); err != nil && ctx.Err() == nil {
			s.Log.Warn("how subscriptions fare could not be written down; trying again", "error", err)
			s.pause(ctx, time.Second)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// writeHealth writes down what is new, in one transaction.
func (s *Store) writeHealth(ctx context.Context) error {
	type news struct {
		x                       *subscriber
		success, first, failure int64
		text                    string
	}
	var all []news
	for _, x := range s.list.Load().of {
		h := x.health
		h.mu.Lock()
		if h.dirty {
			all = append(all, news{x, h.success, h.first, h.failure, h.text})
			h.dirty, h.success, h.failure = false, 0, 0
		}
		h.mu.Unlock()
	}
	if len(all) == 0 {
		return nil
	}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		for _, n := range all {
			if n.success > 0 {
				if _, err := tx.Exec(`UPDATE subscriptions SET succeeded_at = $2, failing_since = $3 WHERE code = $1`, n.x.code, n.success, n.first); err != nil {
					return err
				}
			}
			if n.failure == 0 {
				continue
			}
			// What this node takes for the first failure may be older than a success at another one.
			_, err := tx.Exec(`UPDATE subscriptions SET failed_at = $2, failure = $3,
				failing_since = CASE WHEN failing_since > 0 THEN failing_since WHEN $4 > succeeded_at THEN $4 ELSE $2 END WHERE code = $1 AND version = $5`,
				n.x.code, n.failure, n.text, n.first, n.x.version)
			if err != nil {
				return err
			}
			if err := s.giveUp(tx, n.x.code); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for _, n := range all { // it is told again with what comes next
			n.x.health.mu.Lock()
			n.x.health.dirty, n.x.health.failure, n.x.health.text = true, max(n.x.health.failure, n.failure), n.text
			n.x.health.success = max(n.x.health.success, n.success)
			n.x.health.mu.Unlock()
		}
	}
	return err
}

// giveUp disables a subscription whose endpoint has failed for too long.
func (s *Store) giveUp(tx *db.Tx, code string) error {
	var since, failed int64
	err := tx.QueryRow(`SELECT failing_since, failed_at FROM subscriptions WHERE code = $1 AND state = $2`, code, Active).Scan(&since, &failed)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil || since == 0 || failed-since < giveUp.Microseconds() {
		return err
	}
	return s.stop(tx, code, Disabled, fmt.Sprintf("its deliveries have failed for %s", unit.FormatDuration(giveUp)))
}

// stop ends or disables an active subscription, and tells of it.
func (s *Store) stop(tx *db.Tx, code, state, reason string) error {
	if err := bump(tx); err != nil {
		return err
	}
	r, err := readRow(tx, code)
	if err != nil || r.state != Active {
		return err
	}
	if err := park(tx, `code = $1`, code); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE subscriptions SET state = $2, reason = $3 WHERE code = $1`, code, state, reason); err != nil {
		return err
	}
	more := map[string]any{"reason": reason}
	if r.failingSince > 0 {
		more["failing_since"] = db.Time(r.failingSince)
	}
	if r.failure != "" {
		more["failure"] = r.failure
	}
	return s.tell(tx, code, state, r.channel, more)
}

// end is for an endpoint that wants nothing any more.
func (s *Store) end(ctx context.Context, code, reason string) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error { return s.stop(tx, code, Ended, reason) })
	if err != nil {
		return fmt.Errorf("end the subscription %q: %w", code, err)
	}
	return s.Reload(ctx)
}

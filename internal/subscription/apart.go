package subscription

import (
	"context"
	"errors"
	"fmt"

	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/run"
)

// apart dispatches to one who reads at a place of its own.
func (s *Store) apart(ctx context.Context, l *list, r *reader) (more bool, err error) {
	x := l.of[r.of]
	if x == nil || !x.active() {
		return false, nil
	}
	until, ahead := r.until, false
	if until == 0 && len(l.members) > 0 {
		until = l.headNow(ctx, s)
		if ahead = r.position > until; ahead { // it began behind where the others are
			until = 0
		}
	}
	room := s.room(ctx, x)
	if room == 0 {
		return false, nil
	}
	var page event.Page
	if until == 0 || r.position < until {
		q := x.config.Choice.Query(r.position, x.allowed)
		q.Limit = min(room, maxBacklog)
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			page, err = s.within(tx, q)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("read the log for subscription %q: %w", x.code, err)
		}
	} else {
		page.Next = r.position
	}
	next := page.Next
	if until > 0 {
		next = min(next, until)
	}
	var starts []run.Start
	for n := range page.Items {
		i := &page.Items[n]
		if i.Seq > next || r.choice != nil && !r.choice.Takes(i) {
			continue
		}
		start := s.start(x, i)
		if r.until > 0 { // by which people find what a replay has begun, and end it
			start.Tags = []string{r.id}
		}
		starts = append(starts, start)
	}
	ends := r.until > 0 && next >= r.until
	joins := r.until == 0 && !ahead && (len(l.members) > 0 && next == until || len(l.members) == 0 && !page.More)
	if next == r.position && !ends && !joins {
		return false, nil
	}
	ok, err := s.Runs().AcceptAll(ctx, starts, func(tx *db.Tx) (bool, error) { return s.move(tx, l, r, next, len(starts), ends, joins) })
	if err == nil && !ok {
		return false, errMoved
	}
	if err == nil {
		r.position = next
	}
	return err == nil, err
}

// headNow is where the head is now: it moves while the list stays.
func (l *list) headNow(ctx context.Context, s *Store) (position int64) {
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT position FROM subscription_head WHERE id = 1`).Scan(&position)
	})
	if err != nil {
		return l.head
	}
	return max(position, 1)
}

// move moves a reader on, and takes it away at its end; one that has come up with
// the head joins the others there. It is false when something has changed.
func (s *Store) move(tx *db.Tx, l *list, r *reader, next int64, sent int, ends, joins bool) (bool, error) {
	var head, was int64
	lock := ""
	if joins {
		lock = tx.SkipLocked()
	}
	err := tx.QueryRow(`SELECT position FROM subscription_head WHERE id = 1 AND generation = $1 `+lock, l.generation).Scan(&head)
	if err == nil {
		err = tx.QueryRow(`SELECT position FROM subscription_readers WHERE id = $1 AND position = $2 `+tx.SkipLocked(), r.id, r.position).Scan(&was)
	}
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case joins && len(l.members) == 0: // the head stood still for nobody
		if _, err := tx.Exec(`UPDATE subscription_head SET position = $1 WHERE id = 1`, next); err != nil {
			return false, err
		}
	case joins && next != head:
		joins = false
	}
	if !ends && !joins {
		_, err := tx.Exec(`UPDATE subscription_readers SET position = $2, sent = sent + $3 WHERE id = $1`, r.id, next, sent)
		return err == nil, err
	}
	if err := bump(tx); err != nil {
		return false, err
	}
	_, err = tx.Exec(`DELETE FROM subscription_readers WHERE id = $1`, r.id)
	return err == nil, err
}

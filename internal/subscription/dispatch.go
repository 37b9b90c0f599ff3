package subscription

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/run"
)

const (
	// pollEvery is how often the log is looked at when no notice comes: a notice
	// is a hint.
	pollEvery = time.Second
	atOnce    = 1000 // deliveries that one transaction begins, about
	pageSize  = 500  // events that are read at once
	// maxBacklog is how many deliveries to one subscriber wait in memory.
	maxBacklog = 200
	// maxOpen is how many unfinished deliveries a subscriber has that fails; what
	// follows stays in the log.
	maxOpen = 1000
	// countEvery and probeEvery are for a subscriber that has so many.
	countEvery, probeEvery = 5 * time.Second, 30 * time.Second
	// unwritten is how many events without a match are passed before that is
	// written down.
	unwritten = 5000
)

// Run dispatches events, and writes down how endpoints fare, until ctx ends.
func (s *Store) Run(ctx context.Context) {
	for _, topic := range []string{event.Topic, topic} {
		defer s.DB.Listen(topic, func(string) { s.wake() })()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.watchHealth(ctx)
	}()
	defer func() { <-done }()
	for ctx.Err() == nil {
		more, err := s.round(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("events could not be dispatched to their subscribers; trying again in a second", "error", err)
		}
		if more && err == nil {
			continue
		}
		poll, stop := clock.Real{}.After(pollEvery)
		select {
		case <-s.changed:
			if err != nil { // what fails is not tried at once
				<-poll
			}
		case <-poll:
		case <-ctx.Done():
		}
		stop()
	}
}

func (s *Store) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// errMoved is when another node was faster, or somebody changed who gets what.
var errMoved = errors.New("others have dispatched meanwhile")

// round dispatches some events to those at the head, and to each who reads at a
// place of its own. more: there may be more to do at once.
func (s *Store) round(ctx context.Context) (more bool, err error) {
	l, position, page, err := s.read(ctx)
	if err != nil {
		return false, err
	}
	if len(l.of) == 0 {
		return false, nil
	}
	more, err = s.atHead(ctx, l, position, page)
	for _, r := range l.readers {
		if errors.Is(err, errMoved) || fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
			break
		}
		again, wrong := s.apart(ctx, l, r)
		more, err = more || again, errors.Join(err, wrong) // what is wrong with one is no other's
	}
	if errors.Is(err, errMoved) { // the other may have it for a while
		s.pause(ctx, time.Duration(1+rand.IntN(20))*time.Millisecond)
		return true, nil
	}
	return more, err
}

func (s *Store) pause(ctx context.Context, d time.Duration) {
	over, stop := clock.Real{}.After(d)
	defer stop()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// read is the subscriptions, and what is in the log behind the head.
func (s *Store) read(ctx context.Context) (l *list, position int64, page event.Page, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if l, position, err = s.refresh(tx); err != nil || len(l.members) == 0 {
			return err
		}
		from := max(position, s.looked.of(l.generation))
		page, err = s.within(tx, event.Query{After: from, Allow: l.wanted, Limit: pageSize})
		return err
	})
	if err != nil {
		err = fmt.Errorf("read the log for subscriptions: %w", err)
	}
	return l, position, page, err
}

// within reads a page; what retention has removed is passed.
func (s *Store) within(tx *db.Tx, q event.Query) (event.Page, error) {
	page, err := s.Events.ReadIn(tx, q)
	var old *event.TooOld
	if errors.As(err, &old) {
		s.Log.Warn("events were removed before they were dispatched to all subscribers: their retention is over")
		q.After = event.Oldest
		page, err = s.Events.ReadIn(tx, q)
	}
	return page, err
}

// atHead dispatches a page to the members.
func (s *Store) atHead(ctx context.Context, l *list, position int64, page event.Page) (more bool, err error) {
	if len(l.members) == 0 || page.Next == position {
		return false, nil
	}
	if len(page.Items) > 0 {
		if err := s.leave(ctx, l); err != nil {
			return false, err
		}
	}
	var starts []run.Start
	next, more := page.Next, page.More
	for n := range page.Items {
		i := &page.Items[n]
		if len(starts) >= atOnce {
			next, more = page.Items[n-1].Seq, true
			break
		}
		for _, x := range l.takers(i) {
			if x.config.Choice.Takes(i) {
				starts = append(starts, s.start(x, i))
			}
		}
	}
	if len(starts) == 0 && next-position < unwritten && !l.awaited(position) {
		s.looked.store(l.generation, next)
		return more, nil
	}
	ok, err := s.Runs().AcceptAll(ctx, starts, func(tx *db.Tx) (bool, error) {
		var one int
		err := tx.QueryRow(`SELECT 1 FROM subscription_head WHERE id = 1 AND position = $1 AND generation = $2 `+tx.SkipLocked(), position, l.generation).Scan(&one)
		if errors.Is(err, db.ErrNoRows) {
			return false, nil
		}
		if err == nil {
			_, err = tx.Exec(`UPDATE subscription_head SET position = $1 WHERE id = 1`, next)
		}
		return err == nil, err
	})
	if err == nil && !ok {
		err = errMoved
	}
	return more, err
}

// awaited reports whether somebody can join the members as soon as the head is
// behind a position.
func (l *list) awaited(position int64) bool {
	return slices.ContainsFunc(l.readers, func(r *reader) bool {
		return r.until == 0 && r.position > position && l.of[r.of] != nil && l.of[r.of].active()
	})
}

// start is the delivery of an event.
func (s *Store) start(x *subscriber, i *event.Item) run.Start {
	in := input{Subscription: x.code, Event: i.ID, Type: i.Type, Position: i.Seq}
	if i.Source != s.Events.Source() {
		in.Source = i.Source
	}
	start := run.Start{
		Program: Program, Version: Version, Channel: x.channel, Source: x.source(), WebhookID: in.webhookID(i.At), Subject: i.Subject, Input: in.encode(),
	}
	if x.config.OrderingKey.String() != "" {
		if body, err := s.bodies.of(i); err == nil {
			start.OrderingKey = x.config.OrderingKey.Of(nil, body)
		}
		return start
	}
	s.bodies.of(i) //nolint:errcheck // it is made again when it is sent
	return start
}

// leave lets members go that do not keep up, to read at places of their own.
// When most do not, it is this machine that does not, and all wait a little.
func (s *Store) leave(ctx context.Context, l *list) error {
	for wait := 0; ; wait++ {
		var slow []*subscriber
		for _, x := range l.members {
			if s.room(ctx, x) == 0 {
				slow = append(slow, x)
			}
		}
		if len(slow) == 0 {
			return nil
		}
		if wait < 200 && 2*len(slow) > len(l.members) && len(l.members) > 1 && ctx.Err() == nil {
			s.pause(ctx, 5*time.Millisecond)
			continue
		}
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			if err := bump(tx); err != nil {
				return err
			}
			for _, x := range slow {
				if err := park(tx, `code = $1`, x.code); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			err = errMoved // who reads what is another question now
		}
		return err
	}
}

// room is how many more deliveries a subscriber may have begun.
func (s *Store) room(ctx context.Context, x *subscriber) int {
	room := maxBacklog - s.Runs().Backlog(x.source())
	if room <= 0 {
		return 0
	}
	h := x.health
	if !h.isFailing() {
		return room
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if now.Sub(h.counted) > countEvery {
		n, err := s.Runs().OpenOf(ctx, x.source(), maxOpen)
		if err != nil {
			return 0
		}
		h.open, h.counted = n, now
	}
	switch {
	case h.open < maxOpen:
		return min(room, maxOpen-h.open)
	case now.Sub(h.probed) > probeEvery:
		h.probed = now
		return 1
	}
	return 0
}

// input is what a delivery's run is started with: the event stands in the log.
type input struct {
	Subscription string          `json:"subscription"`
	Event        string          `json:"event"`
	Source       string          `json:"source,omitempty"` // of the event; "" for the domain's own
	Type         string          `json:"type"`
	Position     int64           `json:"position,omitempty"` // of the event in the log
	Body         json.RawMessage `json:"body,omitempty"`     // of a test delivery, which is of no event
}

func (i *input) encode() []byte {
	b, err := json.Marshal(i)
	if err != nil {
		panic("subscription: " + err.Error()) // texts and JSON always are JSON
	}
	return b
}

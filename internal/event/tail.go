package event

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"junctor/internal/clock"
)

// pollEvery is how often the log is looked at for those who wait, when no notice
// comes: a notice is a hint.
const pollEvery = time.Second

// MaxWait is the longest that a reader waits at one go.
const MaxWait = time.Minute

// Await is Read that waits, for so long at most, until there is an event that
// the query chooses. When the time is over, or the log or ctx ends, it returns
// what it has, an empty page with the position to go on from.
func (l *Log) Await(ctx context.Context, q Query, wait time.Duration) (Page, error) {
	if wait <= 0 {
		return l.Read(ctx, q)
	}
	w, err := l.tail.join(ctx, q)
	if err != nil {
		return Page{}, err
	}
	defer l.tail.leave(w)
	over, stop := l.clock.After(min(wait, MaxWait))
	defer stop()
	for {
		page, err := l.Read(ctx, q)
		if err != nil || len(page.Items) > 0 {
			return page, err
		}
		q.After = page.Next
		if page.More {
			select {
			case <-over:
				return page, nil
			default:
				continue
			}
		}
		select {
		case <-w.wake:
		case <-over:
			return page, nil
		case <-ctx.Done():
			return page, nil
		case <-l.ctx.Done():
			return page, nil
		}
	}
}

// waiter is one who wants to know of events that his query chooses.
type waiter struct {
	query Query
	wake  chan struct{}
}

// tail reads new events once for all who wait, and wakes those for whom there is
// one. They look for themselves then: waking too often does no harm.
type tail struct {
	log    *Log
	grown  chan struct{} // holds one when there may be new events
	mu     sync.Mutex    // guards what follows
	who    map[*waiter]struct{}
	at     int64 // read up to here
	active bool  // follow runs
	group  sync.WaitGroup
	ended  bool
}

func (t *tail) init(l *Log) {
	t.log, t.grown, t.who = l, make(chan struct{}, 1), map[*waiter]struct{}{}
}

// join lets somebody wait. What is in the log before it returns he has to look
// for by himself.
func (t *tail) join(ctx context.Context, q Query) (*waiter, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := &waiter{query: q, wake: make(chan struct{}, 1)}
	if !t.active && !t.ended {
		end, err := t.log.End(ctx)
		if err != nil {
			return nil, fmt.Errorf("wait for events: %w", err)
		}
		t.at, t.active = end, true
		t.group.Go(t.follow)
	}
	t.who[w] = struct{}{}
	return w, nil
}

func (t *tail) leave(w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.who, w)
}

// end returns when nothing follows the log any more.
func (t *tail) end() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.group.Wait()
}

// notice is called after events were appended, here or elsewhere.
func (t *tail) notice(string) {
	select {
	case t.grown <- struct{}{}:
	default:
	}
}

// follow reads for as long as somebody waits.
func (t *tail) follow() {
	ctx := t.log.ctx
	for {
		// A second of the machine's: whoever moves a test's clock moves no database.
		poll, stop := clock.Real{}.After(pollEvery)
		select {
		case <-t.grown:
		case <-poll:
		case <-ctx.Done():
			stop()
			return
		}
		stop()
		if t.idle() {
			return
		}
		if err := t.read(ctx); err != nil && ctx.Err() == nil {
			t.log.log.Warn("the event log could not be read for those who wait; trying again in a second", "error", err)
		}
	}
}

// idle ends follow when nobody waits any more.
func (t *tail) idle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active = len(t.who) > 0
	return !t.active
}

// read reads what is new.
func (t *tail) read(ctx context.Context) error {
	for {
		t.mu.Lock()
		at := t.at
		t.mu.Unlock()
		page, err := t.log.news(ctx, at)
		if err != nil {
			return err
		}
		t.mu.Lock()
		t.at = page.Next
		waiting := slices.Collect(maps.Keys(t.who))
		t.mu.Unlock()
		for _, w := range waiting { // nobody who comes or leaves waits for their filters
			if len(w.wake) == 0 && w.wanted(page.Items) {
				w.wake <- struct{}{}
			}
		}
		if !page.More {
			return nil
		}
	}
}

// news is a page of all that is behind a position, of what the log still has.
func (l *Log) news(ctx context.Context, after int64) (Page, error) {
	page, err := l.look(ctx, Query{After: after, Limit: MaxLimit})
	var old *TooOld
	if errors.As(err, &old) {
		return l.look(ctx, Query{After: Oldest, Limit: MaxLimit})
	}
	return page, err
}

func (w *waiter) wanted(items []Item) bool {
	for n := range items {
		if !w.query.knows(&items[n]) {
			continue
		}
		if chosen, err := w.query.Filter.choose(&items[n]); chosen || err != nil {
			return true
		}
	}
	return false
}

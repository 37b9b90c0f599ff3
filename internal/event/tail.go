package event

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"junctor/internal/clock"
)

// pollEvery is how often the log is looked at for those who follow it, when no
// notice comes: a notice is a hint.
const pollEvery = time.Second

// MaxWait is the longest that a reader waits at one go.
const MaxWait = time.Minute

// What the followers of one node keep of the newest events in memory, all
// together, and how long the log rests after it was read: what comes meanwhile
// is read at one go.
const (
	recentItems = 5000
	recentBytes = 4 << 20
	restAfter   = 5 * time.Millisecond
)

// Await is Read that waits, for so long at most, until there is an event that
// the query chooses. When the time is over, or the log or ctx ends, it returns
// what it has, an empty page with the position to go on from.
func (l *Log) Await(ctx context.Context, q Query, wait time.Duration) (Page, error) {
	if wait <= 0 {
		return l.Read(ctx, q)
	}
	leave, err := l.Follow(ctx)
	if err != nil {
		return Page{}, err
	}
	defer leave()
	over, stop := l.clock.After(min(wait, MaxWait))
	defer stop()
	for {
		page, err := l.Next(ctx, q)
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
		case <-l.Grown(q.After):
		case <-over:
			return page, nil
		case <-ctx.Done():
			return page, nil
		case <-l.ctx.Done():
			return page, nil
		}
	}
}

// Follow lets somebody stay at the log's end, by Next and Grown, until he leaves.
// However many follow it on a node, what is new is read from the database once.
func (l *Log) Follow(ctx context.Context) (leave func(), err error) {
	if err := l.tail.join(ctx); err != nil {
		return nil, err
	}
	return sync.OnceFunc(l.tail.leave), nil
}

// Next is Read, for those who follow the log: the newest events come from
// memory. Errors: as Read.
func (l *Log) Next(ctx context.Context, q Query) (Page, error) {
	page, ok, err := l.tail.page(&q)
	if ok || err != nil {
		return page, err
	}
	return l.Read(ctx, q)
}

// Near reports whether what is behind a position is in memory, so that Next does
// not ask the database.
func (l *Log) Near(position int64) bool {
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	return l.tail.near(position)
}

// Grown is closed when there may be events behind a position, for those who
// follow the log.
func (l *Log) Grown(position int64) <-chan struct{} {
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	if position < l.tail.at {
		return always
	}
	return l.tail.changed
}

// always is closed.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// tail reads new events once for all who follow the log, and keeps the newest in
// memory for them. Who is too slow for that reads the log itself.
type tail struct {
	log       *Log
	grown     chan struct{} // holds one when there may be new events
	mu        sync.Mutex    // guards what follows
	followers int
	active    bool          // follow runs
	changed   chan struct{} // closed when at moves
	at        int64         // read up to here
	from      int64         // recent are all the events behind it, up to at
	recent    []Item        // never written to: it is appended to and cut off
	bytes     int           // of them
	group     sync.WaitGroup
	ended     bool
}

func (t *tail) init(l *Log) {
	t.log, t.grown, t.changed = l, make(chan struct{}, 1), make(chan struct{})
}

// join lets somebody follow.
func (t *tail) join(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.active && !t.ended {
		end, err := t.log.End(ctx)
		if err != nil {
			return fmt.Errorf("wait for events: %w", err)
		}
		t.at, t.from, t.active = end, end, true
		t.group.Go(t.follow)
	}
	t.followers++
	return nil
}

func (t *tail) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.followers--
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

// follow reads for as long as somebody follows.
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
			t.log.log.Warn("the event log could not be read for those who follow it; trying again in a second", "error", err)
		}
		rest, stop := clock.Real{}.After(restAfter)
		select {
		case <-rest:
		case <-ctx.Done():
		}
		stop()
	}
}

// idle ends follow when nobody follows any more.
func (t *tail) idle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active = t.followers > 0
	if !t.active {
		t.recent, t.bytes, t.from = nil, 0, t.at
	}
	return !t.active
}

// read reads what is new.
func (t *tail) read(ctx context.Context) error {
	for more := true; more; {
		t.mu.Lock()
		at := t.at
		t.mu.Unlock()
		page, err := t.log.Read(ctx, Query{After: at, Limit: MaxLimit})
		var old *TooOld
		if errors.As(err, &old) { // of what the log still has; those who are behind are told
			at = Oldest
			page, err = t.log.Read(ctx, Query{After: at, Limit: MaxLimit})
		}
		if err != nil {
			return err
		}
		t.add(at, page)
		more = page.More
	}
	return nil
}

// add takes a page over and lets those know who follow.
func (t *tail) add(at int64, page Page) {
	for n := range page.Items {
		page.Items[n].shared = &shared{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if at == Oldest {
		t.recent, t.bytes, t.from = nil, 0, page.Next
	} else {
		t.recent = append(t.recent, page.Items...)
		for n := range page.Items {
			t.bytes += page.Items[n].Size()
		}
	}
	drop := 0
	for t.bytes > recentBytes || len(t.recent)-drop > recentItems {
		t.bytes -= t.recent[drop].Size()
		t.from = t.recent[drop].Seq
		drop++
	}
	if drop > 0 { // others still read the old ones: these go when they have
		t.recent = append([]Item(nil), t.recent[drop:]...)
	}
	if page.Next != t.at {
		t.at = page.Next
		close(t.changed)
		t.changed = make(chan struct{})
	}
}

// near is called with the lock.
func (t *tail) near(position int64) bool {
	return t.active && t.from <= position && position <= t.at
}

// page is what is in memory behind the query's position; ok is false when that
// is not all there is.
func (t *tail) page(q *Query) (page Page, ok bool, err error) {
	t.mu.Lock()
	ok = t.near(q.After)
	items, at := t.recent, t.at
	t.mu.Unlock()
	if !ok {
		return Page{}, false, nil
	}
	limit, bytes := pageSize(q.Limit), 0
	page.Next = at
	first := sort.Search(len(items), func(n int) bool { return items[n].Seq > q.After })
	for n := first; n < len(items); n++ {
		i := &items[n]
		if !q.knows(i) {
			continue
		}
		chosen, err := q.Filter.choose(i)
		if err != nil {
			return Page{}, false, fmt.Errorf("read the event log: %w", err)
		}
		if !chosen {
			continue
		}
		page.Items = append(page.Items, *i)
		if bytes += i.Size(); len(page.Items) == limit || bytes >= q.bytes() {
			page.Next = i.Seq
			break
		}
	}
	page.More = page.Next < at
	return page, true, nil
}

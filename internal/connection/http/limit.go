package http

import (
	"context"
	"sync"
	"time"

	"junctor/internal/connection"
	"junctor/internal/unit"
)

// Bounds of what can be configured.
const (
	maxTimeout     = time.Hour // of one request
	maxConcurrency = 10_000
	maxRate        = 1_000_000
	maxFailures    = 100_000
	minPause       = 10 * time.Millisecond
	maxPause       = 24 * time.Hour
)

// held is a request that was not sent because the connection itself held it
// back: no try of anything.
func (c *Conn) held(after time.Duration, format string, args ...any) *connection.Error {
	e := c.permanent(format, args...)
	e.Class, e.After = connection.Held, after
	return e
}

// slot waits until fewer requests than concurrency allows are under way. free
// gives the place back.
func (x *exchange) slot() (free func(), err error) {
	if x.slots == nil {
		return func() {}, nil
	}
	select {
	case x.slots <- struct{}{}:
		return func() { <-x.slots }, nil
	case <-x.waiting.Done():
		if x.ctx.Err() != nil {
			return nil, x.failed(x.ctx.Err())
		}
		return nil, x.held(0, "%s: not sent within %s, because concurrency: %d lets no more requests be under way", x.what(), unit.FormatDuration(x.timeout), cap(x.slots))
	}
}

// turn waits until rate lets another request begin. A wait that would be longer
// than ctx has time is not begun.
func (x *exchange) turn(ctx context.Context) error {
	if x.pace == nil {
		return nil
	}
	deadline, _ := ctx.Deadline()
	wait, err := x.pace.take(ctx, deadline)
	switch {
	case err == nil:
		return nil
	case x.ctx.Err() != nil:
		return x.failed(x.ctx.Err())
	}
	return x.held(wait, "%s: not sent, because the %s that rate allows are used up for the next %s", x.what(), x.rate, unit.FormatDuration(roundUp(wait)))
}

// roundUp leaves out what nobody wants to read.
func roundUp(d time.Duration) time.Duration {
	if d > time.Second {
		return (d + time.Second - 1).Truncate(time.Second)
	}
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

// pace lets at most so many requests begin in any span of time: it knows when
// the last of them began. A token bucket would let twice as many pass after a
// rest, which whoever counts at the other side does not forgive. Requests wait
// one behind the other, and who gives up loses nobody's turn.
type pace struct {
	per  time.Duration
	head chan struct{} // the one that waits for its moment is in it

	mu    sync.Mutex
	queue int         // how many wait, the one at the head included
	last  []time.Time // a ring, the oldest at next, once it is full
	next  int
	size  int
}

func newPace(r unit.Rate) *pace {
	return &pace{per: r.Per, size: r.Count, head: make(chan struct{}, 1)}
}

// take waits for the next free moment. When that would come after the deadline,
// or ctx ends, the error is ctx's or context.DeadlineExceeded, and wait is how
// long it would still be.
func (p *pace) take(ctx context.Context, deadline time.Time) (wait time.Duration, err error) {
	p.mu.Lock()
	before := p.queue
	wait = p.wait(time.Now(), before)
	if time.Now().Add(wait).After(deadline) {
		p.mu.Unlock()
		return wait, context.DeadlineExceeded
	}
	p.queue++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.queue--
		p.mu.Unlock()
	}()
	select {
	case p.head <- struct{}{}:
		defer func() { <-p.head }()
	case <-ctx.Done():
		return p.per, ctx.Err()
	}
	for {
		p.mu.Lock()
		now := time.Now()
		if wait = p.wait(now, 0); wait <= 0 {
			p.begun(now)
			p.mu.Unlock()
			return 0, nil
		}
		p.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return wait, ctx.Err()
		}
	}
}

// wait is how long it is until another request may begin, behind so many that
// wait already. p.mu is held.
func (p *pace) wait(now time.Time, before int) time.Duration {
	rounds, place := before/p.size, before%p.size
	behind := time.Duration(rounds) * p.per
	if len(p.last) < p.size && len(p.last)+before < p.size {
		return 0
	}
	at := now
	if i := (p.next + place) % p.size; i < len(p.last) {
		at = p.last[i].Add(p.per)
	}
	return max(0, at.Sub(now)+behind)
}

// begun notes a request. p.mu is held.
func (p *pace) begun(at time.Time) {
	if len(p.last) < p.size {
		p.last = append(p.last, at)
		return
	}
	p.last[p.next] = at
	p.next = (p.next + 1) % p.size
}

package http

import (
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
	case <-x.limited.Done():
		if x.ctx.Err() != nil {
			return nil, x.failed(x.ctx.Err())
		}
		return nil, x.held(0, "%s: not sent within %s, because concurrency: %d lets no more requests be under way", x.what(), unit.FormatDuration(x.timeout), cap(x.slots))
	}
}

// turn waits until rate lets another request begin. A wait that would be longer
// than the request's time is not begun.
func (x *exchange) turn() error {
	if x.pace == nil {
		return nil
	}
	deadline, _ := x.limited.Deadline()
	wait, ok := x.pace.reserve(time.Now(), deadline)
	if !ok {
		return x.held(wait, "%s: not sent, because the %s that rate allows are used up for the next %s", x.what(), x.rate, unit.FormatDuration(roundUp(wait)))
	}
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-x.limited.Done():
		return x.failed(x.limited.Err())
	}
}

// roundUp leaves out what nobody wants to read.
func roundUp(d time.Duration) time.Duration {
	if d > time.Second {
		return (d + time.Second - 1).Truncate(time.Second)
	}
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

// pace lets at most so many requests begin in any span of time: it knows when
// the last of them began, or will. A token bucket would let twice as many pass
// after a rest, which whoever counts at the other side does not forgive.
type pace struct {
	per time.Duration

	mu   sync.Mutex
	last []time.Time // a ring, the oldest at next, once it is full
	next int
	size int
}

func newPace(r unit.Rate) *pace { return &pace{per: r.Per, size: r.Count} }

// reserve takes the next free moment, if it comes before the deadline, and says
// how long it is until then.
func (p *pace) reserve(now, deadline time.Time) (wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now
	if len(p.last) == p.size {
		if free := p.last[p.next].Add(p.per); free.After(at) {
			at = free
		}
	}
	if at.After(now) && !at.Before(deadline) {
		return at.Sub(now), false
	}
	if len(p.last) < p.size {
		p.last = append(p.last, at)
	} else {
		p.last[p.next] = at
		p.next = (p.next + 1) % p.size
	}
	return at.Sub(now), true
}

// Package load puts an HTTP server under load and measures it: a closed loop
// (so many connections, each asking again as soon as it is answered) or an open
// one (so many requests per second, whatever the server does).
//
// It is made to be cheap, since it often shares the machine with what it
// measures: requests are bytes made ready beforehand and answers are parsed no
// further than needed. It must not know what the server does.
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Options describe one measurement.
type Options struct {
	// Target is the server.
	Target Target
	// Request appends the bytes of the nth request (from 0) to buf and returns
	// it. It is called from many goroutines. See Target.Request for a constant one.
	Request func(n int64, buf []byte) []byte
	// Connections is how many keep-alive connections are used; 64 when 0.
	Connections int
	// Duration ends the sending; answers under way are still awaited.
	Duration time.Duration
	// Limit ends the sending after so many requests; 0: no limit.
	Limit int64
	// Rate is how many requests per second are begun in an open loop; 0: closed loop.
	Rate float64
	// Websocket is a path: instead of requests the bytes of Request are messages on
	// websockets that are opened there, each of which is answered by one.
	Websocket string
	// Timeout is how long one answer may take; 30 s when 0.
	Timeout time.Duration
}

// link is a connection of either kind.
type link interface {
	exchange(request []byte, timeout time.Duration) (status int, err error)
	ended() bool // the next request needs another one
	close()
}

func (o *Options) dial(ctx context.Context) (link, error) {
	if o.Websocket != "" {
		return DialSocket(ctx, o.Target, o.Websocket, nil)
	}
	return dial(ctx, o.Target)
}

// Result is what a measurement has shown.
type Result struct {
	Statuses map[int]int64 // answers by status
	Failed   int64         // requests without an answer: refused, reset, timed out
	FirstErr error         // the first failure, to tell the person
	Elapsed  time.Duration // from the first request until the last answer
	Latency  Histogram     // of the answered requests
}

// Answered is the number of answers of any status.
func (r *Result) Answered() int64 {
	var n int64
	for _, c := range r.Statuses {
		n += c
	}
	return n
}

// OK is the number of answers from 200 to 299.
func (r *Result) OK() int64 {
	var n int64
	for status, c := range r.Statuses {
		if status >= 200 && status < 300 {
			n += c
		}
	}
	return n
}

// Rate is the good answers per second.
func (r *Result) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.OK()) / r.Elapsed.Seconds()
}

// Run measures until Duration or Limit is reached or ctx ends. An error means
// that nothing could be measured at all; single failures are in the Result.
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.Connections <= 0 {
		o.Connections = 64
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Duration <= 0 && o.Limit <= 0 {
		return nil, errors.New("measuring needs an end: a duration or a number of requests")
	}
	workers := make([]*worker, o.Connections)
	for i := range workers {
		c, err := o.dial(ctx)
		if err != nil {
			closeAll(workers)
			return nil, fmt.Errorf("connecting to %s: %w", o.Target.Address, err)
		}
		workers[i] = &worker{options: &o, conn: c, statuses: map[int]int64{}}
	}
	defer closeAll(workers)

	s := &schedule{start: time.Now(), limit: o.Limit}
	if o.Duration > 0 {
		s.end = s.start.Add(o.Duration)
	}
	if o.Rate > 0 {
		s.gap = float64(time.Second) / o.Rate
	}
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(func() { w.run(ctx, s) })
	}
	all.Wait()
	return merge(workers, time.Since(s.start)), nil
}

func merge(workers []*worker, elapsed time.Duration) *Result {
	r := &Result{Statuses: map[int]int64{}, Elapsed: elapsed}
	for _, w := range workers {
		for status, n := range w.statuses {
			r.Statuses[status] += n
		}
		r.Failed += w.failed
		if r.FirstErr == nil {
			r.FirstErr = w.firstErr
		}
		r.Latency.Add(&w.latency)
	}
	return r
}

func closeAll(workers []*worker) {
	for _, w := range workers {
		if w != nil && w.conn != nil {
			w.conn.close()
		}
	}
}

// schedule hands out the turns: the number of the next request and, in an open
// loop, when it is to be sent.
type schedule struct {
	start, end time.Time // end is zero without a Duration
	limit      int64
	gap        float64 // nanoseconds between two requests; 0 in a closed loop
	next       atomic.Int64
}

// take returns the next turn, and false when the measurement is over.
func (s *schedule) take() (n int64, at time.Time, ok bool) {
	n = s.next.Add(1) - 1
	if s.limit > 0 && n >= s.limit {
		return 0, at, false
	}
	if s.gap == 0 {
		return n, at, s.end.IsZero() || time.Now().Before(s.end)
	}
	at = s.start.Add(time.Duration(float64(n) * s.gap))
	return n, at, s.end.IsZero() || at.Before(s.end)
}

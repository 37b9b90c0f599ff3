package http

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"junctor/internal/connection"
	"junctor/internal/unit"
)

// breaker keeps requests from a destination that does not answer. After so many
// failures in a row it is open: nothing is sent for a pause. Then one request
// goes through as a probe, and closes it by an answer or opens it again.
type breaker struct {
	failures int
	pause    time.Duration
	now      func() time.Time

	mu      sync.Mutex
	row     int       // failures in a row
	until   time.Time // open until then; zero: closed
	probing bool      // a probe is under way
	last    string    // the last failure's text
}

const (
	defaultFailures = 10
	defaultPause    = 30 * time.Second
	// probeWait is how long the others wait for a probe's end before they ask again.
	probeWait = 5 * time.Second
)

func newBreaker(b *Breaker) *breaker {
	if b == nil {
		return nil
	}
	made := &breaker{failures: b.Failures, pause: b.Pause, now: time.Now}
	if made.failures <= 0 {
		made.failures = defaultFailures
	}
	if made.pause <= 0 {
		made.pause = defaultPause
	}
	return made
}

// shut reports whether a request would be held back now, and for how long.
func (b *breaker) shut() (after time.Duration, shut bool) {
	if b == nil {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wait()
}

func (b *breaker) wait() (time.Duration, bool) {
	switch left := b.until.Sub(b.now()); {
	case b.until.IsZero():
		return 0, false
	case left > 0:
		return left, true
	case b.probing:
		return min(b.pause, probeWait), true
	}
	return 0, false
}

// enter lets a request through, as the probe if it is the first after the
// pause. Who is let in must tell what came of it.
func (b *breaker) enter() (probe bool, after time.Duration, shut bool) {
	if b == nil {
		return false, 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if after, shut = b.wait(); shut {
		return false, after, true
	}
	b.probing = !b.until.IsZero()
	return b.probing, 0, false
}

// verdict is what a request says about its destination.
type verdict int

const (
	unknown verdict = iota // nothing: it was given up, or never left
	alive                  // it answered
	failing                // it did not, or with 5xx
)

// tell counts what came of a request.
func (b *breaker) tell(probe bool, v verdict, text string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	switch v {
	case alive:
		if probe || b.until.IsZero() { // an answer from before it opened closes nothing
			b.row, b.until = 0, time.Time{}
		}
	case failing:
		b.row++
		b.last = text
		if probe || b.until.IsZero() && b.row >= b.failures {
			b.until = b.now().Add(b.pause)
		}
	}
}

// shutError says that and why nothing is sent.
func (x *exchange) shutError(after time.Duration) error {
	x.breaker.mu.Lock()
	row, last := x.breaker.row, x.breaker.last
	x.breaker.mu.Unlock()
	return x.held(after, "%s: not sent, because the last %d requests in a row have failed; the breaker lets one through in %s. The last failure: %s",
		x.what(), row, unit.FormatDuration(roundUp(after)), last)
}

// judge is the verdict of one exchange.
func judge(ctx context.Context, res *Response, err error) (verdict, string) {
	switch {
	case err == nil && res.Status < http.StatusInternalServerError:
		return alive, ""
	case err == nil:
		return failing, res.Failure().Error()
	case errors.Is(err, errTooLarge), errors.Is(err, errTurn):
		return alive, ""
	case ctx.Err() != nil:
		return unknown, ""
	}
	switch connection.ClassOf(err) {
	case connection.NotConnected, connection.BackOff:
		return failing, err.Error()
	}
	return unknown, ""
}

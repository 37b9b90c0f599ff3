// Package clock is the time that is handed in, so that a test can move it.
package clock

import "time"

// Clock tells the time and wakes at a time.
type Clock interface {
	// Now is the present moment.
	Now() time.Time
	// After sends once when d has passed; stop releases it early.
	After(d time.Duration) (fired <-chan time.Time, stop func())
	// At is After for a moment: one that has come already fires at once.
	At(t time.Time) (fired <-chan time.Time, stop func())
}

// Real is the machine's clock.
type Real struct{}

// Now is time.Now.
func (Real) Now() time.Time { return time.Now() }

// After is a timer of the machine's clock.
func (Real) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// At is a timer of the machine's clock.
func (r Real) At(t time.Time) (<-chan time.Time, func()) { return r.After(time.Until(t)) }

package connection

import (
	"errors"
	"time"
)

// Class says what a failure means for trying again.
type Class int

const (
	// NotConnected: the other side was not reached or did not finish answering.
	// Whether it acted is unknown. Trying again makes sense.
	NotConnected Class = iota + 1
	// BackOff: the other side answered that it cannot now. Trying again makes
	// sense after Error.After, or by the retry policy when that is 0.
	BackOff
	// Held: nothing was sent, because the connection itself holds requests back
	// (breaker, rate, concurrency). Trying again makes sense after Error.After,
	// and this was no try.
	Held
	// Permanent: trying the same again would fail the same way.
	Permanent
)

// String is the class in words.
func (c Class) String() string {
	switch c {
	case NotConnected:
		return "not connected"
	case BackOff:
		return "back off"
	case Held:
		return "held back"
	case Permanent:
		return "permanent"
	}
	return "unclassed"
}

// Error is a failure of a connection. Its text names the connection and never
// contains a secret's value.
type Error struct {
	Class   Class
	After   time.Duration // BackOff: how long the other side asked to wait; Held: when it makes sense; 0 when it is not known
	Message string
	Cause   error // for errors.Is; not part of the text, since it might tell a secret
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Cause }

// ClassOf finds the class of err: 0 when it has none.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return 0
}

package run

import (
	"fmt"
	"time"

	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

// Policy is how the runs of a channel, a function or another source are treated.
type Policy struct {
	Attempts      int           // tries in all; 1: none again
	First, Max    time.Duration // back-off before the second try, and its limit
	Factor        float64
	Schedule      []time.Duration // instead of First, Factor and Max: before the second try, the third...; the last holds for all further ones
	AtOnce        int             // of a source: how many of its runs this node executes at once, without a worker; 0: no limit but that of workers
	Skip          bool            // a failed run releases its ordering key
	Beside        bool            // its runs do not wait for each other, see Start.Beside
	Capture       Capture         // what is kept of a run that ended
	KeepSucceeded time.Duration   // retention of finished runs
	KeepFailed    time.Duration
}

// Capture says what is kept of a run that ended: input, output, steps, logs.
type Capture string

// The values of capture.
const (
	CaptureFull   Capture = "full"
	CaptureErrors Capture = "errors" // only of runs that failed
	CaptureNone   Capture = "none"
)

// keeps reports whether the content of a run that ended so is kept.
func (c Capture) keeps(s State) bool {
	return c == CaptureFull || c == "" || (c == CaptureErrors && s == Failed)
}

// DefaultPolicy is that of a channel that sets nothing.
var DefaultPolicy = Policy{
	Attempts: 15, First: time.Second, Factor: 2, Max: time.Hour, Capture: CaptureFull,
	KeepSucceeded: 7 * 24 * time.Hour, KeepFailed: 30 * 24 * time.Hour,
}

// WrittenPolicy is a policy as an entry of the configuration has it: its members
// retry, retention and capture. Pointers tell "not given" from zero.
type WrittenPolicy struct {
	Retry struct {
		Attempts *int           `json:"attempts"`
		First    *unit.Duration `json:"first"`
		Factor   *float64       `json:"factor"`
		Max      *unit.Duration `json:"max"`
	} `json:"retry"`
	Retention struct {
		Succeeded *unit.Duration `json:"succeeded"`
		Failed    *unit.Duration `json:"failed"`
	} `json:"retention"`
	Capture string `json:"capture"`
}

// Limits of what may be written.
const (
	mostAttempts  = 1000
	longestWait   = 30 * 24 * time.Hour
	longestKept   = 100 * 365 * 24 * time.Hour
	greatestRatio = 100
)

// Policy is standard with what is written in its place, and what is wrong with
// that, with pointers into the entry.
func (w *WrittenPolicy) Policy(standard Policy) (Policy, []fault.Field) {
	p := standard
	var found []fault.Field
	add := func(pointer, format string, args ...any) {
		found = append(found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	}
	span := func(pointer string, given *unit.Duration, into *time.Duration, least, most time.Duration) bool {
		if given == nil {
			return true
		}
		*into = time.Duration(*given)
		if *into < least || *into > most {
			add(pointer, "must be from %s to %s", unit.FormatDuration(least), unit.FormatDuration(most))
			return false
		}
		return true
	}
	if w.Retry.Attempts != nil {
		if p.Attempts = *w.Retry.Attempts; p.Attempts < 1 || p.Attempts > mostAttempts {
			add("/retry/attempts", "must be from 1 to %d; the first attempt counts", mostAttempts)
		}
	}
	if w.Retry.Factor != nil {
		if p.Factor = *w.Retry.Factor; p.Factor < 1 || p.Factor > greatestRatio {
			add("/retry/factor", "must be from 1 to %d", greatestRatio)
		}
	}
	span("/retry/first", w.Retry.First, &p.First, time.Millisecond, longestWait)
	p.Max = max(p.Max, p.First)
	if span("/retry/max", w.Retry.Max, &p.Max, time.Millisecond, longestWait) && p.Max < p.First {
		add("/retry/max", "must not be shorter than first, which is %s", unit.FormatDuration(p.First))
	}
	span("/retention/succeeded", w.Retention.Succeeded, &p.KeepSucceeded, 0, longestKept)
	span("/retention/failed", w.Retention.Failed, &p.KeepFailed, 0, longestKept)
	switch c := Capture(w.Capture); c {
	case "":
	case CaptureFull, CaptureErrors, CaptureNone:
		p.Capture = c
	default:
		add("/capture", "%s", strict.Unknown(w.Capture, []string{string(CaptureFull), string(CaptureErrors), string(CaptureNone)}))
	}
	return p, found
}

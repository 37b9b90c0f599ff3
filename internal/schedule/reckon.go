package schedule

import "time"

// reckoning is what is to be done for the times of a schedule that have come.
type reckoning struct {
	starts []time.Time // in their order
	missed int         // how many times no node was there for
	from   time.Time   // the first of these
	to     time.Time   // the last
	made   int         // how many of starts are for missed times
	next   time.Time
}

// reckon goes through the times from s.next to now.
func (s *state) reckon(now time.Time) (r reckoning) {
	times := s.times()
	at := s.next
	var missed []time.Time
	miss := func(t time.Time) {
		if r.missed++; r.missed == 1 {
			r.from = t
		}
		r.to = t
	}
	if early := times.Next(now.Add(-window)); !early.IsZero() && at.Before(early) && !early.After(now) {
		miss(at) // and all before the window
		at = early
	}
	for comes := (time.Time{}); !at.IsZero(); at = times.Next(at) {
		if own := at.Add(s.delay(at)); own.After(comes) {
			comes = own // no earlier than the time before it, which may be delayed for longer
		}
		if comes.After(now) {
			break
		}
		if now.Sub(comes) <= late {
			r.starts = append(r.starts, at)
			continue
		}
		miss(at)
		if missed = append(missed, at); len(missed) > most {
			missed = missed[1:]
		}
	}
	r.next = at
	switch {
	case s.Missed == MissedAll:
		r.made, r.starts = len(missed), append(missed, r.starts...)
	case s.Missed == MissedOnce && r.missed > 0 && len(r.starts) == 0:
		r.made, r.starts = 1, []time.Time{r.to}
	}
	return r
}

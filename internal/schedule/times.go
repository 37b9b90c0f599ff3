package schedule

import "time"

// Times are the moments that a schedule comes at.
type Times interface {
	// Next is the first of them that is later than t, the zero time when there is
	// none.
	Next(t time.Time) time.Time
}

// walls are times of the clock on the wall in a time zone. A wall time is carried
// as that time in UTC, where no hour is missing and none comes twice.
type walls struct {
	zone *time.Location
	next func(wall time.Time) time.Time // the first one later than wall
	// Of an hour that comes twice both are meant, of one that is missing nothing is
	// made up: it is an interval. Otherwise a time of day comes once a day, after
	// the gap when it is missing.
	interval bool
	// Both hours that come twice are meant, and what is missing is made up for
	// after the gap: an interval within some hours of a day.
	within bool
}

// Next implements Times. It goes through the periods in which the zone's clock
// runs evenly, from t on.
func (w walls) Next(t time.Time) time.Time {
	t = t.In(w.zone)
	after := onWall(t)
	for {
		_, offset := t.Zone()
		begin, end := period(t)
		wall := w.next(after)
		if !w.interval && !w.within && !begin.IsZero() {
			// What the clock showed before it was set back has come already.
			if shown := onWall(begin.Add(-1)).Add(1); wall.Before(shown) && !wall.IsZero() {
				wall = w.next(shown.Add(-1))
			}
		}
		if wall.IsZero() {
			return time.Time{}
		}
		at := wall.Add(-time.Duration(offset) * time.Second).In(w.zone)
		if end.IsZero() || at.Before(end) {
			return at
		}
		if !w.interval && wall.Before(onWall(end)) {
			return end // it is missing: the clock is set forward over it
		}
		t, after = end, onWall(end).Add(-1)
	}
}

// period is when the zone's clock began to run as evenly as it does at t, and until
// when: the zero time for always. Far in the future ZoneBounds ends before the last
// day of leap years (Go 1.26); no clock is changed there, and the next hour will do.
func period(t time.Time) (begin, end time.Time) {
	begin, end = t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		end = t.Add(time.Hour)
	}
	return begin, end
}

// onWall is what a clock shows at t in its zone.
func onWall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}

// moment is when a clock of the zone first shows a wall time, or the first moment
// after the gap that it is missing in.
func moment(wall time.Time, zone *time.Location) time.Time {
	at := walls{zone: zone, next: func(after time.Time) time.Time {
		if after.Before(wall) {
			return wall
		}
		return time.Time{}
	}}
	return at.Next(wall.Add(-48 * time.Hour))
}

// days come every so many days, at the wall time of start.
func days(start time.Time, n int, zone *time.Location) Times {
	span := time.Duration(n) * day
	return walls{zone: zone, next: func(wall time.Time) time.Time { return step(start, span, wall) }}
}

const day = 24 * time.Hour

// elapsed come every so long from start, whatever clocks show.
type elapsed struct {
	start time.Time
	span  time.Duration
}

// Next implements Times.
func (e elapsed) Next(t time.Time) time.Time { return step(e.start, e.span, t) }

// step is the first of start, start + span, start + 2 span, ... that is later
// than t.
func step(start time.Time, span time.Duration, t time.Time) time.Time {
	if t.Before(start) {
		return start
	}
	const most = 100 * 365 * day // a duration cannot be much longer
	for t.Sub(start) > most {
		start = start.Add(most / span * span)
	}
	return start.Add((t.Sub(start)/span + 1) * span)
}

// once comes at one moment.
type once time.Time

// Next implements Times.
func (o once) Next(t time.Time) time.Time {
	if time.Time(o).After(t) {
		return time.Time(o)
	}
	return time.Time{}
}

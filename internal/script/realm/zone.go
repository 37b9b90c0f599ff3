package realm

import (
	"time"
	_ "time/tzdata" // Windows has no zone files; the same tables everywhere
)

// horizon ends the transition table. Later years repeat the rules of the last 28
// years before it, in which every calendar occurs (see localOffset in Date).
var horizon = time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC)

// Zone lists the changes of a location's offset from UTC up to the year 2100.
// transitions are milliseconds since 1970 UTC, rising. offsets are seconds east of
// UTC, one more than transitions: offsets[i] is in force before transitions[i],
// the last one after all of them. Seconds, for local mean times had them.
func Zone(loc *time.Location) (transitions []int64, offsets []int) {
	t := time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC).In(loc)
	_, offset := t.Zone()
	offsets = []int{offset}
	for {
		_, end := t.ZoneBounds()
		if end.IsZero() || !end.Before(horizon) {
			return transitions, offsets
		}
		t = end
		if _, next := t.Zone(); next != offset { // a change of name alone is none of the offset
			offset = next
			transitions = append(transitions, end.UnixMilli())
			offsets = append(offsets, offset)
		}
	}
}

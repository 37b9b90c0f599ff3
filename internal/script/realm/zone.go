package realm

import (
	"sort"
	"time"
	_ "time/tzdata" // Windows has no zone files; the same tables everywhere
)

// The transition table spans these years. No zone changed earlier; later years
// repeat the rules of the last 28 years of the table, in which every calendar
// occurs, where the zone still changes by then (see localOffset in the part date).
const tableStart, tableEnd = 1800, 2100

// step is how far apart Zone looks: changes are never so close that two of them
// within one step cancel each other out.
const step = 6 * 24 * 60 * 60

// Zone lists the changes of a location's offset from UTC from 1800 up to 2100.
// transitions are milliseconds since 1970 UTC, rising. offsets are seconds east of
// UTC, one more than transitions: offsets[i] is in force before transitions[i],
// the last one after all of them. Seconds, for local mean times had them.
func Zone(loc *time.Location) (transitions []int64, offsets []int) {
	offsetAt := func(sec int64) int {
		_, offset := time.Unix(sec, 0).In(loc).Zone()
		return offset
	}
	from := time.Date(tableStart, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
	to := time.Date(tableEnd, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
	current := offsetAt(from)
	offsets = []int{current}
	for t := from; t < to; t += step {
		if offsetAt(t+step) == current {
			continue
		}
		change := t + int64(sort.Search(step, func(i int) bool { return offsetAt(t+int64(i)) != current }))
		current = offsetAt(change)
		transitions = append(transitions, change*1000)
		offsets = append(offsets, current)
	}
	return transitions, offsets
}

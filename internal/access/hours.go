package access

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hours is a part of the week in which somebody may come in: days, and a time
// of them.
type Hours struct {
	days     [7]bool // from Sunday
	from, to int     // minutes since midnight; to is not in it, and lies on the next day where it is not after from
}

const badHours = `is not written like "mon-fri 08:00-18:00", "sat,sun 09:00-12:00" or "22:00-06:00"`

var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseHours reads hours: days (mon to sun, with "-" and ","; every day when
// left out) and a time from 00:00 to 24:00. One that goes over midnight belongs
// to the day on which it begins.
func ParseHours(text string) (Hours, error) {
	wrong := fmt.Errorf("%q %s", text, badHours)
	var h Hours
	parts := strings.Fields(text)
	if len(parts) == 1 {
		parts = []string{"sun-sat", parts[0]}
	}
	if len(parts) != 2 {
		return h, wrong
	}
	for part := range strings.SplitSeq(strings.ToLower(parts[0]), ",") {
		first, last, span := strings.Cut(part, "-")
		if !span {
			last = first
		}
		from, to := slices.Index(dayNames, first), slices.Index(dayNames, last)
		if from < 0 || to < 0 {
			return h, wrong
		}
		for day := from; ; day = (day + 1) % 7 {
			h.days[day] = true
			if day == to {
				break
			}
		}
	}
	from, to, span := strings.Cut(parts[1], "-")
	var ok, okTo bool
	h.from, ok = minutes(from)
	h.to, okTo = minutes(to)
	if !span || !ok || !okTo || h.from == h.to || h.from == dayMinutes || h.to == 0 {
		return h, wrong
	}
	return h, nil
}

const dayMinutes = 24 * 60

// minutes reads HH:MM.
func minutes(text string) (int, bool) {
	if text == "24:00" {
		return dayMinutes, true
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err == nil && len(text) == 5
}

// contains reports whether a moment, in the zone that the hours are meant in,
// lies within.
func (h Hours) contains(t time.Time) bool {
	day, minute := int(t.Weekday()), t.Hour()*60+t.Minute()
	if h.from < h.to {
		return h.days[day] && h.from <= minute && minute < h.to
	}
	return (h.days[day] && minute >= h.from) || (h.days[(day+6)%7] && minute < h.to)
}

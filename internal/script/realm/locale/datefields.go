package locale

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// write fills a pattern in.
func (o *DateOptions) write(t *table, pattern string, at time.Time) []Part {
	var parts []Part
	for pattern != "" {
		literal, rest, found := strings.Cut(pattern, "{")
		if literal != "" {
			parts = append(parts, Part{"literal", literal})
		}
		if !found {
			break
		}
		field, after, _ := strings.Cut(rest, "}")
		parts = append(parts, o.field(t, field, at))
		pattern = after
	}
	return parts
}

// field writes one field, named by the letters of Unicode's date patterns.
func (o *DateOptions) field(t *table, field string, at time.Time) Part {
	number := func(kind string, n int) Part { return Part{kind, fmt.Sprintf("%0*d", len(field), n)} }
	switch field[0] {
	case 'd':
		return number("day", at.Day())
	case 'M', 'L':
		if len(field) > 2 {
			return Part{"month", t.Names[field][at.Month()-1]}
		}
		return number("month", int(at.Month()))
	case 'y':
		year := at.Year()
		if year <= 0 { // years before the era count backwards
			year = 1 - year
		}
		if len(field) == 2 {
			return number("year", year%100)
		}
		return number("year", year)
	case 'E', 'c':
		return Part{"weekday", t.Names[field][at.Weekday()]}
	case 'G':
		era := t.Eras[map[string]int{"GGGG": 0, "G": 1, "GGGGG": 2}[field]]
		if at.Year() <= 0 {
			return Part{"era", era[0]}
		}
		return Part{"era", era[1]}
	case 'H':
		return number("hour", at.Hour())
	case 'h':
		return number("hour", (at.Hour()+11)%12+1)
	case 'K':
		return number("hour", at.Hour()%12)
	case 'k':
		return number("hour", (at.Hour()+23)%24+1)
	case 'm':
		return number("minute", at.Minute())
	case 's':
		return number("second", at.Second())
	case 'S':
		return Part{"fractionalSecond", fmt.Sprintf("%03d", at.Nanosecond()/1e6)[:len(field)]}
	case 'a':
		return Part{"dayPeriod", t.Half[at.Hour()/12]}
	}
	return Part{"timeZoneName", zoneName(t, field, at)}
}

// namesakes are the zones that bear the same names as one in the tables.
var namesakes = map[string][]string{
	"Europe/Prague":       {"Europe/Berlin", "Europe/Vienna", "Europe/Bratislava", "Europe/Warsaw", "Europe/Paris", "Europe/Madrid", "Europe/Rome", "Europe/Amsterdam", "Europe/Brussels", "Europe/Copenhagen", "Europe/Oslo", "Europe/Stockholm", "Europe/Zurich", "Europe/Budapest", "Europe/Belgrade", "Europe/Zagreb", "Europe/Ljubljana", "Europe/Luxembourg"},
	"Europe/Helsinki":     {"Europe/Kyiv", "Europe/Kiev", "Europe/Athens", "Europe/Sofia", "Europe/Bucharest", "Europe/Riga", "Europe/Tallinn", "Europe/Vilnius"},
	"America/New_York":    {"America/Toronto", "America/Detroit"},
	"America/Chicago":     {"America/Winnipeg"},
	"America/Denver":      {"America/Edmonton"},
	"America/Los_Angeles": {"America/Vancouver"},
}

// zoneName writes z and zzzz, the names of zones that have one in the tables, else
// the offset; O and OOOO, always the offset.
func zoneName(t *table, field string, at time.Time) string {
	name := at.Location().String()
	for of, others := range namesakes {
		if slices.Contains(others, name) {
			name = of
		}
	}
	if names, ok := t.Zones[name]; ok && field[0] == 'z' {
		i := 0
		if len(field) == 4 {
			i = 2
		}
		if at.IsDST() {
			i++
		}
		return names[i]
	}
	_, offset := at.Zone()
	if offset == 0 {
		return "GMT"
	}
	sign := "+"
	if offset < 0 {
		sign, offset = "-", -offset
	}
	h, m := offset/3600, offset/60%60
	switch {
	case len(field) == 4:
		return fmt.Sprintf("GMT%s%02d:%02d", sign, h, m)
	case m == 0:
		return fmt.Sprintf("GMT%s%d", sign, h)
	}
	return fmt.Sprintf("GMT%s%d:%02d", sign, h, m)
}

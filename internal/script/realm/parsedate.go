package realm

import (
	"strconv"
	"time"
)

// parseDate reads a date as Date.parse of V8 does. It returns milliseconds since
// 1970 UTC in decimal; with an L before them they are a local reading, to be
// converted with the domain's zone; "" is a text that is no date.
func parseDate(text string) string {
	p := dateParser{scan: scanDate(text), month: none, afternoon: none, zoneHour: none, zoneMinute: none}
	if !p.parse() {
		return ""
	}
	return p.result()
}

const none = -1

// dateParser collects what has been read. at is the next token.
type dateParser struct {
	scan                 []dateToken
	at                   int
	day                  []int // up to three numbers in the order of the text
	month                int   // 1 to 12, when it was a name
	iso                  bool  // the numbers are year, month, day, and the year is as written
	time                 []int // hour, minute, second, millisecond
	afternoon            int   // hours to add to an hour up to 12
	zoneSign             int   // 0 without a zone
	zoneHour, zoneMinute int
}

// parse tries the ISO form; what is not ISO from some point on is read by the old
// rules from there, except after the T, where there is no way back.
func (p *dateParser) parse() bool {
	switch p.readISO() {
	case isoRead:
		return true
	case isoWrong:
		return false
	}
	return p.readLegacy()
}

// result puts the parts together, or returns "" when one is out of its range.
func (p *dateParser) result() string {
	year, month, day, ok := p.date()
	if !ok {
		return ""
	}
	clock := [4]int{}
	copy(clock[:], p.time)
	if p.afternoon != none {
		if clock[0] > 12 {
			return ""
		}
		clock[0] = clock[0]%12 + p.afternoon
	}
	h, m, s, ms := clock[0], clock[1], clock[2], clock[3]
	if (h > 23 || m > 59 || s > 59 || ms > 999) && clock != [4]int{24} {
		return ""
	}
	t := time.Date(year, time.Month(month), day, h, m, s, ms*int(time.Millisecond), time.UTC).UnixMilli()
	if p.zoneSign == 0 {
		return "L" + strconv.FormatInt(t, 10)
	}
	return strconv.FormatInt(t-int64(p.zoneSign)*int64(max(p.zoneHour, 0)*60+max(p.zoneMinute, 0))*60000, 10)
}

// date decides which number is what: a number that cannot be a day is the year,
// and what is missing is 1.
func (p *dateParser) date() (year, month, day int, ok bool) {
	if len(p.day) == 0 {
		return 0, 0, 0, false
	}
	n := append(p.day, 1, 1)[:3]
	isDay := func(n int) bool { return n >= 1 && n <= 31 }
	switch {
	case p.month != none && !isDay(n[0]):
		month, year, day = p.month, n[0], n[1]
	case p.month != none:
		month, day, year = p.month, n[0], n[1]
	case p.iso || !isDay(n[0]):
		year, month, day = n[0], n[1], n[2]
	default:
		month, day, year = n[0], n[1], n[2]
	}
	if !p.iso && year >= 0 && year <= 49 {
		year += 2000
	} else if !p.iso && year >= 50 && year <= 99 {
		year += 1900
	}
	return year, month, day, month >= 1 && month <= 12 && isDay(day) && year >= -300000 && year <= 300000
}

func (p *dateParser) peek() dateToken { return p.scan[p.at] }

func (p *dateParser) next() dateToken {
	t := p.scan[p.at]
	if t.kind != atEnd {
		p.at++
	}
	return t
}

func (p *dateParser) skip(symbol string) bool {
	if !p.peek().is(symbol) {
		return false
	}
	p.at++
	return true
}

// add appends n unless the parts are full.
func add(parts *[]int, limit, n int) bool {
	if len(*parts) >= limit {
		return false
	}
	*parts = append(*parts, n)
	return true
}

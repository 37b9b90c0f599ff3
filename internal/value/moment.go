package value

import (
	"errors"
	"fmt"
	"time"
)

var (
	errDate   = errors.New("a date is expected, like 2026-11-22")
	errMoment = errors.New("a moment is expected, like 2026-11-22T13:45:00Z")
	errOffset = errors.New("the offset from UTC is missing: Z, or like +01:00")
	errYear   = errors.New("the years are those from 1 to 9999")
)

const microsOfDay = secondsOfDay * 1_000_000

// parseDate reads the ABNF's dateValue with a year of four digits.
func parseDate(text string) (Value, error) {
	r := reader{rest: text}
	day, err := r.date()
	if err == nil && r.rest != "" {
		err = errDate
	}
	if err != nil {
		return Value{}, fmt.Errorf("%s: %w", shown(text), err)
	}
	return Value{kind: Date, n: day}, nil
}

// parseDateTime reads the ABNF's dateTimeOffsetValue.
func parseDateTime(text string) (Value, error) {
	us, err := moment(text)
	if err != nil {
		return Value{}, fmt.Errorf("%s: %w", shown(text), err)
	}
	return Micro(us), nil
}

func moment(text string) (int64, error) {
	r := reader{rest: text}
	day, err := r.date()
	if err != nil {
		return 0, err
	}
	if !r.skip('T') && !r.skip('t') {
		return 0, errMoment
	}
	hour, minute, second, fraction := r.number(2, 23), int64(-1), int64(0), int64(0)
	if r.skip(':') {
		minute = r.number(2, 59)
	}
	if r.skip(':') {
		if second = r.number(2, 59); r.skip('.') {
			fraction = r.fraction()
		}
	}
	if hour < 0 || minute < 0 || second < 0 || fraction < 0 {
		return 0, errMoment
	}
	if r.rest == "" {
		return 0, errOffset
	}
	offset, err := r.offset()
	if err != nil {
		return 0, err
	}
	us := day*microsOfDay + ((hour*60+minute-offset)*60+second)*1_000_000 + fraction
	if us < firstDay*microsOfDay || us >= (lastDay+1)*microsOfDay {
		return 0, errYear
	}
	return us, nil
}

// The days of 0001-01-01 and 9999-12-31 since 1970.
const firstDay, lastDay = -719162, 2932896

// reader takes parts of fixed form from the front of a text. A part that is not
// there is -1.
type reader struct{ rest string }

func (r *reader) skip(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *reader) number(width int, most int64) int64 {
	if len(r.rest) < width || !allDigits(r.rest[:width]) {
		return -1
	}
	n := int64(0)
	for i := range width {
		n = n*10 + int64(r.rest[i]-'0')
	}
	if n > most {
		return -1
	}
	r.rest = r.rest[width:]
	return n
}

// date gives the days since 1970.
func (r *reader) date() (int64, error) {
	year := r.number(4, 9999)
	if year < 0 || !r.skip('-') {
		return 0, errDate
	}
	month := r.number(2, 12)
	if month < 0 || !r.skip('-') {
		return 0, errDate
	}
	day := r.number(2, 31)
	t := time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC)
	if day < 0 || t.Day() != int(day) || t.Month() != time.Month(month) {
		return 0, errDate
	}
	if year == 0 {
		return 0, errYear
	}
	return t.Unix() / secondsOfDay, nil
}

// fraction gives microseconds; the ABNF has up to twelve digits.
func (r *reader) fraction() int64 {
	n, count := int64(0), 0
	for ; r.rest != "" && r.rest[0] >= '0' && r.rest[0] <= '9'; r.rest = r.rest[1:] {
		if count++; count <= 6 {
			n = n*10 + int64(r.rest[0]-'0')
		}
	}
	if count == 0 || count > 12 {
		return -1
	}
	for ; count < 6; count++ {
		n *= 10
	}
	return n
}

// offset gives minutes east of UTC, and is the end of the text.
func (r *reader) offset() (int64, error) {
	if r.skip('Z') || r.skip('z') {
		if r.rest != "" {
			return 0, errMoment
		}
		return 0, nil
	}
	west := r.skip('-')
	if !west && !r.skip('+') {
		if r.skip(' ') && len(r.rest) == 5 { // a form decodes + to a space
			return 0, errors.New("there is a space before the offset: + is written %2B in a URL")
		}
		return 0, errMoment
	}
	hour := r.number(2, 23)
	colon := r.skip(':')
	minute := r.number(2, 59)
	if hour < 0 || minute < 0 || !colon || r.rest != "" {
		return 0, errMoment
	}
	if west {
		return -(hour*60 + minute), nil
	}
	return hour*60 + minute, nil
}

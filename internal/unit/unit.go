// Package unit reads and writes the small measures of configuration: durations
// (200ms, 30s, 5m, 2h, 3d), sizes (64KiB, 10MiB) and rates (100/s, 6000/m).
package unit

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span written like 1h30m or 3d. Its zero value is unset.
type Duration time.Duration

// Size is a number of bytes written like 64KiB.
type Size int64

// Rate is so many things per span of time.
type Rate struct {
	Count int
	Per   time.Duration
}

// ParseDuration reads a sequence of number and unit: ms, s, m, h, d, w.
// Numbers may have a fraction. Negative and empty spans are errors.
func ParseDuration(s string) (time.Duration, error) {
	bad := func() (time.Duration, error) {
		return 0, fmt.Errorf("%q is not a duration: write it like 200ms, 30s, 5m, 1h30m or 3d", s)
	}
	units := map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
		"d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}
	rest, total := s, float64(0)
	if rest == "0" {
		return 0, nil
	}
	if rest == "" {
		return bad()
	}
	for rest != "" {
		n := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if n <= 0 {
			return bad()
		}
		value, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return bad()
		}
		rest = rest[n:]
		end := strings.IndexFunc(rest, func(r rune) bool { return r == '.' || (r >= '0' && r <= '9') })
		if end < 0 {
			end = len(rest)
		}
		unit, ok := units[rest[:end]]
		if !ok {
			return bad()
		}
		total += value * float64(unit)
		rest = rest[end:]
	}
	if total > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is longer than the 146 years a duration can have", s)
	}
	return time.Duration(math.Round(total)), nil
}

// FormatDuration writes the shortest text that ParseDuration reads back exactly
// (to the microsecond; smaller parts are dropped).
func FormatDuration(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range []struct {
		name string
		span time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / u.span; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.span
		}
	}
	if us := d / time.Microsecond; us > 0 {
		b.WriteString(strconv.FormatFloat(float64(us)/1000, 'f', -1, 64) + "ms")
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// ParseSize reads a whole number of B, KB, MB, GB (1000) or KiB, MiB, GiB (1024).
func ParseSize(s string) (int64, error) {
	bad := fmt.Errorf("%q is not a size: write it like 512B, 64KiB or 10MiB", s)
	n := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if n < 0 {
		n = len(s)
	}
	value, err := strconv.ParseInt(s[:n], 10, 64)
	if err != nil {
		return 0, bad
	}
	units := map[string]int64{
		"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	}
	unit, ok := units[strings.TrimSpace(s[n:])]
	if !ok || value > math.MaxInt64/unit {
		return 0, bad
	}
	return value * unit, nil
}

// FormatSize writes the largest binary unit that divides n.
func FormatSize(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.size && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// ParseRate reads a positive count per s, m, h or d.
func ParseRate(s string) (Rate, error) {
	count, per, ok := strings.Cut(s, "/")
	spans := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
	n, err := strconv.Atoi(strings.TrimSpace(count))
	span, known := spans[strings.TrimSpace(per)]
	if !ok || err != nil || n <= 0 || !known {
		return Rate{}, fmt.Errorf("%q is not a rate: write it like 100/s or 6000/m", s)
	}
	return Rate{Count: n, Per: span}, nil
}

// String is the form ParseRate reads.
func (r Rate) String() string {
	names := map[time.Duration]string{time.Second: "s", time.Minute: "m", time.Hour: "h", 24 * time.Hour: "d"}
	return strconv.Itoa(r.Count) + "/" + names[r.Per]
}

// UnmarshalJSON reads the text form.
func (d *Duration) UnmarshalJSON(b []byte) error {
	v, err := text(b, "duration", "30s", ParseDuration)
	*d = Duration(v)
	return err
}

// MarshalJSON writes the text form.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(FormatDuration(time.Duration(d)))
}

// UnmarshalJSON reads the text form, or a plain number of bytes.
func (z *Size) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' {
		b = []byte(`"` + string(b) + `"`)
	}
	v, err := text(b, "size", "10MiB", ParseSize)
	*z = Size(v)
	return err
}

// MarshalJSON writes the text form.
func (z Size) MarshalJSON() ([]byte, error) { return json.Marshal(FormatSize(int64(z))) }

// UnmarshalJSON reads the text form.
func (r *Rate) UnmarshalJSON(b []byte) error {
	v, err := text(b, "rate", "100/s", ParseRate)
	*r = v
	return err
}

// MarshalJSON writes the text form.
func (r Rate) MarshalJSON() ([]byte, error) { return json.Marshal(r.String()) }

func text[T any](b []byte, what, example string, parse func(string) (T, error)) (T, error) {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		var zero T
		return zero, fmt.Errorf("a %s is a text like %q", what, example)
	}
	return parse(s)
}

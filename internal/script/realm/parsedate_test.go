package realm

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// What parseDate reads from a date written in ISO form is that date, and nothing
// makes it fail in another way than by "".
func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{"2020-05-06T07:08:09.123Z", "Wed, 06 May 2020 07:08:09 GMT", "5/6/2020 1:30 PM", "+012020-01-01", "(", "1::", "Jan", "10:00:00.5 1 Jan 2020 +1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out := parseDate(text)
		if out == "" {
			return
		}
		ms, err := strconv.ParseInt(strings.TrimPrefix(out, "L"), 10, 64)
		if err != nil {
			t.Fatalf("%q gave %q", text, out)
		}
		at := time.UnixMilli(ms).UTC()
		if at.Year() < 0 || at.Year() > 9999 {
			return // Go writes these in another form
		}
		iso := at.Format("2006-01-02T15:04:05.000Z")
		if again := parseDate(iso); again != strconv.FormatInt(ms, 10) {
			t.Errorf("%q is %s, which is read as %s instead of %d", text, iso, again, ms)
		}
	})
}

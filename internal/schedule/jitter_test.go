package schedule_test

import (
	"strings"
	"testing"
	"time"
)

// Jitter delays, within its bound and the same at every look.
func TestJitter(t *testing.T) {
	each(t, "2027-01-04T00:00:00Z", func(b *bench) {
		b.put("pull", `"cron":"0 * * * *","jitter":"30m","overlap":"allow"`)
		b.until("2027-01-05T00:00:00Z", time.Minute)
		late := map[int64]bool{}
		got := b.runs()
		for _, m := range got {
			if m.LateBy > (31*time.Minute).Milliseconds() || m.Due.Minute() != 0 {
				t.Errorf("%+v", m)
			}
			late[m.LateBy/60000] = true
		}
		if len(got) < 22 || len(late) < 5 {
			t.Errorf("%d runs, %d delays", len(got), len(late))
		}
	})
}

// With a delay that may be longer than the interval a time comes no earlier than
// the one before it; none of them was missed.
func TestJitterLongerThanTheInterval(t *testing.T) {
	each(t, "2027-01-04T00:00:00Z", func(b *bench) {
		b.put("pull", `"cron":"*/10 * * * *","jitter":"1h","overlap":"allow"`)
		b.until("2027-01-05T00:00:00Z", 30*time.Second)
		for i, m := range b.runs() {
			want := time.Date(2027, 1, 4, 0, 10*(i+1), 0, 0, time.UTC)
			if !m.Due.Equal(want) || m.LateBy > (time.Hour+time.Minute).Milliseconds() {
				b.t.Fatalf("run %d is %+v, want that of %s", i, m, want)
			}
		}
		if n := len(b.runs()); n < 137 {
			b.t.Errorf("%d runs", n)
		}
		for _, told := range b.told {
			if strings.HasPrefix(told, "missed") {
				b.t.Errorf("told %s", told)
			}
		}
		before := len(b.told)
		b.clock.Advance(24 * time.Hour) // and these were
		b.look()
		if told := b.told[before:]; len(told) < 2 || !strings.HasPrefix(told[0], "missed") || !strings.HasPrefix(told[1], "started") {
			b.t.Errorf("told %q", told) // which of them is started depends on whether one comes in this minute
		}
	})
}

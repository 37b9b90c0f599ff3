package schedule_test

import (
	"strings"
	"testing"
	"time"

	"junctor/internal/db/dbtest"
)

// After a day off, by the policy.
func TestMissed(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		want   []string
		told   string
	}{
		"skip":           {`"missed":"skip"`, []string{"01-05T09:00"}, `"times":4,"from":"2027-01-04T12:00:00Z","to":"2027-01-05T06:00:00Z","started":0`},
		"once":           {`"missed":"once"`, []string{"01-05T06:00", "01-05T12:00"}, `"times":4,"from":"2027-01-04T12:00:00Z","to":"2027-01-05T06:00:00Z","started":1`},
		"once, usual":    {`"comment":"x"`, []string{"01-05T06:00", "01-05T12:00"}, `"started":1`},
		"all":            {`"missed":"all"`, []string{"01-04T12:00", "01-04T18:00", "01-05T00:00", "01-05T06:00", "01-05T12:00"}, `"started":4`},
		"all, at a time": {`"missed":"all","overlap":"allow"`, []string{"01-04T12:00", "01-04T18:00", "01-05T00:00", "01-05T06:00", "01-05T12:00"}, `"started":4`},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, "2027-01-04T09:00:00Z", func(b *bench) {
				b.put("pull", `"cron":"0 */6 * * *",`+c.policy)
				b.clock.Advance(24 * time.Hour)
				b.look()
				if name == "skip" { // nothing for what was missed, and on with what comes
					b.wantDue()
					b.until("2027-01-05T12:00:00Z", time.Hour)
					b.wantDue("2027-01-05T12:00:00Z")
				} else {
					b.end()
					b.until("2027-01-05T12:00:00Z", time.Hour)
					var want []string
					for _, at := range c.want {
						want = append(want, "2027-"+at+":00Z")
					}
					b.wantDue(want...)
				}
				if len(b.told) == 0 || !strings.Contains(b.told[0], "missed") || !strings.Contains(b.told[0], c.told) {
					t.Errorf("told %q", b.told)
				}
			})
		})
	}
}

// Missed times that are too many, or too long ago: the last thousand of a week.
func TestMissedByMillions(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t)(nil), start("2026-01-04T00:00:00Z"))
	b.put("pull", `"every":"1s","overlap":"allow","missed":"all"`)
	b.put("rare", `"at":"2026-02-01","overlap":"allow","missed":"all"`)
	b.clock.Advance(400 * 24 * time.Hour)
	b.look()
	got := b.runs()
	now, pull, rare := b.clock.Now(), 0, 0
	for _, m := range got {
		if m.Code == "rare" {
			rare++
			continue
		}
		pull++
		if now.Sub(m.Due) > 1100*time.Second {
			t.Fatalf("%s is made up for", m.Due)
		}
	}
	if pull != 1000+61 || rare != 1 { // those of the last minute are not missed
		t.Errorf("%d runs of pull, %d of rare", pull, rare)
	}
}

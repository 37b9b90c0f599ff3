package schedule_test

import (
	"strings"
	"testing"
	"time"

	"junctor/internal/db/dbtest"
)

func TestOverlap(t *testing.T) {
	for overlap, want := range map[string]string{"skip": "1 3", "queue": "1 2 3", "allow": "1 2 3"} {
		t.Run(overlap, func(t *testing.T) {
			each(t, "2027-01-04T00:00:00Z", func(b *bench) {
				b.put("pull", `"cron":"0 * * * *","overlap":"`+overlap+`"`)
				b.until("2027-01-04T02:00:00Z", time.Hour)
				b.end()
				b.until("2027-01-04T03:00:00Z", time.Hour)
				var got []string
				for _, m := range b.runs() {
					got = append(got, m.Due.Format("15")[1:])
				}
				if strings.Join(got, " ") != want {
					t.Errorf("got %v, want %s", got, want)
				}
				if overlap == "skip" {
					b.wantTold("started", `skipped {"code":"pull","due":"2027-01-04T02:00:00Z","reason":"running","run":"run_0001"}`, "started")
				}
			})
		})
	}
}

// A queue is not endless.
func TestQueueHasAnEnd(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t)(nil), start("2027-01-04T00:00:00Z"))
	b.put("pull", `"every":"1s","overlap":"queue"`)
	b.until("2027-01-04T00:20:00Z", 30*time.Second)
	if n := len(b.runs()); n != 1000 {
		t.Errorf("%d runs wait", n)
	}
	if last := b.told[len(b.told)-1]; !strings.Contains(last, `"reason":"queue"`) {
		t.Error(last)
	}
}

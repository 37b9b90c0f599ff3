package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/schedule"
)

func TestByHand(t *testing.T) {
	each(t, "2027-01-04T08:00:00Z", func(b *bench) {
		b.put("a", `"cron":"0 9 * * *","paused":true,"input":1`)
		b.put("off", `"cron":"0 9 * * *","enabled":false`)
		by := func(code, input string) (id string, err error) {
			if e := b.db.Write(context.Background(), func(tx *db.Tx) error {
				m := schedule.Manual{}
				if input != "" {
					m.Input = json.RawMessage(input)
				}
				id, err = b.keeper.StartIn(tx, code, m)
				return err
			}); e != nil {
				return "", e
			}
			return id, nil
		}
		if id, err := by("a", ""); id != "run_0001" || err != nil {
			t.Fatal(id, err)
		}
		if _, err := by("a", ""); !errors.Is(err, schedule.ErrGoingOn) || fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "run_0001") {
			t.Error(err)
		}
		b.end()
		if _, err := by("a", `{"x":1}`); err != nil {
			t.Error(err)
		}
		if _, err := by("off", ""); fault.CodeOf(err) != fault.Conflict || errors.Is(err, schedule.ErrGoingOn) {
			t.Error(err)
		}
		if _, err := by("none", ""); fault.CodeOf(err) != fault.NotFound {
			t.Error(err)
		}
		got := b.runs()
		if len(got) != 2 || !got[0].Manual || string(got[0].Input) != "1" || string(got[1].Input) != `{"x":1}` || !got[0].Due.Equal(b.clock.Now()) {
			t.Errorf("%+v", got)
		}
	})
}

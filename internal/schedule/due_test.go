package schedule_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// At 02:30 in Prague, over both changes of the clock: once a day.
func TestOnceADayOverBothChanges(t *testing.T) {
	each(t, "2027-03-26T12:00:00Z", func(b *bench) {
		b.put("pull", `"cron":"30 2 * * *","timezone":"Europe/Prague","overlap":"allow"`)
		b.until("2027-03-29T12:00:00Z", 7*time.Minute)
		b.wantDue("2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z")
	})
	each(t, "2027-10-29T12:00:00Z", func(b *bench) {
		b.put("pull", `"cron":"30 2 * * *","timezone":"Europe/Prague","overlap":"allow"`)
		b.until("2027-11-01T12:00:00Z", 7*time.Minute)
		b.wantDue("2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z")
	})
}

// What the scenario is handed.
func TestHanded(t *testing.T) {
	each(t, "2027-01-04T07:59:00Z", func(b *bench) {
		b.put("pull", `"cron":"0 8 * * *","input":{"from":1},"overlap":"allow"`)
		b.clock.Advance(time.Minute + 1500*time.Millisecond)
		b.look()
		b.clock.Advance(24 * time.Hour)
		b.look()
		got := b.runs()
		if len(got) != 2 || got[0].Code != "pull" || got[0].LateBy != 1500 || got[0].Previous != nil || got[0].Manual || string(got[0].Input) != `{"from":1}` {
			t.Fatalf("%+v", got)
		}
		if p := got[1].Previous; p == nil || p.Format(time.RFC3339) != "2027-01-04T08:00:00Z" {
			t.Errorf("previous: %v", p)
		}
		b.wantTold(`started {"code":"pull","due":"2027-01-04T08:00:00Z","run":"run_0001","manual":false}`, "started")
	})
}

func TestWhenADefinitionChanges(t *testing.T) {
	each(t, "2027-01-04T08:00:00Z", func(b *bench) {
		next := func(code string) string {
			t.Helper()
			st, err := b.keeper.Store.Status(context.Background(), code, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(st.Next) == 0 {
				return st.State
			}
			return st.State + " " + st.Next[0].Format("15:04")
		}
		want := func(code, want string) {
			t.Helper()
			if got := next(code); got != want {
				t.Errorf("%s: %s, want %s", code, got, want)
			}
		}
		b.put("a", `"every":"90m"`)
		want("a", "on 09:30")
		b.clock.Advance(10 * time.Minute)
		b.put("a", `"every":"90m","comment":"the same"`)
		want("a", "on 09:30")
		b.put("a", `"every":"90m","paused":true`)
		want("a", "paused")
		b.clock.Advance(2 * time.Hour)
		b.put("a", `"every":"90m"`)
		want("a", "on 11:00") // on with the same rhythm
		b.put("a", `"every":"1h"`)
		want("a", "on 11:10")
		b.put("a", `"every":"1h","enabled":false`)
		want("a", "off")
		b.put("a", `"at":"2027-01-04T10:00"`)
		want("a", "over")
		b.look()
		b.wantDue()

		// By hand, whatever is applied.
		b.put("b", `"cron":"0 * * * *"`)
		hold := func(do func(*db.Tx, string) (bool, error), want bool, code fault.Code) {
			t.Helper()
			b.write(func(tx *db.Tx) error {
				fresh, err := do(tx, "b")
				if fresh != want || err != nil && fault.CodeOf(err) != code || err == nil && code != "" {
					t.Errorf("%v, %v", fresh, err)
				}
				return nil
			})
		}
		store := b.keeper.Store
		hold(store.Pause, true, "")
		hold(store.Pause, false, "")
		b.put("b", `"cron":"0 * * * *","comment":"applied again"`)
		want("b", "paused")
		b.put("b", `"cron":"30 * * * *"`)
		want("b", "paused")
		hold(store.Resume, true, "")
		hold(store.Resume, false, "")
		want("b", "on 10:30")
		b.put("b", `"cron":"30 * * * *","paused":true`)
		hold(store.Resume, false, fault.Conflict)
		b.write(func(tx *db.Tx) error { return store.Drop(tx, "b") })
		hold(store.Pause, false, fault.NotFound)

		// The domain's time zone.
		b.put("c", `"cron":"0 12 * * *"`)
		b.put("d", `"cron":"0 12 * * *","timezone":"UTC"`)
		prague, err := time.LoadLocation("Europe/Prague")
		if err != nil {
			t.Fatal(err)
		}
		b.write(func(tx *db.Tx) error { return store.Rezone(tx, prague) })
		want("c", "on 11:00")
		want("d", "on 12:00")
	})
}

// A scenario that a node does not know yet costs neither the time nor others.
func TestScenarioNotThereYet(t *testing.T) {
	each(t, "2027-01-04T00:00:00Z", func(b *bench) {
		b.write(func(tx *db.Tx) error {
			return b.keeper.Store.Put(tx, "early", json.RawMessage(`{"scenario":"unknown","cron":"0 * * * *"}`), time.UTC)
		})
		b.put("other", `"cron":"0 * * * *"`)
		b.clock.Advance(time.Hour)
		b.look()
		b.wantDue("2027-01-04T01:00:00Z")
		b.keeper.Version = func(string) (string, error) { return "1", nil }
		b.clock.Advance(5 * time.Second)
		b.look()
		b.wantDue("2027-01-04T01:00:00Z", "2027-01-04T01:00:00Z")
	})
}

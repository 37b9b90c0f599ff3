package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/schedule"
)

// The engine is played by a table: a run is a row of it, and ends when the test
// says so.
type ledger struct{ node string }

func (l ledger) Insert(tx *db.Tx, s run.Start) (string, error) {
	in := scenario.DecodeInput(s.Input)
	var n int64
	if err := tx.QueryRow(`SELECT count(*) FROM kv_values`).Scan(&n); err != nil {
		return "", err
	}
	id := fmt.Sprintf("run_%04d%s", n+1, l.node)
	_, err := tx.Exec(`INSERT INTO kv_values (name, value, expires_at) VALUES ($1, $2, NULL)`, id, s.Program+" "+s.OrderingKey+"\n"+string(in.Content))
	return id, err
}

func (ledger) Open(tx *db.Tx, id string) (open bool, err error) {
	err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM kv_values WHERE name = $1 AND expires_at IS NULL)`, id).Scan(&open)
	return open, err
}

func (ledger) Behind(tx *db.Tx, _ run.Start) (n int64, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM kv_values WHERE expires_at IS NULL`).Scan(&n)
	return n, err
}

// bench is schedules over a database, with a clock that a test moves.
type bench struct {
	t      *testing.T
	db     *db.DB
	clock  *clock.Fake
	keeper *schedule.Keeper
	mu     sync.Mutex
	told   []string
}

func newBench(t *testing.T, d *db.DB, now *clock.Fake) *bench {
	t.Helper()
	b := &bench{t: t, db: d, clock: now}
	b.keeper = &schedule.Keeper{
		Store: schedule.NewStore(d, now.Now), Runs: ledger{}, Clock: now, Log: slog.New(slog.DiscardHandler),
		Version: func(code string) (string, error) {
			if code == "unknown" {
				return "", fault.New(fault.NotFound, "There is no scenario %q.", code)
			}
			return "1", nil
		},
		Tell: func(_ *db.Tx, kind, code string, data any) error {
			text, err := json.Marshal(data)
			b.mu.Lock()
			defer b.mu.Unlock()
			b.told = append(b.told, kind+" "+string(text))
			return err
		},
	}
	return b
}

func start(text string) *clock.Fake {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return clock.NewFake(at)
}

func (b *bench) write(do func(tx *db.Tx) error) {
	b.t.Helper()
	if err := b.db.Write(context.Background(), do); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) put(code, body string) {
	b.t.Helper()
	b.write(func(tx *db.Tx) error {
		return b.keeper.Store.Put(tx, code, json.RawMessage(`{"scenario":"s",`+body+`}`), time.UTC)
	})
}

// look does what a node does in the background, until nothing is due.
func (b *bench) look() {
	b.t.Helper()
	for {
		n, next, err := b.keeper.Once(context.Background())
		if err != nil {
			b.t.Fatal(err)
		}
		if n == 0 || next.IsZero() || next.After(b.clock.Now()) {
			return
		}
	}
}

// until moves the clock in steps and looks after each.
func (b *bench) until(text string, step time.Duration) {
	b.t.Helper()
	end, err := time.Parse(time.RFC3339, text)
	if err != nil {
		b.t.Fatal(err)
	}
	for b.clock.Now().Before(end) {
		b.clock.Advance(min(step, end.Sub(b.clock.Now())))
		b.look()
	}
}

type made struct {
	Code     string
	Due      time.Time
	LateBy   int64
	Previous *time.Time
	Manual   bool
	Input    json.RawMessage
}

// runs are what was started so far, in its order.
func (b *bench) runs() (all []made) {
	b.t.Helper()
	err := b.db.Read(context.Background(), func(tx *db.Tx) error {
		all = nil
		rows, err := tx.Query(`SELECT value FROM kv_values ORDER BY name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			var m made
			_, given, _ := strings.Cut(text, "\n")
			if err := json.Unmarshal([]byte(given), &m); err != nil {
				return err
			}
			all = append(all, m)
		}
		return rows.Err()
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *bench) wantDue(want ...string) {
	b.t.Helper()
	got := []string{}
	for _, m := range b.runs() {
		got = append(got, m.Due.Format(time.RFC3339))
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		b.t.Error(diff)
	}
}

func (b *bench) wantTold(want ...string) {
	b.t.Helper()
	for i, text := range want {
		if i >= len(b.told) || !strings.Contains(b.told[i], text) {
			b.t.Errorf("event %d: got %q, want %s", i, b.told, text)
		}
	}
	if len(b.told) != len(want) {
		b.t.Errorf("told %q, want %d events", b.told, len(want))
	}
}

// end ends every run.
func (b *bench) end() {
	b.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE kv_values SET expires_at = 1`)
		return err
	})
}

func each(t *testing.T, from string, body func(b *bench)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) { body(newBench(t, open(), start(from))) })
}

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
		b.clock.Advance(24 * time.Hour) // and these were
		b.look()
		if told := b.told[len(b.told)-2]; !strings.HasPrefix(told, "missed") || !strings.Contains(told, `"started":1`) {
			b.t.Errorf("told %q", b.told[len(b.told)-2:])
		}
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

// Three nodes on one database: once.
func TestThreeNodes(t *testing.T) {
	now := start("2027-01-04T00:00:00Z")
	open := dbtest.Postgres(t)
	var nodes []*bench
	for i := range 3 {
		nodes = append(nodes, newBench(t, open(nil), now))
		nodes[i].keeper.Runs = ledger{string(rune('a' + i))}
	}
	for i := range 20 {
		nodes[0].put(fmt.Sprintf("s%02d", i), `"cron":"*/10 * * * *","overlap":"allow"`)
	}
	for range 12 {
		now.Advance(10 * time.Minute)
		var group sync.WaitGroup
		for _, n := range nodes {
			group.Go(func() {
				for range 3 {
					if _, _, err := n.keeper.Once(context.Background()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		nodes[0].look()
	}
	seen := map[string]int{}
	for _, m := range nodes[0].runs() {
		seen[m.Code+m.Due.String()]++
	}
	if len(seen) != 240 {
		t.Errorf("%d times, want 240", len(seen))
	}
	for what, n := range seen {
		if n != 1 {
			t.Errorf("%s: %d times", what, n)
		}
	}
}

// A crash at every commit in turn: never twice, never lost.
func TestCrashes(t *testing.T) {
	for _, kind := range []struct {
		name string
		open func(testing.TB) func(db.Hooks) *db.DB
	}{{"sqlite", dbtest.SQLite}, {"postgres", dbtest.Postgres}} {
		t.Run(kind.name, func(t *testing.T) {
			for at := int64(1); ; at++ {
				happened := false
				for _, after := range []bool{false, true} {
					open := kind.open(t)
					now := start("2027-01-04T00:00:00Z")
					b := newBench(t, open(nil), now)
					b.put("pull", `"cron":"0 * * * *","overlap":"allow"`)
					if err := b.db.Close(); err != nil {
						t.Fatal(err)
					}
					crash := &dbtest.Crash{At: at, After: after}
					b = newBench(t, open(crash), now)
					for range 3 {
						now.Advance(time.Hour)
						_, _, err := b.keeper.Once(context.Background())
						if err != nil && !crash.Happened() {
							t.Fatal(err)
						}
						if err != nil {
							_ = b.db.Close()
							b = newBench(t, open(nil), now)
							b.look()
						}
					}
					b.wantDue("2027-01-04T01:00:00Z", "2027-01-04T02:00:00Z", "2027-01-04T03:00:00Z")
					happened = happened || crash.Happened()
				}
				if !happened {
					if at < 3 {
						t.Errorf("only %d commits", at)
					}
					return
				}
			}
		})
	}
}

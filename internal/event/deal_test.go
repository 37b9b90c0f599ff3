package event_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/event"
	"junctor/internal/run"
)

// free are runs that nobody executes.
type free struct{}

func (free) Lock(*db.Tx, []string) error  { return nil }
func (free) Wake(*db.Tx, ...string) error { return nil }

// hall is a log with waits that nobody matches but the test.
type hall struct {
	db    *db.DB
	log   *event.Log
	waits *event.Waits
	told  int
}

func newHall(t *testing.T, d *db.DB) *hall {
	t.Helper()
	committer := db.NewCommitter(d, run.Fence, nil)
	t.Cleanup(committer.Close)
	log, err := event.Open(context.Background(), event.Options{
		DB: d, Committer: committer, Source: "/junctor/test", Clock: clock.Real{}, Keep: func() time.Duration { return time.Hour },
	})
	must(t, err)
	return &hall{db: d, log: log, waits: event.NewWaits(log, free{})}
}

func (h *hall) write(t rapid.TB, do func(tx *db.Tx) error) {
	t.Helper()
	if err := h.db.Write(context.Background(), do); err != nil {
		t.Fatal(err)
	}
}

// begin begins waits of a run, from a position on, and arms them.
func (h *hall) begin(t rapid.TB, run string, position int64, wanted map[int]event.Wanted) {
	t.Helper()
	var all []event.Wait
	for seq, w := range wanted {
		all = append(all, event.Wait{Step: event.Step{Run: run, Seq: seq}, Position: position, Wanted: w})
	}
	h.write(t, func(tx *db.Tx) error { return h.waits.Begin(tx, all...) })
	h.write(t, func(tx *db.Tx) error { return h.waits.Arm(tx, run) })
}

func (h *hall) tell(t rapid.TB, e *event.Event) {
	t.Helper()
	h.told++
	e.ID = fmt.Sprint(h.told)
	if err := h.log.Publish(context.Background(), e); err != nil {
		t.Fatal(err)
	}
}

func (h *hall) match(t rapid.TB) {
	t.Helper()
	if err := h.waits.Match(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// came is what has come for the first waits of a run, by their numbers.
func (h *hall) came(t rapid.TB, run string, upTo int) map[int]string {
	t.Helper()
	var steps []event.Step
	for seq := range upTo {
		steps = append(steps, event.Step{Run: run, Seq: seq + 1})
	}
	got := map[int]string{}
	err := h.db.Read(context.Background(), func(tx *db.Tx) error {
		all, err := h.waits.Look(tx, steps)
		for step, came := range all {
			got[step.Seq] = eventOf(string(came.Event))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Whatever is open when, and whoever comes to look first: each event goes to the
// wait of the run that was called first of those that it fits and that are open, or
// to the first that begins later.
func TestEventsGoToWaitsInTheirOrder(t *testing.T) {
	h := newHall(t, dbtest.SQLite(t)(nil))
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		id := fmt.Sprint("run_", runs)
		position, err := h.log.End(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		type told struct {
			kind, subject, id string
			n                 int
		}
		var spare []told          // what nobody has had
		var open []int            // by their numbers
		want := map[int]string{}  // what has come
		all := []event.Wanted{{}} // by their numbers
		fits := func(w event.Wanted, e told) bool {
			patterns, err := event.ParsePatterns([]string{w.Type})
			if err != nil {
				t.Fatal(err)
			}
			return patterns.Match(e.kind) && (w.Subject == "" || w.Subject == e.subject) && (w.Match == "" || e.n >= 2)
		}
		take := func(seq int) bool {
			for i, e := range spare {
				if fits(all[seq], e) {
					want[seq], spare = e.id, append(spare[:i:i], spare[i+1:]...)
					return true
				}
			}
			return false
		}
		drop := func(i int) { open = append(open[:i:i], open[i+1:]...) }
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				begun := map[int]event.Wanted{}
				for range rapid.IntRange(1, 4).Draw(t, "waits") {
					w := event.Wanted{
						Type:    rapid.SampledFrom([]string{"a", "a.b", "a.*", "**", "*.b"}).Draw(t, "type"),
						Subject: rapid.SampledFrom([]string{"", "", "s"}).Draw(t, "subject"), Match: rapid.SampledFrom([]string{"", "", "data/n ge 2"}).Draw(t, "match"),
					}
					begun[len(all)] = w
					if all = append(all, w); !take(len(all) - 1) {
						open = append(open, len(all)-1)
					}
				}
				h.begin(t, id, position, begun)
			},
			"tell": func(t *rapid.T) {
				e := told{
					kind:    rapid.SampledFrom([]string{"a", "a.b", "b.b", "c"}).Draw(t, "type"),
					subject: rapid.SampledFrom([]string{"", "s", "z"}).Draw(t, "subject"), n: rapid.IntRange(1, 3).Draw(t, "n"),
				}
				h.tell(t, &event.Event{Type: e.kind, Subject: e.subject, Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, e.n))})
				e.id = fmt.Sprint(h.told)
				for i, seq := range open {
					if fits(all[seq], e) {
						want[seq] = e.id
						drop(i)
						return
					}
				}
				spare = append(spare, e)
			},
			"match": func(t *rapid.T) { h.match(t) },
			"expire": func(t *rapid.T) {
				seq := rapid.IntRange(1, 20).Draw(t, "wait")
				h.write(t, func(tx *db.Tx) error { return h.waits.Expire(tx, event.Step{Run: id, Seq: seq}) })
				for i, one := range open {
					if one == seq {
						want[seq] = "null"
						drop(i)
						break
					}
				}
			},
			"search": func(t *rapid.T) {
				if err := h.waits.Search(context.Background(), id, rapid.IntRange(0, 20).Draw(t, "wait")); err != nil {
					t.Fatal(err)
				}
			},
		})
		h.match(t)
		if got := h.came(t, id, len(all)-1); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v has come, want %v", got, want)
		}
	})
}

// What one event costs does not depend on how many other waits its run has, or has
// had.
func TestAWaitOfARunWithManyWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		h := newHall(t, open())
		costs := func(id string, waits int) (all []uint64) {
			wanted := map[int]event.Wanted{}
			for seq := range waits {
				wanted[seq+1] = event.Wanted{Type: "a", Subject: fmt.Sprint(id, seq+1)}
			}
			position, err := h.log.End(context.Background())
			must(t, err)
			h.begin(t, id, position, wanted)
			for n := range waits / 2 { // have had theirs
				h.tell(t, &event.Event{Type: "a", Subject: fmt.Sprint(id, n+1)})
			}
			h.match(t)
			for _, do := range []func(){
				func() { h.match(t) },
				func() {
					h.write(t, func(tx *db.Tx) error { return h.waits.Expire(tx, event.Step{Run: id, Seq: waits/2 + 1}) })
				},
			} {
				h.tell(t, &event.Event{Type: "a", Subject: fmt.Sprint(id, waits-len(all))})
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				do()
				runtime.ReadMemStats(&after)
				all = append(all, after.Mallocs-before.Mallocs)
			}
			h.match(t)
			if got := h.came(t, id, waits); len(got) != waits/2+len(all)+1 {
				t.Errorf("%d events have come", len(got))
			}
			return all
		}
		costs("warm", 20)
		few, many := costs("few", 20), costs("many", 1000)
		for n, name := range []string{"match", "expire"} {
			if many[n] > 3*few[n]+300 {
				t.Errorf("to %s takes %d allocations with 20 waits, %d with 1000", name, few[n], many[n])
			}
		}
	})
}

package event_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/event"
	"junctor/internal/run"
)

// rows counts the waits that are stored.
func (s *site) rows() (all, open int) {
	s.t.Helper()
	must(s.t, s.db.Read(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT count(*), count(CASE WHEN state < 2 THEN 1 END) FROM event_waits`).Scan(&all, &open)
	}))
	return all, open
}

func TestWaitsOfOneRunShareNoEvent(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		const many = 130 // more than are looked for at a time
		s.programs["p"] = func(p *process) []string {
			var calls []int
			for range many {
				calls = append(calls, p.begin("wait", `{"type":"a.b"}`))
			}
			return p.results(calls...)
		}
		id := s.accept("p")
		s.until(id, 0, waits)
		var names, want []string
		for n := range many {
			want = append(want, fmt.Sprint("e", n))
			names = append(names, fmt.Sprint("e", n, ":a.b"))
		}
		s.tell(names[:10]...)
		s.tell(names[10:]...)
		info := s.until(id, time.Second, ended)
		s.ends(info, want...)
	})
}

func TestAWaitLooksFarBack(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		s.programs["p"] = func(p *process) []string {
			p.step("sleep", "1s")
			return []string{p.wait("wanted", ""), p.wait("wanted", `,"timeout":"1s"`)}
		}
		s.tell("early:wanted")
		id := s.accept("p")
		s.until(id, 0, func(i *run.Info) bool { return i.State == run.Waiting })
		var names []string
		for n := range 9000 {
			names = append(names, fmt.Sprint("e", n, ":other"))
		}
		for some := range slices.Chunk(names[:3000], 500) {
			s.tell(some...)
		}
		s.tell("one:wanted")
		for some := range slices.Chunk(names[3000:], 500) {
			s.tell(some...)
		}
		s.ends(s.until(id, time.Second, ended), "one", "null")
	})
}

func TestTimeoutOfAWait(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		s.programs["p"] = func(p *process) []string {
			return []string{p.wait("a", `,"timeout":"1h"`), p.wait("a", `,"timeout":"1h"`)}
		}
		id := s.accept("p")
		info := s.until(id, 0, waits)
		if len(info.Awaits) != 1 || info.Awaits[0].Step != 1 || info.Awaits[0].Until == nil || !info.Awaits[0].Until.Equal(start.Add(time.Hour)) {
			t.Errorf("it waits for %+v", info.Awaits)
		}
		if info.DueAt == nil || !info.DueAt.Equal(start.Add(time.Hour)) {
			t.Errorf("it is due at %v", info.DueAt)
		}
		s.clock.Advance(time.Hour)
		s.until(id, 0, func(i *run.Info) bool { return waits(i) && len(i.Steps) == 2 })
		// What came while nobody was there, and before the time was over, has come.
		s.stop()
		other := open(t, s.open(nil))
		other.append(t, told("a", `1`))
		other.Stop()
		other.committer.Close()
		must(t, other.db.Close())
		s.clock.Advance(2 * time.Hour)
		s.start(nil)
		info = s.until(id, 0, ended)
		if s := string(info.Output); len(info.Steps) != 2 || string(info.Steps[0].Result) != "null" || string(info.Steps[1].Result) == "null" {
			t.Errorf("it ended with %s", s)
		}
	})
}

func TestAWaitBesideOtherSteps(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		gate := make(chan struct{})
		s.programs["p"] = func(p *process) []string {
			out, wait, sleep := p.begin("gated", `"out"`), p.begin("wait", `{"type":"a"}`), p.begin("sleep", "100ms")
			first := p.results(wait)
			p.step("publish", "b")
			return append(first, p.results(out, sleep)...)
		}
		s.gate = gate
		id := s.accept("p")
		s.until(id, 10*time.Millisecond, func(i *run.Info) bool { return len(i.Steps) == 3 })
		s.tell("e:a")
		s.until(id, 0, func(i *run.Info) bool { return i.Steps[1].FinishedAt != nil }) // in memory, while the request is under way
		close(gate)
		s.until(id, time.Second, ended)
	})
}

func TestACancelledRunWaitsForNothing(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		s.programs["p"] = func(p *process) []string { return []string{p.wait("a", "")} }
		for _, end := range []func(context.Context, string) (*run.Info, error){s.Cancel, s.Terminate} {
			id := s.accept("p")
			s.until(id, 0, waits)
			if _, err := end(context.Background(), id); err != nil {
				t.Fatal(err)
			}
			s.tell("e" + id + ":a")
			if info := s.until(id, 0, ended); info.State != run.Cancelled || len(info.Awaits) > 0 {
				t.Errorf("the run is %s and waits for %v", info.State, info.Awaits)
			}
			if all, _ := s.rows(); all > 0 {
				t.Errorf("%d waits are left", all)
			}
		}
	})
}

// The loser of a race is forgotten with the end of its run, what has come stays
// known until the run is deleted.
func TestWaitsGoWithTheirRun(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		s.programs["p"] = func(p *process) []string {
			p.begin("wait", `{"type":"never"}`)
			return []string{p.wait("a", "")}
		}
		id := s.accept("p")
		s.until(id, 0, waits)
		s.tell("e:a")
		s.comes(id, "e")
		if all, open := s.rows(); all != 1 || open != 0 {
			t.Errorf("%d waits are left, %d of them open", all, open)
		}
		s.clock.Advance(time.Hour)
		if n, err := s.Purge(context.Background(), run.PurgeOptions{}); n != 1 || err != nil {
			t.Fatalf("%d runs were deleted, %v", n, err)
		}
		if all, _ := s.rows(); all != 0 {
			t.Errorf("%d waits are left", all)
		}
	})
}

func TestEraseRemovesWaits(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		s.programs["p"] = func(p *process) []string {
			p.x.Subject("eve")
			return []string{p.wait("a", `,"subject":"eve"`)}
		}
		id := s.accept("p")
		s.until(id, 0, waits)
		s.tell("e:a:eve")
		s.comes(id, "e")
		if erased, err := s.Erase(context.Background(), "eve", false); err != nil || erased.Done != 1 {
			t.Fatalf("%+v, %v", erased, err)
		}
		if all, _ := s.rows(); all != 0 {
			t.Errorf("%d waits are left", all)
		}
	})
}

// A rerun that keeps a wait has had its event; one that makes it again finds the
// event again, because its place in the log is that of the first run.
func TestRerunOfARunThatWaited(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		s.programs["p"] = func(p *process) []string {
			one := p.wait("a", "")
			p.step("out", `"x"`)
			return []string{one, p.wait("a", `,"timeout":"1h"`)}
		}
		id := s.accept("p")
		s.until(id, 0, waits)
		s.tell("early:b", "one:a", "two:a", "three:a")
		s.comes(id, "one", "two")
		for step, want := range map[int][]string{3: {"one", "two"}, 2: {"one", "two"}} {
			again, err := s.Rerun(context.Background(), id, run.RerunOptions{FromStep: step})
			must(t, err)
			s.comes(again.ID, want...)
		}
		again, err := s.Rerun(context.Background(), id, run.RerunOptions{})
		must(t, err)
		s.until(again.ID, 0, waits)
		s.tell("four:a", "five:a")
		s.comes(again.ID, "four", "five")
	})
}

// A wait that a retry makes again gets the event that the failed try had.
func TestRetryMakesAWaitAgain(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		s.fails = 1
		s.programs["p"] = func(p *process) []string {
			out := p.begin("failing", `"x"`)
			p.results(out)
			got := p.wait("a", "")
			if s.failed() {
				panic(failure{out})
			}
			return []string{got}
		}
		id := s.accept("p")
		s.until(id, 0, waits)
		s.tell("one:a", "two:a")
		s.ends(s.until(id, time.Second, ended), "one")
	})
}

func TestRetentionStopsAtRunsThatMayWait(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		s.programs["p"] = func(p *process) []string {
			p.step("sleep", "12h")
			return []string{p.wait("a", `,"timeout":"30h"`), p.wait("b", `,"timeout":"1h"`)}
		}
		s.tell("zero:a")
		id := s.accept("p")
		s.until(id, 0, func(i *run.Info) bool { return i.State == run.Waiting })
		s.tell("one:a", "x:x", "y:y")
		s.clock.Advance(2 * time.Hour) // the events are older than they are kept
		for more := true; more; {
			var err error
			more, err = s.log.PruneBatch()
			must(t, err)
		}
		if _, err := s.log.Get(context.Background(), "one", ""); err != nil {
			t.Errorf("the event is gone: %v", err)
		}
		if _, err := s.log.Get(context.Background(), "zero", ""); err == nil {
			t.Error("the event before the run is still there")
		}
		s.clock.Advance(10 * time.Hour)
		s.until(id, 0, func(i *run.Info) bool { return waits(i) && len(i.Steps) == 3 })
		s.clock.Advance(time.Hour)
		s.comes(id, "one", "null")
		for more := true; more; {
			var err error
			more, err = s.log.PruneBatch()
			must(t, err)
		}
		if _, err := s.log.Get(context.Background(), "one", ""); err == nil {
			t.Error("the event is still there, and nobody may want it")
		}
	})
}

// A run that is older than what is held for it learns that its wait cannot be
// answered, instead of waiting for what was removed.
func TestAWaitWhoseEventsAreGoneFails(t *testing.T) {
	sites(t, func(t *testing.T, s *site) {
		s.programs["p"] = func(p *process) []string {
			p.step("sleep", "48h")
			return []string{p.wait("a", "")}
		}
		id := s.accept("p")
		s.until(id, 0, func(i *run.Info) bool { return i.State == run.Waiting })
		s.tell("one:a", "x:x")
		s.clock.Advance(25 * time.Hour)
		_, err := s.log.PruneBatch()
		must(t, err)
		s.ends(s.until(id, time.Hour, ended), "EventsGone")
	})
}

// With several nodes that match, and events from all of them, nothing is missed
// and nothing comes twice.
func TestWaitsOnSeveralNodes(t *testing.T) {
	place := dbtest.Postgres(t)
	const runs, events = 20, 10
	nodes := []*site{newSite(t, place), newSite(t, place), newSite(t, place)}
	for _, s := range nodes {
		s.programs["p"] = func(p *process) []string {
			var got []string
			for range events {
				got = append(got, p.wait("order.*", fmt.Sprintf(`,"subject":%s`, p.x.Input())))
			}
			return got
		}
		s.start(nil)
		defer s.stop()
	}
	var ids []string
	for n := range runs {
		a, err := nodes[n%3].Accept(context.Background(), run.Start{Program: "p", Channel: "c", Input: fmt.Appendf(nil, `"s%d"`, n)})
		must(t, err)
		ids = append(ids, a.Run)
	}
	done := make(chan error, runs)
	for n := range runs {
		go func() {
			var err error
			for i := range events {
				if err == nil {
					err = nodes[(n+i)%3].publish(fmt.Sprintf("e%d.%d:order.paid:s%d", n, i, n))
				}
			}
			done <- err
		}()
	}
	for range runs {
		must(t, <-done)
	}
	for n, id := range ids {
		var want []string
		for i := range events {
			want = append(want, fmt.Sprintf("e%d.%d", n, i))
		}
		for _, s := range nodes {
			s.clock.Advance(time.Second)
		}
		nodes[0].comes(id, want...)
	}
}

// Of waits that are open at the same time the one that was called first gets what
// fits both, also when the other one comes to look before anybody has matched it.
func TestAnEventIsTheFirstWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		committer := db.NewCommitter(d, run.Fence, nil)
		defer committer.Close()
		log, err := event.Open(context.Background(), event.Options{
			DB: d, Committer: committer, Source: "/junctor/test", Clock: clock.Real{}, Keep: func() time.Duration { return time.Hour },
		})
		must(t, err)
		waits := event.NewWaits(log, nil) // which nobody starts: nothing is matched
		step := func(seq int) event.Step { return event.Step{Run: "run_1", Seq: seq} }
		write := func(do func(tx *db.Tx) error) { t.Helper(); must(t, d.Write(context.Background(), do)) }
		begin := func(seq int, kind string, arm bool) {
			t.Helper()
			write(func(tx *db.Tx) error {
				return waits.Begin(tx, event.Wait{Step: step(seq), Wanted: event.Wanted{Type: kind}})
			})
			if arm {
				write(func(tx *db.Tx) error { return waits.Arm(tx, "run_1") })
			}
		}
		want := func(seq int, id string) {
			t.Helper()
			must(t, d.Read(context.Background(), func(tx *db.Tx) error {
				all, err := waits.Look(tx, []event.Step{step(seq)})
				came, over := all[step(seq)]
				if err != nil || over != (id != "") || eventOf(string(came.Event)) != id {
					t.Errorf("wait %d: %s %v %v, want %q", seq, came.Event, over, err, id)
				}
				return nil
			}))
		}
		begin(1, "a.*", true)
		begin(2, "b", false)
		must(t, log.Publish(context.Background(), &event.Event{ID: "x", Type: "a.b"}, &event.Event{ID: "y", Type: "b"}))
		begin(3, "a.b", true)
		want(1, "x")
		want(3, "")
		begin(4, "**", false)
		write(func(tx *db.Tx) error { return waits.Expire(tx, step(4)) })
		want(2, "y")
		want(4, "null")
		must(t, log.Publish(context.Background(), &event.Event{ID: "z", Type: "a.b"}))
		begin(5, "a.b", true)
		want(3, "z")
		want(5, "")
	})
}

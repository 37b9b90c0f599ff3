package run_test

import (
	"context"
	"testing"
	"time"

	"junctor/internal/run"
)

// Runs of a source and of a channel do not stand in each other's lines, and are
// found by what started them; a rerun counts as started by the same.
func TestRunsOfASource(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("sleep", "1h")
			return nil, nil
		}
		start := func(channel, source string) string {
			t.Helper()
			a, err := w.Accept(context.Background(), run.Start{Program: "p", Channel: channel, Source: source, OrderingKey: "4711"})
			if err != nil {
				t.Fatal(err)
			}
			return a.Run
		}
		first, second := start("c", ""), start("", "schedule:c")
		w.parked(first, "time")
		w.parked(second, "time")
		behind := start("", "schedule:c")
		if info := w.until(behind, func(i *run.Info) bool { return i.State == run.Queued }); info.WaitingFor != "order" || info.Source != "schedule:c" {
			t.Errorf("the third run waits for %q and is of %q", info.WaitingFor, info.Source)
		}
		found, _, err := w.List(context.Background(), run.Filter{Source: "schedule:c"})
		if err != nil || len(found) != 2 || found[0].ID != behind || found[1].ID != second {
			t.Errorf("%+v, %v", found, err)
		}
		w.clock.Advance(time.Hour)
		w.end(first)
		w.end(second)
		w.parked(behind, "time")
		w.clock.Advance(time.Hour)
		w.end(behind)
		again, err := w.Rerun(context.Background(), second, run.RerunOptions{})
		if err != nil || again.Source != "schedule:c" || again.Channel != "" {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

// What is held of a source is released by its name.
func TestReleaseOfASource(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(*process) ([]byte, *run.Failure) { return nil, nil }
		var ids []string
		for _, s := range []run.Start{{Channel: "c"}, {Source: "subscription:c"}, {Source: "subscription:c", OrderingKey: "k"}} {
			s.Program, s.Hold = "p", true
			a, err := w.Accept(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, a.Run)
		}
		if err := w.Release(context.Background(), "subscription:c"); err != nil {
			t.Fatal(err)
		}
		w.end(ids[1])
		w.end(ids[2])
		if info, err := w.Get(context.Background(), ids[0]); err != nil || info.State != run.Queued || info.WaitingFor != "release" {
			t.Errorf("%+v, %v", info, err)
		}
	})
}

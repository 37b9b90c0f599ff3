package run_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
)

// A child that its parent waits for is not touched; one without a subject of its
// own goes with its parent, also when there are more runs than one batch takes.
func TestEraseIsThorough(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		large := []byte(`"` + strings.Repeat("x", 100<<10) + `"`)
		w.programs["child"] = func(p *process) ([]byte, *run.Failure) {
			p.step("out", string(large))
			return large, nil
		}
		w.programs["parent"] = func(p *process) ([]byte, *run.Failure) {
			if _, err := p.step("child", "child"); err != nil {
				return nil, fail(err.Message)
			}
			return large, nil
		}
		w.programs["p"] = func(*process) ([]byte, *run.Failure) { return nil, nil }
		start := func(program, subject string) string {
			t.Helper()
			a, err := w.Accept(ctx, run.Start{Program: program, Channel: "c", Subject: subject, Input: large})
			if err != nil {
				t.Fatal(err)
			}
			return a.Run
		}
		parent, last := start("parent", "anna"), ""
		for range 120 {
			last = start("p", "anna")
		}
		other := start("p", "anna2")
		for _, id := range []string{parent, last, other} {
			w.end(id)
		}
		deadline := time.Now().Add(20 * time.Second)
		for open := int64(1); open > 0; {
			var err error
			if open, err = w.Count(ctx, run.Filter{State: []run.State{run.Queued, run.Running, run.Waiting}}); err != nil || time.Now().After(deadline) {
				t.Fatalf("%d runs are open, %v", open, err)
			}
		}
		erased, err := w.Erase(ctx, "anna", false)
		if err != nil || erased.Count != 121 || erased.Done != 122 || len(erased.Left) != 0 || !erased.Complete {
			t.Errorf("erased %+v, %v", erased, err)
		}
		if _, err := w.db.CollectOrphans(ctx, -time.Hour); err != nil {
			t.Fatal(err)
		}
		var values int64
		if err := w.db.Read(ctx, func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT count(*) FROM large_values`).Scan(&values)
		}); err != nil || values != 1 {
			t.Errorf("%d large values are left, %v; want that of the other subject", values, err)
		}
		if again, err := w.Erase(ctx, "anna", false); err != nil || again.Count != 0 || again.Done != 0 {
			t.Errorf("again: %+v, %v", again, err)
		}
		if info, err := w.Get(ctx, other); err != nil || string(info.Input) != string(large) || info.Erased {
			t.Errorf("the other subject: %v", err)
		}
		if _, err := w.Erase(ctx, "", false); !fault.Is(err, fault.Unprocessable) {
			t.Errorf("no subject: %v", err)
		}
	})
}

// A run whose descendants are to go with it stays until all of them can.
func TestEraseLeavesTheParentOfAnOpenChild(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.programs["leaf"] = func(p *process) ([]byte, *run.Failure) {
			p.step("sleep", "1h")
			return []byte(`"anna"`), nil
		}
		w.programs["middle"] = func(p *process) ([]byte, *run.Failure) {
			p.begin("child", "leaf") // and does not wait for it
			p.step("count", "1")
			return []byte(`"anna"`), nil
		}
		w.programs["parent"] = func(p *process) ([]byte, *run.Failure) {
			p.x.Subject("anna")
			out, err := p.step("child", "middle")
			if err != nil {
				return nil, fail(err.Message)
			}
			return out, nil
		}
		id := w.accept("parent")
		w.end(id)
		list, _, err := w.List(ctx, run.Filter{Program: "leaf"})
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		leaf := list[0].ID
		w.parked(leaf, "time")
		for _, dry := range []bool{true, false} {
			erased, err := w.Erase(ctx, "anna", dry)
			if err != nil || erased.Count != 1 || erased.Done != 0 || len(erased.Left) != 1 || erased.Left[0].Run != id || !contains(erased.Left[0].Reason, leaf) {
				t.Errorf("the leaf is open: %+v, %v", erased, err)
			}
		}
		if got := w.end(id); got.Erased || string(got.Output) != `"anna"` {
			t.Errorf("the parent was touched: %+v", got)
		}
		w.clock.Advance(time.Hour)
		w.end(leaf)
		if erased, err := w.Erase(ctx, "anna", false); err != nil || erased.Done != 3 || len(erased.Left) != 0 {
			t.Errorf("all have ended: %+v, %v", erased, err)
		}
		if got := w.end(leaf); !got.Erased || got.Output != nil || len(got.Steps) > 0 {
			t.Errorf("the leaf has %+v", got)
		}
	})
}

func TestEraseLeavesTheChildOfAnOpenParent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.programs["child"] = func(p *process) ([]byte, *run.Failure) {
			p.x.Subject("anna")
			return []byte(`"grown"`), nil
		}
		w.programs["parent"] = func(p *process) ([]byte, *run.Failure) {
			out, err := p.step("child", "child")
			if err != nil {
				return nil, fail(err.Message)
			}
			p.step("sleep", "1h")
			return out, nil
		}
		id := w.accept("parent")
		w.parked(id, "time")
		erased, err := w.Erase(ctx, "anna", false)
		if err != nil || erased.Count != 1 || erased.Done != 0 || len(erased.Left) != 1 {
			t.Errorf("erased %+v, %v", erased, err)
		}
		w.clock.Advance(time.Hour)
		w.end(id)
		if erased, err := w.Erase(ctx, "anna", false); err != nil || erased.Done != 1 || len(erased.Left) != 0 {
			t.Errorf("after the parent's end: %+v, %v", erased, err)
		}
	})
}

// What repeats an erased run and has no subject of its own goes with it.
func TestEraseTakesBareReruns(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.programs["child"] = func(p *process) ([]byte, *run.Failure) {
			if p.x.Attempt() == 1 {
				p.step("out", `"anna"`)
			}
			p.step("sleep", "1h")
			return []byte(`"anna"`), nil
		}
		w.programs["parent"] = func(p *process) ([]byte, *run.Failure) {
			p.x.Subject("anna")
			out, err := p.step("child", "child")
			if err != nil {
				return nil, fail(err.Message)
			}
			return out, nil
		}
		over := func(id string) {
			w.parked(id, "time")
			w.clock.Advance(time.Hour)
			w.end(id)
		}
		again := func(id string) string {
			t.Helper()
			r, err := w.Rerun(ctx, id, run.RerunOptions{})
			if err != nil || r.Origin != id {
				t.Fatalf("%+v, %v", r, err)
			}
			return r.ID
		}
		parent := w.accept("parent")
		w.parked(parent, "child")
		list, _, err := w.List(ctx, run.Filter{Program: "child"})
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		over(list[0].ID)
		w.end(parent)
		first := again(list[0].ID)
		over(first)
		second := again(first)
		w.parked(second, "time")
		erased, err := w.Erase(ctx, "anna", false)
		if err != nil || erased.Done != 0 || len(erased.Left) != 1 || erased.Left[0].Run != parent || !contains(erased.Left[0].Reason, second) {
			t.Errorf("the rerun is open: %+v, %v", erased, err)
		}
		w.clock.Advance(time.Hour)
		w.end(second)
		if erased, err := w.Erase(ctx, "anna", false); err != nil || erased.Done != 4 || len(erased.Left) != 0 {
			t.Errorf("all have ended: %+v, %v", erased, err)
		}
		for _, id := range []string{parent, list[0].ID, first, second} {
			if got := w.end(id); !got.Erased || got.Input != nil || got.Output != nil || len(got.Steps) > 0 {
				t.Errorf("%s has %+v", id, got)
			}
		}
		if _, err := w.Rerun(ctx, first, run.RerunOptions{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("a rerun of what was erased: %v", err)
		}
	})
}

// While runs are erased, others retry and repeat them by hand: nothing is left
// that an erasure could not find any more.
func TestEraseBesideHands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.programs["child"] = func(*process) ([]byte, *run.Failure) { return nil, fail("anna cannot be found") }
		w.programs["parent"] = func(p *process) ([]byte, *run.Failure) {
			p.x.Subject("anna")
			p.step("child", "child")
			return nil, nil
		}
		for range 20 {
			parent := w.accept("parent")
			w.end(parent)
			list, _, err := w.List(ctx, run.Filter{Program: "child", Limit: 1})
			if err != nil || len(list) != 1 {
				t.Fatalf("%+v, %v", list, err)
			}
			child := list[0].ID
			var hands sync.WaitGroup
			hands.Go(func() { w.Retry(ctx, child) })                     //nolint:errcheck // whoever comes first
			hands.Go(func() { w.Rerun(ctx, child, run.RerunOptions{}) }) //nolint:errcheck // as above
			if _, err := w.Erase(ctx, "anna", false); err != nil {
				t.Fatal(err)
			}
			hands.Wait()
			all, _, err := w.List(ctx, run.Filter{Program: "child", Limit: 2})
			if err != nil {
				t.Fatal(err)
			}
			gone := w.end(parent).Erased
			for _, r := range all {
				if r.Parent != parent && r.Origin != child {
					continue
				}
				if got := w.end(r.ID); gone && !got.Erased {
					t.Errorf("the parent is erased, and %s (%s) is not", r.ID, got.State)
				}
			}
			if erased, err := w.Erase(ctx, "anna", false); err != nil || len(erased.Left) > 0 || !w.end(parent).Erased {
				t.Fatalf("later: %+v, %v", erased, err)
			}
		}
	})
}

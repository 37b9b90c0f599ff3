package run_test

import (
	"context"
	"encoding/base64"
	"slices"
	"sync"
	"testing"

	"junctor/internal/fault"
	"junctor/internal/run"
)

// hold stores runs that are not executed, and returns their ids, newest first.
func (w *world) hold(n int) (ids []string) {
	w.t.Helper()
	var mu sync.Mutex
	var storing sync.WaitGroup
	for part := range 20 {
		storing.Go(func() {
			for i := part; i < n; i += 20 {
				a, err := w.Accept(context.Background(), run.Start{Program: "held", Channel: "c", Hold: true})
				if err != nil {
					w.t.Error(err)
					return
				}
				mu.Lock()
				ids = append(ids, a.Run)
				mu.Unlock()
			}
		})
	}
	storing.Wait()
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids
}

// pages goes through a whole list and returns the ids that it shows.
func (w *world) pages(f run.Filter) (ids []string) {
	w.t.Helper()
	for {
		page, next, err := w.List(context.Background(), f)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, info := range page {
			ids = append(ids, info.ID)
		}
		if next == "" || len(page) == 0 {
			return ids
		}
		f.After = next
	}
}

// Few open runs are sorted, many are found in order: either way each comes
// once, the newest first, and none that has ended.
func TestListOfOpenRunsShowsEachOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.programs["p"] = func(*process) ([]byte, *run.Failure) { return []byte("1"), nil }
		var ended []string
		for range 3 {
			id := w.accept("p")
			w.end(id)
			ended = append(ended, id)
		}
		slices.Reverse(ended)
		all := w.hold(50)
		open := []run.State{run.Queued, run.Running, run.Waiting}
		check := func(limit int) {
			t.Helper()
			for _, states := range [][]run.State{{run.Queued}, open, {run.Queued, run.Queued}} {
				if got := w.pages(run.Filter{State: states, Limit: limit}); !slices.Equal(got, all) {
					t.Errorf("%q by %d: %d runs, not each of %d once with the newest first", states, limit, len(got), len(all))
				}
			}
			for _, states := range [][]run.State{nil, append(open, run.Succeeded)} {
				if got := w.pages(run.Filter{State: states, Limit: limit}); !slices.Equal(got, slices.Concat(all, ended)) {
					t.Errorf("%q by %d: %d runs, not each of %d once with the newest first", states, limit, len(got), len(all)+len(ended))
				}
			}
		}
		check(7)
		all = append(w.hold(2950), all...)
		check(997)
		// A page's cursor stays good when what it names has ended meanwhile, or
		// few runs have become many.
		f := run.Filter{State: open, Limit: 1000, Channel: "c"}
		page, next, err := w.List(t.Context(), f)
		if err != nil || len(page) != 1000 {
			t.Fatalf("%d runs, %v", len(page), err)
		}
		for _, id := range []string{all[999], all[1000]} {
			if _, err := w.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		f.After = next
		if got := w.pages(f); !slices.Equal(got, all[1001:]) {
			t.Errorf("behind a run that has ended: %d runs, want %d", len(got), len(all[1001:]))
		}
	})
}

func TestListTakesAnyCursor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		all := w.hold(3)
		encode := base64.RawURLEncoding.EncodeToString
		for _, c := range []struct {
			after string
			want  []string // nil: fault.Invalid
		}{
			{"%", nil}, {"a", nil}, {"a=", nil}, {"not a cursor", nil}, {"\x00", nil}, {encode([]byte(all[0])) + "=", nil},
			{encode([]byte(all[0])), all[1:]},
			{encode([]byte("\x00")), all}, {encode([]byte("\xff\xfe")), all}, // no text, and shown as U+FFFD
			{encode([]byte("zzz")), all},
			{encode([]byte("' OR 1=1 --")), []string{}},
		} {
			for _, states := range [][]run.State{nil, {run.Queued}} {
				page, _, err := w.List(t.Context(), run.Filter{State: states, After: c.after})
				if c.want == nil {
					if !fault.Is(err, fault.Invalid) {
						t.Errorf("%q: %v, want fault.Invalid", c.after, err)
					}
					continue
				}
				got := []string{}
				for _, info := range page {
					got = append(got, info.ID)
				}
				if !slices.Equal(got, c.want) || err != nil {
					t.Errorf("%q of %q: %q %v, want %q", c.after, states, got, err, c.want)
				}
			}
		}
	})
}

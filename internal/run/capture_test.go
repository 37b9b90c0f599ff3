package run_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/run"
)

// What is not kept takes no room: large values go with the run's content.
func TestLargeContentThatIsNotKeptIsGone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.Capture = run.CaptureErrors
		large := `"` + strings.Repeat("x", 200<<10) + `"`
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("out", large)
			return []byte(large), nil
		}
		a, err := w.Accept(context.Background(), run.Start{Program: "p", Channel: "c", Input: []byte(large)})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.end(a.Run); got.State != run.Succeeded || got.Input != nil || got.Output != nil || len(got.Steps) != 0 {
			t.Errorf("kept: %s, %d steps", got.State, len(got.Steps))
		}
		if _, err := w.db.CollectOrphans(context.Background(), -time.Hour); err != nil { // results that no commit has claimed
			t.Fatal(err)
		}
		var n int64
		err = w.db.Read(context.Background(), func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT count(*) FROM large_values`).Scan(&n)
		})
		if err != nil || n != 0 {
			t.Errorf("%d large values are left, %v", n, err)
		}
	})
}

// A parent gets its child's output, and the same message its first answer,
// also where content is not kept.
func TestWantedOutputIsKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy.Capture = run.CaptureNone
		large := `"` + strings.Repeat("y", 100<<10) + `"`
		w.programs["child"] = func(*process) ([]byte, *run.Failure) { return []byte(large), nil }
		w.programs["parent"] = func(p *process) ([]byte, *run.Failure) {
			got, err := p.step("child", "child")
			if err != nil || string(got) != large {
				return nil, fail("the child's output did not arrive")
			}
			return got, nil
		}
		if got := w.end(w.accept("parent")); got.State != run.Succeeded {
			t.Errorf("the parent: %s %+v", got.State, got.Error)
		}
		once := &run.Once{Key: "k", Digest: []byte("a"), Window: time.Hour}
		for range 2 {
			res, err := w.await(run.Start{Program: "child", Once: once}, time.Minute)
			if err != nil || string(res.Output) != large {
				t.Errorf("%d bytes, %v", len(res.Output), err)
			}
			if _, err := w.db.CollectOrphans(context.Background(), -time.Hour); err != nil {
				t.Fatal(err)
			}
		}
	})
}

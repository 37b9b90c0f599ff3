package trial

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/run"
)

// World is what the runs of one trial have in common: the values in kv, and the
// time, which stands still but for sleeps.
type World struct {
	lab      *Lab
	tx       *db.Tx
	now      time.Time
	handlers run.Handlers
	runs     int
}

// Now is the world's time.
func (w *World) Now() time.Time { return w.now }

// id is the next run's: the same in every trial.
func (w *World) id() string {
	w.runs++
	return "run_trial" + strconv.Itoa(w.runs)
}

// outside reports whether a step can be answered by a mock only.
func (w *World) outside(name string) bool {
	h := w.handlers[name]
	return h.External != nil || h.Child != nil || h.Spawn != nil || h.Wait != nil
}

// done is a step that was made.
type done struct {
	result []byte
	failed *run.StepError
	after  time.Duration // when its result is there
}

// do makes a step that needs no mock. The error is the lab's own failure.
func (w *World) do(ctx context.Context, c *run.Call) (done, error) {
	if err := ctx.Err(); err != nil {
		return done{}, err
	}
	var d done
	var err error
	switch h := w.handlers[c.Name]; {
	case h.Internal != nil:
		d.result, err = h.Internal(w.tx, c)
	case h.Read != nil:
		d.result, err = h.Read(w.tx, c)
	case h.Sleep != nil:
		d.after, err = h.Sleep(c)
	case h.Now != nil:
		d.result, err = h.Now(c, w.now)
	default:
		err = &run.StepError{Name: "TypeError", Message: c.Name + " is not available in a trial", Permanent: true}
	}
	if err != nil && !errors.As(err, &d.failed) {
		return done{}, fmt.Errorf("%s: %w", c.Name, err)
	}
	return d, nil
}

// list names the keys of a map, for messages.
func list[T any](m map[string]T) string {
	if len(m) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

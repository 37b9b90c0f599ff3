package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"junctor/internal/db"
)

// Wait is a step that ends when something has come of which a row of its owner's
// tells, or when its time is over; the first of the two to change the row wins.
// The run is parked meanwhile, and Engine.Wake brings it back.
//
// The row's name is the call's Run and Seq. Args are handed to Timeout and Begin
// only.
type Wait struct {
	// Timeout reads the arguments and says how long to wait at most; 0: for ever.
	// Its error is the step's failure.
	Timeout func(c *Call) (time.Duration, error)
	// Begin writes the row, in the transaction of the step's start. There may be
	// one of an earlier try, which counts no more.
	Begin func(tx *db.Tx, c *Call) error
	// Search is called before Arm and Expire, outside of a transaction, for what
	// takes long in them; may be nil.
	Search func(ctx context.Context, c *Call) error
	// Arm looks, in a transaction behind that of Begin, for what came before anybody
	// could know of the row, and puts it there. After that whoever brings something
	// finds the row by himself. It may be called again. Nil where Begin is enough.
	Arm func(tx *db.Tx, c *Call) error
	// Look reports whether the wait is over, and its result, which is null when the
	// time was over first. A *StepError is the step's failure.
	Look func(tx *db.Tx, c *Call) (result []byte, over bool, err error)
	// Came is what has come for those of many calls for which something has, before
	// Look is asked for the others; may be nil.
	Came func(tx *db.Tx, calls []*Call) (map[*Call][]byte, error)
	// Expire ends the wait, unless something has come before.
	Expire func(tx *db.Tx, c *Call) error
	// Drop removes the row: the step is made anew, or has gone with its run.
	Drop func(tx *db.Tx, run string, seq int) error
	// Keep copies the row of a finished step that a rerun keeps; may be nil.
	Keep func(tx *db.Tx, from, to string, seq int) error
}

// waitingForEvent marks a run that is parked until a Wait is over.
const waitingForEvent = "event"

// Lock keeps the states of runs as they are until tx ends; see Wake.
func (e *Engine) Lock(tx *db.Tx, runs []string) error {
	_, err := Fence(tx, runs)
	return err
}

// Wake lets runs go on, once tx has committed, that wait for something that has
// come. Call it, or Lock, before the row of the wait is changed: the run's own node
// locks the run first too. To wake a run for nothing does no harm.
func (e *Engine) Wake(tx *db.Tx, runs ...string) error {
	parked, held, err := e.sleepers(tx, runs)
	if err == nil && len(parked) > 0 {
		var list []byte
		if list, err = json.Marshal(parked); err == nil {
			_, err = tx.Exec(`UPDATE runs SET due_at = $2 WHERE `+tx.Among("id", "$1"), string(list), e.now())
		}
	}
	if err != nil {
		return fmt.Errorf("wake %d runs: %w", len(runs), err)
	}
	for _, id := range held { // they look by themselves
		tx.Notify(topic, id)
	}
	tx.Notify(topic, "")
	return nil
}

// sleepers locks runs and says which of them are parked for what others bring,
// and which are some node's. PostgreSQL finds them by their ids only as long as
// nothing else about them is asked for in the same statement.
func (e *Engine) sleepers(tx *db.Tx, runs []string) (parked, held []string, err error) {
	list, err := json.Marshal(runs)
	if err != nil {
		return nil, nil, err
	}
	rows, err := tx.Query(`SELECT id, owner, state, waiting_for, finished_at IS NULL FROM runs WHERE `+tx.Among("id", "$1")+` ORDER BY id `+tx.LockRows(), string(list))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, owner, state, waitingFor string
		var unfinished bool
		if err := rows.Scan(&id, &owner, &state, &waitingFor, &unfinished); err != nil {
			return nil, nil, err
		}
		switch {
		case !unfinished:
		case owner != "":
			held = append(held, id)
		case State(state) == Waiting && (waitingFor == waitingForEvent || waitingFor == "child"):
			parked = append(parked, id)
		}
	}
	return parked, held, rows.Err()
}

// Position is the end of the event log when the oldest run that has not ended
// began, among those that began at or after a time; ok is false when there is none.
func (e *Engine) Position(ctx context.Context, since time.Time) (position int64, ok bool, err error) {
	var oldest *int64
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT min(position) FROM runs WHERE finished_at IS NULL AND created_at >= $1`, db.Micros(since)).Scan(&oldest)
	})
	if err != nil || oldest == nil {
		return 0, false, err
	}
	return *oldest, true, nil
}

// wait is how a step waits, nil for one of another kind.
func (e *Engine) wait(s *step) *Wait { return e.handlers[s.name].Wait }

// startWait notes a wait, which is begun with the journal's next commit.
func (x *Execution) startWait(t *turn, s *step, w *Wait, args []byte) error {
	timeout, err := w.Timeout(x.call(s, args))
	if err != nil {
		x.settle(t, s, nil, asStepError(err))
		return nil
	}
	if err := x.persist(x.ctx); err != nil { // what came after the run began is counted from its row
		return x.lost(err)
	}
	if timeout > 0 {
		s.deadline = s.startedAt + timeout.Microseconds()
	}
	s.underWay = true
	x.pending = append(x.pending, s.startOp(x.row.id))
	x.waits, t.waits, t.ahead = append(x.waits, s), append(t.waits, s), true
	return nil
}

// beginWaits writes the rows of waits that this turn has started.
func (x *Execution) beginWaits(tx *db.Tx, steps []*step) error {
	if len(steps) == 0 {
		return nil
	}
	if x.row.position == 0 {
		if err := tx.QueryRow(`SELECT position FROM runs WHERE id = $1`, x.row.id).Scan(&x.row.position); err != nil {
			return err
		}
	}
	for _, s := range steps {
		args, err := tx.Load(s.arguments)
		if err != nil {
			return err
		}
		c := x.call(s, args)
		c.Position = x.row.position
		if err := x.e.wait(s).Begin(tx, c); err != nil {
			return fmt.Errorf("%s: %w", describe(s.name, args), err)
		}
	}
	return nil
}

// startEnd ends sleeps and waits that the program wants no more.
func (x *Execution) startEnd(t *turn, s *step, h Handler, args []byte) error {
	calls, err := h.End(x.call(s, args))
	for _, call := range calls {
		other := x.called[call]
		if other == nil || !slices.Contains(x.waits, other) || x.e.handlers[other.name].Child != nil {
			continue
		}
		t.waits = slices.DeleteFunc(t.waits, func(w *step) bool { return w == other })
		t.ends, t.ahead = append(t.ends, other), true
		x.complete(other, []byte("null"), nil)
	}
	x.settle(t, s, []byte("null"), asStepError(err))
	return nil
}

// come completes the first wait that is over. Those that were begun just now are
// looked at when they are armed.
func (x *Execution) come() (bool, error) {
	for _, s := range x.waits {
		if s.came != nil {
			x.complete(s, s.came, nil)
			return true, nil
		}
	}
	if !x.waitsForMore() {
		return false, nil
	}
	var found *step
	var result []byte
	var failure *StepError
	err := x.e.db.Read(x.ctx, func(tx *db.Tx) (err error) {
		for _, s := range x.waits {
			if s.underWay && !s.armed {
				continue
			}
			var over bool
			if over, result, failure, err = x.lookAt(tx, s); over || err != nil {
				found = s
				return err
			}
		}
		return nil
	})
	if err != nil || found == nil {
		return false, err
	}
	x.complete(found, result, failure)
	return true, nil
}

// came looks for all of many runs what has come for them.
func (e *Engine) came(tx *db.Tx, runs map[string]*Execution) error {
	calls, steps := map[*Wait][]*Call{}, map[*Call]*step{}
	for _, x := range runs {
		if x.row.waitingFor != waitingForEvent {
			continue
		}
		for _, s := range e.open(x.journal) {
			if w := e.wait(s); w.Came != nil {
				c := x.call(s, nil)
				calls[w], steps[c] = append(calls[w], c), s
			}
		}
	}
	for w, some := range calls {
		results, err := w.Came(tx, some)
		if err != nil {
			return fmt.Errorf("look for what has come: %w", err)
		}
		for c, result := range results {
			steps[c].came = result
		}
	}
	return nil
}

// waitsForMore reports whether there are waits, besides sleeps and children.
func (x *Execution) waitsForMore() bool {
	for _, s := range x.waits {
		if x.e.wait(s) != nil {
			return true
		}
	}
	return false
}

// lookAt reports whether a wait is over, and what came of it.
func (x *Execution) lookAt(tx *db.Tx, s *step) (over bool, result []byte, failure *StepError, err error) {
	w := x.e.wait(s)
	if w == nil {
		return false, nil, nil, nil
	}
	result, over, err = w.Look(tx, x.call(s, nil))
	if errors.As(err, &failure) {
		return true, nil, failure, nil
	}
	return over, result, nil, err
}

// search does what takes long before waits are armed.
func (x *Execution) search(steps ...*step) error {
	for _, s := range steps {
		w := x.e.wait(s)
		if w == nil || w.Search == nil || s.armed {
			continue
		}
		if err := w.Search(x.ctx, x.call(s, nil)); err != nil {
			return x.lost(err)
		}
	}
	return nil
}

// arms arms the waits, and reports whether one of them is over already.
func (x *Execution) arms(tx *db.Tx) (over bool, err error) {
	for _, s := range x.waits {
		if w := x.e.wait(s); w != nil && w.Arm != nil && !s.armed {
			if err := w.Arm(tx, x.call(s, nil)); err != nil {
				return false, err
			}
		}
	}
	for _, s := range x.waits { // one that is armed may have left something to another one
		one, _, _, err := x.lookAt(tx, s)
		if err != nil {
			return false, err
		}
		over = over || one
	}
	return over, nil
}

// arm arms the waits of a run that stays in memory; done is false when they are.
func (x *Execution) arm() (done bool, err error) {
	for _, s := range x.waits {
		done = done || x.e.wait(s) != nil && !s.armed
	}
	if !done {
		return false, nil
	}
	err = x.write(func(tx *db.Tx) ([]db.Op, error) {
		_, err := x.arms(tx)
		return nil, err
	})
	if err == nil {
		x.armed()
	}
	return true, err
}

func (x *Execution) armed() {
	for _, s := range x.waits {
		s.armed = true
	}
}

// expire ends a wait whose time is over: without result, if nothing was faster.
func (x *Execution) expire(s *step, w *Wait) error {
	if err := x.search(x.waits...); err != nil {
		return err
	}
	var result []byte
	var failure *StepError
	err := x.write(func(tx *db.Tx) (_ []db.Op, err error) {
		if err := w.Expire(tx, x.call(s, nil)); err != nil {
			return nil, err
		}
		_, result, failure, err = x.lookAt(tx, s)
		return nil, err
	})
	if err != nil {
		return err
	}
	x.complete(s, result, failure)
	return nil
}

// open are the waits of a journal that are not over.
func (e *Engine) open(j *journal) (open []*step) {
	for _, s := range j.bySeq {
		if s.done == 0 && !s.dropped && e.wait(s) != nil {
			open = append(open, s)
		}
	}
	return open
}

// dropWaits removes the rows of those of a run's steps that are waits.
func (e *Engine) dropWaits(tx *db.Tx, run string, steps []*step) error {
	for _, s := range steps {
		if w := e.wait(s); w != nil {
			if err := w.Drop(tx, run, s.seq); err != nil {
				return fmt.Errorf("remove what step %d of %s waited for: %w", s.seq, run, err)
			}
		}
	}
	return nil
}

// dropping is dropWaits for a commit; nil when there is nothing to remove.
func (e *Engine) dropping(run string, steps []*step) func(*db.Tx) ([]db.Op, error) {
	for _, s := range steps {
		if e.wait(s) != nil {
			return func(tx *db.Tx) ([]db.Op, error) { return nil, e.dropWaits(tx, run, steps) }
		}
	}
	return nil
}

// keepWaits gives a rerun what it has to know of the waits that it keeps.
func (e *Engine) keepWaits(tx *db.Tx, from, to string, kept []*step) error {
	for _, s := range kept {
		if w := e.wait(s); w != nil && w.Keep != nil {
			if err := w.Keep(tx, from, to, s.seq); err != nil {
				return fmt.Errorf("keep what step %d of %s waited for: %w", s.seq, from, err)
			}
		}
	}
	return nil
}

package run

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
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
	// Begin writes the rows of calls of one run, in the transaction of the steps'
	// start. There may be some of an earlier try, which count no more.
	Begin func(tx *db.Tx, calls []*Call) error
	// Search is called, outside of a transaction, for what takes long in Arm, or in
	// Expire of the step of that number when it is not 0; may be nil.
	Search func(ctx context.Context, run string, expiring int) error
	// Arm looks, in a transaction behind that of Begin, for what came before anybody
	// could know of a run's rows, and puts it there. After that whoever brings
	// something finds the rows by himself. It may be called again. Nil where Begin is
	// enough.
	Arm func(tx *db.Tx, run string) error
	// Look is what came of those of many calls, of one run or several, whose waits
	// are over. Some may be left out, which are asked for again, but not all.
	Look func(tx *db.Tx, calls []*Call) (map[*Call]Came, error)
	// Expire ends the wait, unless something has come before.
	Expire func(tx *db.Tx, c *Call) error
	// Drop removes the row: the step is made anew, or has gone with its run.
	Drop func(tx *db.Tx, run string, seq int) error
	// Keep copies the row of a finished step that a rerun keeps; may be nil.
	Keep func(tx *db.Tx, from, to string, seq int) error
}

// Came is what came of a wait.
type Came struct {
	Result []byte // JSON; null when the time was over first
	Err    *StepError
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
	begun := map[*Wait][]*Call{}
	for _, s := range steps {
		args, err := tx.Load(s.arguments)
		if err != nil {
			return err
		}
		c := x.call(s, args)
		c.Position = x.row.position
		w := x.e.wait(s)
		begun[w] = append(begun[w], c)
	}
	for w, calls := range begun {
		if err := w.Begin(tx, calls); err != nil {
			return fmt.Errorf("%s: %w", describe(calls[0].Name, calls[0].Args), err)
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
	if x.completeOver() {
		return true, nil
	}
	var steps []*step
	for _, s := range x.waits {
		if x.e.wait(s) != nil && (s.armed || !s.underWay) {
			steps = append(steps, s)
		}
	}
	if len(steps) == 0 {
		return false, nil
	}
	var over map[*step]Came
	err := x.e.db.Read(x.ctx, func(tx *db.Tx) (err error) {
		over, err = x.cameOf(tx, steps)
		return err
	})
	if err != nil {
		return false, err
	}
	keep(over)
	return x.completeOver(), nil
}

// completeOver completes the first of the waits that are known to be over. The
// others are not before the program has seen this one: it may end them.
func (x *Execution) completeOver() bool {
	for _, s := range x.waits {
		if s.came != nil {
			x.complete(s, s.came.Result, s.came.Err)
			return true
		}
	}
	return false
}

// cameOf are those of the waits that are over.
func (x *Execution) cameOf(tx *db.Tx, steps []*step) (map[*step]Came, error) {
	return x.e.cameOf(tx, func(yield func(*step, *Call) bool) {
		for _, s := range steps {
			if !yield(s, x.call(s, nil)) {
				return
			}
		}
	})
}

// cameOf are those of waits, of one run or several, that are over.
func (e *Engine) cameOf(tx *db.Tx, waits iter.Seq2[*step, *Call]) (map[*step]Came, error) {
	calls, steps := map[*Wait][]*Call{}, map[*Call]*step{}
	for s, c := range waits {
		if w := e.wait(s); w != nil {
			calls[w], steps[c] = append(calls[w], c), s
		}
	}
	over := map[*step]Came{}
	for w, some := range calls {
		came, err := w.Look(tx, some)
		if err != nil {
			return nil, fmt.Errorf("look for what has come: %w", err)
		}
		for c, one := range came {
			over[steps[c]] = one
		}
	}
	return over, nil
}

// keep notes what waits have come to.
func keep(over map[*step]Came) {
	for s, came := range over {
		s.came = &came
	}
}

// came looks for all of many runs what has come for them.
func (e *Engine) came(tx *db.Tx, runs map[string]*Execution) error {
	over, err := e.cameOf(tx, func(yield func(*step, *Call) bool) {
		for _, x := range runs {
			if x.row.waitingFor != waitingForEvent {
				continue
			}
			for _, s := range e.open(x.journal) {
				if !yield(s, x.call(s, nil)) {
					return
				}
			}
		}
	})
	keep(over)
	return err
}

// waitsForMore reports whether there are waits, besides sleeps and children.
func (x *Execution) waitsForMore() bool {
	return slices.ContainsFunc(x.waits, func(s *step) bool { return x.e.wait(s) != nil })
}

// search does what takes long before the waits are armed.
func (x *Execution) search() error {
	kinds := map[*Wait]bool{}
	for _, s := range x.waits {
		if w := x.e.wait(s); w != nil && w.Search != nil && !s.armed && !s.sought {
			kinds[w], s.sought = true, true
		}
	}
	for w := range kinds {
		if err := w.Search(x.ctx, x.row.id, 0); err != nil {
			return x.lost(err)
		}
	}
	return nil
}

// arms arms the waits, and says which of them are over already: one that is armed
// may have left something to another one.
func (x *Execution) arms(tx *db.Tx) (over map[*step]Came, err error) {
	kinds := map[*Wait]bool{}
	for _, s := range x.waits {
		w := x.e.wait(s)
		if w == nil || w.Arm == nil || s.armed || kinds[w] {
			continue
		}
		kinds[w] = true
		if err := w.Arm(tx, x.row.id); err != nil {
			return nil, err
		}
	}
	return x.cameOf(tx, x.waits)
}

// arm arms the waits of a run that stays in memory; done is false when they are.
func (x *Execution) arm() (done bool, err error) {
	for _, s := range x.waits {
		done = done || x.e.wait(s) != nil && !s.armed
	}
	if !done {
		return false, nil
	}
	var over map[*step]Came
	err = x.write(func(tx *db.Tx) (_ []db.Op, err error) {
		over, err = x.arms(tx)
		return nil, err
	})
	if err == nil {
		x.armed()
		keep(over)
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
	if s.came == nil {
		if w.Search != nil && !s.armed {
			if err := w.Search(x.ctx, x.row.id, s.seq); err != nil {
				return x.lost(err)
			}
		}
		var over map[*step]Came
		err := x.write(func(tx *db.Tx) (_ []db.Op, err error) {
			if err := w.Expire(tx, x.call(s, nil)); err != nil {
				return nil, err
			}
			over, err = x.cameOf(tx, []*step{s})
			return nil, err
		})
		if err != nil {
			return err
		}
		keep(over)
	}
	if s.came == nil {
		return fmt.Errorf("step %d of %s: the time is over, and what it waits for has not ended", s.seq, x.row.id)
	}
	x.complete(s, s.came.Result, s.came.Err)
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

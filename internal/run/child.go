package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"junctor/internal/db"
)

// childPoll bounds how long a parent that missed its child's signal waits.
const childPoll = 5 * time.Second

// maxDepth is how many generations of runs may wait for each other.
const maxDepth = 16

// startChild commits a run that this one waits for, together with its step.
func (x *Execution) startChild(t *turn, s *step, h Handler, args []byte) error {
	start, err := h.Child(x.ctx, x.call(s, args))
	if err == nil && x.row.depth+1 > maxDepth {
		err = &StepError{Name: "Error", Permanent: true, Message: fmt.Sprintf(
			"runs that wait for each other may be %d deep; this one would be the next", maxDepth)}
	}
	if err == nil && start.OrderingKey != "" && start.OrderingKey == x.row.orderingKey && start.scope() == x.row.scope() {
		err = &StepError{Name: "Error", Permanent: true, Message: fmt.Sprintf(
			"the ordering key %q is held by this run: a run that waits for it would wait for ever", start.OrderingKey)}
	}
	if err != nil {
		x.settle(t, s, nil, asStepError(err))
		return nil
	}
	start.Parent, start.parentSeq, start.Depth = x.row.id, s.seq, x.row.depth+1
	child, err := x.e.newRow(x.ctx, start, "")
	if err != nil {
		return err
	}
	x.waits = append(x.waits, s)
	x.pending = append(x.pending, s.startOp(x.row.id))
	// The child's row goes with the step's, in a commit of their own: a
	// mistake of either leaves neither.
	if err := x.write(x.e.inserting(child, start)); err != nil {
		return err
	}
	x.e.wake()
	return nil
}

// spawn commits a run that this one does not wait for, together with its step.
func (x *Execution) spawn(t *turn, s *step, h Handler, args []byte) error {
	start, err := h.Spawn(x.ctx, x.call(s, args))
	if err != nil {
		x.settle(t, s, nil, asStepError(err))
		return nil
	}
	start.Origin = ""
	child, err := x.e.newRow(x.ctx, start, "")
	if err != nil {
		return err
	}
	x.number(s)
	s.result = inline([]byte(`{"id":"` + child.id + `"}`))
	x.pending = append(x.pending, s.startOp(x.row.id))
	if err := x.write(x.e.inserting(child, start)); err != nil {
		return err
	}
	x.queue = append(x.queue, s)
	x.e.wake()
	return nil
}

// childDone completes the first child step whose run has ended.
func (x *Execution) childDone() (bool, error) {
	var children []*step
	for _, s := range x.waits {
		if x.e.handlers[s.name].Child != nil {
			children = append(children, s)
		}
	}
	if len(children) == 0 {
		return false, nil
	}
	var found *step
	var child *row
	err := x.e.db.Read(x.ctx, func(tx *db.Tx) error {
		found = nil
		for _, s := range children {
			r, err := scan(tx.QueryRow(`SELECT `+columns+` FROM runs WHERE parent = $1 AND parent <> '' AND parent_seq = $2 AND finished_at IS NOT NULL`,
				x.row.id, s.seq))
			if errors.Is(err, db.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			found, child = s, r
			return nil
		}
		return nil
	})
	if err != nil || found == nil {
		return false, err
	}
	if child.state == Succeeded {
		output := []byte("null")
		if len(child.output) > 0 {
			if output, err = x.load(child.output); err != nil {
				return false, err
			}
		}
		x.complete(found, output, nil)
		return true, nil
	}
	failure := &StepError{Name: "RunError", Permanent: true, Message: fmt.Sprintf("run %s has %s", child.id, word(child))}
	x.complete(found, nil, failure)
	return true, nil
}

func word(r *row) string {
	if r.state == Cancelled {
		return "been cancelled"
	}
	if r.err != nil {
		return "failed: " + r.err.Message
	}
	return "failed"
}

// wakeParent makes a waiting parent due; it runs in the commit in which its
// child ends. The parent's row is locked first: a parent that is parking at
// this moment either sees the child's end or is seen waiting.
func wakeParent(tx *db.Tx, parent string, now int64) error {
	if _, err := tx.Exec(`UPDATE runs SET due_at = due_at WHERE id = $1`, parent); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE runs SET due_at = $2 WHERE id = $1 AND owner = '' AND state = $3 AND waiting_for IN ('child', 'event')
		AND finished_at IS NULL`, parent, now, string(Waiting))
	return err
}

// parkable is an error when what the run waits for has happened already: the
// end of a child (errNotParked), or a hand that cancels (ErrCancelled).
func (x *Execution) parkable(tx *db.Tx) error {
	if x.stored {
		var cancel int64
		if err := tx.QueryRow(`SELECT cancel FROM runs WHERE id = $1`, x.row.id).Scan(&cancel); err != nil {
			return err
		}
		if cancel != 0 {
			return ErrCancelled
		}
	}
	for _, s := range x.waits {
		if x.e.handlers[s.name].Child == nil {
			continue
		}
		var n int64
		err := tx.QueryRow(`SELECT count(*) FROM runs WHERE parent = $1 AND parent <> '' AND parent_seq = $2 AND finished_at IS NOT NULL`,
			x.row.id, s.seq).Scan(&n)
		if err != nil {
			return err
		}
		if n > 0 {
			return errNotParked
		}
	}
	return nil
}

var errNotParked = errors.New("what the run waits for has happened")

// park puts a run that waits on disk, without a goroutine. wake is when the first
// time ends that it waits for, in microseconds, 0 for none.
func (x *Execution) park(wake int64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	before, dirty := *x.row, x.dirty
	x.row.state, x.row.waitingFor, x.row.owner, x.row.dueAt = Waiting, "time", "", wake
	if x.waitsForMore() {
		x.row.waitingFor = waitingForEvent
	}
	for _, s := range x.waits {
		if x.e.handlers[s.name].Child != nil {
			x.row.waitingFor = "child"
			late := x.e.now() + childPoll.Microseconds()
			if wake == 0 || late < wake {
				x.row.dueAt = late
			}
		}
	}
	x.dirty = false // the Func below writes the row: among the Ops it would undo what a child's end does in between
	item := x.item(x.pending)
	insert, stored := item.Func, x.stored
	var over map[*step]Came
	item.Func = func(tx *db.Tx) ([]db.Op, error) {
		if err := x.parkable(tx); err != nil {
			return nil, err
		}
		if insert != nil {
			return insert(tx)
		}
		if !stored {
			return nil, nil
		}
		var err error
		if over, err = x.arms(tx); len(over) > 0 || err != nil {
			return nil, err
		}
		_, err = tx.Many(stmtProgress, [][]any{x.row.progress()})
		return nil, err
	}
	err := x.e.committer.Commit(x.ctx, item)
	if errors.Is(err, errNotParked) || errors.Is(err, ErrCancelled) {
		*x.row, x.dirty = before, dirty
		if errors.Is(err, ErrCancelled) {
			return ErrCancelled
		}
		return nil
	}
	if err != nil {
		return x.lost(err)
	}
	x.armed()
	if len(over) > 0 { // what it waits for has come: it goes on, and the row stays as it was
		keep(over)
		x.committed()
		*x.row, x.dirty = before, dirty
		return nil
	}
	x.committed()
	x.e.dueAt(x.row.dueAt)
	return ErrParked
}

// cancelChildren passes a cancellation on.
func (e *Engine) cancelChildren(ctx context.Context, parent string) error {
	var ids []string
	err := e.db.Read(ctx, func(tx *db.Tx) (err error) {
		ids, err = tx.Texts(`SELECT id FROM runs WHERE parent = $1 AND parent <> '' AND finished_at IS NULL`, parent)
		return err
	})
	for _, id := range ids {
		if _, cancelErr := e.Cancel(ctx, id); cancelErr != nil {
			err = errors.Join(err, cancelErr)
		}
	}
	return err
}

package run

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Result is what whoever waits for a run is told, once it is on disk.
type Result struct {
	Run       string
	State     State
	Output    []byte
	Failure   *Failure
	Answered  bool  // Output is what respond() sent; the run goes on
	Duplicate bool  // the answer to an earlier message with the same idempotency key
	Err       error // instead of all that: what came of the run cannot be told here; Await returns it
}

// conclude puts the outcome of an execution on disk: the run's end, or its next
// try. What was parked is on disk already, what was lost is another node's.
func (x *Execution) conclude(o Outcome) {
	switch {
	case errors.Is(o.Left, ErrParked):
		x.end()
	case errors.Is(o.Left, ErrLost):
		x.end()
		x.abandon()
	case errors.Is(o.Left, ErrCancelled):
		x.end()
		x.finish(Cancelled, nil, nil)
	case o.Left != nil && !isHopeless(o.Left):
		x.trouble(o.Left)
	case o.Left != nil:
		x.gather()
		x.end()
		x.finish(Failed, nil, &Failure{ErrorInfo: ErrorInfo{Name: "NotRepeatable", Message: o.Left.Error(), Permanent: true}})
	case o.Failure != nil:
		x.gather()
		x.failed(o.Failure)
	default:
		if len(x.fresh) > 0 { // called last, and not waited for: made all the same
			if err := x.flush(); err != nil {
				x.conclude(Outcome{Left: err})
				return
			}
		}
		x.finish(Succeeded, o.Output, nil)
		x.landLater()
	}
}

// gather waits for the external steps under way: what they did must not be
// done again by the next try.
func (x *Execution) gather() {
	for x.flying > 0 {
		select {
		case l := <-x.landed:
			x.land(l)
		case <-x.ctx.Done():
			return
		}
	}
}

// landLater writes down the results of external steps that nobody waits for
// any more, then lets go of the execution.
func (x *Execution) landLater() {
	if x.flying == 0 {
		x.end()
		return
	}
	go func() {
		defer x.end()
		for x.flying > 0 {
			select {
			case l := <-x.landed:
				x.pending = x.pending[:0]
				x.land(l)
				if !x.e.policy(x.row).Capture.keeps(Succeeded) {
					continue // there is no step any more to write it to
				}
				x.e.committer.Submit(db.Item{Ops: x.pending, Size: 512}, func(error) {})
				x.pending = nil
			case <-x.ctx.Done():
				return
			}
		}
	}()
}

// abandon tells whoever waits for a run that this node does not finish.
func (x *Execution) abandon() {
	x.mu.Lock()
	stored := x.stored
	x.mu.Unlock()
	if stored && x.e.ctx.Err() == nil {
		return // another node has it; the waiter sees how it ends there
	}
	left := fault.New(fault.Unavailable, "The server is stopping; nothing was accepted.").WithRetryAfter(time.Second)
	if stored {
		left = fault.New(fault.AnswerTimeout, "The server is stopping; the run goes on at its next start, and tells how it ends.")
		left.Run = x.row.id
	}
	x.e.tell(Result{Run: x.row.id, Err: left})
}

// hopeless is an error of the run itself that trying again cannot mend.
type hopeless struct{ text string }

func (h *hopeless) Error() string { return h.text }

func isHopeless(err error) bool {
	var m *Mismatch
	var h *hopeless
	return errors.As(err, &m) || errors.As(err, &h)
}

// trouble is when the storage, not the program, stopped an execution: the run
// is tried again later, without using up an attempt.
func (x *Execution) trouble(err error) {
	x.end()
	if x.onDisk() || fault.Status(fault.CodeOf(err)) >= 500 { // otherwise it was refused: another has its nonce
		x.e.log.Error("a run could not go on and is tried again", "run", x.row.id, "error", err)
	}
	x.e.refused(x, err)
}

// waitingForRetry marks a run that waits for the time of its next try.
const waitingForRetry = "retry"

// failed retries a run or gives it up.
func (x *Execution) failed(f *Failure) {
	policy := x.e.policy(x.row)
	cause := x.causes(f)
	for _, s := range cause {
		f.Steps = append(f.Steps, s.seq)
	}
	held := isHeld(cause) && !x.pressed()
	if f.Permanent || len(cause) == 0 || !held && x.row.attempt+1 >= policy.Attempts+x.row.extra {
		x.end()
		x.finish(Failed, nil, f)
		return
	}
	due := max(notBefore(cause), x.e.now()+backoff(policy, x.row.attempt).Microseconds())
	if held {
		due = mayPass(cause)
	} else {
		x.remember(f, cause, due)
	}
	dropped := x.journal.drop(cause)
	for _, s := range dropped {
		x.pending = append(x.pending, db.Op{Stmt: stmtStepDrop, Row: []any{x.row.id, int64(s.seq)}})
	}
	x.end()
	x.mu.Lock()
	if !held {
		x.row.attempt++
	}
	x.row.err = &f.ErrorInfo
	x.row.state, x.row.waitingFor, x.row.owner = Waiting, waitingForRetry, ""
	x.row.dueAt = due
	x.dirty = true
	item := x.item(x.pending)
	item.Func = db.Both(item.Func, x.e.dropping(x.row.id, dropped))
	x.mu.Unlock()
	if !held {
		x.e.metrics.retried(x.row)
	}
	if err := x.e.committer.Commit(x.e.ctx, item); err != nil {
		x.e.refused(x, err)
		return
	}
	x.mu.Lock()
	x.committed()
	x.mu.Unlock()
	x.e.dueAt(x.row.dueAt)
}

// remember keeps in the run's log why a try failed that another one follows: what
// the run and its steps say of it gives way to what comes of the next.
func (x *Execution) remember(f *Failure, cause []*step, due int64) {
	text := fmt.Sprintf("attempt %d failed, the next one is due %s: ", x.row.attempt+1, db.Time(due).Format(time.RFC3339))
	if f.Name != "" {
		text += f.Name + ": "
	}
	text += f.Message
	for _, s := range cause {
		if s.err != nil && len(s.err.Data) > 0 {
			text += fmt.Sprintf("\nstep %d got %s", s.seq, s.err.Data)
		}
	}
	x.addLine(LogLine{At: db.Time(x.e.now()), Level: "warn", Text: clean(text, maxLine)})
}

// causes are the steps that a retry makes again: those whose error escaped, or
// else the last completed external step. None: a repetition could only fail again.
func (x *Execution) causes(f *Failure) []*step {
	last := x.journal.lastExternal(x.e.external)
	if last == nil {
		return nil
	}
	var cause []*step
	for _, call := range f.Calls {
		if s, ok := x.journal.byCall[call]; ok && s.done > 0 && s.err != nil {
			cause = append(cause, s)
		}
	}
	if len(cause) == 0 {
		cause = append(cause, last)
	}
	return cause
}

// pressed reports that somebody waits here for the answer of the run, or of one
// that has called it, and wants no second try. He is told at once: the request
// would go out after he has left. Callers that cannot be read count as nobody:
// then the run waits, and nothing is lost.
func (x *Execution) pressed() bool {
	if x.e.presses(x.row) {
		return true
	}
	pressed := false
	err := x.e.db.Read(x.ctx, func(tx *db.Tx) error {
		pressed = false
		for id := x.row.parent; id != "" && !pressed; {
			r, err := readRow(tx, id)
			if err != nil || r.state.Ended() { // whom that one has called goes on by itself
				return err
			}
			pressed, id = x.e.presses(r), r.parent
		}
		return nil
	})
	return err == nil && pressed
}

// presses reports that somebody waits here for the run's answer, and wants no
// second try.
func (e *Engine) presses(r *row) bool {
	if r.answered || e.policy(r).Attempts > 1 {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, waited := e.told[r.id]
	return waited
}

// isHeld reports that none of the steps was made: a connection held them all
// back. Such a run waits, and its attempts are not used up.
func isHeld(cause []*step) bool {
	for _, s := range cause {
		if s.err == nil || !s.err.Held {
			return false
		}
	}
	return len(cause) > 0
}

// notBefore is when the last of the steps may be made again by what it was
// told, 0 when none was told anything.
func notBefore(cause []*step) (at int64) {
	for _, s := range cause {
		if s.err != nil && s.err.RetryAfter > 0 {
			at = max(at, s.finishedAt+s.err.RetryAfter.Microseconds())
		}
	}
	return at
}

// mayPass is when a connection may let through what it held back. Nothing was
// asked of the other side, so there is nothing to back off from. They come
// spread over a quarter more, since many may wait for the same.
func mayPass(held []*step) (at int64) {
	for _, s := range held {
		after := cmp.Or(max(s.err.RetryAfter, 0), time.Second)
		after += time.Duration(rand.Float64() * float64(after) / 4)
		at = max(at, s.finishedAt+after.Microseconds())
	}
	return at
}

// backoff grows by the policy's factor, with a jitter of a quarter down.
func backoff(p Policy, failures int) time.Duration {
	d := float64(p.First) * math.Pow(max(p.Factor, 1), float64(failures))
	if n := len(p.Schedule); n > 0 {
		d = float64(p.Schedule[min(failures, n-1)])
	}
	if limit := float64(p.Max); p.Max > 0 && (d > limit || math.IsInf(d, 0)) {
		d = limit
	}
	return time.Duration(d * (1 - rand.Float64()/4))
}

// finish commits a run's end: its state, the journal so far, the release of its
// ordering key and its parent's wake-up, in one transaction.
func (x *Execution) finish(state State, output []byte, f *Failure) {
	x.mu.Lock()
	r := x.row
	policy := x.e.policy(r)
	r.state, r.waitingFor, r.owner, r.dueAt, r.finishedAt = state, "", "", 0, x.e.now()
	r.err = nil
	if f != nil {
		r.err = &f.ErrorInfo
	}
	res := Result{Run: r.id, State: state, Output: output, Failure: f}
	if r.answered {
		res.Output = x.answer
	}
	keep := policy.Capture.keeps(state)
	var err error
	wanted := x.keyed || r.parent != "" // the output: by the same message again, or by the parent
	var claims []db.Op
	if !r.answered && output != nil && (keep || wanted) {
		if r.output, err = x.e.db.PutLarge(x.e.ctx, output); err == nil {
			claims = db.ClaimOps(r.output)
		}
	}
	x.dirty = true
	ops, over := x.pending, x.e.open(x.journal)
	var gone []db.Blob
	again := x.keyed && state == Failed // a repeated message retries it: that needs all of it
	if !keep && !again {
		ops, gone = x.forget(wanted)
		over = slices.Collect(maps.Values(x.journal.bySeq))
	}
	item := x.item(append(ops, claims...))
	item.Func = x.ending(item.Func, policy, gone, x.e.dropping(r.id, over))
	// Of a run that has nothing else to lose, and for which nobody waits.
	item.Later = x.stored && !x.awaited && !x.keyed && item.Func == nil && (len(item.Ops) == 1 || policy.AtOnce > 0)
	x.mu.Unlock()
	if err != nil {
		x.e.refused(x, fmt.Errorf("store the output: %w", err))
		return
	}
	x.e.committer.Submit(item, func(err error) {
		if err != nil {
			go x.e.refused(x, err)
			return
		}
		x.e.finished(x, res)
	})
}

// forget makes the end of a run whose content is not kept: of a run that was
// never stored nothing is, of others it is removed, the large values (gone)
// included. The output stays where somebody may want it. x.mu is held.
func (x *Execution) forget(outputWanted bool) (ops []db.Op, gone []db.Blob) {
	for _, op := range x.pending {
		if op.Stmt == stmtTag {
			ops = append(ops, op)
		}
	}
	if !x.stored {
		x.row.input = nil
		return ops, nil
	}
	gone = append(gone, x.row.input)
	if !outputWanted {
		gone = append(gone, x.row.output)
		x.row.output = nil
	}
	for _, s := range x.journal.bySeq {
		gone = append(gone, s.arguments, s.result)
	}
	gone = slices.DeleteFunc(gone, func(b db.Blob) bool { return !b.Large() })
	id := []any{x.row.id}
	return append(ops, db.Op{Stmt: stmtForget, Row: id}, db.Op{Stmt: stmtForgetSteps, Row: id},
		db.Op{Stmt: stmtForgetLogs, Row: id}), gone
}

// ending adds what else happens when a run ends; nil when nothing does.
func (x *Execution) ending(insert func(*db.Tx) ([]db.Op, error), p Policy, gone []db.Blob, drop func(*db.Tx) ([]db.Op, error)) func(*db.Tx) ([]db.Op, error) {
	r := *x.row
	ordered := r.orderingKey != "" && !r.holds(p)
	tell := x.e.opts.Unsuccessful
	if also := x.e.opts.AlsoSucceeded; r.state == Succeeded && (also == nil || !also(r.program)) {
		tell = nil
	}
	if insert == nil && !ordered && r.parent == "" && len(gone) == 0 && tell == nil && drop == nil {
		return nil
	}
	return func(tx *db.Tx) (ops []db.Op, err error) {
		if insert != nil {
			if ops, err = insert(tx); err != nil {
				return nil, err
			}
		}
		if drop != nil {
			if _, err := drop(tx); err != nil {
				return nil, err
			}
		}
		for _, b := range gone {
			if err := tx.DropLarge(b); err != nil {
				return nil, fmt.Errorf("remove what is not kept: %w", err)
			}
		}
		if r.parent != "" {
			// The end is written before the parent is looked at, which may be
			// parking in this very batch.
			if _, err := tx.Many(stmtProgress, [][]any{r.progress()}); err != nil {
				return nil, err
			}
			if err := wakeParent(tx, r.parent, r.finishedAt); err != nil {
				return nil, fmt.Errorf("wake the parent %s: %w", r.parent, err)
			}
		}
		if ordered {
			if err := release(tx, &r, r.finishedAt); err != nil {
				return nil, err
			}
		}
		if tell != nil {
			return ops, tell(tx, r.info(), r.depth)
		}
		return ops, nil
	}
}

package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"junctor/internal/db"
)

// turn is what the calls of one turn of the program come to.
type turn struct {
	inside []*step // internal steps and reads, done now, in the order of calls
	writes bool    // one of them changes something
	begin  []*step // external steps to begin once the journal is on disk
	waits  []*step // that begin with the journal's commit
	ends   []*step // waits that end with it
	ahead  bool    // something must be on disk before the program goes on
}

// flush makes the announced calls: it writes ahead what has to be on disk, does
// what happens inside the database, and begins what reaches outside.
func (x *Execution) flush() error {
	var t turn
	for _, a := range x.fresh {
		if err := x.announce(&t, a); err != nil {
			return err
		}
	}
	x.fresh = x.fresh[:0]
	if t.ahead || t.writes || x.answering() {
		if err := x.commit(&t); err != nil {
			return err
		}
	} else {
		if x.seen && len(t.inside) > 0 {
			if err := x.persist(x.ctx); err != nil {
				return x.lost(err)
			}
		}
		if err := x.look(t.inside); err != nil {
			return err
		}
	}
	x.queue = append(x.queue, t.inside...)
	slices.SortStableFunc(x.queue, func(a, b *step) int { return a.done - b.done }) // as it is with every replay
	for _, s := range t.begin {
		x.launch(s)
	}
	return nil
}

// announce finds the call in the journal or makes an entry for it.
func (x *Execution) announce(t *turn, a announced) error {
	if err := x.cancelled(); err != nil {
		return err
	}
	sum := digest(a.name, a.args)
	s, known := x.journal.byCall[a.call]
	if known && !bytes.Equal(s.digest, sum) {
		had, err := x.load(s.arguments)
		if err != nil {
			return err
		}
		return &Mismatch{Run: x.row.id, Seq: s.seq, Had: describe(s.name, had), Asked: describe(a.name, a.args)}
	}
	h, ok := x.e.handlers[a.name]
	if !ok {
		return &hopeless{fmt.Sprintf("this release knows no step %q", a.name)}
	}
	if known {
		x.makes(s)
		if s.done > 0 { // its completion is in the queue already
			return nil
		}
		return x.resume(t, s, h)
	}
	blob, err := x.e.db.PutLarge(x.ctx, a.args)
	if err != nil {
		return err
	}
	s = &step{
		seq: x.journal.number(a.call, sum), call: a.call, name: a.name, digest: sum, since: x.delivered,
		arguments: blob, startedAt: x.e.now(),
	}
	x.pending = append(x.pending, db.ClaimOps(blob)...)
	x.journal.add(s)
	x.makes(s)
	return x.start(t, s, h, a.args)
}

// makes notes that this execution has made the step's call.
func (x *Execution) makes(s *step) {
	if x.called == nil {
		x.called = map[int]*step{}
	}
	x.called[s.call] = s
}

// resume goes on with a step that an earlier execution began.
func (x *Execution) resume(t *turn, s *step, h Handler) error {
	if s.underWay {
		return nil
	}
	switch {
	case h.External != nil:
		t.begin, t.ahead = append(t.begin, s), true
	case h.Spawn != nil:
		args, err := x.load(s.arguments)
		if err != nil {
			return err
		}
		return x.spawn(t, s, h, args)
	case h.Sleep != nil, h.Child != nil, h.Wait != nil:
		if !slices.Contains(x.waits, s) {
			x.waits = append(x.waits, s)
		}
	default: // internal steps are begun and done at once: the crash was before either
		t.inside, t.writes = append(t.inside, s), t.writes || h.Internal != nil
	}
	return nil
}

func (x *Execution) start(t *turn, s *step, h Handler, args []byte) error {
	switch {
	case h.External != nil:
		if s.unsaved = h.RowFirst && s.call == 1 && x.onDisk(); s.unsaved {
			t.begin = append(t.begin, s)
			return nil
		}
		x.pending = append(x.pending, s.startOp(x.row.id))
		t.begin, t.ahead = append(t.begin, s), true
	case h.Sleep != nil:
		d, err := h.Sleep(x.call(s, args))
		if err != nil {
			x.settle(t, s, nil, asStepError(err))
			return nil
		}
		s.deadline = s.startedAt + d.Microseconds()
		x.pending = append(x.pending, s.startOp(x.row.id))
		x.waits, t.ahead = append(x.waits, s), true
	case h.Wait != nil:
		return x.startWait(t, s, h.Wait, args)
	case h.Child != nil:
		return x.startChild(t, s, h, args)
	case h.Spawn != nil:
		return x.spawn(t, s, h, args)
	case h.End != nil:
		return x.startEnd(t, s, h, args)
	case h.Now != nil:
		result, err := h.Now(x.call(s, args), db.Time(s.startedAt))
		x.settle(t, s, result, asStepError(err))
	default:
		t.inside, t.writes = append(t.inside, s), t.writes || h.Internal != nil
	}
	return nil
}

// settle completes a step that needed nothing but memory.
func (x *Execution) settle(t *turn, s *step, result []byte, failure *StepError) {
	x.number(s)
	s.result, s.err = inline(result), failure
	t.inside = append(t.inside, s)
}

// number gives a step that is done inside its completion number.
func (x *Execution) number(s *step) {
	x.journal.maxDone++
	s.done, s.finishedAt = x.journal.maxDone, x.e.now()
}

// look does a turn's reads, when it has nothing that writes.
func (x *Execution) look(steps []*step) error {
	var reads bool
	for _, s := range steps {
		if s.done == 0 {
			x.number(s)
			reads = true
		}
	}
	if reads {
		err := x.anew(func() error {
			return x.e.db.Read(x.ctx, func(tx *db.Tx) error { return x.inside(tx, steps) })
		})
		if err != nil {
			return err
		}
	}
	for _, s := range steps {
		if len(s.result) > db.InlineLimit {
			var err error
			if s.result, err = x.e.db.PutLarge(x.ctx, s.result[1:]); err != nil {
				return err
			}
			x.pending = append(x.pending, db.ClaimOps(s.result)...)
		}
		x.pending = append(x.pending, s.startOp(x.row.id))
	}
	return nil
}

// Again is the error of a handler which wants its transaction to be taken back
// and made anew, because what it relied on has changed meanwhile. Its other
// steps are made again with it.
type Again struct {
	Err   error
	Ready func(ctx context.Context) error // called before, outside of a transaction; may be nil
	Fails *StepError                      // what the step comes to then, instead of being made again; may be nil
}

func (a *Again) Error() string { return a.Err.Error() }

func (a *Again) Unwrap() error { return a.Err }

// maxAnew bounds how often a transaction is made anew. After that the run is tried
// again later.
const maxAnew = 10

// anew makes a transaction, and makes it anew when one of its steps asks for
// that.
func (x *Execution) anew(transact func() error) error {
	for try := 1; ; try++ {
		err := transact()
		var a *Again
		if !errors.As(err, &a) || try == maxAnew {
			return err
		}
		if a.Fails != nil { // it brings the end nearer, however often
			try--
		}
		if a.Ready != nil {
			if err := a.Ready(x.ctx); err != nil {
				return x.lost(err)
			}
		}
	}
}

// inside does the turn's internal steps and reads. It may be repeated.
func (x *Execution) inside(tx *db.Tx, steps []*step) error {
	for _, s := range steps {
		h := x.e.handlers[s.name]
		if s.refused != nil {
			s.result, s.err = nil, s.refused
			continue
		}
		do := h.Read
		if h.Internal != nil {
			do = h.Internal
		}
		if do == nil {
			continue
		}
		args, err := tx.Load(s.arguments)
		if err != nil {
			return err
		}
		result, err := do(tx, x.call(s, args))
		s.result, s.err = inline(result), nil
		var failed *StepError
		var again *Again
		if errors.As(err, &again) && again.Fails != nil {
			s.refused = again.Fails
			x.e.log.Warn("a step of a run was refused by the database", "run", x.row.id, "step", s.name, "error", again.Err)
		} else if errors.As(err, &failed) {
			s.result, s.err, err = nil, failed, nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", describe(s.name, args), err)
		}
	}
	return nil
}

// commit puts the journal so far on disk, and with it the turn's internal steps.
func (x *Execution) commit(t *turn) error {
	for _, s := range t.inside {
		if s.done == 0 {
			x.number(s)
		}
	}
	if len(t.inside)+len(t.waits)+len(t.ends) == 0 {
		return x.write(nil)
	}
	return x.anew(func() error {
		return x.write(func(tx *db.Tx) ([]db.Op, error) {
			if err := x.beginWaits(tx, t.waits); err != nil {
				return nil, err
			}
			if err := x.e.dropWaits(tx, x.row.id, t.ends); err != nil {
				return nil, err
			}
			if err := x.inside(tx, t.inside); err != nil {
				return nil, err
			}
			ops := make([]db.Op, 0, len(t.inside))
			for _, s := range t.inside {
				if len(s.result) > db.InlineLimit {
					var err error
					if s.result, err = tx.PutLarge(s.result[1:]); err != nil {
						return nil, err
					}
				}
				ops = append(ops, s.startOp(x.row.id))
			}
			return ops, nil
		})
	})
}

// write commits what is pending, the row if it is new or changed, and more (may
// be nil). From then on the run has a journal, and its state says so.
func (x *Execution) write(more func(*db.Tx) ([]db.Op, error)) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.row.state != Running {
		x.row.state, x.row.waitingFor, x.dirty = Running, "", true
	}
	item := x.item(x.pending)
	item.Func = db.Both(item.Func, more)
	if err := x.e.committer.Commit(x.ctx, item); err != nil {
		return x.lost(err)
	}
	x.committed()
	return nil
}

// item is the row's own part of a commit; x.mu is held.
func (x *Execution) item(ops []db.Op) db.Item {
	it := db.Item{Ops: make([]db.Op, 0, len(ops)+1), Size: 512}
	if x.stored {
		it.Key, it.Epoch = x.row.id, x.row.epoch
		if x.dirty {
			it.Ops = append(it.Ops, db.Op{Stmt: stmtProgress, Row: x.row.progress()})
		}
	} else {
		it.Ops = append(it.Ops, x.e.inserts.of(x.row))
		it.Func = x.insert
		it.Size += len(x.row.input)
	}
	it.Ops = append(it.Ops, ops...)
	return it
}

// committed notes that everything so far is on disk; x.mu is held.
func (x *Execution) committed() {
	x.stored, x.dirty, x.insert = true, false, nil
	x.pending = x.pending[:0]
	if x.row.answered && x.answered != nil {
		close(x.answered)
		x.answered = nil
	}
}

func (x *Execution) answering() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.row.answered && x.dirty
}

// lost turns a refused commit into the reason to stop.
func (x *Execution) lost(err error) error {
	if errors.Is(err, db.ErrFenced) {
		return ErrLost
	}
	if x.ctx.Err() != nil {
		return ErrLost
	}
	return err
}

// launch begins an external step, in a goroutine of its own.
func (x *Execution) launch(s *step) {
	s.underWay = true
	x.flying++
	h, call := x.e.handlers[s.name], x.call(s, nil)
	if h.RowFirst && x.flying == 1 && len(x.waits) == 0 { // there is nothing else to do meanwhile
		x.do(s, h, call)
		return
	}
	go func() {
		args, err := x.load(s.arguments)
		if err != nil {
			x.landed <- landing{step: s, err: err}
			return
		}
		call.Args = args
		began := time.Now()
		result, err := h.External(x.ctx, call)
		x.e.metrics.step(s.name, time.Since(began), err)
		if err != nil && x.ctx.Err() != nil && context.Cause(x.ctx) != nil {
			return // the execution is over; the step is made again by whoever goes on
		}
		select {
		case x.landed <- landing{s, result, err}:
		case <-x.ctx.Done():
		}
	}()
}

// do is launch of a step that its execution has nothing to do beside.
func (x *Execution) do(s *step, h Handler, call *Call) {
	args, err := x.load(s.arguments)
	if err != nil {
		x.land(landing{step: s, err: err})
		return
	}
	call.Args = args
	began := time.Now()
	result, err := h.External(x.ctx, call)
	x.e.metrics.step(s.name, time.Since(began), err)
	if x.ctx.Err() == nil { // otherwise it is made again by whoever goes on
		x.land(landing{s, result, err})
	}
}

func (x *Execution) call(s *step, args []byte) *Call {
	return &Call{
		Run: x.row.id, Program: x.row.program, Channel: x.row.channel, Mode: x.row.mode, WebhookID: x.row.webhookID,
		Seq: s.seq, Name: s.name, Args: args, Depth: x.row.depth, Nonce: x.Nonce(),
	}
}

// inline stores a result in the row itself: internal results are small.
func inline(b []byte) db.Blob {
	if b == nil {
		return nil
	}
	return append(db.Blob{0}, b...)
}

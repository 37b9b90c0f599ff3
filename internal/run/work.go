package run

import (
	"context"
	"errors"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// work executes the runs of the queue, one after another.
func (e *Engine) work() {
	for {
		x := e.queue.pop()
		if x == nil {
			return
		}
		e.execute(x)
	}
}

// execute runs a run's program until it has ended, is parked or lost.
func (e *Engine) execute(x *Execution) {
	if !e.begins(x) {
		return
	}
	if err := x.cancelled(); err != nil {
		x.conclude(Outcome{Left: err})
		return
	}
	program, err := e.prepare(x)
	if fault.Is(err, fault.NotFound) {
		err = &hopeless{err.Error()}
	}
	if err != nil {
		x.conclude(Outcome{Left: err})
		return
	}
	x.conclude(program.Execute(x.ctx, x))
}

// begins makes x the execution of its run here, unless there is one.
func (e *Engine) begins(x *Execution) bool {
	e.mu.Lock()
	before := e.active[x.row.id]
	if before == nil {
		e.active[x.row.id] = x
		if lease, cancelled := e.ahead[x.row.id]; cancelled {
			x.row.cancel = x.row.cancel || lease == x.epoch
			delete(e.ahead, x.row.id)
		}
		e.mu.Unlock()
		return true
	}
	late := x // two hints for one run: the first has it
	if before.epoch < x.epoch && (before.next == nil || before.next.epoch < x.epoch) {
		// What it has given up is in the database and claimed again already; it
		// has not been told yet.
		late, before.next = before.next, x
	}
	e.mu.Unlock()
	if late != nil {
		late.off()
		e.queue.free(late.reserved)
	}
	return false
}

// prepare fetches what an execution needs.
func (e *Engine) prepare(x *Execution) (Program, error) {
	if x.row.input.Large() {
		input, err := x.load(x.row.input)
		if err != nil {
			return nil, err
		}
		x.input = input
	}
	return e.programs.Program(x.ctx, x.row.program, x.row.version)
}

// end lets go of an execution: what it has under way is stopped, and its room
// in the queue is free.
func (x *Execution) end() {
	x.off()
	x.e.mu.Lock()
	if x.over {
		x.e.mu.Unlock()
		return
	}
	x.over = true
	if x.e.active[x.row.id] == x {
		delete(x.e.active, x.row.id)
	}
	next := x.next
	x.e.mu.Unlock()
	if next != nil {
		x.e.push(next)
	}
	x.e.queue.free(x.reserved)
}

// finished is called when a run's end is on disk.
func (e *Engine) finished(x *Execution, res Result) {
	e.metrics.ended(x.row)
	e.tell(res)
	if x.row.orderingKey != "" || x.row.parent != "" {
		e.wake()
		e.announce("")
	}
	if e.opts.OnEnd != nil {
		e.opts.OnEnd(x.row.info())
	}
}

// refused deals with a commit that did not happen: a run that is another
// node's by now is forgotten, one that was never stored is refused to its
// caller, any other is freed so that it is executed again.
func (e *Engine) refused(x *Execution, err error) {
	x.end()
	switch {
	case errors.Is(err, db.ErrFenced):
		return
	case !x.stored:
		if !errors.Is(err, db.ErrUnique) && fault.CodeOf(err) == fault.Internal {
			detail := "The run could not be stored; nothing was accepted."
			if errors.Is(err, db.ErrUnknown) {
				detail = "The storage failed; it is not known whether the run was accepted."
			}
			err = fault.Wrap(err, fault.Unavailable, "%s", detail).WithRetryAfter(time.Second)
		}
		e.tell(Result{Run: x.row.id, Err: err})
	case e.ctx.Err() == nil:
		e.log.Warn("a run goes back to the queue", "run", x.row.id, "error", err)
		e.goes(func() { e.giveBack(x.row.id, x.row.epoch) })
	}
}

// giveBack frees a run that this node holds and does not execute, as soon as
// the storage lets it.
func (e *Engine) giveBack(id string, epoch int64) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		err := e.db.Write(e.ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE runs SET owner = '', epoch = epoch + 1, due_at = $3
				WHERE id = $1 AND epoch = $2 AND finished_at IS NULL`, id, epoch, e.now()+time.Second.Microseconds())
			return err
		})
		if err == nil || e.ctx.Err() != nil {
			e.wake()
			return
		}
		e.pause(pause)
	}
}

// pause waits, unless the engine stops.
func (e *Engine) pause(d time.Duration) {
	fired, stop := e.clock.After(d)
	defer stop()
	select {
	case <-fired:
	case <-e.ctx.Done():
	}
}

// topic is what news of runs are announced under (db.Listen): a run's id, or ""
// when something came due.
const topic = "runs"

// announce tells the other nodes, and this one's listeners, about a run; ""
// means that something came due.
func (e *Engine) announce(id string) {
	if id == "" && !e.db.Postgres() {
		return // nobody else is there
	}
	e.goes(func() {
		ctx, cancel := context.WithTimeout(e.ctx, 5*time.Second)
		defer cancel()
		err := e.db.Write(ctx, func(tx *db.Tx) error {
			tx.Notify(topic, id)
			return nil
		})
		if err != nil && e.ctx.Err() == nil {
			e.log.Debug("other nodes were not told; they will see it by themselves", "error", err)
		}
	})
}

// look finds out what somebody did to a run that is executed here.
func (e *Engine) look(x *Execution) {
	r, err := e.row(e.ctx, x.row.id)
	if err != nil {
		return
	}
	x.mu.Lock()
	stored, epoch := x.stored, x.row.epoch
	x.mu.Unlock()
	switch {
	case !stored:
	case r.epoch != epoch || r.state.Ended():
		x.kill()
		if r.state.Ended() {
			if res, err := e.result(e.ctx, r); err == nil {
				e.tell(res)
			}
		}
	case r.cancel:
		x.mu.Lock()
		x.row.cancel = true
		x.mu.Unlock()
	}
	select {
	case x.kick <- struct{}{}:
	default:
	}
}

// lookAhead finds out whether a run was cancelled that this node holds and has
// not begun to execute under its present lease.
func (e *Engine) lookAhead(id string) {
	r, err := e.row(e.ctx, id)
	if err != nil || r.owner != e.node || !r.cancel {
		return
	}
	e.mu.Lock()
	x := e.active[id]
	begun := x != nil && x.epoch == r.epoch
	if !begun {
		e.ahead[id] = r.epoch
	}
	e.mu.Unlock()
	if begun {
		e.look(x)
	}
}

// kill stops an execution at once; what it commits from now on is fenced.
func (x *Execution) kill() {
	x.mu.Lock()
	x.killed = true
	stop := x.stop
	x.mu.Unlock()
	x.off()
	if stop != nil {
		stop()
	}
}

// logLine passes a line of a run's log on as it is written.
func (e *Engine) logLine(r *row, line LogLine) {
	if e.opts.OnLog != nil {
		e.opts.OnLog(r.info(), line)
	}
}

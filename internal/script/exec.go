package script

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"modernc.org/libquickjs"
)

// Exec is one run that executes. Its methods are for one goroutine at a time,
// but for Interrupt.
type Exec struct {
	pool    *Pool
	vm      *vm // nil once given back, thrown away or given up
	program *Program
	turning func(bool)
	spent   atomic.Int64         // nanoseconds over all turns
	dead    atomic.Pointer[Kind] // why the run may not go on
	phase   atomic.Int32         // of the turn: idle, executing, given up
	result  chan *Turn
	ended   bool

	// The watchdog's notes on the executing turn.
	turns   atomic.Int64
	watched int64         // the turn that elapsed and over are about
	elapsed time.Duration // since the turn began
	over    time.Duration // since it was first interrupted
}

const (
	idle int32 = iota
	executing
	givenUp
)

// CPU is the computing time of the run so far, Start.Spent included.
func (e *Exec) CPU() time.Duration { return time.Duration(e.spent.Load()) }

// Resume settles one call and executes until no job is left.
func (e *Exec) Resume(s Settle) *Turn {
	if e.ended {
		return &Turn{Done: true, Err: &Error{Kind: Thrown, Message: "the run has ended"}}
	}
	return e.execute(func(v *vm) error {
		_, err := v.internals.call(&v.settle, number(float64(s.ID)), boolean(s.OK), v.internals.text(s.Value), millis(s.Now))
		return err
	})
}

// Interrupt ends the run now, from any goroutine: the executing turn, or else
// the next, ends with an Error of kind Interrupted.
func (e *Exec) Interrupt() { e.kill(Interrupted) }

// kill makes the run dead. The first reason stays.
func (e *Exec) kill(k Kind) {
	e.dead.CompareAndSwap(nil, &k)
	if v := e.vm; v != nil {
		v.interrupt(e)
	}
}

// Close ends the run if it has not ended. It may be called more than once.
func (e *Exec) Close() {
	if e.ended {
		return
	}
	e.ended = true
	if e.dead.Load() != nil {
		e.pool.discard(e.vm)
	} else {
		e.pool.abandon(e.vm)
	}
}

// execute runs one turn on the machine's goroutine and ends the run when the
// turn says so.
func (e *Exec) execute(enter func(*vm) error) *Turn {
	if e.turning != nil {
		e.turning(true)
		defer e.turning(false)
	}
	e.phase.Store(executing)
	e.turns.Add(1)
	e.pool.watch.began()
	e.vm.tasks <- func(v *vm) { e.turn(v, enter) }
	turn := <-e.result
	e.pool.watch.ended()
	if turn.Done {
		e.finish(turn)
	} else {
		e.pool.relieve()
	}
	return turn
}

// turn is a turn on the machine's goroutine.
func (e *Exec) turn(v *vm, enter func(*vm) error) {
	started := time.Now()
	v.enter(e)
	turn := e.safely(v, enter)
	if turn.Done && e.dead.Load() == nil {
		v.forget()
	}
	v.leave()
	e.spent.Add(int64(time.Since(started)))
	if e.phase.CompareAndSwap(executing, idle) {
		e.result <- turn
		return
	}
	// The watchdog has answered long ago; the machine came back after all.
	e.pool.cameBack(v)
}

// safely is drain that survives a panic of the engine, which costs the run and
// the machine, not the process.
func (e *Exec) safely(v *vm, enter func(*vm) error) (turn *Turn) {
	defer func() {
		if p := recover(); p != nil {
			e.pool.image.config.Log.Error("the script engine panicked", "panic", p, "stack", string(debug.Stack()))
			v.breaks()
			turn = e.broken(fmt.Errorf("the engine panicked: %v", p))
		}
	}()
	return e.drain(v, enter)
}

// finish gives the machine back, or away after a death: nothing of a dead run
// executes again.
func (e *Exec) finish(t *Turn) {
	e.ended = true
	e.pool.metrics.finished(t)
	switch {
	case t.Err != nil && t.Err.Kind == Stuck:
	case e.dead.Load() != nil:
		e.pool.discard(e.vm)
	default:
		e.pool.release(e.vm)
	}
}

// drain enters the realm, executes all jobs and takes what the run did. After
// every engine call dead is asked, whatever the call answered: an interrupted
// async function merely rejects, and the scenario may catch that.
func (e *Exec) drain(v *vm, enter func(*vm) error) *Turn {
	if e.CPU() >= e.pool.image.config.RunCPU {
		e.kill(CPU)
	}
	if turn := e.died(v, nil); turn != nil {
		return turn
	}
	err := enter(v)
	if turn := e.died(v, err); turn != nil {
		return turn
	}
	if err != nil {
		return e.broken(err)
	}
	if turn := e.jobs(v); turn != nil {
		return turn
	}
	if value, fulfilled, done := v.internals.settled(v.promise); done {
		_, err := v.internals.call(&v.conclude, boolean(fulfilled), value)
		v.forget()
		if turn := e.died(v, err); turn != nil {
			return turn
		}
		if err != nil {
			return e.broken(err)
		}
		if turn := e.jobs(v); turn != nil {
			return turn
		}
	}
	answer, err := v.internals.call(&v.take)
	if turn := e.died(v, err); turn != nil {
		return turn
	}
	if err != nil {
		return e.broken(err)
	}
	text, err := answer.Any()
	answer.Free()
	if err != nil {
		return e.broken(err)
	}
	return e.read(text.(string))
}

// jobs executes what is queued; the turn is nil unless that ended the run.
func (e *Exec) jobs(v *vm) *Turn {
	for !v.internals.quiet() {
		n, err := v.engine.ExecutePendingJobs()
		if turn := e.died(v, err); turn != nil {
			return turn
		}
		if err == nil {
			return nil
		}
		if n < drainLimit {
			return e.broken(err)
		}
	}
	return nil
}

// drainLimit is how many jobs the engine executes in one go.
const drainLimit = 1 << 20

// died is the turn of a run that may not go on, nil for a live one.
func (e *Exec) died(v *vm, err error) *Turn {
	if v.internals.exhausted.Load() {
		e.kill(Memory)
	} else if err != nil && isOverflow(err) {
		e.kill(Stack)
	}
	k := e.dead.Load()
	if k == nil {
		return nil
	}
	return &Turn{Done: true, Err: e.pool.death(*k)}
}

// broken is the turn of a run whose engine failed; the machine goes with it.
func (e *Exec) broken(err error) *Turn {
	e.kill(Thrown)
	return &Turn{Done: true, Err: &Error{Kind: Thrown, Name: "InternalError", Message: err.Error()}}
}

func millis(t time.Time) libquickjs.TJSValue { return number(float64(t.UnixMilli())) }

package run

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"junctor/internal/db"
)

// What Next says instead of a completion. The program gives up its resources
// and returns Outcome{Left: err}; after ErrRelease it calls Resettle and begins
// again.
var (
	ErrParked    = errors.New("the run waits on disk")
	ErrRelease   = errors.New("the run waits in memory and gives its place to others")
	ErrCancelled = errors.New("the run was cancelled")
	ErrLost      = errors.New("the run is not this node's any more")
)

// Mismatch says that an execution asked for something else than its journal has.
type Mismatch struct {
	Run, Had, Asked string
	Seq             int
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("the scenario did not repeat itself: step %d of %s is %s in the journal, but this time it called %s; "+
		"something in the scenario depends on more than its input and its steps' results", m.Seq, m.Run, m.Had, m.Asked)
}

// Completion is a call's end, handed to the program.
type Completion struct {
	Call   int // the number that Call was given
	Result []byte
	Err    *StepError
	At     time.Time // the run's time from now on
}

// Execution is one run being executed by one program, in one goroutine. It is
// the journal's side of the coroutine: the program announces calls, Next
// writes ahead, does them and hands back completions, recorded ones first.
type Execution struct {
	e     *Engine
	epoch int64           // of the lease that it is executed under
	next  *Execution      // under a later lease, which begins when this one has ended; guarded by e.mu
	ctx   context.Context // ends with terminate, with the execution and with the node
	off   context.CancelFunc

	mu     sync.Mutex // guards stored and row between the executing and a waiting goroutine
	stored bool       // the run's row is on disk
	row    *row
	insert func(tx *db.Tx) ([]db.Op, error) // what goes with the row's insert; nil for nothing
	seen   bool                             // the run may read what insert writes
	dirty  bool                             // row has changes that the next commit takes along

	nonce     string // once it was asked for
	input     []byte
	journal   *journal
	fresh     []announced   // calls since the last flush
	called    map[int]*step // calls made by this execution
	queue     []*step       // completed, to be delivered in this order
	delivered int           // number of the last delivered completion
	time      int64         // the run's time: that of the last delivered completion
	waits     []*step       // sleeps, children and waits that are outstanding
	flying    int           // external steps under way
	landed    chan landing
	kick      chan struct{} // something about the run may have changed: cancel, child
	pending   []db.Op       // journal entries that are not on disk yet
	logs      []string      // the run's log as it is on disk, or will be with the next commit
	repeated  int           // how many of these lines this execution has written again

	awaited  bool
	keyed    bool          // an idempotency key may ask for the output again
	answered chan struct{} // closed when respond's answer is on disk
	answer   []byte        // what respond sent
	over     bool          // ended for this node
	reserved int           // bytes it holds of the queue's room
	turned   time.Time     // when its program began to compute
	slot     int           // where its id stands while it computes; -1: nowhere
	stop     func()        // interrupts the program's turn; nil when it has none
	killed   bool          // by terminate
}

type announced struct {
	call int
	name string
	args []byte
}

type landing struct {
	step   *step
	result []byte
	err    error
}

// Input is what the run was started with.
func (x *Execution) Input() []byte { return x.input }

// ID is the run's identifier.
func (x *Execution) ID() string { return x.row.id }

// Seed is the run's own source of randomness.
func (x *Execution) Seed() uint64 { return uint64(x.row.seed) }

// Nonce is a word that nobody outside the run can know before it is used; it is
// the same in every execution of the run, and of reruns that keep its steps.
func (x *Execution) Nonce() string {
	if x.nonce == "" {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("nonce"), x.Seed()))
		x.nonce = hex.EncodeToString(sum[:8])
	}
	return x.nonce
}

// Started is the run's time before its first completion.
func (x *Execution) Started() time.Time { return db.Time(x.row.clock) }

// Attempt counts from 1.
func (x *Execution) Attempt() int { return x.row.attempt + 1 }

// Channel is the code of the channel the run came by, "" for none.
func (x *Execution) Channel() string { return x.row.channel }

// Mode is production or test.
func (x *Execution) Mode() string { return x.row.mode }

// Awaited reports whether somebody waits for the answer.
func (x *Execution) Awaited() bool { return x.awaited }

// Interruptible says how to stop the program's turn at once; nil when it has
// none. It may be called from any goroutine.
func (x *Execution) Interruptible(stop func()) {
	x.mu.Lock()
	x.stop = stop
	killed := x.killed
	x.mu.Unlock()
	if killed && stop != nil {
		stop()
	}
}

// onDisk reports whether the run has a row.
func (x *Execution) onDisk() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.stored
}

// Turning marks the time in which the program itself computes: what a dying
// process was doing is found there by the next one.
func (x *Execution) Turning(on bool) {
	if !on {
		x.e.metrics.computed(x.row, time.Since(x.turned))
	}
	x.e.turns.mark(x, on)
	x.turned = time.Now()
}

// Call announces the program's call number n (1, 2, 3, ...). Nothing happens
// before Next.
func (x *Execution) Call(n int, name string, args []byte) {
	x.fresh = append(x.fresh, announced{n, name, args})
}

// Subject names what the run is about.
func (x *Execution) Subject(s string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.row.subject != s {
		x.row.subject, x.dirty = clean(s, maxSubject), true
	}
}

// Tag adds a word to find the run by.
func (x *Execution) Tag(tag string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if tag = x.row.tag(tag); tag != "" {
		x.dirty = true
		x.pending = append(x.pending, db.Op{Stmt: stmtTag, Row: []any{tag, x.row.id}})
	}
}

// maxLogs bounds the log lines kept of one run.
const maxLogs = 1000

// Log keeps a line of the run's log. A repeated execution writes its lines
// again; those that stand there already, in the same order, are not kept twice.
func (x *Execution) Log(level, text string) {
	line := LogLine{At: db.Time(x.time), Level: level, Text: clean(text, maxLine)}
	if i := slices.Index(x.logs[x.repeated:], line.Text); i >= 0 {
		x.repeated += i + 1
		return
	}
	x.addLine(line)
}

// maxLine bounds a line of a run's log, in bytes.
const maxLine = 8 << 10

// addLine adds a line to the run's log, while there is room.
func (x *Execution) addLine(line LogLine) {
	n := len(x.logs)
	if n >= maxLogs {
		return
	}
	x.logs = append(x.logs, line.Text)
	x.repeated = len(x.logs)
	x.pending = append(x.pending, db.Op{Stmt: stmtLog, Row: []any{x.row.id, int64(n), line.At.UnixMicro(), line.Level, line.Text}})
	x.e.logLine(x.row, line)
}

// Respond answers the caller while the run goes on. Only the first one counts,
// and it leaves once it is on disk.
func (x *Execution) Respond(output []byte) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.row.answered {
		return nil
	}
	blob, err := x.e.db.PutLarge(x.ctx, output)
	if err != nil {
		return err
	}
	x.row.output, x.row.answered, x.dirty, x.answer = blob, true, true, output
	x.pending = append(x.pending, db.ClaimOps(blob)...)
	return nil
}

// Next makes the announced calls and returns the next completion, or why there
// is none (ErrParked, ErrRelease, ErrCancelled, ErrLost, *Mismatch, or the
// storage's error). crowded says whether others wait for what the program holds.
func (x *Execution) Next(crowded func() bool) (Completion, error) {
	if err := x.flush(); err != nil {
		return Completion{}, err
	}
	for {
		if len(x.queue) > 0 {
			s := x.queue[0]
			x.queue = x.queue[1:]
			return x.deliver(s)
		}
		if err := x.await(crowded); err != nil {
			return Completion{}, err
		}
	}
}

func (x *Execution) deliver(s *step) (Completion, error) {
	if x.called[s.call] != s {
		return Completion{}, &Mismatch{Run: x.row.id, Seq: s.seq, Had: describe(s.name, nil), Asked: "nothing of the kind before its result was due"}
	}
	x.delivered, x.time = s.done, s.finishedAt
	c := Completion{Call: s.call, Err: s.err, At: db.Time(s.finishedAt)}
	if s.err == nil && s.result != nil {
		result, err := x.load(s.result)
		if err != nil {
			return Completion{}, err
		}
		c.Result = result
	}
	return c, nil
}

// Resettle waits in memory, without the program, until there is something to
// deliver, and winds the execution back to its start: the program begins again
// and finds everything in the journal.
func (x *Execution) Resettle() error {
	for len(x.queue) == 0 {
		if err := x.await(nil); err != nil {
			return err
		}
	}
	x.fresh, x.called, x.delivered, x.repeated = nil, nil, 0, 0
	x.time = x.row.clock
	x.queue = x.journal.recorded()
	return nil
}

// await blocks until a step has completed.
func (x *Execution) await(crowded func() bool) error {
	wake, due := x.earliest()
	if due != nil && wake <= x.e.now() {
		if w := x.e.wait(due); w != nil {
			return x.expire(due, w)
		}
		x.complete(due, nil, nil)
		return nil
	}
	if done, err := x.childDone(); done || err != nil {
		return err
	}
	if done, err := x.come(); done || err != nil {
		return err
	}
	if err := x.search(); err != nil {
		return err
	}
	if x.flying == 0 && len(x.waits) == 0 {
		return &hopeless{fmt.Sprintf("run %s waits for nothing", x.row.id)}
	}
	now := x.e.clock.Now()
	until := now.Add(time.Hour)
	if due != nil {
		until = x.e.local(wake)
	}
	if x.flying == 0 && (due == nil || until.Sub(now) > x.e.moment) {
		return x.park(wake)
	}
	if done, err := x.arm(); done || err != nil {
		return err
	}
	if moment := now.Add(x.e.moment); crowded != nil && moment.Before(until) {
		until = moment
	} else if poll := now.Add(childPoll); len(x.waits) > 0 && poll.Before(until) {
		until = poll
	}
	timer, stop := x.e.clock.At(until)
	defer stop()
	select {
	case l := <-x.landed:
		x.land(l)
	case <-x.kick:
	case <-timer:
		if crowded != nil && crowded() && x.flying > 0 {
			return ErrRelease
		}
	case <-x.ctx.Done():
		return x.left()
	}
	return x.cancelled()
}

// earliest is the sleep, or the wait's time, that ends first; nil when there is none.
func (x *Execution) earliest() (at int64, first *step) {
	for _, s := range x.waits {
		if s.deadline > 0 && (first == nil || s.deadline < at) {
			at, first = s.deadline, s
		}
	}
	return at, first
}

// complete gives a step its result and the next completion number.
func (x *Execution) complete(s *step, result []byte, failure *StepError) {
	blob, err := x.e.db.PutLarge(x.ctx, result)
	if err != nil {
		failure = &StepError{Name: "StorageError", Message: "the result could not be stored"}
	}
	if result == nil {
		blob = nil
	}
	x.journal.maxDone++
	s.done, s.finishedAt, s.result, s.err = x.journal.maxDone, x.e.now(), blob, failure
	if failure != nil {
		s.result = nil
	}
	for i, w := range x.waits {
		if w == s {
			x.waits = append(x.waits[:i:i], x.waits[i+1:]...)
			break
		}
	}
	x.pending = append(x.pending, db.ClaimOps(s.result)...)
	op := s.doneOp(x.row.id)
	if s.unsaved {
		op, s.unsaved = s.startOp(x.row.id), false
	}
	x.pending = append(x.pending, op)
	x.queue = append(x.queue, s)
}

func (x *Execution) land(l landing) {
	x.flying--
	l.step.underWay = false
	x.complete(l.step, l.result, asStepError(l.err))
}

// Interrupted says why the program's turn was stopped from outside.
func (x *Execution) Interrupted() error { return x.left() }

// left says why the execution's context has ended.
func (x *Execution) left() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.killed {
		return ErrCancelled
	}
	return ErrLost
}

func (x *Execution) cancelled() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.row.cancel {
		return ErrCancelled
	}
	return nil
}

func (x *Execution) load(b db.Blob) ([]byte, error) {
	if !b.Large() {
		return b[1:], nil
	}
	var data []byte
	err := x.e.db.Read(x.ctx, func(tx *db.Tx) (err error) {
		data, err = tx.Load(b)
		return err
	})
	return data, err
}

func asStepError(err error) *StepError {
	if err == nil {
		return nil
	}
	var s *StepError
	if errors.As(err, &s) {
		return s
	}
	return &StepError{Name: "Error", Message: err.Error()}
}

func describe(name string, args []byte) string {
	const show = 200
	text := clean(string(args), show)
	if len(args) > show {
		text += "..."
	}
	return name + "(" + text + ")"
}

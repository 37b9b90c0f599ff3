package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Start is a run to be.
type Start struct {
	Program, Version string
	Channel          string // "" for a run that came by none
	Function         string // that was called, "" for none
	Account          string // who called it, by id; "" for none
	Source           string // what else started it, such as schedule:CODE; "" for nothing else
	WebhookID        string // of what it sends by webhook, by which the receiver knows that; "" for none
	Subject          string
	Tags             []string
	Mode             string // production when empty
	Input            []byte
	OrderingKey      string // runs of one source, or else channel, and key execute one after another; "": none
	Beside           bool   // it takes its place behind the ordering key, but does not wait there; others wait for it
	Hold             bool   // stored, but not executed before Release
	Once             *Once  // at most one run per key
	Parent           string // the run that started it, "" for none
	Origin           string // the run that it repeats, "" for none
	Depth            int    // among those that led to it: its parent's, or the changing run's, and one more
	// With is committed with the run's row, or not at all.
	With func(tx *db.Tx) ([]db.Op, error)
	// Seen says that the run may read what With writes: it is on disk before the
	// run looks at anything.
	Seen bool
	// Repeats is called, where there is one, when an earlier run answers instead of
	// this one, before it does or is retried for that; its error is the answer.
	Repeats func(ctx context.Context) error

	parentSeq   int
	seed, clock int64  // of a run that repeats another's first steps
	position    *int64 // and this, 0 too
}

func (s *Start) scope() string { return cmp.Or(s.Source, s.Channel) }

func (s *Start) repeats(ctx context.Context) error {
	if s.Repeats == nil {
		return nil
	}
	return s.Repeats(ctx)
}

// Accepted says where an accepted message is kept.
type Accepted struct {
	Run       string
	Duplicate bool // an earlier run has the same key and content
}

// newRow makes the row of a run to be, owned by the given node ("" for none).
func (e *Engine) newRow(ctx context.Context, s Start, owner string) (*row, error) {
	input, err := e.db.PutLarge(ctx, s.Input)
	if err != nil {
		return nil, err
	}
	return e.compose(s, input, owner), nil
}

// compose is newRow for an input that is stored already.
func (e *Engine) compose(s Start, input db.Blob, owner string) *row {
	now := e.now()
	r := &row{
		id: e.ids.New("run", db.Time(now)), program: s.Program, version: s.Version, channel: s.Channel,
		subject: clean(s.Subject, maxSubject), mode: s.Mode, state: Queued, input: input,
		seed: s.seed, clock: s.clock, createdAt: now, owner: owner, epoch: 1, orderingKey: digested(s.OrderingKey, 512),
		function: s.Function, account: s.Account, source: s.Source, webhookID: s.WebhookID, origin: s.Origin, parent: s.Parent, parentSeq: s.parentSeq, depth: s.Depth,
	}
	if s.position != nil {
		r.position, r.placed = *s.position, true
	}
	for _, tag := range s.Tags {
		r.tag(tag)
	}
	if r.clock == 0 {
		r.seed, r.clock = newSeed(), now
	}
	if r.mode == "" {
		r.mode = "production"
	}
	switch {
	case s.Hold:
		r.owner, r.waitingFor = "", waitingForRelease
	case owner == "":
		r.dueAt = now
	}
	return r
}

// inserting is what one commit does to bring a run into being. A run that waits
// behind another of its ordering key is left free and not due; its row is written at
// once, so that a head that leaves in the same batch finds it.
func (e *Engine) inserting(r *row, s Start) func(*db.Tx) ([]db.Op, error) {
	return func(tx *db.Tx) ([]db.Op, error) {
		more, err := e.accompany(r, s)(tx)
		if err != nil {
			return nil, err
		}
		if r.orderingKey == "" {
			return append(more, e.inserts.of(r)), nil
		}
		fresh := *r
		head, err := enqueue(tx, &fresh)
		if err != nil {
			return nil, err
		}
		if !head && !s.Hold && !s.Beside {
			fresh.owner, fresh.dueAt, fresh.waitingFor = "", 0, waitingForOrder
		}
		r.orderingSeq, r.waitingFor = fresh.orderingSeq, fresh.waitingFor
		_, err = tx.Many(e.inserts.whole, [][]any{fresh.values()})
		return more, err
	}
}

// accompany is what is committed along with a run's row.
func (e *Engine) accompany(r *row, s Start) func(*db.Tx) ([]db.Op, error) {
	return func(tx *db.Tx) ([]db.Op, error) {
		ops := db.ClaimOps(r.input)
		for _, tag := range r.tags {
			ops = append(ops, db.Op{Stmt: stmtTag, Row: []any{tag, r.id}})
		}
		if s.Once != nil {
			if err := s.Once.clear(tx, s.Once.scope(r.channel), r.createdAt); err != nil {
				return nil, err
			}
			ops = append(ops, s.Once.op(r))
		}
		if s.With != nil {
			more, err := s.With(tx)
			if err != nil {
				return nil, err
			}
			ops = append(ops, more...)
		}
		return ops, nil
	}
}

// plain reports whether a run's insert is nothing but its row.
func (s *Start) plain(r *row) bool {
	return s.Once == nil && s.With == nil && r.orderingKey == "" && len(r.tags) == 0 && !r.input.Large()
}

// Accept stores a run and returns once it is on disk; it is executed soon
// after, by this node if it has room. Errors: fault.Unavailable when the
// storage cannot keep up, fault.Unprocessable and fault.Conflict as Once says.
func (e *Engine) Accept(ctx context.Context, s Start) (Accepted, error) {
	earlier, leave, err := e.first(ctx, s.Channel, s.Once)
	if err != nil {
		return Accepted{}, err
	}
	defer leave()
	if earlier != nil {
		return e.repeat(ctx, earlier, s)
	}
	owner, room := "", 0
	if !s.Hold {
		room = e.queue.reserve(len(s.Input))
	}
	if room > 0 {
		owner = e.node
	}
	x, err := e.store(ctx, s, owner)
	if err != nil || x.row.waitingFor != "" || owner == "" {
		e.queue.free(room)
		if errors.Is(err, db.ErrUnique) && s.Once != nil {
			return Accepted{}, e.busy(s.Once)
		}
		if err != nil {
			return Accepted{}, err
		}
		x.off()
		e.dueAt(x.row.dueAt)
		return Accepted{Run: x.row.id}, nil
	}
	x.reserved = room
	e.push(x)
	return Accepted{Run: x.row.id}, nil
}

// Insert brings a run into being in the caller's transaction: with it or not at
// all. Once that has committed the run is executed, by whichever node has room.
// It takes no Once.
func (e *Engine) Insert(tx *db.Tx, s Start) (string, error) {
	input, err := tx.PutLarge(s.Input)
	if err != nil {
		return "", err
	}
	r := e.compose(s, input, "")
	ops, err := e.inserting(r, s)(tx)
	for _, op := range ops {
		if err == nil {
			_, err = tx.Many(op.Stmt, [][]any{op.Row})
		}
	}
	if err != nil {
		return "", fmt.Errorf("start a run: %w", err)
	}
	tx.Notify(topic, "")
	return r.id, nil
}

// store commits a new run's row.
func (e *Engine) store(ctx context.Context, s Start, owner string) (*Execution, error) {
	r, err := e.newRow(ctx, s, owner)
	if err != nil {
		return nil, err
	}
	item := db.Item{Size: 512 + len(r.input)}
	if s.plain(r) {
		item.Ops = []db.Op{e.inserts.of(r)}
	} else {
		item.Func = e.inserting(r, s)
	}
	if err := e.committer.Commit(ctx, item); err != nil {
		return nil, fmt.Errorf("store the run: %w", err)
	}
	e.metrics.accepted(r)
	x := e.execution(r, newJournal())
	x.stored, x.keyed = true, s.Once != nil
	return x, nil
}

// execution prepares a run for execution here.
func (e *Engine) execution(r *row, j *journal) *Execution {
	x := &Execution{
		e: e, epoch: r.epoch, row: r, time: r.clock, journal: j, queue: j.recorded(),
		landed: make(chan landing, 4), kick: make(chan struct{}, 1), slot: -1,
	}
	x.ctx, x.off = context.WithCancel(e.ctx)
	if !r.input.Large() && len(r.input) > 0 {
		x.input = r.input[1:]
	}
	return x
}

// Await starts a run and waits for its answer: of a run that makes no external
// step, that is one commit, at its end. The result is on disk when Await
// returns. Errors: fault.AnswerTimeout (with the run's id) when the timeout
// passes, and those of Accept; the run goes on when ctx ends.
func (e *Engine) Await(ctx context.Context, s Start, timeout time.Duration) (Result, error) {
	deadline := e.clock.Now().Add(timeout)
	earlier, leave, err := e.first(ctx, s.Channel, s.Once)
	if err != nil {
		return Result{}, err
	}
	defer leave()
	if earlier != nil {
		return e.again(ctx, earlier, s, deadline)
	}
	if s.OrderingKey != "" {
		return e.awaitStored(ctx, s, deadline)
	}
	r, err := e.newRow(ctx, s, e.node)
	if err != nil {
		return Result{}, err
	}
	e.metrics.accepted(r)
	x := e.execution(r, newJournal())
	x.awaited, x.keyed, x.answered = true, s.Once != nil, make(chan struct{})
	if !s.plain(r) {
		x.insert, x.seen = e.accompany(r, s), s.Seen
	}
	told := e.listen(r.id)
	defer e.unlisten(r.id, told)
	answered := x.answered
	e.goes(func() { e.execute(x) })
	return e.receive(ctx, x, told, answered, deadline)
}

// awaitStored is Await for a run that must stand in line first.
func (e *Engine) awaitStored(ctx context.Context, s Start, deadline time.Time) (Result, error) {
	x, err := e.store(ctx, s, "")
	if err != nil {
		return Result{}, err
	}
	told := e.listen(x.row.id)
	defer e.unlisten(x.row.id, told)
	e.wake()
	return e.receive(ctx, x, told, nil, deadline)
}

// look-ups of a run that may be executed by another node meanwhile.
const answerPoll = time.Second

// receive waits for the first of answer, end, timeout and the caller's leaving.
func (e *Engine) receive(ctx context.Context, x *Execution, told chan Result, answered <-chan struct{}, deadline time.Time) (Result, error) {
	id := x.row.id
	for {
		now := e.clock.Now()
		moment := now.Add(answerPoll)
		if deadline.Before(moment) {
			moment = deadline
		}
		fired, stop := e.clock.At(moment)
		select {
		case res := <-told:
			stop()
			if errors.Is(res.Err, db.ErrUnique) {
				return Result{}, fault.Wrap(res.Err, fault.Conflict,
					"Another message with the same idempotency key is being processed.").WithRetryAfter(time.Second)
			}
			return res, res.Err
		case <-answered:
			stop()
			return Result{Run: id, State: Running, Output: x.answer, Answered: true}, nil
		case <-ctx.Done():
			stop()
			return Result{}, ctx.Err()
		case <-fired:
			if moment.Equal(deadline) {
				return Result{}, x.late(ctx)
			}
			if res, ended, err := e.ended(ctx, id); err == nil && ended {
				return res, nil
			}
		}
	}
}

// late answers a caller whose time is over.
func (x *Execution) late(ctx context.Context) error {
	if err := x.persist(ctx); err != nil {
		return err
	}
	timeout := fault.New(fault.AnswerTimeout, "The scenario needs longer than the timeout; it goes on, and its run tells how it ends.")
	timeout.Run = x.row.id
	return timeout
}

// persist makes sure that a run somebody was told of has a row.
func (x *Execution) persist(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stored {
		return nil
	}
	if x.row.finishedAt != 0 {
		return nil // its end is being committed, with the row
	}
	item := x.item(nil)
	if err := x.e.committer.Commit(ctx, item); err != nil {
		return fmt.Errorf("store the run: %w", err)
	}
	x.stored, x.insert = true, nil
	return nil
}

// ended looks a run's end up in the database, for a waiter whose run may have
// gone to another node. A run that is executed here tells by itself.
func (e *Engine) ended(ctx context.Context, id string) (Result, bool, error) {
	e.mu.Lock()
	_, here := e.active[id]
	e.mu.Unlock()
	if here {
		return Result{}, false, nil
	}
	r, err := e.row(ctx, id)
	if err != nil || (!r.state.Ended() && !r.answered) {
		return Result{}, false, err
	}
	res, err := e.result(ctx, r)
	return res, err == nil, err
}

// result is the answer of a run that has one on disk.
func (e *Engine) result(ctx context.Context, r *row) (Result, error) {
	res := Result{Run: r.id, State: r.state, Answered: r.answered}
	if r.err != nil {
		res.Failure = &Failure{ErrorInfo: *r.err}
	}
	if len(r.output) == 0 {
		return res, nil
	}
	err := e.db.Read(ctx, func(tx *db.Tx) (err error) {
		res.Output, err = tx.Load(r.output)
		return err
	})
	return res, err
}

func (e *Engine) listen(id string) chan Result {
	told := make(chan Result, 1)
	e.mu.Lock()
	e.told[id] = told
	e.mu.Unlock()
	return told
}

func (e *Engine) unlisten(id string, told chan Result) {
	e.mu.Lock()
	if e.told[id] == told {
		delete(e.told, id)
	}
	e.mu.Unlock()
}

// tell hands a run's result to whoever waits for it.
func (e *Engine) tell(res Result) {
	e.mu.Lock()
	told := e.told[res.Run]
	delete(e.told, res.Run)
	e.mu.Unlock()
	if told != nil {
		told <- res
	}
}

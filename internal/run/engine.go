// Package run executes durable runs: it keeps their journal, repeats their
// programs until they are through, retries, waits, orders and leases them, on
// one node or many over one database.
//
// It knows programs, steps and nodes. It must not know what a scenario, a
// channel or an HTTP request is: those hand it programs, handlers and policies.
package run

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/id"
)

// Options is what an engine is made of. DB, Committer, Programs and Handlers
// are required.
type Options struct {
	DB        *db.DB
	Committer *db.Committer
	Programs  Programs
	Handlers  Handlers
	Policies  func(channel, function, source string) Policy                       // DefaultPolicy when nil
	Show      func(program string, input []byte) []byte                           // input as JSON for people; as it is when nil
	Revise    func(channel, function string, old, wanted []byte) (Revised, error) // for a rerun, of what a person gave as JSON; that, when nil
	Position  string                                                              // SQL: the end of the event log, for new runs; 0 when empty
	Log       *slog.Logger
	Metrics   prometheus.Registerer
	Clock     clock.Clock
	Dir       string        // for the turns file; "" for none
	Host      string        // this machine's name, for the list of nodes
	Release   string        // this program's version
	Workers   int           // runs executed at once; 0: 256
	QueueSize int64         // bytes of input waiting in memory; 0: 64 MiB
	Lease     time.Duration // a node unseen for so long is dead; 0: 10 s
	Moment    time.Duration // a wait longer than this is made on disk; 0: 500 ms
	OnLog     func(Info, LogLine)
	OnEnd     func(Info) // after a run has ended on this node
	// Unsuccessful is called in the transaction in which a run fails or is
	// cancelled; depth is the run's among its ancestors.
	Unsuccessful func(tx *db.Tx, run Info, depth int) error
	// AlsoSucceeded says whether that is to be called too when a run of a program
	// succeeds; nil: never. It costs a part of a commit each time.
	AlsoSucceeded func(program string) bool
	// Erased is called in the transaction in which a run's content is erased.
	Erased func(tx *db.Tx, run string) error
}

// Revised is the input of a rerun that got another one, and what it is about: a
// run's subject and ordering key belong to its input.
type Revised struct {
	Input                []byte
	Subject, OrderingKey string
}

// Engine executes the runs of one domain on one node.
type Engine struct {
	db        *db.DB
	committer *db.Committer
	programs  Programs
	handlers  Handlers
	policies  func(channel, function, source string) Policy
	inserts   inserts
	show      func(string, []byte) []byte
	revise    func(channel, function string, old, wanted []byte) (Revised, error)
	log       *slog.Logger
	metrics   *metrics
	clock     clock.Clock
	opts      Options
	moment    time.Duration
	ids       id.Maker
	node      string
	turns     *turns
	solo      sync.RWMutex // held alone by a run suspected of killing processes

	ctx    context.Context // ends with Stop
	cancel context.CancelFunc
	group  sync.WaitGroup

	resting chan func() // to goroutines that wait for work
	rested  atomic.Int32

	queue  *queue
	lanes  lanes
	alarm  chan struct{}          // wakes the scheduler
	nextAt atomic.Int64           // the scheduler's next planned look, microseconds
	offset atomic.Int64           // database time minus this machine's, microseconds
	mu     sync.Mutex             // guards active, ahead and waiters
	active map[string]*Execution  // executed here
	ahead  map[string]int64       // held here and cancelled before they began; the lease
	told   map[string]chan Result // who waits for a run's answer
	keys   map[string]struct{}    // idempotency keys being accepted here
}

// New makes an engine; Start begins.
func New(o Options) (*Engine, error) {
	if o.Policies == nil {
		o.Policies = func(_, _, _ string) Policy { return DefaultPolicy }
	}
	if o.Show == nil {
		o.Show = func(_ string, input []byte) []byte { return input }
	}
	if o.Revise == nil {
		o.Revise = func(_, _ string, _, wanted []byte) (Revised, error) { return Revised{Input: wanted}, nil }
	}
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Workers = orDefault(o.Workers, 256)
	o.QueueSize = orDefault(o.QueueSize, 64<<20)
	o.Lease = orDefault(o.Lease, 10*time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{
		db: o.DB, committer: o.Committer, programs: o.Programs, handlers: o.Handlers, policies: o.Policies, show: o.Show, revise: o.Revise,
		inserts: newInserts(cmp.Or(o.Position, "0")), log: o.Log, clock: o.Clock, opts: o, moment: orDefault(o.Moment, 500*time.Millisecond),
		ctx: ctx, cancel: cancel, alarm: make(chan struct{}, 1),
		resting: make(chan func()), active: map[string]*Execution{}, ahead: map[string]int64{}, told: map[string]chan Result{}, keys: map[string]struct{}{},
	}
	e.queue = newQueue(o.QueueSize, e.wake)
	e.lanes.of = map[string]*lane{}
	e.node = e.ids.New("node", e.clock.Now())
	e.metrics = newMetrics(o.Metrics, e)
	return e, nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Start registers the node, takes over what its predecessor on this data left
// behind, and begins to execute. It returns when the node is ready.
func (e *Engine) Start(ctx context.Context) error {
	turns, suspects, err := openTurns(e.opts.Dir)
	if err != nil {
		return err
	}
	e.turns = turns
	if err := e.synchronise(ctx); err != nil {
		return err
	}
	if err := e.register(ctx, suspects); err != nil {
		return fmt.Errorf("register this node: %w", err)
	}
	stop := e.db.Listen(topic, e.hint)
	e.goes(func() { <-e.ctx.Done(); stop() })
	e.goes(e.beat)
	e.goes(e.schedule)
	e.goes(e.prune)
	for range e.opts.Workers {
		e.goes(e.work)
	}
	return nil
}

// Stop lets the executions under way end or reach their next step for as long
// as ctx allows, then interrupts them; what is left goes on elsewhere, or at
// the next start. The engine cannot be started again.
func (e *Engine) Stop(ctx context.Context) error {
	e.queue.close()
	e.lanes.close()
	e.settle(ctx)
	e.cancel()
	e.queue.wake()
	e.group.Wait()
	err := e.deregister(context.WithoutCancel(ctx))
	e.turns.close()
	return err
}

// settle waits until nothing is executed any more, or ctx ends.
func (e *Engine) settle(ctx context.Context) {
	for {
		e.mu.Lock()
		busy := len(e.active)
		e.mu.Unlock()
		if busy == 0 {
			return
		}
		fired, stop := clock.Real{}.After(10 * time.Millisecond)
		select {
		case <-fired:
		case <-ctx.Done():
			stop()
			return
		}
	}
}

// goes calls f in another goroutine, which the engine's end waits for. One whose
// work is done waits for more: its stack has grown to what a run needs.
func (e *Engine) goes(f func()) {
	e.group.Add(1)
	select {
	case e.resting <- f:
		return
	default:
	}
	go func() {
		for {
			f()
			e.group.Done()
			if e.rested.Add(1) > maxResting {
				e.rested.Add(-1)
				return
			}
			select {
			case f = <-e.resting:
				e.rested.Add(-1)
			case <-e.ctx.Done():
				return
			}
		}
	}()
}

// maxResting is how many goroutines wait for work.
const maxResting = 256

// now is the database's time in microseconds, as well as this node knows it.
func (e *Engine) now() int64 { return e.clock.Now().UnixMicro() + e.offset.Load() }

// local is a database time on this machine's clock.
func (e *Engine) local(us int64) time.Time { return db.Time(us - e.offset.Load()) }

// Now is the time by which runs are due.
func (e *Engine) Now() time.Time { return db.Time(e.now()) }

// Node is this incarnation's identifier.
func (e *Engine) Node() string { return e.node }

// synchronise measures how far this machine's clock is from the database's.
func (e *Engine) synchronise(ctx context.Context) error {
	if _, real := e.clock.(clock.Real); !real || !e.db.Postgres() {
		return nil // one process has one clock, and a test moves its own
	}
	before := e.clock.Now()
	there, err := e.db.Now(ctx)
	if err != nil {
		return fmt.Errorf("ask the database for its time: %w", err)
	}
	here := before.Add(e.clock.Now().Sub(before) / 2)
	e.offset.Store(there.UnixMicro() - here.UnixMicro())
	return nil
}

func newSeed() int64 { return int64(rand.Uint64()) }

// hint is called when another node, or a call here, changed something about runs.
func (e *Engine) hint(payload string) {
	if payload == "" {
		e.wake()
		return
	}
	e.mu.Lock()
	x := e.active[payload]
	e.mu.Unlock()
	if x != nil {
		e.look(x)
	}
	e.lookAhead(payload)
}

// wake makes the scheduler look for due runs now.
func (e *Engine) wake() {
	select {
	case e.alarm <- struct{}{}:
	default:
	}
}

// dueAt tells the scheduler of a run that comes due then.
func (e *Engine) dueAt(us int64) {
	if us != 0 && us < e.nextAt.Load() {
		e.wake()
	}
}

package scenario

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/script"
)

// ProgramName is how the engine knows a scenario: "scenario:CODE".
func ProgramName(code string) string { return prefix + code }

const prefix = "scenario:"

// programsKept is how many compiled versions stay in memory.
const programsKept = 256

// Runtime executes scenarios on a pool of virtual machines. It is the engine's
// run.Programs.
type Runtime struct {
	versions *Versions
	pool     atomic.Pointer[script.Pool]
	latest   func(code string) (string, error)
	awaited  places // for runs in their first turn that somebody waits for
	others   places // and for the rest: messages are taken before they are worked on
	busy     func() bool

	ready    sync.Map // pin -> *script.Program: those of programs that are compiled, for looking up without a lock
	mu       sync.Mutex
	programs map[pin]*list.Element // of *compiled
	recent   *list.List            // last compiled first; what is beyond programsKept goes, and is compiled again when wanted
}

// pin names a version of a scenario.
type pin struct{ code, version string }

type compiled struct {
	of      pin
	ready   chan struct{}
	program *script.Program
	err     error
}

// NewRuntime makes a runtime for so many cores. latest finds the version that
// new runs take; busy tells whether messages arrive as fast as they can be taken.
func NewRuntime(versions *Versions, pool *script.Pool, cores int, latest func(code string) (string, error), busy func() bool) *Runtime {
	r := &Runtime{
		versions: versions, latest: latest, busy: busy,
		awaited: make(places, cores), others: make(places, cores),
		programs: map[pin]*list.Element{}, recent: list.New(),
	}
	r.pool.Store(pool)
	return r
}

// Use makes runs begin on another pool from now on, and returns the old one, to
// be closed: runs that it executes end there.
func (r *Runtime) Use(pool *script.Pool) (old *script.Pool) { return r.pool.Swap(pool) }

// Close ends the present pool; see script.Pool.Close.
func (r *Runtime) Close() { r.pool.Load().Close() }

// Measure is what each run of a program costs before its first line.
func (r *Runtime) Measure(p *script.Program) (time.Duration, error) { return r.pool.Load().Measure(p) }

// Check finds what a program imports from "junctor" and is not there.
func (r *Runtime) Check(p *script.Program) []script.Diagnostic { return r.pool.Load().Check(p) }

// Params is what a program exports as params, as JSON; nil when it does not.
// Errors: *script.Error of a program whose top level fails.
func (r *Runtime) Params(ctx context.Context, p *script.Program) (json.RawMessage, error) {
	if exports := p.Exports(); exports != nil && !slices.Contains(exports, "params") {
		return nil, nil
	}
	_, exec, turn, err := r.start(ctx, script.Start{Program: p, Entry: "params", Now: time.Unix(0, 0), Args: []string{"", ""}})
	if err != nil {
		return nil, err
	}
	defer exec.Close()
	if turn.Err != nil {
		return nil, turn.Err
	}
	if !turn.Done {
		return nil, errors.New("the scenario waits for something while its params are read; params is a constant")
	}
	var answer struct{ Value *string }
	if turn.Output == "" { // undefined, or a function
		if p.Exports() == nil { // of CommonJS it was not known before
			return nil, nil
		}
		return json.RawMessage("null"), nil
	}
	if err := json.Unmarshal([]byte(turn.Output), &answer); err != nil || answer.Value == nil {
		return nil, fmt.Errorf("read the params: %w", err)
	}
	return json.RawMessage(*answer.Value), nil
}

// start begins a run on the present pool.
func (r *Runtime) start(ctx context.Context, s script.Start) (*script.Pool, *script.Exec, *script.Turn, error) {
	for {
		pool := r.pool.Load()
		exec, turn, err := pool.Start(ctx, s)
		if errors.Is(err, script.ErrClosed) && r.pool.Load() != pool {
			continue // it was replaced while this run waited for a machine
		}
		return pool, exec, turn, err
	}
}

// Latest is the version a new run of the program takes. Errors: fault.NotFound.
func (r *Runtime) Latest(_ context.Context, name string) (string, error) {
	return r.latest(strings.TrimPrefix(name, prefix))
}

// Program finds a scenario's version, compiled. Errors: fault.NotFound.
func (r *Runtime) Program(ctx context.Context, name, version string) (run.Program, error) {
	code, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return nil, fault.New(fault.NotFound, "There is no program %q.", name)
	}
	program, err := r.compiled(ctx, code, version)
	if err != nil {
		return nil, err
	}
	return &execution{r, program}, nil
}

// compiled returns the program from memory, or compiles it once for all who ask.
func (r *Runtime) compiled(ctx context.Context, code, version string) (*script.Program, error) {
	of := pin{code, version}
	if p, ok := r.ready.Load(of); ok {
		return p.(*script.Program), nil
	}
	r.mu.Lock()
	if e, ok := r.programs[of]; ok {
		r.mu.Unlock()
		c := e.Value.(*compiled)
		select {
		case <-c.ready:
			return c.program, c.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c := &compiled{of: of, ready: make(chan struct{})}
	r.programs[of] = r.recent.PushFront(c)
	r.mu.Unlock()
	c.program, c.err = r.compile(context.WithoutCancel(ctx), code, version)
	close(c.ready)
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.err != nil { // the next one tries again
		if e, ok := r.programs[of]; ok && e.Value == c {
			r.forget(e)
		}
	}
	if c.err == nil {
		r.ready.Store(of, c.program)
	}
	for r.recent.Len() > programsKept {
		r.forget(r.recent.Back())
	}
	return c.program, c.err
}

func (r *Runtime) forget(e *list.Element) {
	c := e.Value.(*compiled)
	delete(r.programs, c.of)
	r.ready.Delete(c.of)
	r.recent.Remove(e)
}

func (r *Runtime) compile(ctx context.Context, code, version string) (*script.Program, error) {
	v, err := r.versions.Get(ctx, code, version)
	if err != nil {
		return nil, err
	}
	program, mistakes := script.Compile(v.Bundle)
	if len(mistakes) > 0 {
		return nil, fault.New(fault.NotFound, "Version %s of scenario %q does not compile with this release: %s.", version, code, mistakes[0])
	}
	return program, nil
}

// Exports reports what a scenario's version exports; nil when that is known
// only at run time. Errors: fault.NotFound.
func (r *Runtime) Exports(ctx context.Context, code, version string) ([]string, error) {
	program, err := r.compiled(ctx, code, version)
	if err != nil {
		return nil, err
	}
	return program.Exports(), nil
}

// execution is a version of a scenario as the engine executes it.
type execution struct {
	r       *Runtime
	program *script.Program
}

// Execute plays the coroutine between the engine and the journal: what the
// scenario calls goes to x, what x completes goes to the scenario.
func (e *execution) Execute(ctx context.Context, x *run.Execution) run.Outcome {
	var spent time.Duration
	for {
		outcome, again := e.once(ctx, x, &spent)
		if !again {
			return outcome
		}
		if err := x.Resettle(); err != nil {
			return run.Outcome{Left: err}
		}
	}
}

// once executes from the start. again: the machine was given to others, and
// there is something new to go on with.
func (e *execution) once(ctx context.Context, x *run.Execution, spent *time.Duration) (o run.Outcome, again bool) {
	source, content, form := DecodeInput(x.Input()).Arguments()
	leave := e.r.begin(x.Awaited())
	pool, exec, turn, err := e.r.start(ctx, script.Start{
		Program: e.program, Entry: "default", Seed: x.Seed(), Now: x.Started(), Spent: *spent, Turning: x.Turning,
		Args: []string{source, content, x.ID(), strconv.Itoa(x.Attempt()), form, x.Nonce()},
	})
	leave()
	if err != nil {
		return run.Outcome{Left: run.ErrLost}, false
	}
	defer func() {
		x.Interruptible(nil)
		*spent = exec.CPU()
		exec.Close()
	}()
	x.Interruptible(exec.Interrupt)
	for {
		if err := announce(x, turn); err != nil {
			return run.Outcome{Left: err}, false
		}
		if turn.Done {
			return e.outcome(x, turn), false
		}
		c, err := x.Next(func() bool { return !pool.Idle() })
		if errors.Is(err, run.ErrRelease) {
			return o, true
		}
		if err != nil {
			return run.Outcome{Left: err}, false
		}
		turn = exec.Resume(settlement(c))
	}
}

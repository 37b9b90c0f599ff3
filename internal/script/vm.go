package script

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"modernc.org/quickjs"
)

// vm is one engine with a frozen realm and the goroutine that executes it. All
// methods but interrupt belong to that goroutine: a turn that never ends costs
// the goroutine, not its caller.
type vm struct {
	engine    *quickjs.VM
	internals *internals
	parser    *jsonParser
	writer    *jsonWriter
	// The functions of loop.js.
	begin, settle, conclude, take, drop, measure, exports quickjs.Value

	factories factories
	promise   quickjs.Value // what the run ends with
	tasks     chan task

	broken bool // a panic went through the engine, which may not even free an object any more

	// Of the pool, under its lock.
	idleSince time.Time
	stuck     bool

	mu   sync.Mutex
	turn *Exec // executing now; guarded by mu
}

// task is one thing for the machine's goroutine to do.
type task func(*vm)

// collectAt is the heap size at which the engine first looks for cycles. Its
// own 256 KiB would be passed by every other run: the realm alone is larger.
const collectAt = 8 << 20

func newVM(im *image) (*vm, error) {
	engine, err := quickjs.NewVM()
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	v := &vm{engine: engine, tasks: make(chan task)}
	if err := v.boot(im); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

func (v *vm) boot(im *image) error {
	engine := v.engine
	var err error
	if v.internals, err = newInternals(engine); err != nil {
		return err
	}
	engine.SetGCThreshold(collectAt)
	v.parser, v.writer = replaceJSONParse(v.internals), replaceJSONStringify(v.internals)
	for name, f := range im.natives {
		if err := engine.RegisterHostFunc(nativePrefix+"native_"+name, v.guarded(f)); err != nil {
			return fmt.Errorf("register the native %s: %w", name, err)
		}
	}
	for name, f := range im.config.Pure {
		if err := engine.RegisterHostFunc(nativePrefix+"pure_"+name, v.guarded(f)); err != nil {
			return fmt.Errorf("register the helper %s: %w", name, err)
		}
	}
	pick, err := engine.EvalBytecodeValue(im.bytecode)
	if err != nil {
		return fmt.Errorf("make the realm: %w%s", err, stackOf(err))
	}
	defer pick.Free()
	for i, into := range v.functions() {
		if *into, err = pick.CallValue(quickjs.UndefinedValue, i); err != nil {
			return fmt.Errorf("make the realm: %w", err)
		}
	}
	engine.SetMemoryLimit(uintptr(im.config.MemoryLimit))
	return nil
}

func stackOf(err error) string {
	var e *quickjs.Error
	if errors.As(err, &e) && e.Stack != "" {
		return "\n" + e.Stack
	}
	return ""
}

var errDead = errors.New("the run has ended")

// guarded is a Go function for scripts that does nothing once the run is dead.
func (v *vm) guarded(f func([]any) (any, error)) quickjs.HostFunc {
	return func(args []any) (any, error) {
		if e := v.turn; e != nil && e.dead.Load() != nil {
			return nil, errDead
		}
		return f(args)
	}
}

// serve executes tasks until there are no more, and closes the engine.
func (v *vm) serve() {
	for t := range v.tasks {
		t(v)
	}
	v.close()
}

// functions are those of loop.js, in the order in which boot.js hands them out.
func (v *vm) functions() []*quickjs.Value {
	return []*quickjs.Value{&v.begin, &v.settle, &v.conclude, &v.take, &v.drop, &v.measure, &v.exports}
}

// forget lets go of the run's promise.
func (v *vm) forget() {
	if v.promise.VM() != nil {
		v.promise.Free()
		v.promise = quickjs.Value{}
	}
}

func (v *vm) close() {
	for _, f := range append(v.functions(), &v.promise) {
		if f.VM() != nil {
			f.Free()
		}
	}
	v.factories.free()
	if v.internals != nil && !v.broken {
		v.parser.forgetNames()
		v.internals.free()
	}
	v.engine.Close()
}

// breaks lets the engine notice that a panic went through it.
func (v *vm) breaks() {
	v.broken = true
	defer func() { recover() }()           //nolint:errcheck // that is how it says so
	v.engine.Eval("0", quickjs.EvalGlobal) //nolint:errcheck // a panic, or nothing was wrong
}

// enter and leave mark the turn that the watchdog sees.
func (v *vm) enter(e *Exec) {
	v.mu.Lock()
	v.turn = e
	v.mu.Unlock()
}

func (v *vm) leave() {
	v.mu.Lock()
	v.turn = nil
	v.mu.Unlock()
}

// interrupt stops e's turn if it is the one executing.
func (v *vm) interrupt(e *Exec) {
	v.mu.Lock()
	if v.turn == e {
		v.engine.Interrupt()
		v.internals.hasten()
	}
	v.mu.Unlock()
}

// factories are the programs that a machine has loaded, the last used first.
type factories struct {
	loaded []factory
}

type factory struct {
	program  *Program
	function quickjs.Value
}

// maxFactories bounds the programs kept in one machine.
const maxFactories = 64

// get loads the program or finds it loaded.
func (f *factories) get(engine *quickjs.VM, p *Program) (quickjs.Value, error) {
	for i, known := range f.loaded {
		if known.program == p {
			copy(f.loaded[1:i+1], f.loaded[:i])
			f.loaded[0] = known
			return known.function, nil
		}
	}
	function, err := engine.EvalBytecodeValue(p.bytecode)
	if err != nil {
		return quickjs.Value{}, err
	}
	if len(f.loaded) == maxFactories {
		f.loaded[maxFactories-1].function.Free()
		f.loaded = f.loaded[:maxFactories-1]
	}
	f.loaded = append([]factory{{p, function}}, f.loaded...)
	return function, nil
}

func (f *factories) free() {
	for i := range f.loaded {
		f.loaded[i].function.Free()
	}
	f.loaded = nil
}

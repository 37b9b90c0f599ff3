package script

import (
	"context"
	"fmt"
	"sync"
	"time"

	"modernc.org/libquickjs"
)

// Pool is the virtual machines that execute runs. They are made in the
// background when they are needed, up to Config.Size, used again by run after
// run, and closed when they were idle for a while.
type Pool struct {
	image   *image
	watch   *watchdog
	metrics *metrics
	exports []string // of the module "junctor"

	mu      sync.Mutex
	idle    []*vm        // the last used at the end
	waiting []waiter     // Starts in the order of their arrival
	all     map[*vm]bool // made and not yet closed or given up
	making  int
	stuck   int // given up and still computing
	closed  bool
	done    sync.WaitGroup // machines and makers
}

// waiter is a Start that waits.
type waiter struct {
	got   chan granted
	since time.Time
}

// granted is what a waiting Start gets.
type granted struct {
	vm  *vm
	err error
}

// NewPool makes a pool and its first machine; a configuration that cannot work,
// such as a module that does not compile, is an error here.
func NewPool(c Config) (*Pool, error) {
	im, err := newImage(c.withDefaults())
	if err != nil {
		return nil, err
	}
	m := newMetrics(c.Metrics)
	first, err := newVM(im)
	if err != nil {
		return nil, err
	}
	p := &Pool{image: im, metrics: m, all: map[*vm]bool{}, making: 1}
	if p.exports, err = exportsOfModule(first); err == nil {
		err = m.observe(p)
	}
	if err != nil {
		first.close()
		return nil, err
	}
	p.watch = newWatchdog(p)
	p.done.Add(1)
	p.adopt(first)
	return p, nil
}

// Close ends the pool: Starts that wait get ErrClosed, idle machines are closed
// at once and the others when their runs end. Close returns when all are
// closed that come back; a stuck machine is left behind.
func (p *Pool) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	idle, waiting := p.idle, p.waiting
	p.idle, p.waiting = nil, nil
	for _, v := range idle {
		delete(p.all, v)
		close(v.tasks)
	}
	p.mu.Unlock()
	for _, w := range waiting {
		w.got <- granted{err: ErrClosed}
	}
	p.done.Wait()
	p.watch.stop()
	p.metrics.close()
}

// Start begins a run and executes it until no job is left. It waits for a
// machine, at most until ctx ends; the error is then ctx's, or ErrClosed. Once
// it returned a turn, ctx means nothing to the run.
func (p *Pool) Start(ctx context.Context, s Start) (*Exec, *Turn, error) {
	v, err := p.acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	e := &Exec{pool: p, vm: v, program: s.Program, turning: s.Turning, result: make(chan *Turn, 1)}
	e.spent.Store(int64(s.Spent))
	turn := e.execute(func(v *vm) error {
		f, err := v.factories.get(v.engine, s.Program)
		if err != nil {
			return fmt.Errorf("load the program: %w", err)
		}
		if 5+len(s.Args) > maxArguments {
			return fmt.Errorf("%d arguments are too many", len(s.Args))
		}
		in := v.internals
		args := make([]libquickjs.TJSValue, 0, maxArguments)
		args = append(args, in.dup(&f), number(float64(int32(s.Seed>>32))), number(float64(int32(s.Seed))), millis(s.Now), in.text(s.Entry))
		for _, a := range s.Args {
			args = append(args, in.text(a))
		}
		v.promise, err = in.call(&v.begin, args...)
		return err
	})
	return e, turn, nil
}

// Waiting is how many Starts wait for a machine.
func (p *Pool) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// Idle reports whether a Start would get a machine without waiting for a run
// to end.
func (p *Pool) Idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting) == 0 && (len(p.idle) > 0 || len(p.all)+p.making < p.image.config.Size)
}

// acquire takes an idle machine or waits for one.
func (p *Pool) acquire(ctx context.Context) (*vm, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if n := len(p.idle); n > 0 {
		v := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.grow()
		p.mu.Unlock()
		return v, nil
	}
	got := make(chan granted, 1)
	p.waiting = append(p.waiting, waiter{got, time.Now()})
	p.grow()
	p.mu.Unlock()
	select {
	case g := <-got:
		return g.vm, g.err
	case <-ctx.Done():
		return nil, p.giveUpWaiting(ctx, got)
	}
}

// giveUpWaiting takes a Start out of the queue; a machine that was granted in
// the same moment goes back.
func (p *Pool) giveUpWaiting(ctx context.Context, got chan granted) error {
	p.mu.Lock()
	for i, w := range p.waiting {
		if w.got == got {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			p.mu.Unlock()
			return fmt.Errorf("wait for a script machine: %w", ctx.Err())
		}
	}
	p.mu.Unlock()
	if g := <-got; g.vm != nil {
		p.release(g.vm)
	}
	return fmt.Errorf("wait for a script machine: %w", ctx.Err())
}

// offer hands a machine to the Start that waits longest, or lays it down.
func (p *Pool) offer(v *vm) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		delete(p.all, v)
		close(v.tasks)
		return
	}
	if len(p.waiting) > 0 {
		w := p.waiting[0]
		p.waiting = p.waiting[1:]
		w.got <- granted{vm: v}
		return
	}
	v.idleSince = time.Now()
	p.idle = append(p.idle, v)
}

package script

import (
	"sync/atomic"
	"time"
)

// watchdog ends turns from outside of the engines. It looks at all machines
// every few milliseconds while any executes, so a turn costs no timer, and it
// counts its own looks rather than the clock: a process that was frozen or had
// no processor has not computed.
type watchdog struct {
	pool      *Pool
	interval  time.Duration
	executing atomic.Int64
	asleep    atomic.Bool // nothing executes, and it looks no more
	wake      chan struct{}
	quit      chan struct{}
	gone      chan struct{}
}

const (
	longestInterval = 50 * time.Millisecond
	shrinkEvery     = 10 * time.Second
	sleepAfter      = 20 // looks at nothing
)

func newWatchdog(p *Pool) *watchdog {
	c := p.image.config
	w := &watchdog{
		pool: p, wake: make(chan struct{}, 1), quit: make(chan struct{}), gone: make(chan struct{}),
		interval: max(time.Millisecond, min(longestInterval, c.TurnCPU/8, c.RunCPU/8, c.StuckAfter/8)),
	}
	go w.watch()
	return w
}

func (w *watchdog) stop() {
	close(w.quit)
	<-w.gone
}

// began and ended say that a turn executes.
func (w *watchdog) began() {
	w.executing.Add(1)
	if w.asleep.Load() && w.asleep.CompareAndSwap(true, false) {
		w.wake <- struct{}{}
	}
}

func (w *watchdog) ended() { w.executing.Add(-1) }

func (w *watchdog) watch() {
	defer close(w.gone)
	shrink := time.NewTicker(shrinkEvery)
	defer shrink.Stop()
	look := time.NewTicker(w.interval)
	defer look.Stop()
	last, idle := time.Now(), 0
	for {
		select {
		case <-w.quit:
			return
		case now := <-shrink.C:
			w.pool.shrink(now)
		case <-w.wake:
			look.Reset(w.interval)
			last, idle = time.Now(), 0
		case <-look.C:
			now := time.Now()
			if w.executing.Load() > 0 {
				idle = 0
				w.look(min(now.Sub(last), 4*w.interval))
				w.pool.relieve()
			} else if idle++; idle > sleepAfter && w.rest() {
				look.Stop()
			}
			last = now
		}
	}
}

// rest goes to sleep unless a turn begins in the same moment.
func (w *watchdog) rest() bool {
	w.asleep.Store(true)
	return w.executing.Load() == 0 || !w.asleep.CompareAndSwap(true, false)
}

// look charges the passed time to every turn that executes.
func (w *watchdog) look(passed time.Duration) {
	p := w.pool
	p.mu.Lock()
	machines := make([]*vm, 0, len(p.all))
	for v := range p.all {
		machines = append(machines, v)
	}
	p.mu.Unlock()
	for _, v := range machines {
		v.mu.Lock()
		e := v.turn
		v.mu.Unlock()
		if e != nil {
			w.charge(v, e, passed)
		}
	}
}

func (w *watchdog) charge(v *vm, e *Exec, passed time.Duration) {
	c := &w.pool.image.config
	if turn := e.turns.Load(); turn != e.watched {
		e.watched, e.elapsed, e.over = turn, 0, 0
	} else {
		e.elapsed += passed
	}
	switch {
	case v.internals.exhausted.Load():
		e.kill(Memory)
	case e.elapsed >= c.TurnCPU, e.elapsed+e.CPU() >= c.RunCPU:
		e.kill(CPU)
	}
	if e.dead.Load() == nil {
		return
	}
	// Again at each look: entering the engine clears an interrupt that came
	// a moment too early.
	v.interrupt(e)
	e.over += passed
	if e.over >= c.StuckAfter && w.pool.giveUp(v, e) {
		e.spent.Add(int64(e.elapsed))
		e.result <- &Turn{Done: true, Err: w.pool.death(Stuck)}
	}
}

package script

import (
	"runtime"
	"time"
)

const (
	patience = 50 * time.Millisecond
	spare    = 2                // idle machines that are kept, and made ahead
	idleFor  = 30 * time.Second // after that a machine above the spare ones is closed
)

// grow makes machines in the background for those who wait, and spare ones.
// While there are twice as many turns executing as processors, another machine
// would only take their time: it is made when one of them waits for a call, or
// when somebody has waited for patience. The caller holds mu.
func (p *Pool) grow() {
	room := 2*runtime.GOMAXPROCS(0) - int(p.watch.executing.Load()) - p.making
	if room <= 0 && p.making == 0 && len(p.waiting) > 0 && time.Since(p.waiting[0].since) > patience {
		room = 1
	}
	wanted := len(p.waiting) + spare - len(p.idle) - p.making
	for n := min(wanted, room, p.image.config.Size-len(p.all)-p.making); n > 0 && !p.closed; n-- {
		p.making++
		p.done.Add(1)
		go func() {
			if err := p.make(); err != nil {
				p.image.config.Log.Error("make a script machine", "error", err)
			}
		}()
	}
}

// relieve makes machines for Starts that wait although processors are free, or
// for long.
func (p *Pool) relieve() {
	p.mu.Lock()
	if len(p.waiting) > 0 {
		p.grow()
	}
	p.mu.Unlock()
}

// make makes one machine; on failure one Start that waits gets the error.
func (p *Pool) make() error {
	v, err := newVM(p.image)
	if err == nil {
		p.adopt(v)
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.making--
	p.done.Done()
	if len(p.waiting) > 0 {
		w := p.waiting[0]
		p.waiting = p.waiting[1:]
		w.got <- granted{err: err}
	}
	return err
}

// adopt takes a new machine, counted as making until now, into the pool.
func (p *Pool) adopt(v *vm) {
	p.mu.Lock()
	p.making--
	p.all[v] = true
	p.mu.Unlock()
	go func() {
		v.serve()
		if !v.stuck {
			p.done.Done()
		}
	}()
	p.offer(v)
}

// release takes a machine back whose run has ended. One with a job left would
// execute it in the next run; there should be none, since every turn drains them.
func (p *Pool) release(v *vm) {
	if v.internals.exhausted.Load() || !v.internals.quiet() || v.internals.heap() > p.image.config.MemoryLimit/2 {
		p.discard(v)
		return
	}
	p.offer(v)
}

// abandon takes a machine back whose run was left in the middle. The realm
// drops the resolvers of the run's promises; with the job queue empty nothing
// of the run can execute again.
func (p *Pool) abandon(v *vm) {
	dropped := make(chan error, 1)
	v.tasks <- func(v *vm) {
		v.forget()
		_, err := v.drop.Call(undefined)
		dropped <- err
	}
	if err := <-dropped; err != nil {
		p.discard(v)
		return
	}
	p.release(v)
}

// discard throws a machine away and lets another be made if someone waits.
func (p *Pool) discard(v *vm) {
	p.mu.Lock()
	delete(p.all, v)
	p.grow()
	p.mu.Unlock()
	close(v.tasks)
}

// shrink closes machines that were idle for long.
func (p *Pool) shrink(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > spare && now.Sub(p.idle[0].idleSince) > idleFor {
		v := p.idle[0]
		p.idle = append(p.idle[:0], p.idle[1:]...)
		delete(p.all, v)
		close(v.tasks)
	}
}

// giveUp hands the run of a stuck machine its end and leaves the machine's
// goroutine behind; false when the turn ended in the same moment.
func (p *Pool) giveUp(v *vm, e *Exec) bool {
	p.mu.Lock()
	if !e.phase.CompareAndSwap(executing, givenUp) {
		p.mu.Unlock()
		return false
	}
	delete(p.all, v)
	v.stuck = true
	p.stuck++
	stuck := p.stuck
	p.done.Done()
	p.grow()
	p.mu.Unlock()
	p.image.config.OnStuck(stuck)
	return true
}

// cameBack closes a machine that was given up and has ended its turn after all.
func (p *Pool) cameBack(v *vm) {
	p.mu.Lock()
	p.stuck--
	stuck := p.stuck
	p.mu.Unlock()
	close(v.tasks)
	p.image.config.OnStuck(stuck)
}

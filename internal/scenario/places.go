package scenario

import (
	"sync/atomic"
	"time"
)

// places lets a few runs at a time be in their first turn: the machines and
// their caches then serve run after run.
type places chan struct{}

// patience is how long a run keeps its place at most. A scenario that computes
// for seconds must not hold up the rest.
const patience = 100 * time.Millisecond

// restraint is how many times as long as it took a run in the background leaves
// its place empty while messages arrive as fast as they can be taken: what has
// been taken is safe, what has not been taken is somebody waiting.
const restraint = 9

// place is one that is taken.
type place struct {
	in    places
	began time.Time
	timer *time.Timer
	left  atomic.Bool
}

// begin waits for a place, and returns how to leave it.
func (r *Runtime) begin(awaited bool) (leave func()) {
	in := r.others
	if awaited {
		in = r.awaited
	}
	in <- struct{}{}
	p := &place{in: in, began: time.Now()}
	p.timer = time.AfterFunc(patience, p.free)
	if awaited {
		return p.leave
	}
	return func() {
		if r.busy() {
			p.timer.Reset(min(patience, restraint*time.Since(p.began)))
			return
		}
		p.leave()
	}
}

func (p *place) leave() {
	p.timer.Stop()
	p.free()
}

// free is leave for the timer itself, which may fire before it has a name.
func (p *place) free() {
	if p.left.CompareAndSwap(false, true) {
		<-p.in
	}
}

package run

import "sync"

// lanes hold the runs of sources that bound how many of theirs are executed at
// once, such as the deliveries to one subscriber. Each has a lane of its own
// and no worker: one whose runs take long holds up none but its own.
type lanes struct {
	mu      sync.Mutex
	of      map[string]*lane // by source; those that are empty are not there
	waiting int
	closed  bool
}

type lane struct {
	going   int // executions under way
	waiting []*Execution
	head    int
}

func (l *lane) length() int { return len(l.waiting) - l.head }

// push hands a run, whose room is reserved, to those who execute.
func (e *Engine) push(x *Execution) {
	most := e.policy(x.row).AtOnce
	if most == 0 {
		e.queue.push(x)
		return
	}
	e.lanes.mu.Lock()
	defer e.lanes.mu.Unlock()
	if e.lanes.closed {
		return
	}
	l := e.lanes.of[x.row.source]
	if l == nil {
		l = &lane{}
		e.lanes.of[x.row.source] = l
	}
	l.waiting = append(l.waiting, x)
	e.lanes.waiting++
	e.start(l, x.row.source, most)
}

// start lets as many of a lane's runs go as may; the lock is held.
func (e *Engine) start(l *lane, source string, most int) {
	for l.going < most && l.length() > 0 {
		x := e.take(l)
		l.going++
		e.goes(func() {
			for x != nil {
				e.execute(x)
				x = e.following(source)
			}
		})
	}
}

func (e *Engine) take(l *lane) *Execution {
	x := l.waiting[l.head]
	l.waiting[l.head] = nil
	l.head++
	e.lanes.waiting--
	if l.head == len(l.waiting) {
		l.waiting, l.head = l.waiting[:0], 0
	} else if l.head > 1024 && l.head*2 > len(l.waiting) {
		l.waiting = append(l.waiting[:0:0], l.waiting[l.head:]...)
		l.head = 0
	}
	return x
}

// following is the next run for one who has executed one of a lane; nil when
// there is none, or so many may not go on any more.
func (e *Engine) following(source string) *Execution {
	e.lanes.mu.Lock()
	defer e.lanes.mu.Unlock()
	l := e.lanes.of[source]
	if !e.lanes.closed && l.length() > 0 {
		most := e.policies("", "", source).AtOnce
		if l.going <= most || most == 0 {
			x := e.take(l)
			e.start(l, source, most) // more may go again than did
			return x
		}
	}
	l.going--
	if l.going == 0 && l.length() == 0 {
		delete(e.lanes.of, source)
	}
	return nil
}

// Backlog is how many runs of a source, see Policy.AtOnce, wait in this node's
// memory to be executed.
func (e *Engine) Backlog(source string) int {
	e.lanes.mu.Lock()
	defer e.lanes.mu.Unlock()
	if l := e.lanes.of[source]; l != nil {
		return l.length()
	}
	return 0
}

func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// length is how many runs wait in all lanes.
func (l *lanes) length() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}

package run

import "sync"

// queue is the runs of this node that wait in memory for a worker, bounded in
// bytes. What has no room stays free in the database and is claimed later.
type queue struct {
	mu     sync.Mutex
	ready  sync.Cond
	tasks  []*Execution
	head   int
	size   int64 // bytes reserved
	limit  int64
	full   bool   // somebody found no room
	roomy  func() // called when there is some again
	closed bool
}

func newQueue(limit int64, roomy func()) *queue {
	q := &queue{limit: limit, roomy: roomy}
	q.ready.L = &q.mu
	return q
}

// weight is about what a run costs in the queue beyond its input, in bytes.
const weight = 1536

// reserve takes room for an input of n bytes and returns how much that is, 0
// when there is none.
func (q *queue) reserve(n int) (room int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.size+int64(n)+weight > q.limit {
		return 0
	}
	q.size += int64(n) + weight
	return n + weight
}

// free gives reserved room back. One that was full counts as roomy when a
// quarter of it is free: many runs are fetched for little more than one is.
func (q *queue) free(room int) {
	q.mu.Lock()
	q.size -= int64(room)
	roomy := q.full && q.size <= q.limit-q.limit/4
	if roomy {
		q.full = false
	}
	q.mu.Unlock()
	if roomy {
		q.roomy()
	}
}

// room is how many runs of ordinary size would find a place. 0 also when they
// are too few to be worth fetching; roomy is then called when that has changed.
func (q *queue) room() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0
	}
	if q.full = q.size > q.limit-q.limit/16; q.full {
		return 0
	}
	return max(1, int((q.limit-q.size)/(weight+4096)))
}

// push hands a run, whose room is reserved, to the workers.
func (q *queue) push(x *Execution) {
	q.mu.Lock()
	q.tasks = append(q.tasks, x)
	q.mu.Unlock()
	q.ready.Signal()
}

// pop waits for a run; nil when the queue is closed.
func (q *queue) pop() *Execution {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.head == len(q.tasks) {
		if q.closed {
			return nil
		}
		q.ready.Wait()
	}
	if q.closed {
		return nil
	}
	x := q.tasks[q.head]
	q.tasks[q.head] = nil
	q.head++
	if q.head == len(q.tasks) {
		q.tasks, q.head = q.tasks[:0], 0
	} else if q.head > 4096 && q.head*2 > len(q.tasks) {
		q.tasks = append(q.tasks[:0:0], q.tasks[q.head:]...)
		q.head = 0
	}
	return x
}

// length is how many runs wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.tasks) - q.head
}

// first is the run that has waited longest, nil when none waits.
func (q *queue) first() *Execution {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.tasks) {
		return nil
	}
	return q.tasks[q.head]
}

// close lets nothing more in or out.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.wake()
}

func (q *queue) wake() { q.ready.Broadcast() }

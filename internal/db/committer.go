package db

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/fault"
)

const (
	maxBatch   = 4 << 20  // bytes of items in one transaction
	maxPending = 64 << 20 // bytes of items waiting for one
	// later is how long an item waits that can: many rows in one transaction
	// touch few more pages than one does, and those whom somebody waits for find
	// the committer free.
	later = 5 * time.Millisecond
)

// Op is one row for a statement.
type Op struct {
	Stmt *Stmt
	Row  []any
}

// Item is a small write: what is to be in one transaction, or not at all.
type Item struct {
	Key   string                  // the row that fences it; "" for none
	Epoch int64                   // what that row's epoch must be
	Size  int                     // about how many bytes Func will add; those of Ops are counted here
	Func  func(*Tx) ([]Op, error) // reads and decides; must be repeatable, a batch may be rolled back; may be nil
	Ops   []Op                    // written after every Func of the batch
	Later bool                    // nobody waits for it: it may wait 5 ms for others like it
}

// Both is the Func of an Item that does one thing after another; either may be
// nil.
func Both(first, second func(*Tx) ([]Op, error)) func(*Tx) ([]Op, error) {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(tx *Tx) ([]Op, error) {
		ops, err := first(tx)
		if err != nil {
			return nil, err
		}
		more, err := second(tx)
		return append(ops, more...), err
	}
}

// Fence locks the rows of the keys (sorted, each once) until the transaction
// ends and returns their epochs. A key without a row is left out.
type Fence func(tx *Tx, keys []string) (map[string]int64, error)

// Committer takes all items that are waiting, up to 4 MiB, into one
// transaction. An idle one commits at once, but for items that can wait.
//
// In a batch the fence comes first, then each item's Func in the order of
// arrival, then all Ops, grouped by statement, in the order of the statements'
// stages, then what was left to Tx.Finally. While a batch is brought to disk the next one is already written; it
// may read what is not durable yet, and becomes durable after it. A batch that
// fails is rolled back and divided, so that a bad item fails alone. Serialization failures and lost connections are tried again.
// When the answer to a COMMIT is lost, the database is asked before anyone is
// answered.
type Committer struct {
	db      *DB
	fence   Fence
	metrics committerMetrics
	wake    chan struct{}
	written chan written
	done    chan struct{}
	ctx     context.Context // ends some time after Close, so that Close cannot hang on a dead database
	cancel  context.CancelFunc

	mu      sync.Mutex
	queue   []*entry
	later   []*entry    // not yet in the queue
	due     *time.Timer // brings them there; nil when there are none
	pending int         // bytes in queue and later
	closed  bool
}

// entry is an item with its way back.
type entry struct {
	item   Item
	size   int
	answer func(error)
	err    error // of the batch that is being made: ErrFenced or nil
}

// NewCommitter starts a committer. Close it before the DB. fence may be nil
// when no item has a key, metrics when nobody looks.
func NewCommitter(d *DB, fence Fence, metrics prometheus.Registerer) *Committer {
	c := &Committer{db: d, fence: fence, metrics: newCommitterMetrics(metrics), wake: make(chan struct{}, 1), written: make(chan written), done: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.work()
	go c.settle()
	return c
}

// Commit returns nil when the item is durable. Any error but ErrUnknown means
// that nothing of it is: ErrFenced when the epoch is another, ErrUnique,
// ErrClosed, fault.Unavailable when too much is waiting or the database cannot
// store, the context's error when it ended before the item's turn.
//
// Once the item is in a transaction Commit waits for the outcome, whatever
// happens to the context. Only when that cannot be learnt, because the database
// stays unreachable after it was sent the COMMIT and the Committer is closed
// meanwhile, is the answer ErrUnknown.
func (c *Committer) Commit(ctx context.Context, item Item) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	answer := make(chan error, 1)
	e := &entry{item: item, answer: func(err error) { answer <- err }}
	if err := c.put(e); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
	}
	if c.withdraw(e) {
		return ctx.Err()
	}
	return <-answer
}

// Submit is Commit without a waiting goroutine: done gets what Commit would
// have returned, from the committer's goroutine and in the order of the
// batches, and must be quick. When the item is refused at once, done is called
// before Submit returns.
func (c *Committer) Submit(item Item, done func(error)) {
	if err := c.put(&entry{item: item, answer: done}); err != nil {
		done(err)
	}
}

// Close refuses new items, commits those that are waiting and returns when all
// are answered. A database that does not answer for long is given up.
func (c *Committer) Close() {
	c.mu.Lock()
	c.closed = true
	c.ripen()
	c.mu.Unlock()
	c.signal()
	giveUp := time.AfterFunc(patience, c.cancel)
	defer giveUp.Stop()
	<-c.done
	c.cancel()
}

func (c *Committer) put(e *entry) error {
	e.size = sizeOf(e.item)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	if c.pending > 0 && c.pending+e.size > maxPending {
		c.mu.Unlock()
		return fault.New(fault.Unavailable, "More is waiting to be stored than fits in memory.").WithRetryAfter(time.Second)
	}
	c.pending += e.size
	if e.item.Later {
		c.later = append(c.later, e)
		if c.due == nil {
			c.due = time.AfterFunc(later, func() {
				c.mu.Lock()
				c.ripen()
				c.mu.Unlock()
				c.signal()
			})
		}
		c.mu.Unlock()
		return nil
	}
	c.queue = append(c.queue, e)
	first := len(c.queue) == 1
	c.mu.Unlock()
	if first {
		c.signal()
	}
	return nil
}

// ripen moves what could wait into the queue; c.mu is held.
func (c *Committer) ripen() {
	c.queue = append(c.queue, c.later...)
	c.later, c.due = nil, nil
}

// withdraw takes an entry back unless its batch has begun.
func (c *Committer) withdraw(e *entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, have := range c.queue {
		if have == e {
			c.queue = append(c.queue[:i], c.queue[i+1:]...)
			c.pending -= e.size
			return true
		}
	}
	return false
}

func (c *Committer) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// work is the one goroutine that writes.
func (c *Committer) work() {
	defer close(c.written)
	for {
		runtime.Gosched() // who is about to hand an item in comes along; an idle machine loses nothing
		batch, closed := c.take()
		if len(batch) > 0 {
			c.commit(batch)
			continue
		}
		if closed {
			return
		}
		<-c.wake
	}
}

// take removes the next batch from the queue.
func (c *Committer) take() (batch []*entry, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, size := 0, 0
	for n < len(c.queue) && (n == 0 || size+c.queue[n].size <= maxBatch) {
		size += c.queue[n].size
		n++
	}
	batch = append(batch, c.queue[:n]...)
	clear(c.queue[:n]) // what is answered is not to be kept in memory by the queue
	c.queue = c.queue[n:]
	c.pending -= size
	c.metrics.waiting.Set(float64(c.pending))
	return batch, c.closed
}

// sizeOf is about what an item takes in memory and on disk.
func sizeOf(item Item) int {
	size := item.Size + 64
	for _, op := range item.Ops {
		for _, v := range op.Row {
			switch v := v.(type) {
			case string:
				size += len(v)
			case []byte:
				size += len(v)
			case Blob:
				size += len(v)
			default:
				size += 8
			}
		}
	}
	return size
}

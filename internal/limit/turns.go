package limit

import (
	"context"
	"sync"
)

// Turns lets so many do something at the same time for each key, one after the
// other in the order in which they come. It is safe for concurrent use.
type Turns struct {
	each int
	mu   sync.Mutex
	by   map[string]*turn
}

type turn struct {
	slots chan struct{}
	users int // who have a slot or wait for one
}

// NewTurns lets each many at a time.
func NewTurns(each int) *Turns { return &Turns{each: each, by: map[string]*turn{}} }

// Take waits for a turn, which ends with what it returns. The error is ctx's.
func (t *Turns) Take(ctx context.Context, key string) (leave func(), err error) {
	t.mu.Lock()
	own := t.by[key]
	if own == nil {
		own = &turn{slots: make(chan struct{}, t.each)}
		t.by[key] = own
	}
	own.users++
	t.mu.Unlock()
	left := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(t.by, key)
		}
	}
	select {
	case own.slots <- struct{}{}:
		return func() {
			<-own.slots
			left()
		}, nil
	case <-ctx.Done():
		left()
		return nil, ctx.Err()
	}
}

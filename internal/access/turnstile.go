package access

import (
	"context"
	"sync"
	"time"

	"junctor/internal/fault"
)

// turnstile lets the same credentials through one at a time. A program that
// comes with its password on many connections at once would otherwise look
// like many guesses at once, and cost a hash on each.
type turnstile struct {
	mu   sync.Mutex
	busy map[cacheKey]chan struct{} // closed when the one inside has left
}

// enter waits until nobody else is inside with the key, or ctx ends.
func (t *turnstile) enter(ctx context.Context, key cacheKey) (leave func(), err error) {
	for {
		t.mu.Lock()
		inside, busy := t.busy[key]
		if !busy {
			gone := make(chan struct{})
			t.busy[key] = gone
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.busy, key)
				t.mu.Unlock()
				close(gone)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-inside:
		case <-ctx.Done():
			return nil, fault.Wrap(ctx.Err(), fault.Unavailable, "too many calls with this password at one moment; a session's token or an API token costs less").WithRetryAfter(time.Second)
		}
	}
}

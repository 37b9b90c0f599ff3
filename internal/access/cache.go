package access

import (
	"sync"
	"time"

	"junctor/internal/clock"
)

// How long a caller is remembered.
const (
	rememberCaller    = 10 * time.Second
	rememberElsewhere = time.Second // where other nodes may change what was found: see Authenticate
	rememberPassword  = time.Minute // that it was right: argon2 costs tens of milliseconds
	maxRemembered     = 10_000
)

// cacheKey is a digest of what was presented.
type cacheKey [32]byte

// memory remembers what was found behind a credential.
type memory[V any] struct {
	clock clock.Clock

	mu        sync.Mutex
	gen       uint64 // rises when everything is forgotten
	by        map[cacheKey]remembered[V]
	suspended time.Time // until when nothing is remembered
}

type remembered[V any] struct {
	value V
	until time.Time
}

func newMemory[V any](c clock.Clock) *memory[V] {
	return &memory[V]{clock: c, by: map[cacheKey]remembered[V]{}}
}

// generation is to be read before the database is, and handed to put: what was
// read before a clear must not be remembered after it.
func (m *memory[V]) generation() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gen
}

func (m *memory[V]) get(key cacheKey) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.by[key]
	if !ok || !m.clock.Now().Before(r.until) {
		delete(m.by, key)
		var none V
		return none, false
	}
	return r.value, true
}

// put remembers until a moment, which may be past.
func (m *memory[V]) put(key cacheKey, generation uint64, value V, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gen != generation || m.clock.Now().Before(m.suspended) {
		return
	}
	if len(m.by) >= maxRemembered {
		clear(m.by)
	}
	m.by[key] = remembered[V]{value, until}
}

// clear forgets everything.
func (m *memory[V]) clear() { m.forget(time.Time{}) }

// suspend forgets everything and remembers nothing until the next clear, for
// somebody is about to commit what makes it wrong, and gives notice then. Should
// nobody, it is for a while only.
func (m *memory[V]) suspend() { m.forget(m.clock.Now().Add(rememberCaller)) }

func (m *memory[V]) forget(until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gen++
	m.suspended = until
	clear(m.by)
}

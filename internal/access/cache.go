package access

import (
	"crypto/rand"
	"sync"
	"time"

	"junctor/internal/clock"
)

// How long a caller is remembered. A lost notification from another node
// keeps an ended credential alive for so long at most.
const (
	rememberToken    = 10 * time.Second
	rememberPassword = time.Minute // argon2 costs tens of milliseconds
	maxRemembered    = 10_000
)

// cacheKey is a digest of what was presented.
type cacheKey [32]byte

// callerCache remembers who was found behind a credential.
type callerCache struct {
	clock  clock.Clock
	pepper [32]byte // so that no plain hash of a password lies in memory

	mu  sync.Mutex
	gen uint64 // rises when everything is forgotten
	by  map[cacheKey]*remembered
}

type remembered struct {
	caller Caller
	until  time.Time
}

func newCallerCache(c clock.Clock) *callerCache {
	cache := &callerCache{clock: c, by: map[cacheKey]*remembered{}}
	rand.Read(cache.pepper[:]) //nolint:errcheck // never fails since Go 1.24
	return cache
}

// generation is to be read before the database is, and handed to put: what was
// read before a clear must not be remembered after it.
func (c *callerCache) generation() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gen
}

func (c *callerCache) get(key cacheKey) (Caller, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.by[key]
	if !ok || !c.clock.Now().Before(r.until) {
		delete(c.by, key)
		return Caller{}, false
	}
	return r.caller, true
}

// put remembers for d, and not beyond expires unless that is zero.
func (c *callerCache) put(key cacheKey, generation uint64, caller Caller, d time.Duration, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen != generation {
		return
	}
	if len(c.by) >= maxRemembered {
		clear(c.by)
	}
	until := c.clock.Now().Add(d)
	if !expires.IsZero() && expires.Before(until) {
		until = expires
	}
	c.by[key] = &remembered{caller: caller, until: until}
}

func (c *callerCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	clear(c.by)
}

// Package limit counts how often something is done and says when it is too
// often, by buckets that refill with time; and how much is done at the same time.
//
// It must not know what is counted, or any of Junctor's nouns.
package limit

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rule is a bucket's size, and the time in which one token comes back.
type Rule struct {
	Size   int
	Refill time.Duration
}

// Per is the rule of a rate: so many within a time, also all at once.
func Per(count int, span time.Duration) Rule {
	return Rule{Size: count, Refill: span / time.Duration(count)}
}

// Bucket limits one thing. It is safe for concurrent use.
type Bucket struct {
	rule Rule
	now  func() time.Time
	mu   sync.Mutex
	level
}

// NewBucket returns a full bucket.
func NewBucket(rule Rule, now func() time.Time) *Bucket {
	return &Bucket{rule: rule, now: now}
}

// Take takes a token and returns 0, or returns how long it is until there is one.
func (b *Bucket) Take() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.take(b.rule, b.now())
}

// maxKeys is how many keys Keyed remembers.
const maxKeys = 10_000

// Keyed limits many things of one kind by their keys, each by a bucket of its
// own. It lives in memory, is bounded, and is safe for concurrent use.
type Keyed struct {
	rule Rule
	now  func() time.Time
	mu   sync.Mutex
	by   map[string]*level
}

// NewKeyed returns full buckets for all keys.
func NewKeyed(rule Rule, now func() time.Time) *Keyed {
	return &Keyed{rule: rule, now: now, by: map[string]*level{}}
}

// Take is Bucket.Take for a key.
func (k *Keyed) Take(key string) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	l := k.by[key]
	if l == nil {
		if len(k.by) >= maxKeys {
			k.evict(now)
		}
		l = &level{}
		k.by[key] = l
	}
	return l.take(k.rule, now)
}

// Wait is what Take would return, and takes nothing.
func (k *Keyed) Wait(key string) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.by[key]; l != nil {
		return l.wait(k.rule, k.now())
	}
	return 0
}

// Give puts a token back.
func (k *Keyed) Give(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.by[key]; l != nil {
		l.full = l.full.Add(-k.rule.Refill)
	}
}

// evict makes room: all buckets that are full again, and where that is not
// enough a tenth of the rest, the fullest first, so that a flood of new keys
// does not wash out the one under attack.
func (k *Keyed) evict(now time.Time) {
	maps.DeleteFunc(k.by, func(_ string, l *level) bool { return !l.full.After(now) })
	excess := len(k.by) - maxKeys*9/10
	if excess <= 0 {
		return
	}
	keys := slices.SortedFunc(maps.Keys(k.by), func(a, b string) int { return k.by[a].full.Compare(k.by[b].full) })
	for _, key := range keys[:excess] {
		delete(k.by, key)
	}
}

// level is the moment at which a bucket is full again; what is missing follows
// from it, in whole nanoseconds.
type level struct{ full time.Time }

func (l *level) take(r Rule, now time.Time) time.Duration {
	if wait := l.wait(r, now); wait > 0 {
		return wait
	}
	if l.full.Before(now) {
		l.full = now
	}
	l.full = l.full.Add(r.Refill)
	return 0
}

// wait is how long it is until the bucket holds a whole token.
func (l *level) wait(r Rule, now time.Time) time.Duration {
	missing := max(0, l.full.Sub(now))
	missing = min(missing, time.Duration(r.Size)*r.Refill) // more only by a clock that was set back
	return max(0, missing-time.Duration(r.Size-1)*r.Refill)
}

// Network is what counts as one address: an IPv4 address, or the /64 that an
// IPv6 customer has to himself. What is no address is itself.
func Network(address string) string {
	a, err := netip.ParseAddr(strings.Trim(address, "[]"))
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

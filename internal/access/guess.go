package access

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"junctor/internal/clock"
	"junctor/internal/fault"
)

// How many wrong passwords are taken before an attempt has to wait, and how
// long until one more is. An address may stand for a whole office.
const (
	accountGuesses = 10
	accountRefill  = 30 * time.Second
	addressGuesses = 30
	addressRefill  = 10 * time.Second
	maxGuessKeys   = 10_000
)

// guesses limits how often a password can be tried, per account and per
// address. Each attempt takes a token out of both buckets before the password
// is looked at, so that attempts made at once count too; a right password
// gives both back. Unknown accounts have buckets as known ones have. It lives
// in memory and is bounded.
type guesses struct {
	clock clock.Clock
	mu    sync.Mutex
	by    map[string]*bucket
}

// bucket refills with time: spent is how many tokens are missing at the
// moment at.
type bucket struct {
	size   float64
	refill time.Duration
	spent  float64
	at     time.Time
}

func newGuesses(c clock.Clock) *guesses {
	return &guesses{clock: c, by: map[string]*bucket{}}
}

// take spends one attempt, or is a fault.TooMany that says when to come back.
// The caller gives it back when the password was right.
func (g *guesses) take(login, address string) (giveBack func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	if len(g.by)+2 > maxGuessKeys {
		g.evict(now)
	}
	if !validLogin(login) {
		login = "" // exists nowhere; its length is not ours to keep
	}
	account := g.bucket("account "+login, accountGuesses, accountRefill, now)
	from := g.bucket("address "+network(address), addressGuesses, addressRefill, now)
	if wait := max(account.wait(), from.wait()); wait > 0 {
		return nil, fault.New(fault.TooMany,
			"too many wrong passwords; wait before the next try. Sessions and API tokens go on working").WithRetryAfter(wait)
	}
	account.spent++
	from.spent++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		account.spent = max(0, account.spent-1)
		from.spent = max(0, from.spent-1)
	}, nil
}

// bucket finds or makes the bucket of a key and brings it up to now.
func (g *guesses) bucket(key string, size float64, refill time.Duration, now time.Time) *bucket {
	b, ok := g.by[key]
	if !ok {
		b = &bucket{size: size, refill: refill, at: now}
		g.by[key] = b
	}
	b.advance(now)
	return b
}

func (b *bucket) advance(now time.Time) {
	if gone := now.Sub(b.at); gone > 0 {
		b.spent = max(0, b.spent-gone.Seconds()/b.refill.Seconds())
		b.at = now
	}
}

// wait is how long after the last advance the bucket holds a whole token.
func (b *bucket) wait() time.Duration {
	missing := b.spent + 1 - b.size
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing * float64(b.refill))
}

// evict makes room: all buckets that are full again, and where that is not
// enough a tenth of the rest, the fullest first, so that a flood of new names
// does not wash out the one under attack.
func (g *guesses) evict(now time.Time) {
	maps.DeleteFunc(g.by, func(_ string, b *bucket) bool {
		b.advance(now)
		return b.spent == 0
	})
	excess := len(g.by) - maxGuessKeys*9/10
	if excess <= 0 {
		return
	}
	keys := slices.SortedFunc(maps.Keys(g.by), func(a, b string) int { return cmp.Compare(g.by[a].spent, g.by[b].spent) })
	for _, key := range keys[:excess] {
		delete(g.by, key)
	}
}

// network is what counts as one address: an IPv4 address, or the /64 that an
// IPv6 customer has to himself.
func network(address string) string {
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

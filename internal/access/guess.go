package access

import (
	"time"

	"junctor/internal/clock"
	"junctor/internal/fault"
	"junctor/internal/limit"
)

// How many wrong passwords are taken before an attempt has to wait, and how
// long until one more is. An address may stand for a whole office.
var (
	accountGuesses = limit.Rule{Size: 10, Refill: 30 * time.Second}
	addressGuesses = limit.Rule{Size: 30, Refill: 10 * time.Second}
)

// guesses limits how often a password can be tried, per account and per
// address. Each attempt takes a token out of both buckets before the password
// is looked at, so that attempts made at once count too; a right password
// gives both back. Unknown accounts have buckets as known ones have.
type guesses struct{ accounts, addresses *limit.Keyed }

func newGuesses(c clock.Clock) *guesses {
	return &guesses{limit.NewKeyed(accountGuesses, c.Now), limit.NewKeyed(addressGuesses, c.Now)}
}

// take spends one attempt, or is a fault.TooMany that says when to come back.
// The caller gives it back when the password was right.
func (g *guesses) take(login, address string) (giveBack func(), err error) {
	if !validLogin(login) {
		login = "" // exists nowhere; its length is not ours to keep
	}
	from := limit.Network(address)
	wait := g.addresses.Take(from)
	if wait == 0 {
		if wait = g.accounts.Take(login); wait > 0 {
			g.addresses.Give(from)
		}
	}
	if wait > 0 {
		return nil, fault.New(fault.TooMany,
			"too many wrong passwords; wait before the next try. Sessions and API tokens go on working").WithRetryAfter(wait)
	}
	return func() {
		g.accounts.Give(login)
		g.addresses.Give(from)
	}, nil
}

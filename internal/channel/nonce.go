package channel

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"junctor/internal/content"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/unit"
)

// Nonce says which header tells each message of a channel from all others.
type Nonce struct {
	Header string
	Window time.Duration // how long one that was taken is known
}

// DefaultNonceWindow is how long nonces are known where the configuration says
// nothing.
const DefaultNonceWindow = 24 * time.Hour

// longestNonce is in bytes.
const longestNonce = 255

func (p *parser) nonce(w *wireNonce, verify []Scheme) *Nonce {
	if w == nil {
		return nil
	}
	if err := content.CheckHeaderName(w.Header); err != nil {
		p.add("/nonce/header", "%s", err.Error())
	} else if w.Header[0] == '$' {
		p.add("/nonce/header", "must be a header: a place in the body is not possible here")
	}
	n := &Nonce{Header: w.Header, Window: p.span("/nonce/window", w.Window, DefaultNonceWindow, time.Second, year)}
	// A message from the far end of the future is timely for twice the tolerance.
	if least := 2 * tolerance(verify); n.Window < least {
		p.add("/nonce/window", "must be at least %s, twice the tolerance of verify: a shorter one would let a message in again while its time is still good",
			unit.FormatDuration(least))
	}
	return n
}

// tolerance is the longest of the schemes that look at a message's time.
func tolerance(verify []Scheme) (longest time.Duration) {
	for _, s := range verify {
		switch {
		case s.StandardWebhooks != "", s.Stripe != "":
			longest = max(longest, DefaultTolerance)
		case s.HMAC != nil && s.HMAC.Tolerance != nil:
			longest = max(longest, time.Duration(*s.HMAC.Tolerance))
		case s.HMAC != nil && s.HMAC.TimestampHeader != "":
			longest = max(longest, DefaultTolerance)
		}
	}
	return longest
}

// Of reads a message's nonce. Errors: the Verifier's fault.Unauthorized when it
// is missing, empty, longer than 255 bytes, or not the only one.
func (n *Nonce) Of(h http.Header) (string, error) {
	value, err := single(h, n.Header)
	if err == nil && len(value) > longestNonce {
		err = fmt.Errorf("the nonce in the header %s has %d bytes, and %d are possible", n.Header, len(value), longestNonce)
	}
	if err != nil {
		return "", unauthorized(err)
	}
	return value, nil
}

// Caution is what to know about a channel that is valid and may still not do
// what was meant; "" when there is nothing.
func (c *Config) Caution() string {
	if c.Nonce == nil {
		return ""
	}
	for _, s := range c.Verify {
		if name, ok := s.covers(c.Nonce.Header); !ok {
			return fmt.Sprintf("has a nonce in %s that the signatures of %s do not cover: whoever changes it can send an old message again; "+
				"hmac covers it by a content such as {header:%[1]s}.{body}", c.Nonce.Header, name)
		}
	}
	return ""
}

// covers reports whether a scheme's signature covers a header. Credentials sign
// nothing, but whoever has them can send anything.
func (s *Scheme) covers(header string) (name string, ok bool) {
	header = http.CanonicalHeaderKey(header)
	switch name, _ = s.secret(); {
	case s.HMAC != nil:
		c, err := parseContent(s.HMAC.Content)
		return "hmac", err == nil && slices.ContainsFunc(c, func(p part) bool { return p.name == "header" && p.header == header })
	case name == "standard-webhooks":
		return name, header == "Webhook-Id"
	}
	return name, name == "" || name == "bearer"
}

// Nonces are those that channels have taken, by their digests.
type Nonces struct{ db *db.DB }

// NewNonces returns the nonces of a database.
func NewNonces(d *db.DB) *Nonces { return &Nonces{db: d} }

// Check looks whether a channel has taken a nonce. at is when the message came;
// that and not the present counts for both ends of the window, so that a
// message on its way for long does not outlive its nonce. Errors:
// fault.Conflict when it has.
func (n *Nonces) Check(ctx context.Context, channel, nonce string, at time.Time) error {
	taken := false
	err := n.db.Read(ctx, func(tx *db.Tx) error {
		var one int64
		err := tx.QueryRow(`SELECT 1 FROM channel_nonces WHERE channel = $1 AND nonce = $2 AND expires_at >= $3`,
			channel, digested(nonce), db.Micros(at)).Scan(&one)
		taken = err == nil
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("look for the nonce: %w", err)
	case taken:
		return errTaken()
	}
	return nil
}

// Take takes a nonce for a channel, in the transaction of the message's run: of
// several at once, on any node, one succeeds. Errors: fault.Conflict for the
// others.
func (n *Nonces) Take(channel, nonce string, at time.Time, window time.Duration) func(*db.Tx) ([]db.Op, error) {
	return func(tx *db.Tx) ([]db.Op, error) {
		// One statement, so that PostgreSQL waits for another that has not committed yet.
		rows, err := tx.Exec(`INSERT INTO channel_nonces (channel, nonce, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (channel, nonce) DO UPDATE SET expires_at = excluded.expires_at WHERE channel_nonces.expires_at < $4`,
			channel, digested(nonce), db.Micros(at.Add(window)), db.Micros(at))
		switch {
		case err != nil:
			return nil, fmt.Errorf("take the nonce: %w", err)
		case rows == 0:
			return nil, errTaken()
		}
		return nil, nil
	}
}

// TakeAlone is Take for a message that makes no run, since it repeats another.
func (n *Nonces) TakeAlone(ctx context.Context, channel, nonce string, at time.Time, window time.Duration) error {
	return n.db.Write(ctx, func(tx *db.Tx) error {
		_, err := n.Take(channel, nonce, at, window)(tx)
		return err
	})
}

// lingers is how long a nonce is kept beyond its window: for the messages that
// came within it and are still on their way.
const lingers = time.Hour

// Expire removes up to most nonces whose time is over and returns how many.
func (n *Nonces) Expire(tx *db.Tx, most int, now time.Time) (int64, error) {
	return tx.Exec(`DELETE FROM channel_nonces WHERE (channel, nonce) IN (
		SELECT channel, nonce FROM channel_nonces WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, db.Micros(now.Add(-lingers)), most)
}

func errTaken() error {
	return fault.New(fault.Conflict, "A message with this nonce was taken before; send a new one with a new message.")
}

// digested makes a key of one size out of what a sender chose.
func digested(nonce string) []byte {
	sum := sha256.Sum256([]byte(nonce))
	return sum[:]
}

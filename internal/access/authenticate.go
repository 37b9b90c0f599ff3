package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Via says by what a caller has shown who it is.
type Via string

// The ways in.
const (
	BySession  Via = "session"
	ByToken    Via = "token"
	ByPassword Via = "password"
)

// Caller is an account at the door.
type Caller struct {
	Account    Account  `json:"account"`
	Via        Via      `json:"via"`
	Credential string   `json:"credential,omitempty"` // id of the session or API token
	Name       string   `json:"name,omitempty"`       // of the API token
	Session    *Session `json:"session,omitempty"`    // when by session
}

// Author is what versions and the audit log name: the login, and the API
// token where it was one.
func (c Caller) Author() string {
	if c.Via == ByToken {
		return c.Account.Login + " (token " + c.Name + ")"
	}
	return c.Account.Login
}

// Authenticate finds who presents a session's token or an API token. Unknown,
// ended, expired and revoked ones are fault.Unauthorized. It is cheap: what
// was found is remembered for some seconds and forgotten, on every node, when
// a credential ends.
func (s *Store) Authenticate(ctx context.Context, bearer string) (Caller, error) {
	key := cacheKey(sha256.Sum256([]byte(bearer)))
	if caller, ok := s.callers.get(key); ok {
		return caller, nil
	}
	generation := s.callers.generation()
	found, err := s.identify(ctx, bearer)
	if err != nil {
		return Caller{}, err
	}
	s.touch(ctx, found)
	s.callers.put(key, generation, found.caller, min(rememberToken, s.limits.Load().Idle/4), found.expires)
	return found.caller, nil
}

// AuthenticatePassword is Authenticate for Basic credentials, under the same
// guessing limits as Login. It begins no session.
func (s *Store) AuthenticatePassword(ctx context.Context, login, password, address string) (Caller, error) {
	key := s.callers.passwordKey(login, password)
	if caller, ok := s.callers.get(key); ok {
		return caller, nil
	}
	leave, err := s.entry.enter(ctx, key)
	if err != nil {
		return Caller{}, err
	}
	defer leave()
	if caller, ok := s.callers.get(key); ok { // found by the one before
		return caller, nil
	}
	generation := s.callers.generation()
	account, err := s.password(ctx, login, password, address)
	if err != nil {
		return Caller{}, err
	}
	caller := Caller{Account: account, Via: ByPassword}
	s.callers.put(key, generation, caller, rememberPassword, time.Time{})
	return caller, nil
}

// identified is what the database says about a credential.
type identified struct {
	caller  Caller
	used    time.Time // last written use; zero for never
	expires time.Time // zero for what has no end of its own
}

// identify asks the database.
func (s *Store) identify(ctx context.Context, bearer string) (identified, error) {
	switch {
	case strings.HasPrefix(bearer, sessionPrefix):
		account, session, err := s.sessionOf(ctx, bearer)
		return identified{
			caller:  Caller{Account: account, Via: BySession, Credential: session.ID, Session: &session},
			used:    session.SeenAt,
			expires: session.ExpiresAt,
		}, err
	case strings.HasPrefix(bearer, tokenPrefix):
		account, token, err := s.tokenOf(ctx, bearer)
		found := identified{caller: Caller{Account: account, Via: ByToken, Credential: token.ID, Name: token.Name}}
		if token.UsedAt != nil {
			found.used = *token.UsedAt
		}
		if token.ExpiresAt != nil {
			found.expires = *token.ExpiresAt
		}
		return found, err
	}
	return identified{}, fault.New(fault.Unauthorized,
		"this is neither a session's token (%s..., from POST /api/v1/session) nor an API token (%s..., from `junctor token create`)", sessionPrefix, tokenPrefix)
}

// touch notes that the credential was used, at most once a minute (more often
// where sessions end after few minutes). That it could not be written is no
// reason to turn away somebody who may be here to see why nothing can be
// written; a later call tries again.
func (s *Store) touch(ctx context.Context, found identified) {
	now := s.clock.Now()
	before := now.Add(-min(time.Minute, s.limits.Load().Idle/4))
	if found.used.After(before) {
		return
	}
	update := `UPDATE sessions SET seen_at = $1 WHERE id = $2 AND seen_at <= $3`
	if found.caller.Via == ByToken {
		update = `UPDATE api_tokens SET used_at = $1 WHERE id = $2 AND (used_at IS NULL OR used_at <= $3)`
	}
	s.db.Write(ctx, func(tx *db.Tx) error { //nolint:errcheck // see above
		_, err := tx.Exec(update, db.Micros(now), found.caller.Credential, db.Micros(before))
		return err
	})
}

// passwordKey names a login and password without keeping the password.
func (c *callerCache) passwordKey(login, password string) cacheKey {
	mac := hmac.New(sha256.New, c.pepper[:])
	fmt.Fprintf(mac, "%s\x00%s", login, password)
	return cacheKey(mac.Sum(nil))
}

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
	"junctor/internal/right"
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
	Account    Account    `json:"account"`
	Via        Via        `json:"via"`
	Credential string     `json:"credential,omitempty"` // id of the session or API token
	Name       string     `json:"name,omitempty"`       // of the API token
	Session    *Session   `json:"session,omitempty"`    // that of the token, or that which an application's calls share
	Rights     *right.Set `json:"-"`                    // what the account may do; never nil
}

// Author is what versions and the audit log name: the login, and the API
// token where it was one.
func (c Caller) Author() string {
	if c.Via == ByToken {
		return c.Account.Login + " (token " + c.Name + ")"
	}
	return c.Account.Login
}

// Authenticate finds who presents a session's token or an API token, and
// whether the account may come in from the address and now. Unknown, ended,
// expired and revoked ones are fault.Unauthorized; fault.Forbidden and
// fault.Conflict are as in Login: an application's API token takes part in the
// policy.
//
// It is cheap: what was found is remembered. It is forgotten at once on this
// node when a credential or a right changes. Other nodes hear of it, and
// remember nothing for more than a second in any case; a place is given to
// another only when that second is over.
func (s *Store) Authenticate(ctx context.Context, bearer, address string) (Caller, error) {
	return s.recognize(ctx, cacheKey(sha256.Sum256([]byte(bearer))), address, func() (identified, error) { return s.identify(ctx, bearer) })
}

// AuthenticatePassword is Authenticate for Basic credentials, under the same
// guessing limits as Login. It begins no session but that of an application
// which has to have a place.
func (s *Store) AuthenticatePassword(ctx context.Context, login, password, address string) (Caller, error) {
	key := s.passwordKey(login, password)
	return s.recognize(ctx, key, address, func() (identified, error) {
		leave, err := s.entry.enter(ctx, key)
		if err != nil {
			return identified{}, err
		}
		defer leave()
		return s.prove(ctx, key, login, password, address)
	})
}

// prove checks a password, or that it is still the one that was right a moment
// ago.
func (s *Store) prove(ctx context.Context, key cacheKey, login, password, address string) (identified, error) {
	generation := s.proven.generation()
	if hash, ok := s.proven.get(key); ok {
		account, present, epoch, err := s.accountOf(ctx, login)
		if err != nil || (account.Enabled && present == hash) {
			return identified{caller: Caller{Account: account, Via: ByPassword}, epoch: epoch}, err
		}
	}
	account, err := s.password(ctx, login, password, address)
	if err != nil {
		return identified{}, err
	}
	// What is to be remembered is the hash that is stored now: that which was
	// checked may have been replaced by a newer form of it.
	present, hash, epoch, err := s.accountOf(ctx, login)
	if err != nil {
		return identified{}, err
	}
	if present.ID == account.ID && present.ChangedAt.Equal(account.ChangedAt) {
		s.proven.put(key, generation, hash, s.clock.Now().Add(rememberPassword))
	}
	return identified{caller: Caller{Account: account, Via: ByPassword}, epoch: epoch}, nil
}

// accountOf reads an account that exists, its password's hash and the epoch of
// rights.
func (s *Store) accountOf(ctx context.Context, login string) (account Account, hash string, epoch int64, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if account, hash, err = accountByLogin(tx, login); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT epoch FROM access_epoch WHERE id = 1`).Scan(&epoch)
	})
	if fault.Is(err, fault.NotFound) { // deleted a moment ago
		err = fault.New(fault.Unauthorized, "login or password is wrong")
	}
	return account, hash, epoch, wrap(err, "find the account %q", login)
}

// identified is what the database says about a credential.
type identified struct {
	caller  Caller
	epoch   int64     // of rights
	used    time.Time // last written use; zero for never
	expires time.Time // zero for what has no end of its own
}

// recognize takes a caller from memory, or asks the database and remembers. The
// time for which it remembers begins before the database is asked: what other
// nodes change from then on may be waited for.
func (s *Store) recognize(ctx context.Context, key cacheKey, address string, ask func() (identified, error)) (Caller, error) {
	if caller, ok := s.callers.get(key); ok {
		return caller, s.admit(ctx, caller.Account, address)
	}
	generation, asked := s.callers.generation(), s.clock.Now()
	found, err := ask()
	if err != nil {
		return Caller{}, err
	}
	caller := found.caller
	if err := s.admit(ctx, caller.Account, address); err != nil {
		return Caller{}, err
	}
	directory, err := s.directoryOf(ctx, found.epoch)
	if err != nil {
		return Caller{}, err
	}
	caller.Rights = directory.rights(caller.Account)
	if caller.Via != BySession {
		if err := s.hold(ctx, &caller, address); err != nil {
			return Caller{}, err
		}
	}
	s.touch(ctx, found)
	until := asked.Add(min(s.remember(), s.limits.Load().Idle/4))
	if !found.expires.IsZero() && found.expires.Before(until) {
		until = found.expires
	}
	s.callers.put(key, generation, caller, until)
	return caller, nil
}

// remember is for how long a caller may be taken from memory.
func (s *Store) remember() time.Duration {
	if s.elsewhere > 0 {
		return s.elsewhere
	}
	return rememberCaller
}

// identify asks the database.
func (s *Store) identify(ctx context.Context, bearer string) (identified, error) {
	switch {
	case strings.HasPrefix(bearer, sessionPrefix):
		account, session, epoch, err := s.sessionOf(ctx, bearer)
		return identified{
			caller:  Caller{Account: account, Via: BySession, Credential: session.ID, Session: &session},
			epoch:   epoch,
			used:    session.SeenAt,
			expires: session.ExpiresAt,
		}, err
	case strings.HasPrefix(bearer, tokenPrefix):
		account, token, epoch, err := s.tokenOf(ctx, bearer)
		found := identified{caller: Caller{Account: account, Via: ByToken, Credential: token.ID, Name: token.Name}, epoch: epoch}
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

// touch notes that the credential was used.
func (s *Store) touch(ctx context.Context, found identified) {
	switch found.caller.Via {
	case BySession:
		s.touchSession(ctx, *found.caller.Session)
	case ByToken:
		s.note(ctx, `UPDATE api_tokens SET used_at = $1 WHERE id = $2 AND (used_at IS NULL OR used_at <= $3)`, found.caller.Credential, found.used)
	}
}

func (s *Store) touchSession(ctx context.Context, session Session) {
	s.note(ctx, `UPDATE sessions SET seen_at = $1 WHERE id = $2 AND seen_at <= $3`, session.ID, session.SeenAt)
}

// note writes a use, at most once a minute (more often where sessions end after
// few minutes). That it could not be written is no reason to turn away somebody
// who may be here to see why nothing can be written; a later call tries again.
func (s *Store) note(ctx context.Context, update, id string, used time.Time) {
	now := s.clock.Now()
	before := now.Add(-min(time.Minute, s.limits.Load().Idle/4))
	if used.After(before) {
		return
	}
	s.db.Write(ctx, func(tx *db.Tx) error { //nolint:errcheck // see above
		_, err := tx.Exec(update, db.Micros(now), id, db.Micros(before))
		return err
	})
}

// passwordKey names a login and password without keeping the password.
func (s *Store) passwordKey(login, password string) cacheKey {
	mac := hmac.New(sha256.New, s.pepper[:])
	fmt.Fprintf(mac, "%s\x00%s", login, password)
	return cacheKey(mac.Sum(nil))
}

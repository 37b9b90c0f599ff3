package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/id"
)

// sessionPrefix tells a session's token from an API token.
const sessionPrefix = "js_"

// Session is a login that has not ended.
type Session struct {
	ID        string    `json:"id"`
	Token     string    `json:"token,omitempty"` // only in what Login returns
	Login     string    `json:"login"`
	Address   string    `json:"address"` // where it was begun
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`    // last call, to the minute
	ExpiresAt time.Time `json:"expires_at"` // at the latest; it ends earlier when idle
}

// Login checks the password and begins a session; its token is in no later
// answer. A wrong password, an unknown and a disabled account give the same
// fault.Unauthorized after the same time; too many of them fault.TooMany.
func (s *Store) Login(ctx context.Context, login, password, address string) (Session, error) {
	leave, err := s.entry.enter(ctx, s.callers.passwordKey(login, password))
	if err != nil {
		return Session{}, err
	}
	account, err := s.password(ctx, login, password, address)
	leave()
	if err != nil {
		return Session{}, err
	}
	now, limits := s.clock.Now(), *s.limits.Load()
	session := Session{
		ID: s.ids.New("ses", now), Token: sessionPrefix + id.Token(32), Login: account.Login,
		Address: address, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(limits.Age),
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		// Sessions that nobody ended go when the next one begins.
		_, err := tx.Exec(`DELETE FROM sessions WHERE created_at <= $1 OR seen_at <= $2`,
			db.Micros(now.Add(-limits.Age)), db.Micros(now.Add(-limits.Idle)))
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO sessions (id, digest, account, address, created_at, seen_at)
			VALUES ($1, $2, $3, $4, $5, $5)`,
			session.ID, digest(session.Token), account.ID, address, db.Micros(now))
		if err != nil {
			return err
		}
		return s.Audit(tx, Entry{Author: account.Login, Address: address, Action: "session.begin", Object: "session/" + session.ID})
	})
	return session, wrap(err, "begin a session for %q", login)
}

// password is the one place where a password is checked.
func (s *Store) password(ctx context.Context, login, password, address string) (Account, error) {
	giveBack, err := s.guesses.take(login, address)
	if err != nil {
		return Account{}, err
	}
	account, right, err := s.compare(ctx, login, password)
	if err != nil {
		giveBack() // nothing was learned
		return Account{}, wrap(err, "check the password of %q", login)
	}
	if !right {
		return Account{}, fault.New(fault.Unauthorized, "login or password is wrong")
	}
	giveBack()
	return account, nil
}

// compare takes the same time whether there is such an account or not.
func (s *Store) compare(ctx context.Context, login, password string) (Account, bool, error) {
	var account Account
	hash, known := s.decoy(), false // made at the first login of all, not at the first unknown one
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		a, h, err := accountByLogin(tx, login)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err == nil && a.Enabled {
			account, hash, known = a, h, true
		}
		return err
	})
	if err != nil {
		return Account{}, false, err
	}
	if err := s.acquireHashing(ctx); err != nil {
		return Account{}, false, err
	}
	defer s.releaseHashing()
	right := s.checkPassword(hash, password) && known
	if right && s.needsRehash(hash) {
		s.rehash(ctx, account, hash, password)
	}
	return account, right, nil
}

// rehash stores a right password as hashes are made today, unless it has been
// changed meanwhile. Where that fails, the old hash is as right as before, and
// the next login tries again.
func (s *Store) rehash(ctx context.Context, account Account, old, password string) {
	hash := s.hashPassword(password)
	s.db.Write(ctx, func(tx *db.Tx) error { //nolint:errcheck // see above
		_, err := tx.Exec(`UPDATE accounts SET password = $1 WHERE id = $2 AND password = $3`, hash, account.ID, old)
		return err
	})
}

// Logout ends the session of a token. A token of no session is a
// fault.Unauthorized.
func (s *Store) Logout(ctx context.Context, token string) error {
	caller, err := s.Authenticate(ctx, token)
	if err != nil {
		return err
	}
	if caller.Via != BySession {
		return fault.New(fault.Conflict, "an API token is not a session; revoke it to end it")
	}
	return s.EndSession(ctx, caller.Credential, caller.Account.Login)
}

// EndSession ends one session by its id. An unknown id is a fault.NotFound.
func (s *Store) EndSession(ctx context.Context, sessionID, author string) error {
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`DELETE FROM sessions WHERE id = $1`, sessionID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "there is no session %q; it may have ended already", sessionID)
		}
		tx.Notify(topicCredentials, "")
		return s.Audit(tx, Entry{Author: author, Action: "session.end", Object: "session/" + sessionID})
	})
	s.callers.clear()
	return wrap(err, "end the session %q", sessionID)
}

// ListSessions returns the sessions that have not ended, oldest first, beyond
// the id after; next is "" on the last page.
func (s *Store) ListSessions(ctx context.Context, after string, limit int) (list []Session, next string, err error) {
	now, limits := s.clock.Now(), *s.limits.Load()
	sessions := page[Session]{
		scan: func(row scanner) (Session, error) {
			var login string
			session, err := scanSession(row, limits, &login)
			session.Login = login
			return session, err
		},
		key: func(s Session) string { return s.ID },
	}
	list, next, err = sessions.read(ctx, s.db, limit, `SELECT `+sessionColumns+`, a.login FROM sessions s JOIN accounts a ON a.id = s.account
		WHERE s.id > $1 AND s.created_at > $2 AND s.seen_at > $3 ORDER BY s.id`,
		after, db.Micros(now.Add(-limits.Age)), db.Micros(now.Add(-limits.Idle)))
	return list, next, wrap(err, "list the sessions")
}

const sessionColumns = `s.id, s.address, s.created_at, s.seen_at`

func scanSession(row scanner, limits Limits, more ...any) (Session, error) {
	var session Session
	var created, seen int64
	err := row.Scan(append([]any{&session.ID, &session.Address, &created, &seen}, more...)...)
	session.CreatedAt, session.SeenAt = db.Time(created), db.Time(seen)
	session.ExpiresAt = session.CreatedAt.Add(limits.Age)
	return session, err
}

// sessionOf finds the account and session of a token.
func (s *Store) sessionOf(ctx context.Context, token string) (account Account, session Session, err error) {
	limits := *s.limits.Load()
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		var address string
		var created, seen int64
		account, err = scanAccount(tx.QueryRow(`SELECT `+accountColumns+`, `+sessionColumns+`
			FROM sessions s JOIN accounts a ON a.id = s.account WHERE s.digest = $1`, digest(token)),
			&session.ID, &address, &created, &seen)
		session.Address, session.CreatedAt, session.SeenAt = address, db.Time(created), db.Time(seen)
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return Account{}, Session{}, errEnded
	}
	if err != nil {
		return Account{}, Session{}, wrap(err, "find the session of a token")
	}
	session.Login, session.ExpiresAt = account.Login, session.CreatedAt.Add(limits.Age)
	now := s.clock.Now()
	if !now.Before(session.ExpiresAt) || now.Sub(session.SeenAt) >= limits.Idle || !account.Enabled {
		return Account{}, Session{}, errEnded
	}
	return account, session, nil
}

var errEnded = fault.New(fault.Unauthorized, "this session is unknown or has ended; begin another one with POST /api/v1/session")

// digest is how a token is stored. Tokens are 160 random bits: a plain hash
// cannot be reversed by guessing.
func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

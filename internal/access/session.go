package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// sessionPrefix tells a session's token from an API token.
const sessionPrefix = "js_"

// Session is a login that has not ended. An application that has to have a
// place gets one by its first call with a password or an API token, too.
type Session struct {
	ID        string    `json:"id"`
	Token     string    `json:"token,omitempty"` // only in what Login returns
	Login     string    `json:"login"`
	Via       Via       `json:"via"`     // by what it was begun
	Address   string    `json:"address"` // where it was begun
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`    // last call, to the minute
	ExpiresAt time.Time `json:"expires_at"` // at the latest; it ends earlier when idle

	place string // "" for none
	epoch int64
}

// alive reports whether it has come to neither end.
func (s Session) alive(now time.Time, l Limits) bool {
	return now.Before(s.ExpiresAt) && now.Sub(s.SeenAt) < l.Idle
}

// Login checks the password and begins a session; its token is in no later
// answer. A wrong password, an unknown and a disabled account give the same
// fault.Unauthorized after the same time; too many of them fault.TooMany. Then,
// fault.Forbidden says that the account may not come from the address or at this
// hour, and fault.Conflict, with a HeldError, that another has its place.
//
// Where another one had the place, Login returns when he is out on every node.
func (s *Store) Login(ctx context.Context, login, password, address string) (Session, error) {
	leave, err := s.entry.enter(ctx, s.passwordKey(login, password))
	if err != nil {
		return Session{}, err
	}
	account, err := s.password(ctx, login, password, address)
	leave()
	if err != nil {
		return Session{}, err
	}
	if err := s.admit(ctx, account, address); err != nil {
		return Session{}, err
	}
	return s.enter(ctx, account, s.limits.Load().seat(account), BySession, address)
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
		// Whoever it is, he has not shown it; and what was given for a login may be
		// a password. Whether the log takes it must not depend on whether there is
		// such an account: it takes time.
		s.noteRefusal(ctx, login, Entry{
			Address: address, Action: refused, Object: strings.TrimSuffix("account/"+account.Login, "/"), Detail: "wrong login or password",
		})
		return Account{}, fault.New(fault.Unauthorized, "login or password is wrong")
	}
	giveBack()
	return account, nil
}

// compare takes the same time whether there is such an account or not. The
// account is the one of the login, whatever the password.
func (s *Store) compare(ctx context.Context, login, password string) (Account, bool, error) {
	var account Account
	hash, known := s.decoy(), false // made at the first login of all, not at the first unknown one
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		a, h, err := accountByLogin(tx, login)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if account = a; err == nil && a.Enabled && h != "" {
			hash, known = h, true
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

// Logout ends the session of a caller: that of his token, or the one that his
// calls have made.
func (s *Store) Logout(ctx context.Context, c Caller) error {
	if c.Session == nil {
		return fault.New(fault.Conflict, "this call was not made with a session's token; there is no session to end")
	}
	return s.EndSession(ctx, c.Session.ID, c.Author())
}

// EndSession ends one session by its id. An unknown id is a fault.NotFound.
func (s *Store) EndSession(ctx context.Context, sessionID, author string) error {
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE session_places SET session = '', epoch = epoch + 1, changed_at = $1 WHERE session = $2`, db.Micros(s.clock.Now()), sessionID)
		if err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM sessions WHERE id = $1`, sessionID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "there is no session %q; it may have ended already", sessionID)
		}
		s.forgetAfter(tx)
		return s.Audit(tx, Entry{Author: author, Action: "session.end", Object: "session/" + sessionID})
	})
	s.callers.clear()
	return wrap(err, "end the session %q", sessionID)
}

// SessionFilter chooses sessions; an empty member chooses all.
type SessionFilter struct{ ID, Login string }

// ListSessions returns the sessions that have not ended, oldest first, beyond
// the id after; next is "" on the last page.
func (s *Store) ListSessions(ctx context.Context, f SessionFilter, after string, limit int) (list []Session, next string, err error) {
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
		WHERE s.id > $1 AND s.created_at > $2 AND s.seen_at > $3 AND ($4 = '' OR a.login = $4) AND ($5 = '' OR s.id = $5) ORDER BY s.id`,
		after, db.Micros(now.Add(-limits.Age)), db.Micros(now.Add(-limits.Idle)), f.Login, f.ID)
	return list, next, wrap(err, "list the sessions")
}

// Session returns one that has not ended. Errors: fault.NotFound.
func (s *Store) Session(ctx context.Context, id string) (Session, error) {
	list, _, err := s.ListSessions(ctx, SessionFilter{ID: id}, "", 1)
	if err == nil && (id == "" || len(list) == 0) {
		err = fault.New(fault.NotFound, "there is no session %q, or it has ended", id)
	}
	if err != nil {
		return Session{}, err
	}
	return list[0], nil
}

const sessionColumns = `s.id, s.address, s.created_at, s.seen_at, s.via, s.place, s.epoch`

// sessionParts are where sessionColumns are read to; done makes the session of
// them.
func sessionParts(session *Session, limits Limits) (parts []any, done func()) {
	var created, seen int64
	var via string
	return []any{&session.ID, &session.Address, &created, &seen, &via, &session.place, &session.epoch}, func() {
		session.CreatedAt, session.SeenAt, session.Via = db.Time(created), db.Time(seen), Via(via)
		session.ExpiresAt = session.CreatedAt.Add(limits.Age)
	}
}

// scanSession reads sessionColumns and then more.
func scanSession(row scanner, limits Limits, more ...any) (Session, error) {
	var session Session
	parts, done := sessionParts(&session, limits)
	err := row.Scan(append(parts, more...)...)
	done()
	return session, err
}

// sessionOf finds the account and session of a token, and the epoch of rights.
func (s *Store) sessionOf(ctx context.Context, token string) (account Account, session Session, epoch int64, err error) {
	limits := *s.limits.Load()
	var held int64
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		parts, done := sessionParts(&session, limits)
		account, err = scanAccount(tx.QueryRow(`SELECT `+accountColumns+`, `+sessionColumns+`, coalesce(p.epoch, -1), e.epoch
			FROM sessions s JOIN accounts a ON a.id = s.account JOIN access_epoch e ON e.id = 1
			LEFT JOIN session_places p ON p.place = s.place AND p.session = s.id WHERE s.digest = $1`, digest(token)),
			append(parts, &held, &epoch)...)
		done()
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return Account{}, Session{}, 0, errEnded
	}
	if err != nil {
		return Account{}, Session{}, 0, wrap(err, "find the session of a token")
	}
	session.Login = account.Login
	needs := limits.seat(account)
	seated := needs.place == "" || (session.place == needs.place && session.epoch == held)
	if !session.alive(s.clock.Now(), limits) || !account.Enabled || !seated {
		return Account{}, Session{}, 0, errEnded
	}
	return account, session, epoch, nil
}

var errEnded = fault.New(fault.Unauthorized, "this session is unknown or has ended; begin another one with POST /api/v1/session")

// digest is how a token is stored. Tokens are 160 random bits: a plain hash
// cannot be reversed by guessing.
func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/id"
)

// HeldError is in the chain of the fault.Conflict that says that another has
// the place that an application wants.
type HeldError struct{ Holder Holder }

// Holder is who has a place.
type Holder struct {
	Login   string    `json:"login"`
	Since   time.Time `json:"since"`
	Address string    `json:"address"`
}

func (e *HeldError) Error() string { return fmt.Sprintf("held by the session of %q", e.Holder.Login) }

func (h Holder) refuse() error {
	return fault.Wrap(&HeldError{h}, fault.Conflict,
		"the service is taken: %q has been in since %s, from %s. It is free when that session ends, by DELETE /api/v1/session or when it is idle",
		h.Login, h.Since.UTC().Format(time.RFC3339), h.Address)
}

// seat is what an account needs before it may do anything: a place, "" for
// none, and what happens when another one has it.
type seat struct {
	place string
	rule  OnConflict
}

// seat says which place an account needs. An application's own setting beats
// the domain's unless the domain's is exclusive; only applications are counted.
func (l Limits) seat(a Account) seat {
	if a.Kind != Application {
		return seat{}
	}
	sharing := l.Sharing
	if own := a.definition.Sessions; sharing.Policy != Exclusive {
		if own.Policy != "" {
			sharing.Policy = own.Policy
		}
		if own.OnConflict != "" {
			sharing.OnConflict = own.OnConflict
		}
	}
	switch sharing.Policy {
	case Exclusive:
		return seat{"service", sharing.OnConflict}
	case PerApplication:
		return seat{"application/" + a.ID, sharing.OnConflict}
	}
	return seat{}
}

// begin stores a session for an account, with the place that it needs. That is
// decided here, in one transaction that has the place's row for itself: a place
// has one session at a time, on however many nodes they ask.
//
// took says that another one had the place until now, or a moment ago; the
// caller has to wait with settle before anybody is told.
func (s *Store) begin(tx *db.Tx, a Account, needs seat, want Session) (session Session, took bool, err error) {
	limits := *s.limits.Load()
	now := want.CreatedAt
	// Sessions that nobody ended go when the next one begins.
	_, err = tx.Exec(`DELETE FROM sessions WHERE created_at <= $1 OR seen_at <= $2`,
		db.Micros(now.Add(-limits.Age)), db.Micros(now.Add(-limits.Idle)))
	if err != nil {
		return Session{}, false, err
	}
	if needs.place != "" {
		_, err := tx.Exec(`INSERT INTO session_places (place, epoch, session, changed_at) VALUES ($1, 0, '', 0)
			ON CONFLICT (place) DO UPDATE SET epoch = session_places.epoch`, needs.place)
		if err != nil {
			return Session{}, false, err
		}
		held, err := s.holder(tx, needs.place)
		if err != nil {
			return Session{}, false, err
		}
		own := held.account == a.ID
		switch {
		case !held.lives:
		case own && want.Via != BySession:
			return held.session, false, nil
		case own && held.session.Via != BySession: // its own calls, that had no session yet
		case needs.rule != Replace:
			return Session{}, false, held.holder().refuse()
		default:
			err = s.Audit(tx, Entry{
				Author: a.Login, Address: want.Address, Action: "session.end", Object: "session/" + held.session.ID,
				Detail: fmt.Sprintf("of %q, replaced by %q", held.session.Login, a.Login),
			})
			if err != nil {
				return Session{}, false, err
			}
		}
		if _, err := tx.Exec(`DELETE FROM sessions WHERE id = $1`, held.session.ID); err != nil {
			return Session{}, false, err
		}
		took = held.recent(now)
		want.place, want.epoch = needs.place, held.epoch+1
		_, err = tx.Exec(`UPDATE session_places SET epoch = $1, session = $2, changed_at = $3 WHERE place = $4`,
			want.epoch, want.ID, db.Micros(now), needs.place)
		if err != nil {
			return Session{}, false, err
		}
		if took {
			s.forgetAfter(tx)
		}
	}
	_, err = tx.Exec(`INSERT INTO sessions (id, digest, account, address, created_at, seen_at, via, place, epoch) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)`,
		want.ID, digest(want.Token), a.ID, want.Address, db.Micros(now), string(want.Via), want.place, want.epoch)
	if err != nil {
		return Session{}, false, err
	}
	return want, took, s.Audit(tx, Entry{Author: a.Login, Address: want.Address, Action: "session.begin", Object: "session/" + want.ID})
}

// holding is who has a place.
type holding struct {
	epoch     int64
	changedAt time.Time
	last      string // id of the session that had it last; "" when that one gave it back, or nobody ever had it
	lives     bool   // the last one has not ended
	account   string
	session   Session
}

func (h holding) holder() Holder {
	return Holder{h.session.Login, h.session.CreatedAt, h.session.Address}
}

// recent reports whether a node may still remember that another one has the
// place. Clocks of nodes may be apart.
func (h holding) recent(now time.Time) bool {
	const apart = 5 * time.Minute
	return h.last != "" || now.Sub(h.changedAt) < apart
}

// holder reads who has a place.
func (s *Store) holder(tx *db.Tx, place string) (h holding, err error) {
	var changed int64
	err = tx.QueryRow(`SELECT epoch, session, changed_at FROM session_places WHERE place = $1`, place).Scan(&h.epoch, &h.last, &changed)
	if errors.Is(err, db.ErrNoRows) {
		return h, nil
	}
	if err != nil || h.last == "" {
		h.changedAt = db.Time(changed)
		return h, err
	}
	h.changedAt = db.Time(changed)
	limits, login := *s.limits.Load(), ""
	h.session, err = scanSession(tx.QueryRow(`SELECT `+sessionColumns+`, a.login, a.id FROM sessions s JOIN accounts a ON a.id = s.account
		WHERE s.id = $1 AND a.enabled <> 0`, h.last), limits, &login, &h.account)
	h.session.Login = login
	if errors.Is(err, db.ErrNoRows) {
		return h, nil
	}
	h.lives = err == nil && h.session.epoch == h.epoch && h.session.alive(s.clock.Now(), limits)
	return h, err
}

// hold gives a caller who came without a session's token the place that he
// needs: that of his account's session, or a free one, or, where the rule says
// so, another's.
func (s *Store) hold(ctx context.Context, c *Caller, address string) error {
	needs := s.limits.Load().seat(c.Account)
	if needs.place == "" {
		return nil
	}
	var held holding
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		held, err = s.holder(tx, needs.place)
		return err
	})
	if err != nil {
		return wrap(err, "find who is in")
	}
	if held.lives && held.account == c.Account.ID {
		s.touchSession(ctx, held.session)
		c.Session = &held.session
		return nil
	}
	if held.lives && needs.rule != Replace {
		return s.refuse(ctx, c.Account.Login, address, "held by "+held.session.Login, held.holder().refuse())
	}
	session, err := s.enter(ctx, c.Account, needs, c.Via, address)
	if err == nil {
		session.Token = "" // known to nobody
		c.Session = &session
	}
	return err
}

// enter begins a session, and returns when no node takes the one before for
// the holder any more.
func (s *Store) enter(ctx context.Context, a Account, needs seat, via Via, address string) (session Session, err error) {
	now, took := s.clock.Now(), false
	want := Session{
		ID: s.ids.New("ses", now), Token: sessionPrefix + id.Token(32), Login: a.Login, Via: via,
		Address: address, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.limits.Load().Age),
	}
	err = s.db.Write(ctx, func(tx *db.Tx) (err error) {
		session, took, err = s.begin(tx, a, needs, want)
		return err
	})
	var held *HeldError
	if errors.As(err, &held) {
		return Session{}, s.refuse(ctx, a.Login, want.Address, "held by "+held.Holder.Login, err)
	}
	if err != nil {
		return Session{}, wrap(err, "begin a session for %q", a.Login)
	}
	if !took {
		return session, nil
	}
	s.callers.clear()
	if err := s.settle(ctx); err != nil {
		if session.ID == want.ID { // nobody will ever know its token
			s.EndSession(context.WithoutCancel(ctx), session.ID, a.Login) //nolint:errcheck // it ends when it is idle
		}
		return Session{}, err
	}
	return session, nil
}

// settle waits until what other nodes remember of an earlier moment has gone.
func (s *Store) settle(ctx context.Context) error {
	if s.elsewhere == 0 {
		return nil
	}
	over, stop := s.clock.After(s.elsewhere)
	defer stop()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Unavailable, "the session was not begun: the call ended before the one who was in was out")
	}
}

// endSessionsOf ends all of an account's sessions and frees what they held.
func (s *Store) endSessionsOf(tx *db.Tx, account string) error {
	_, err := tx.Exec(`UPDATE session_places SET session = '', epoch = epoch + 1, changed_at = $1
		WHERE session IN (SELECT id FROM sessions WHERE account = $2)`, db.Micros(s.clock.Now()), account)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM sessions WHERE account = $1`, account)
	s.forgetAfter(tx)
	return err
}

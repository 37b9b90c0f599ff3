package link

import (
	"context"
	"errors"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Shown is what a link's holder may see.
type Shown struct {
	Page
	Subject   string     // what a decision is about
	Confirm   bool       // a GET shows this, and a POST acts; otherwise a GET acts too
	Choice    string     // what it decides; "" for a link that decides nothing
	Label     string     // of the choice
	Decision  *Decision  // what was decided already, by whomever; nil: nothing yet
	Outcome   string     // the label of that choice
	UsedUp    bool       // it has been used as often as it may be
	UsedAt    *time.Time // the last time
	ExpiresAt time.Time
	Run       string // that this use has started
}

// dead is the answer for every link that is none: altered, expired, revoked or
// never made. Who asks learns nothing else.
func dead() error {
	err := fault.New(fault.NotFound, "It may have expired, or be incomplete. Ask whoever sent it for another one.")
	err.Title = "This link is not valid"
	return err
}

// Look shows a link without using it. Errors: fault.NotFound.
func (s *Store) Look(ctx context.Context, token string) (shown Shown, err error) {
	err = s.o.DB.Read(ctx, func(tx *db.Tx) error {
		l, err := s.alive(tx, token)
		if err == nil {
			shown, err = s.shown(tx, l)
		}
		return err
	})
	return shown, err
}

// alive is the link with the token. One that is used up is alive.
func (s *Store) alive(tx *db.Tx, token string) (*Link, error) {
	handle, err := s.handle(tx, token)
	if err != nil {
		return nil, err
	}
	known := handle != nil
	if !known {
		handle = make([]byte, handleSize) // looked for all the same: it takes as long
	}
	l, err := scan(tx.QueryRow(`SELECT `+columns+` FROM links WHERE handle = $1`, handle))
	if errors.Is(err, db.ErrNoRows) || err == nil && (!known || l.revoked || !s.o.Now().Before(l.ExpiresAt)) {
		return nil, dead()
	}
	return l, err
}

func (s *Store) shown(tx *db.Tx, l *Link) (Shown, error) {
	shown := Shown{Page: l.Page, Confirm: l.Confirm, UsedUp: l.Uses > 0 && l.Used >= l.Uses, UsedAt: l.UsedAt, ExpiresAt: l.ExpiresAt}
	if l.Kind != choice {
		return shown, nil
	}
	ballot, a, err := s.ballot(tx, l)
	if err != nil {
		return shown, err
	}
	if a.State != Open && a.State != Decided {
		return shown, dead()
	}
	shown.Title, shown.Text, shown.Subject, shown.Choice, shown.Label = a.Title, a.Text, a.Subject, ballot.Choice, a.label(ballot.Choice)
	if shown.Decision = a.Decision; a.Decision != nil {
		shown.Outcome = a.label(a.Decision.Choice)
	}
	return shown, nil
}

// Use uses a link: once it has returned without an error, what it is for is done
// and on disk. comment is what its holder says to a decision. Errors:
// fault.NotFound; fault.Conflict when the link is used up, or something was
// decided before, where what is shown says by whom and when.
func (s *Store) Use(ctx context.Context, token, comment string) (shown Shown, err error) {
	err = s.o.DB.Write(ctx, func(tx *db.Tx) error {
		l, err := s.alive(tx, token)
		if err != nil {
			return err
		}
		if l.Kind == choice {
			err = s.decideBy(tx, l, comment)
		} else {
			shown.Run, err = s.act(tx, l)
		}
		run := shown.Run
		if err == nil {
			shown, err = s.shown(tx, l)
			shown.Run = run
		}
		return err
	})
	if fault.Is(err, fault.Conflict) {
		if now, lookErr := s.Look(ctx, token); lookErr == nil {
			shown = now
		}
	}
	return shown, err
}

// act counts the use, which of several at the same time only as many make as
// there are, and does what the link is for.
func (s *Store) act(tx *db.Tx, l *Link) (run string, err error) {
	now := db.Micros(s.o.Now())
	err = tx.QueryRow(`UPDATE links SET used = used + 1, used_at = $2 WHERE id = $1 AND (uses = 0 OR used < uses) AND revoked_at IS NULL
		AND expires_at > $2 RETURNING used`, l.ID, now).Scan(&l.Used)
	if errors.Is(err, db.ErrNoRows) {
		return "", fault.New(fault.Conflict, "This link has been used already.")
	}
	if err != nil {
		return "", err
	}
	l.UsedAt = moment(&now)
	return s.o.Do(tx, l)
}

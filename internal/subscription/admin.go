package subscription

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/run"
)

// View is a subscription as people see it.
type View struct {
	Code         string
	Channel      string // "" for a configured one
	Body         json.RawMessage
	Version      int64
	CreatedAt    time.Time
	State        string
	Held         bool // not enabled, or its channel is not
	Reason       string
	SucceededAt  time.Time // zero: never
	FailingSince time.Time // zero: it does not
	FailedAt     time.Time
	Failure      string
	Position     int64 // up to here events have their deliveries
	Behind       int64 // how many events of the log come behind that, whether they are chosen or not
	Unfinished   int   // deliveries that have not ended, counted up to MostUnfinished; -1: not counted
	Replays      int   // that are under way
}

// MostUnfinished is up to where unfinished deliveries are counted.
const MostUnfinished = 10_000

func (s *Store) view(tx *db.Tx, r row) (v View, err error) {
	at := func(us int64) (t time.Time) {
		if us > 0 {
			t = db.Time(us)
		}
		return t
	}
	v = View{
		Code: r.code, Channel: r.channel, Body: json.RawMessage(r.body), Version: r.version, CreatedAt: at(r.createdAt), State: r.state, Held: r.held,
		Reason: r.reason, SucceededAt: at(r.succeededAt), FailingSince: at(r.failingSince), FailedAt: at(r.failedAt), Failure: r.failure, Unfinished: -1,
	}
	var apart bool // it is at a place of its own: stopped there, or not yet where the others are
	err = tx.QueryRow(`SELECT coalesce((SELECT position FROM subscription_readers WHERE id = $1), (SELECT position FROM subscription_head WHERE id = 1)),
		EXISTS (SELECT 1 FROM subscription_readers WHERE id = $1),
		(SELECT count(*) FROM subscription_readers WHERE subscription = $1 AND id <> $1)`, r.code).Scan(&v.Position, &apart, &v.Replays)
	if err != nil {
		return v, err
	}
	end, err := s.Events.EndIn(tx)
	if v.Behind = max(end-v.Position, 0); !apart && v.Behind > 0 && s.looked.of(s.list.Load().generation) >= end {
		v.Behind = 0 // looked at, without a match
	}
	return v, err
}

// Get is a subscription; channel "" asks for any. Errors: fault.NotFound, also for
// one of another channel.
func (s *Store) Get(ctx context.Context, channel, code string) (v View, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := readRow(tx, code)
		if err == nil && channel != "" && r.channel != channel {
			err = none(code)
		}
		if err == nil {
			v, err = s.view(tx, r)
		}
		return err
	})
	if err != nil {
		return v, err
	}
	v.Unfinished, err = s.Runs().OpenOf(ctx, sourcePrefix+code, MostUnfinished)
	return v, err
}

// List is a page of subscriptions by code, behind one; next is "" on the last.
// Of a channel, and in some states, when these are given.
func (s *Store) List(ctx context.Context, channel string, states []string, after string, limit int) (page []View, next string, err error) {
	chosen, err := json.Marshal(append([]string{}, states...))
	if err != nil {
		return nil, "", err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		page, next = nil, ""
		all, err := readRows(tx, `WHERE code > $1 AND ($2 = '' OR channel = $2) AND ($3 = '[]' OR `+tx.Among("state", "$3")+`)
			ORDER BY code LIMIT $4`, after, channel, string(chosen), limit+1)
		if err != nil {
			return err
		}
		if len(all) > limit {
			all, next = all[:limit], all[limit-1].code
		}
		for _, r := range all {
			v, err := s.view(tx, r)
			if err != nil {
				return err
			}
			page = append(page, v)
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("list the subscriptions: %w", err)
	}
	return page, next, nil
}

// Enable lets a subscription go on that was disabled or has ended: where it
// stopped, replays too, or from now on. What is skipped then is not sent by a
// replay either: those under way end. Errors: fault.NotFound; fault.Conflict for
// one that is active.
func (s *Store) Enable(ctx context.Context, code string, now bool, by Author) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := bump(tx); err != nil {
			return err
		}
		r, err := readRow(tx, code)
		if err != nil {
			return err
		}
		if r.state == Active {
			return fault.New(fault.Conflict, "The subscription %q is active.", code)
		}
		detail := ""
		if now {
			if detail, err = s.skip(tx, code); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`UPDATE subscriptions SET state = $2, reason = '', failing_since = 0 WHERE code = $1`, code, Active); err != nil {
			return err
		}
		if err := s.Audit(tx, by, "subscription.enable", code, detail); err != nil {
			return err
		}
		return s.tell(tx, code, "enabled", r.channel, nil)
	})
	if err != nil {
		return err
	}
	if err := s.Reload(ctx); err != nil {
		return err
	}
	if x := s.list.Load().of[code]; x != nil {
		x.health.recover()
	}
	_, err = s.Runs().Hurry(ctx, sourcePrefix+code)
	s.wake()
	return err
}

// skip lets a stopped subscription begin behind all that is in the log, and
// returns what the audit log says of it.
func (s *Store) skip(tx *db.Tx, code string) (detail string, err error) {
	end, err := s.Events.EndIn(tx)
	if err != nil {
		return "", err
	}
	if _, err := tx.Exec(`UPDATE subscription_readers SET position = $2 WHERE id = $1`, code, end); err != nil {
		return "", err
	}
	ended, err := endReplays(tx, code, "")
	if detail = "from now on"; len(ended) > 0 {
		detail += ", which ended " + strings.Join(ended, ", ")
	}
	return detail, err
}

// recover forgets failures.
func (h *health) recover() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failing, h.first, h.failure = false, 0, 0
}

// Disable stops an active subscription until Enable. Errors: fault.NotFound;
// fault.Conflict for one that is not active.
func (s *Store) Disable(ctx context.Context, code string, by Author) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := readRow(tx, code)
		if err != nil {
			return err
		}
		if r.state != Active {
			return fault.New(fault.Conflict, "The subscription %q is %s.", code, r.state)
		}
		if err := s.Audit(tx, by, "subscription.disable", code, ""); err != nil {
			return err
		}
		return s.stop(tx, code, Disabled, "stopped by "+by.Name)
	})
	if err != nil {
		return err
	}
	return s.Reload(ctx)
}

// longestKeep is how long a secret may sign beside the one that has replaced it.
const longestKeep = 30 * 24 * time.Hour

// Rotate gives a subscription another secret, the given one or one that is made,
// and returns it; the present one signs along for keep. Errors: fault.NotFound;
// fault.Conflict for one whose definition names its secret; fault.Unprocessable.
func (s *Store) Rotate(ctx context.Context, code, secret string, keep time.Duration, by Author) (string, error) {
	if secret == "" {
		secret = newSecret()
	} else if _, err := parseSecret(secret); err != nil {
		return "", fault.New(fault.Unprocessable, "The secret cannot be used.").WithFields(fault.Field{Pointer: "/secret", Detail: err.Error()})
	}
	if keep < 0 || keep > longestKeep {
		return "", fault.New(fault.Unprocessable, "The secret cannot be replaced.").WithFields(fault.Field{Pointer: "/keep", Detail: "is at most 30d"})
	}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := bump(tx); err != nil {
			return err
		}
		r, err := readRow(tx, code)
		if err != nil {
			return err
		}
		if c, err := readConfig(r); err == nil && c.Secret != "" {
			return fault.New(fault.Conflict, "The definition of %q names its secret: set another one there, and the present one as old_secret for as long as it is to sign too.", code)
		}
		_, err = tx.Exec(`UPDATE subscriptions SET old_sealed = sealed, old_until = $3, sealed = $2, version = version + 1 WHERE code = $1`,
			code, s.Seal(place(code), []byte(secret)), db.Micros(s.Clock.Now().Add(keep)))
		if err != nil {
			return err
		}
		return s.Audit(tx, by, "subscription.rotate", code, "")
	})
	if err != nil {
		return "", err
	}
	return secret, s.Reload(ctx)
}

// Pinged is what came of a test delivery.
type Pinged struct {
	Run     string
	State   run.State
	Failure string // "" when the endpoint has taken it
}

// Ping sends a test event to a subscription, of the type subscription.CODE.ping,
// which is not in the log, and waits for the answer. Errors: fault.NotFound;
// fault.AnswerTimeout.
func (s *Store) Ping(ctx context.Context, code string) (Pinged, error) {
	x, err := s.find(ctx, code)
	if err == nil && x == nil {
		err = none(code)
	}
	if err != nil {
		return Pinged{}, err
	}
	now := s.Clock.Now()
	e := &event.Event{
		ID: s.ids.New("evt", now), Source: s.Events.Source(), Type: "subscription." + code + ".ping", Subject: code, Time: now.UTC(),
		Data: json.RawMessage(`{"test":true}`),
	}
	body, err := e.MarshalJSON()
	if err != nil {
		return Pinged{}, err
	}
	in := input{Subscription: code, Event: e.ID, Type: e.Type, Body: body}
	res, err := s.Runs().Await(ctx, run.Start{
		Program: Program, Version: Version, Channel: x.channel, Source: x.source(), WebhookID: in.webhookID(now), Subject: code, Mode: "test", Input: in.encode(),
	}, x.config.Timeout+5*time.Second)
	if err != nil {
		return Pinged{}, err
	}
	p := Pinged{Run: res.Run, State: res.State}
	if res.Failure != nil {
		p.Failure = res.Failure.Message
	}
	return p, nil
}

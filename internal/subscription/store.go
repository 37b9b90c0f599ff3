package subscription

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/clock"
	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/id"
	"junctor/internal/run"
)

// Runs is the engine that executes deliveries; *run.Engine is it.
type Runs interface {
	AcceptAll(ctx context.Context, starts []run.Start, begin func(tx *db.Tx) (bool, error)) (bool, error)
	Await(ctx context.Context, s run.Start, timeout time.Duration) (run.Result, error)
	Backlog(source string) int
	Hurry(ctx context.Context, source string) (int64, error)
	OpenOf(ctx context.Context, source string, most int) (int, error)
}

// Options is what a store is made of; all are required but Clock, Log, Metrics
// and Release.
type Options struct {
	DB         *db.DB
	Committer  *db.Committer
	Events     *event.Log
	Runs       func() Runs
	Seal       func(place string, plain []byte) []byte
	Open       func(place string, sealed []byte) ([]byte, error)
	Secret     connection.Secrets
	Connection func(code string) (*http.Conn, error)
	Private    func() bool // whether private addresses may be sent to
	Tell       func(tx *db.Tx, kind, subject string, data any) error
	Audit      func(tx *db.Tx, by Author, action, code, detail string) error
	Clock      clock.Clock
	Log        *slog.Logger
	Metrics    prometheus.Registerer
	Release    string
}

// Author is who changes a subscription, and from where.
type Author struct{ Name, Address string }

// Store is the subscriptions of a domain, and their deliveries. It is safe for
// use by many goroutines.
type Store struct {
	Options
	ids     id.Maker
	list    atomic.Pointer[list]
	loading sync.Mutex
	changed chan struct{} // holds one when the dispatcher is to look
	unwell  chan struct{} // holds one when something about an endpoint's health is to be written at once
	bodies  *bodies
	metrics *metrics
	secrets atomic.Int64 // rises when secrets change

	looked   looked
	sessions sessions
}

// looked is up to where the dispatcher has read without a match since it last
// wrote down a position.
type looked struct {
	mu                   sync.Mutex
	generation, position int64
}

func (l *looked) store(generation, position int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation, l.position = generation, position
}

// of is 0 when it is of another generation.
func (l *looked) of(generation int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.generation != generation {
		return 0
	}
	return l.position
}

// New makes a store; Run begins to dispatch.
func New(o Options) *Store {
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{Options: o, changed: make(chan struct{}, 1), unwell: make(chan struct{}, 1), bodies: newBodies(), sessions: newSessions()}
	s.list.Store(&list{of: map[string]*subscriber{}})
	s.metrics = newMetrics(o.Metrics, s)
	return s
}

const (
	// prefix begins the codes of subscriptions that are made with a token.
	prefix = "sub_"
	// topic is notified when subscriptions change.
	topic = "subscriptions"
	// sourcePrefix and the code are the Source of a delivery's run.
	sourcePrefix = "subscription:"
)

// The states of a subscription.
const (
	Active   = "active"
	Disabled = "disabled" // its deliveries have failed for too long, or somebody has stopped it
	Ended    = "ended"    // its endpoint has said 410
)

// row is a subscription as it stands in the table.
type row struct {
	code, channel, body, allowed        string
	held                                bool
	sealed, oldSealed                   []byte
	oldUntil, version, createdAt        int64
	state, reason                       string
	succeededAt, failingSince, failedAt int64
	failure                             string
}

const columns = `code, channel, body, allowed, held, sealed, old_sealed, old_until, version, created_at, state, reason,
	succeeded_at, failing_since, failed_at, failure`

func scanRow(rows interface{ Scan(...any) error }) (r row, err error) {
	err = rows.Scan(&r.code, &r.channel, &r.body, &r.allowed, &r.held, &r.sealed, &r.oldSealed, &r.oldUntil, &r.version, &r.createdAt,
		&r.state, &r.reason, &r.succeededAt, &r.failingSince, &r.failedAt, &r.failure)
	return r, err
}

func none(code string) error { return fault.New(fault.NotFound, "There is no subscription %q.", code) }

func readRow(tx *db.Tx, code string) (row, error) {
	if !utf8.ValidString(code) || strings.Contains(code, "\x00") { // no database looks for that
		return row{}, none(code)
	}
	r, err := scanRow(tx.QueryRow(`SELECT `+columns+` FROM subscriptions WHERE code = $1`, code))
	if errors.Is(err, db.ErrNoRows) {
		return r, none(code)
	}
	return r, err
}

// readRows are the subscriptions that a condition chooses.
func readRows(tx *db.Tx, condition string, args ...any) (all []row, err error) {
	rows, err := tx.Query(`SELECT `+columns+` FROM subscriptions `+condition, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// bump says that who reads what has changed. It locks the head: nothing is
// dispatched before the transaction ends, and what was prepared is not.
func bump(tx *db.Tx) error {
	_, err := tx.Exec(`UPDATE subscription_head SET generation = generation + 1 WHERE id = 1`)
	tx.Notify(topic, "")
	return err
}

// park gives subscriptions a place of their own where they are now, if they read
// with the others; bump comes first.
func park(tx *db.Tx, condition string, args ...any) error {
	_, err := tx.Exec(`INSERT INTO subscription_readers (id, subscription, position, until, types, filter)
		SELECT code, code, (SELECT position FROM subscription_head WHERE id = 1), 0, '', '' FROM subscriptions
		WHERE `+condition+` AND NOT EXISTS (SELECT 1 FROM subscription_readers AS r WHERE r.id = subscriptions.code)`, args...)
	return err
}

// begin lets a new subscription read from now on.
func (s *Store) begin(tx *db.Tx, code string) error {
	end, err := s.Events.EndIn(tx)
	if err == nil {
		_, err = tx.Exec(`INSERT INTO subscription_readers (id, subscription, position, until, types, filter) VALUES ($1, $1, $2, 0, '', '')`, code, end)
	}
	return err
}

// Made is a subscription that has just been made, with its secret, which nobody
// is shown again.
type Made struct {
	Config
	Secret string
}

// Create makes a subscription for who has a channel's token; it gets what is
// told from now on. A channel has most of them at most. Errors: fault.Conflict
// when it has so many; fault.Unprocessable for a URL that is not to be sent to.
func (s *Store) Create(ctx context.Context, channel string, allowed []string, most int, c Config, by Author) (Made, error) {
	if !s.Private() {
		if err := http.Distant(c.URL); err != nil {
			return Made{}, fault.New(fault.Unprocessable, "The subscription cannot be made.").WithFields(fault.Field{Pointer: "/url", Detail: err.Error()})
		}
	}
	now := s.Clock.Now()
	c.Code = s.ids.New("sub", now)
	secret := c.Secret
	if secret == "" {
		secret = newSecret()
	}
	body, err := json.Marshal(map[string]any{"url": c.URL, "types": append([]string{}, c.Choice.Types...), "filter": c.Choice.Filter})
	if err != nil {
		return Made{}, err
	}
	list, err := listText(allowed)
	if err != nil {
		return Made{}, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := bump(tx); err != nil { // also so that two do not count at the same time
			return err
		}
		var have int
		if err := tx.QueryRow(`SELECT count(*) FROM subscriptions WHERE channel = $1`, channel).Scan(&have); err != nil {
			return err
		}
		if have >= most {
			return fault.New(fault.Conflict, "This channel has %d subscriptions, and may have no more; delete one that is not needed.", have)
		}
		if err := s.insert(tx, row{
			code: c.Code, channel: channel, body: string(body), allowed: list, sealed: s.Seal(place(c.Code), []byte(secret)), createdAt: db.Micros(now),
		}); err != nil {
			return err
		}
		if err := s.Audit(tx, by, "subscription.create", c.Code, ""); err != nil {
			return err
		}
		return s.tell(tx, c.Code, "created", channel, nil)
	})
	if err != nil {
		return Made{}, fmt.Errorf("make a subscription of channel %q: %w", channel, err)
	}
	return Made{c, secret}, nil
}

func (s *Store) insert(tx *db.Tx, r row) error {
	_, err := tx.Exec(`INSERT INTO subscriptions (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, NULL, 0, 1, $7, $8, '', 0, 0, 0, '')`,
		r.code, r.channel, r.body, r.allowed, r.held, r.sealed, r.createdAt, Active)
	if err != nil {
		return err
	}
	return s.begin(tx, r.code)
}

// place binds a sealed secret to its subscription.
func place(code string) string { return "subscription:" + code }

// listText is a JSON array, "" for none.
func listText(list []string) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	text, err := json.Marshal(list)
	return string(text), err
}

// tell tells of something that happened to a subscription.
func (s *Store) tell(tx *db.Tx, code, what, channel string, more map[string]any) error {
	data := map[string]any{"code": code}
	if channel != "" {
		data["channel"] = channel
	}
	for name, value := range more {
		data[name] = value
	}
	return s.Tell(tx, "subscription."+code+"."+what, code, data)
}

// Delete removes a subscription that was made with the token of a channel; ""
// for any. Deliveries under way are not followed by others. Errors:
// fault.NotFound, also for one of another channel.
func (s *Store) Delete(ctx context.Context, channel, code string, by Author) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := bump(tx); err != nil {
			return err
		}
		r, err := readRow(tx, code)
		if err != nil {
			return err
		}
		if r.channel == "" || channel != "" && r.channel != channel {
			return none(code)
		}
		if err := s.Audit(tx, by, "subscription.delete", code, ""); err != nil {
			return err
		}
		return s.drop(tx, r)
	})
}

func (s *Store) drop(tx *db.Tx, r row) error {
	if _, err := tx.Exec(`DELETE FROM subscription_readers WHERE subscription = $1`, r.code); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM subscriptions WHERE code = $1`, r.code); err != nil {
		return err
	}
	return s.tell(tx, r.code, "deleted", r.channel, nil)
}

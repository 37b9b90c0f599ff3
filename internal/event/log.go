package event

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/id"
)

// Topic is notified (db.Listen) after events have been appended.
const Topic = "events"

const topic = Topic

// Options is what a log is made of. DB and Committer are required.
type Options struct {
	DB        *db.DB
	Committer *db.Committer
	Source    string               // of events that name none: the domain's own
	Keep      func() time.Duration // retention; 0 or nil: for ever
	// Hold is the position behind which events stay beyond their retention; ok is
	// false for none. May be nil.
	Hold  func(ctx context.Context) (position int64, ok bool, err error)
	Clock clock.Clock
	Log   *slog.Logger
}

// Log is a domain's event log. It is safe for use by many goroutines.
type Log struct {
	db        *db.DB
	committer *db.Committer
	source    string
	keep      func() time.Duration
	hold      func(ctx context.Context) (int64, bool, error)
	clock     clock.Clock
	log       *slog.Logger
	name      string // binds cursors to the log
	ids       id.Maker
	durable   atomic.Int64 // up to here events are known to be on disk
	tail      tail
	ctx       context.Context // ends with Stop
	cancel    context.CancelFunc
}

// Open opens the domain's log. Start lets it work in the background.
func Open(ctx context.Context, o Options) (*Log, error) {
	if o.Keep == nil {
		o.Keep = func() time.Duration { return 0 }
	}
	if o.Hold == nil {
		o.Hold = func(context.Context) (int64, bool, error) { return 0, false, nil }
	}
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l := &Log{
		db: o.DB, committer: o.Committer, source: o.Source, keep: o.Keep, hold: o.Hold, clock: o.Clock, log: o.Log,
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.tail.init(l)
	err := o.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT name FROM event_log WHERE id = 1`).Scan(&l.name)
	})
	if err != nil {
		return nil, fmt.Errorf("open the event log: %w", err)
	}
	return l, nil
}

// Start begins to listen for what other nodes append, and to remove events whose
// retention is over.
func (l *Log) Start() {
	stop := l.db.Listen(Topic, l.tail.notice)
	l.tail.group.Go(func() {
		defer stop()
		l.prune()
	})
}

// Stop ends what the log does in the background, and all waiting. It can be read
// and appended to on.
func (l *Log) Stop() {
	l.cancel()
	l.tail.end()
}

// Source is what events have that name none: the domain itself.
func (l *Log) Source() string { return l.source }

// stmtAppend leaves out an event whose id the log has of the same source.
var stmtAppend = db.NewStmt(0, `INSERT INTO events (id, source, type, subject, at, attributes, form, data)
	SELECT r.id, r.source, r.type, r.subject, r.at, r.attributes, r.form, r.data FROM {rows} AS r WHERE true ON CONFLICT (id, source) DO NOTHING`,
	db.Text("id").Key(), db.Text("source").Key(), db.Text("type"), db.Text("subject"), db.Int("at"), db.Text("attributes"), db.Int("form"), db.Bytes("data"))

// Append adds events in the transaction of what they tell. They get their
// places, one behind the other, when the transaction ends. An event without an
// id gets one; one whose source and id the log has already is left out. Errors:
// fault.Unprocessable for an event that is too large, or too far from its first
// cause.
func (l *Log) Append(tx *db.Tx, events ...*Event) error {
	for _, e := range events {
		if e.ID == "" {
			e.ID = l.ids.New("evt", l.clock.Now())
		}
		if e.Source == l.source {
			e.Source = ""
		}
	}
	return Append(tx, l.clock.Now(), events...)
}

// Append is the function of that name of the log, for whoever has only a
// transaction of its domain: every event has an id.
func Append(tx *db.Tx, now time.Time, events ...*Event) error {
	for n, e := range events {
		if err := e.check(); err != nil {
			return err
		}
		data, form := e.content()
		if len(data) > db.InlineLimit { // of one that is left out the data would stay
			known := slices.ContainsFunc(events[:n], func(one *Event) bool { return one.ID == e.ID && one.Source == e.Source })
			if !known {
				var err error
				if known, err = has(tx, e); err != nil {
					return err
				}
			}
			if known {
				continue
			}
		}
		blob, form, err := store(tx, e, data, form)
		if err != nil {
			return err
		}
		tx.Finally(db.Op{Stmt: stmtAppend, Row: []any{e.ID, e.Source, e.Type, e.Subject, db.Micros(now), e.attributes(), form, []byte(blob)}})
	}
	if len(events) > 0 {
		tx.Notify(Topic, "")
	}
	return nil
}

// has reports whether the log has the event, which then stays until the
// transaction ends.
func has(tx *db.Tx, e *Event) (bool, error) {
	var one int
	err := tx.QueryRow(`SELECT 1 FROM events WHERE id = $1 AND source = $2 `+tx.SkipLocked(), e.ID, e.Source).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the event %s: %w", e.ID, err)
	}
	return true, nil
}

// check refuses what no event may be, however it was made.
func (e *Event) check() error {
	if n := e.size(); n > MaxSize {
		return fault.New(fault.Unprocessable, "The event %s has %d bytes; at most %d are possible.", e.Type, n, MaxSize)
	}
	if e.Depth > MaxDepth {
		return fault.New(fault.Unprocessable, "The event %s would be the %dth in a chain of runs and events that led to each other; after %d it ends.", e.Type, e.Depth, MaxDepth)
	}
	return nil
}

// store makes the column of an event's data.
func store(tx *db.Tx, e *Event, data []byte, form int64) (db.Blob, int64, error) {
	if data == nil {
		return nil, form, nil
	}
	if len(data) <= db.InlineLimit {
		return append(db.Blob{0}, data...), form, nil
	}
	// The same event again, which will be left out, has the same name.
	sum := sha256.Sum256([]byte(e.ID + "\x00" + e.Source))
	blob, err := tx.PutNamed("event_"+hex.EncodeToString(sum[:16]), data)
	return blob, form | formLarge, err
}

// Publish appends events in a transaction of their own, together with what else
// is waiting to be stored. When it returns nil they are on disk. Errors: those of
// Append; fault.Unavailable.
func (l *Log) Publish(ctx context.Context, events ...*Event) error {
	if len(events) == 0 {
		return nil
	}
	item := db.Item{Func: func(tx *db.Tx) ([]db.Op, error) { return nil, l.Append(tx, events...) }}
	for _, e := range events {
		if err := e.check(); err != nil { // before others would have to be stored again because of it
			return err
		}
		item.Size += e.size() + 200
	}
	return l.committer.Commit(ctx, item)
}

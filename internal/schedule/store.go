package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Store keeps when each schedule comes next.
type Store struct {
	db  *db.DB
	now func() time.Time // by which schedules are due: the same at every node
}

// NewStore is the store of a database.
func NewStore(d *db.DB, now func() time.Time) *Store { return &Store{db: d, now: now} }

// topic is notified when a schedule may come earlier than was known.
const topic = "schedules"

// state is a schedule's row.
type state struct {
	Config
	body     json.RawMessage
	zone     *time.Location
	anchor   time.Time
	seed     int64
	paused   bool      // by hand
	next     time.Time // zero: none
	previous time.Time // zero: none
	lastRun  string
}

const columns = `code, body, zone, anchor, seed, paused, next_at, previous, last_run`

func scan(row interface{ Scan(...any) error }) (*state, error) {
	s, _, err := read(row)
	return s, err
}

// read is scan that tells the code of a row that cannot be used, too, which is a
// fault.Unprocessable.
func read(row interface{ Scan(...any) error }) (_ *state, code string, _ error) {
	var s state
	var zone string
	var anchor int64
	var next, previous *int64
	if err := row.Scan(&code, &s.body, &zone, &anchor, &s.seed, &s.paused, &next, &previous, &s.lastRun); err != nil {
		return nil, "", err
	}
	s.anchor = db.Time(anchor)
	if next != nil {
		s.next = db.Time(*next)
	}
	if previous != nil {
		s.previous = db.Time(*previous)
	}
	var found []fault.Field
	if s.Config, found = Parse(code, s.body); len(found) > 0 { // of a newer release
		return nil, code, fault.New(fault.Unprocessable, "The schedule %q cannot be used.", code).WithFields(found...)
	}
	var err error
	if s.zone, err = time.LoadLocation(zone); err != nil {
		return nil, code, fault.Wrap(err, fault.Unprocessable, "The schedule %q cannot be used.", code)
	}
	return &s, code, nil
}

func (s *state) times() Times { return s.Times(s.zone, s.anchor) }

// delay is the jitter of one of its times: the same whenever it is asked for.
func (s *state) delay(at time.Time) time.Duration {
	if s.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	fmt.Fprint(h, s.seed, " ", at.UnixMicro())
	return time.Duration(h.Sum64() % uint64(s.Jitter)).Truncate(time.Microsecond)
}

// still reports whether the schedule does not come by itself.
func (s *state) still() bool { return !s.Enabled || s.Paused || s.paused }

// plan sets its next time, the first later than now.
func (s *state) plan(now time.Time) {
	s.next = time.Time{}
	if !s.still() {
		s.next = s.times().Next(now)
	}
}

// due is when to look at it, nil for never.
func (s *state) due() any {
	if s.next.IsZero() {
		return nil
	}
	return db.Micros(s.next.Add(s.delay(s.next)))
}

func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return db.Micros(t)
}

// find reads and locks a schedule. Errors: fault.NotFound.
func find(tx *db.Tx, code string) (*state, error) {
	if strings.ContainsRune(code, 0) { // PostgreSQL cannot even be asked for it
		return nil, fault.New(fault.NotFound, "There is no schedule %q.", code)
	}
	lock := ""
	if !tx.Reading() {
		lock = tx.LockRows()
	}
	s, err := scan(tx.QueryRow(`SELECT `+columns+` FROM schedules WHERE code = $1 `+lock, code))
	if errors.Is(err, db.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "There is no schedule %q.", code)
	}
	return s, err
}

// Put takes a definition over in the transaction in which it is applied. When it
// says when it comes in other words than before, or begins to come at all, its
// next time is reckoned from now; otherwise nothing changes. domain is the
// domain's time zone.
func (s *Store) Put(tx *db.Tx, code string, body json.RawMessage, domain *time.Location) error {
	c, found := Parse(code, body)
	if len(found) > 0 {
		return fault.New(fault.Unprocessable, "The schedule %q is not valid.", code).WithFields(found...)
	}
	now := s.now()
	fresh := &state{Config: c, body: body, zone: c.Zone(domain), anchor: now, seed: rand.Int64()}
	old, err := find(tx, code)
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Unprocessable):
		fresh.plan(now)
	case err != nil:
		return err
	default:
		fresh.seed, fresh.paused, fresh.previous, fresh.lastRun = old.seed, old.paused, old.previous, old.lastRun
		if same := timing(old) == timing(fresh); same {
			fresh.anchor, fresh.next = old.anchor, old.next
			if old.still() != fresh.still() {
				fresh.plan(now)
			}
		} else {
			fresh.plan(now)
		}
	}
	return fresh.put(tx)
}

// timing is what decides when a schedule comes, in one text.
func timing(s *state) string {
	var w struct {
		Cron, Every, At, Start, Jitter json.RawMessage
	}
	if err := json.Unmarshal(s.body, &w); err != nil {
		return ""
	}
	return fmt.Sprintf("%s|%s|%s|%s|%s|%s", w.Cron, w.Every, w.At, w.Start, w.Jitter, s.zone)
}

// put writes the row.
func (s *state) put(tx *db.Tx) error {
	_, err := tx.Exec(`INSERT INTO schedules (`+columns+`, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (code) DO UPDATE SET body = excluded.body, zone = excluded.zone, anchor = excluded.anchor, seed = excluded.seed,
			paused = excluded.paused, next_at = excluded.next_at, previous = excluded.previous, last_run = excluded.last_run, due_at = excluded.due_at`,
		s.Code, s.body, s.zone.String(), db.Micros(s.anchor), s.seed, s.paused, micros(s.next), micros(s.previous), s.lastRun, s.due())
	if err != nil {
		return fmt.Errorf("write the schedule %q: %w", s.Code, err)
	}
	tx.Notify(topic, "")
	return nil
}

// Drop forgets a schedule that is not configured any more.
func (s *Store) Drop(tx *db.Tx, code string) error {
	if _, err := tx.Exec(`DELETE FROM schedules WHERE code = $1`, code); err != nil {
		return fmt.Errorf("remove the schedule %q: %w", code, err)
	}
	return nil
}

// Rezone reckons the schedules anew that have no time zone of their own, when the
// domain's has changed.
func (s *Store) Rezone(tx *db.Tx, domain *time.Location) error {
	rows, err := tx.Query(`SELECT ` + columns + ` FROM schedules ORDER BY code ` + tx.LockRows())
	if err != nil {
		return fmt.Errorf("read the schedules: %w", err)
	}
	defer rows.Close()
	var moved []*state
	for rows.Next() {
		one, err := scan(rows)
		if fault.Is(err, fault.Unprocessable) {
			continue
		}
		if err != nil {
			return err
		}
		if zone := one.Zone(domain); zone.String() != one.zone.String() {
			one.zone = zone
			moved = append(moved, one)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, one := range moved {
		one.plan(s.now())
		if err := one.put(tx); err != nil {
			return err
		}
	}
	return nil
}

// Pause keeps a schedule from coming by itself until Resume, also when it is
// applied again. It reports whether that is new. Errors: fault.NotFound.
func (s *Store) Pause(tx *db.Tx, code string) (bool, error) {
	return s.hold(tx, code, true)
}

// Resume lets a schedule come again that was paused by hand, from its first time
// after now on. It reports whether it was. Errors: fault.NotFound; fault.Conflict
// for one that its configuration pauses or switches off.
func (s *Store) Resume(tx *db.Tx, code string) (bool, error) {
	return s.hold(tx, code, false)
}

func (s *Store) hold(tx *db.Tx, code string, paused bool) (bool, error) {
	one, err := find(tx, code)
	if err != nil {
		return false, err
	}
	if !paused && (one.Paused || !one.Enabled) {
		member := "paused: true"
		if !one.Enabled {
			member = "enabled: false"
		}
		return false, fault.New(fault.Conflict, "The schedule %q has %s in its configuration; change it there.", code, member)
	}
	if one.paused == paused {
		return false, nil
	}
	one.paused = paused
	one.plan(s.now())
	return true, one.put(tx)
}

// Status is how a schedule stands.
type Status struct {
	State    string      `json:"state"`              // on, paused, off (it is not enabled), over (it does not come any more)
	Next     []time.Time `json:"next"`               // its next times, without jitter; none unless it is on
	Previous *time.Time  `json:"previous,omitempty"` // the last time that a run was started for
	LastRun  string      `json:"last_run,omitempty"` // the last run, also one that was started by hand
}

// Status of a schedule with up to n of its next times. Errors: fault.NotFound.
func (s *Store) Status(ctx context.Context, code string, n int) (st Status, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		st, err = s.StatusIn(tx, code, n)
		return err
	})
	return st, err
}

// StatusIn is Status within a transaction.
func (s *Store) StatusIn(tx *db.Tx, code string, n int) (Status, error) {
	one, err := find(tx, code)
	if err != nil {
		return Status{}, err
	}
	st := Status{State: "on", LastRun: one.lastRun, Next: []time.Time{}}
	if !one.previous.IsZero() {
		st.Previous = &one.previous
	}
	times := one.times()
	for at := one.next; !at.IsZero() && at.Year() < lastYear && len(st.Next) < n; at = times.Next(at) {
		st.Next = append(st.Next, at.UTC())
	}
	switch {
	case !one.Enabled:
		st.State = "off"
	case one.still():
		st.State = "paused"
	case one.next.IsZero():
		st.State = "over"
	}
	return st, nil
}

package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Wanted is what somebody waits for: an event of a type, of a subject, that a
// filter chooses.
type Wanted struct {
	Type    string // a pattern, see Patterns
	Subject string // exactly; "": any
	Match   string // see ParseFilter; "": any
}

// Check says what is wrong with it. Errors: fault.Unprocessable.
func (w Wanted) Check() error {
	_, err := w.query()
	return err
}

// query is what chooses such events.
func (w Wanted) query() (q Query, err error) {
	if q.Types, err = ParsePatterns([]string{w.Type}); err != nil {
		return Query{}, fault.New(fault.Unprocessable, "the type %v", err)
	}
	if wrong := checkText(w.Type, MaxName); wrong != "" {
		return Query{}, fault.New(fault.Unprocessable, "the type %s", wrong)
	}
	if wrong := checkText(w.Subject, MaxText); wrong != "" {
		return Query{}, fault.New(fault.Unprocessable, "the subject %s", wrong)
	}
	if len(w.Match) > maxMatch {
		return Query{}, fault.New(fault.Unprocessable, "match has %d bytes; at most %d are possible", len(w.Match), maxMatch)
	}
	if q.Filter, err = ParseFilter(w.Match); err != nil {
		return Query{}, fault.New(fault.Unprocessable, "match: %v", err)
	}
	return q, nil
}

// maxMatch is how many bytes the filter of one who waits may have.
const maxMatch = 4 << 10

// topic is under what the wait is looked up: the parts of the type before the
// first that is not literal. Parts may be empty.
func (w Wanted) topic() string {
	parts := strings.Split(w.Type, ".")
	if i := slices.IndexFunc(parts, func(part string) bool { return strings.HasPrefix(part, "*") }); i >= 0 {
		parts = parts[:i]
	}
	return joined(strings.Join(parts, "."), w.Subject)
}

// joined is the beginning of a type with a subject; neither has line breaks.
func joined(prefix, subject string) string {
	if subject == "" {
		return prefix
	}
	return prefix + "\n" + subject
}

// topicsOf is under what waits are looked up that the event may fit.
func topicsOf(kind, subject string) []string {
	var all []string
	for prefix := kind; ; {
		all = append(all, prefix)
		if subject != "" {
			all = append(all, joined(prefix, subject))
		}
		if prefix == "" {
			return all
		}
		prefix = prefix[:max(0, strings.LastIndexByte(prefix, '.'))]
	}
}

// The states of a wait.
const (
	waitBegun   = iota // its own run looks for what came before
	waitKnown          // whoever matches knows of it
	waitCome           // an event fits, and is the run's
	waitExpired        // the time was over first
	waitLost           // events that might have fitted were removed
)

// Runs are those who wait.
type Runs interface {
	Lock(tx *db.Tx, runs []string) error
	Wake(tx *db.Tx, runs ...string) error
}

// Waits are what runs wait for. A wait is stored and committed first; then the
// run looks through the log as it is by then, from where the log ended when the
// run began, and parks. What comes later is matched by whoever reads the log, on
// any node. An event that one wait of a run has had is no other's of that run. Who
// publishes knows nothing of it.
//
// Its methods need a transaction in which the run is locked.
type Waits struct {
	log  *Log
	runs Runs
	matcher
}

// NewWaits makes them; Start lets them match.
func NewWaits(l *Log, runs Runs) *Waits { return &Waits{log: l, runs: runs, matcher: newMatcher()} }

// waiting is a wait as it is stored.
type waiting struct {
	run    string
	seq    int64
	wanted Wanted
	seen   int64
	state  int64
	event  int64
}

const waitColumns = `run, seq, type, subject, condition, seen, state, coalesce(event, 0)`

func scanWait(rows interface{ Scan(...any) error }) (w waiting, err error) {
	err = rows.Scan(&w.run, &w.seq, &w.wanted.Type, &w.wanted.Subject, &w.wanted.Match, &w.seen, &w.state, &w.event)
	return w, err
}

// Begin stores the wait of a run's step. What came at or before position is not
// waited for.
func (*Waits) Begin(tx *db.Tx, run string, seq int, position int64, wanted Wanted) error {
	_, err := tx.Exec(`INSERT INTO event_waits (run, seq, topic, type, subject, condition, seen, state) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)
		ON CONFLICT (run, seq) DO UPDATE SET topic = excluded.topic, type = excluded.type, subject = excluded.subject, condition = excluded.condition,
			seen = excluded.seen, state = 0, event = NULL`, run, seq, wanted.topic(), wanted.Type, wanted.Subject, wanted.Match, position)
	return err
}

func (*Waits) get(tx *db.Tx, run string, seq int) (waiting, error) {
	w, err := scanWait(tx.QueryRow(`SELECT `+waitColumns+` FROM event_waits WHERE run = $1 AND seq = $2`, run, seq))
	if err != nil {
		err = fmt.Errorf("read what step %d of %s waits for: %w", seq, run, err)
	}
	return w, err
}

// near is how many numbers of the log are looked through in the transaction in
// which a run parks.
const near = window

// Search looks through most of what came before, so that Arm or Expire has little
// to look at.
func (w *Waits) Search(ctx context.Context, run string, seq int) error {
	for {
		var from, upTo int64
		far := false
		err := w.log.db.Read(ctx, func(tx *db.Tx) error {
			one, err := w.get(tx, run, seq)
			if err != nil || one.state >= waitCome {
				return err
			}
			floor, end, err := bounds(tx)
			if err != nil {
				return err
			}
			if from, err = w.unseen(tx, one); err != nil || from < floor || end-from <= near {
				return err
			}
			far, upTo = true, min(from+maxLook, end)
			found, err := w.find(tx, one, from, upTo)
			if found > 0 {
				upTo = found - 1
			}
			return err
		})
		if err != nil || !far || upTo == from {
			return err
		}
		err = w.log.db.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE event_waits SET seen = $3 WHERE run = $1 AND seq = $2 AND seen < $3 AND state < 2`, run, seq, upTo)
			return err
		})
		if err != nil {
			return err
		}
	}
}

// unseen is from where on events have to be looked at for a wait.
func (*Waits) unseen(tx *db.Tx, one waiting) (from int64, err error) {
	if one.state == waitBegun {
		return one.seen, nil
	}
	err = tx.QueryRow(`SELECT matched FROM event_log WHERE id = 1`).Scan(&from)
	return max(from, one.seen), err
}

// find is the first event between two positions that fits and that no other wait
// of the run has had, 0 for none.
func (w *Waits) find(tx *db.Tx, one waiting, from, upTo int64) (found int64, err error) {
	q, err := one.wanted.query()
	if err != nil {
		return 0, err
	}
	had, err := w.had(tx, one.run)
	if err != nil {
		return 0, err
	}
	types, args := q.Types.condition(4)
	args = append([]any{upTo, one.wanted.Subject}, args...)
	err = w.log.walk(tx, `seq > $1 AND seq <= $2 AND ($3 = '' OR subject = $3)`+types+` ORDER BY seq`, from, args, &q, func(i Item) bool {
		if had[i.Seq] {
			return true
		}
		found = i.Seq
		return false
	})
	return found, err
}

// had are the events that a run's waits have had.
func (*Waits) had(tx *db.Tx, run string) (map[int64]bool, error) {
	rows, err := tx.Query(`SELECT event FROM event_waits WHERE run = $1 AND state = 2`, run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	had := map[int64]bool{}
	for rows.Next() {
		var event int64
		if err := rows.Scan(&event); err != nil {
			return nil, err
		}
		had[event] = true
	}
	return had, rows.Err()
}

// Arm gives the wait what came before, or makes it known.
func (w *Waits) Arm(tx *db.Tx, run string, seq int) error {
	one, err := w.get(tx, run, seq)
	if err != nil || one.state != waitBegun {
		return err
	}
	return w.look(tx, one, waitKnown)
}

// Expire ends the wait, unless something fits that has come.
func (w *Waits) Expire(tx *db.Tx, run string, seq int) error {
	one, err := w.get(tx, run, seq)
	if err != nil || one.state >= waitCome {
		return err
	}
	return w.look(tx, one, waitExpired)
}

// look gives a wait what fits, or else the state.
func (w *Waits) look(tx *db.Tx, one waiting, otherwise int64) error {
	floor, end, err := bounds(tx)
	if err != nil {
		return err
	}
	from, err := w.unseen(tx, one)
	if err != nil {
		return err
	}
	found := int64(0)
	switch {
	case from < floor && one.state == waitBegun:
		otherwise = waitLost
	case from < end:
		found, err = w.find(tx, one, max(from, floor), end)
	}
	for err == nil && found > 0 {
		var given bool
		if given, err = w.earlier(tx, one, found); err != nil || !given {
			break
		}
		found, err = w.find(tx, one, max(from, floor), end)
	}
	if err != nil {
		return err
	}
	if found > 0 {
		_, err = tx.Many(stmtCome, [][]any{{one.run, one.seq, found}})
		return err
	}
	_, err = tx.Exec(`UPDATE event_waits SET state = $3, seen = $4 WHERE run = $1 AND seq = $2 AND state < 2`, one.run, one.seq, otherwise, max(from, end))
	return err
}

// earlier lets waits look that the run has called before this one, that are open
// still, and that an event may fit: it is theirs before it is this one's. It
// reports whether one of them has been given something.
func (w *Waits) earlier(tx *db.Tx, one waiting, found int64) (given bool, err error) {
	var e light
	if err := tx.QueryRow(`SELECT type, subject FROM events WHERE seq = $1`, found).Scan(&e.kind, &e.subject); err != nil {
		return false, err
	}
	topics, err := json.Marshal(topicsOf(e.kind, e.subject))
	if err != nil {
		return false, err
	}
	open, err := w.openBefore(tx, one, string(topics))
	for _, other := range open {
		if err == nil {
			err = w.look(tx, other, waitKnown)
		}
		if err == nil {
			other, err = w.get(tx, other.run, int(other.seq))
		}
		given = given || other.state == waitCome
	}
	return given, err
}

func (*Waits) openBefore(tx *db.Tx, one waiting, topics string) (all []waiting, err error) {
	rows, err := tx.Query(`SELECT `+waitColumns+` FROM event_waits WHERE run = $1 AND seq < $2 AND state < 2 AND `+tx.Among("topic", "$3")+` ORDER BY seq`,
		one.run, one.seq, topics)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		other, err := scanWait(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, other)
	}
	return all, rows.Err()
}

// stmtCome gives waits their events.
var stmtCome = db.NewStmt(0, `UPDATE event_waits SET state = 2, event = r.event FROM {rows} AS r
	WHERE event_waits.run = r.run AND event_waits.seq = r.seq AND state < 2`, db.Text("run").Key(), db.Int("seq").Key(), db.Int("event"))

// Look reports whether a wait is over, and what came: a CloudEvent, or null.
// Errors: fault.Gone when events that might have fitted, or the event itself, have
// been removed.
func (w *Waits) Look(tx *db.Tx, run string, seq int) (came json.RawMessage, over bool, err error) {
	i, err := w.log.at(tx, `(SELECT event FROM event_waits WHERE run = $1 AND seq = $2 AND state = 2)`, run, seq)
	if err == nil {
		came, err = i.MarshalJSON()
		return came, true, err
	}
	gone := err
	if !fault.Is(gone, fault.Gone) {
		return nil, false, err
	}
	one, err := w.get(tx, run, seq)
	if err != nil {
		return nil, false, err
	}
	switch one.state {
	case waitCome:
		return nil, true, gone
	case waitExpired:
		return json.RawMessage("null"), true, nil
	case waitLost:
		return nil, true, fault.New(fault.Gone, "events that came since the run began have been removed, their retention is over; "+
			"a run that waits for so long goes on in a new one (runs.start), or the settings keep events for longer")
	}
	return nil, false, nil
}

// Came are the events that waits of runs have had, as far as they are small.
func (w *Waits) Came(tx *db.Tx, runs []string) (map[string]map[int]json.RawMessage, error) {
	list, err := json.Marshal(runs)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT w.run, w.seq, e.seq, e.id, e.source, e.type, e.subject, e.at, e.attributes, e.form, e.data
		FROM event_waits AS w JOIN events AS e ON e.seq = w.event WHERE `+tx.Among("w.run", "$1")+` AND w.state = 2 AND e.form < $2`, string(list), formLarge)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	came := map[string]map[int]json.RawMessage{}
	for rows.Next() {
		var run string
		var seq int
		i, err := scanItem(also{rows, []any{&run, &seq}})
		if err != nil {
			return nil, err
		}
		if i.Source == "" {
			i.Source = w.log.source
		}
		if came[run] == nil {
			came[run] = map[int]json.RawMessage{}
		}
		if came[run][seq], err = i.MarshalJSON(); err != nil {
			return nil, err
		}
	}
	return came, rows.Err()
}

// also scans further columns in front of others.
type also struct {
	rows *db.Rows
	dest []any
}

func (a also) Scan(dest ...any) error { return a.rows.Scan(append(a.dest, dest...)...) }

// at is the event at a position, which is SQL. Errors: fault.Gone.
func (l *Log) at(tx *db.Tx, position string, args ...any) (i Item, err error) {
	i, err = scanItem(tx.QueryRow(`SELECT `+columns+` FROM events WHERE seq = `+position, args...))
	if errors.Is(err, db.ErrNoRows) {
		return i, fault.New(fault.Gone, "the event that was waited for has been removed, its retention is over")
	}
	if err == nil && i.form&formLarge != 0 {
		err = i.load(tx)
	}
	if i.Source == "" {
		i.Source = l.source
	}
	return i, err
}

// Drop removes the wait of a step; what it has had, the run has not had then.
func (*Waits) Drop(tx *db.Tx, run string, seq int) error {
	_, err := tx.Exec(`DELETE FROM event_waits WHERE run = $1 AND seq = $2`, run, seq)
	return err
}

// Keep lets another run have had what a step's wait has had.
func (*Waits) Keep(tx *db.Tx, from, to string, seq int) error {
	_, err := tx.Exec(`INSERT INTO event_waits (run, seq, topic, type, subject, condition, seen, state, event)
		SELECT $2, seq, topic, type, subject, condition, seen, state, event FROM event_waits WHERE run = $1 AND seq = $3 AND state >= 2`, from, to, seq)
	return err
}

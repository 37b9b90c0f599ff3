package event

import (
	"cmp"
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

// Step is a step of a run.
type Step struct {
	Run string
	Seq int
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
	Step
	wanted Wanted
	seen   int64
	state  int64
}

const waitColumns = `run, seq, type, subject, condition, seen, state`

func scanWait(rows interface{ Scan(...any) error }) (w waiting, err error) {
	err = rows.Scan(&w.Run, &w.Seq, &w.wanted.Type, &w.wanted.Subject, &w.wanted.Match, &w.seen, &w.state)
	return w, err
}

// waits are those that a condition chooses.
func (*Waits) waits(tx *db.Tx, condition string, args ...any) (all []waiting, err error) {
	rows, err := tx.Query(`SELECT `+waitColumns+` FROM event_waits WHERE `+condition, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scanWait(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// Wait is what a step begins to wait for.
type Wait struct {
	Step
	Position int64 // what came at or before it is not waited for
	Wanted   Wanted
}

var stmtBegin = db.NewStmt(0, `INSERT INTO event_waits (run, seq, topic, type, subject, condition, seen, state)
	SELECT r.run, r.seq, r.topic, r.type, r.subject, r.condition, r.seen, 0 FROM {rows} AS r WHERE true
	ON CONFLICT (run, seq) DO UPDATE SET topic = excluded.topic, type = excluded.type, subject = excluded.subject, condition = excluded.condition,
		seen = excluded.seen, state = 0, event = NULL`,
	db.Text("run").Key(), db.Int("seq").Key(), db.Text("topic"), db.Text("type"), db.Text("subject"), db.Text("condition"), db.Int("seen"))

// Begin stores waits.
func (*Waits) Begin(tx *db.Tx, waits ...Wait) error {
	rows := make([][]any, len(waits))
	for n, one := range waits {
		rows[n] = []any{one.Run, one.Seq, one.Wanted.topic(), one.Wanted.Type, one.Wanted.Subject, one.Wanted.Match, one.Position}
	}
	_, err := tx.Many(stmtBegin, rows)
	return err
}

// Arm gives the waits that a run has begun what came before, or makes them known.
func (w *Waits) Arm(tx *db.Tx, run string) error {
	begun, err := w.waits(tx, `run = $1 AND state = 0 ORDER BY seq`, run)
	if err != nil || len(begun) == 0 {
		return err
	}
	return w.look(tx, begun, waitKnown)
}

// Expire ends the wait, unless something fits that has come.
func (w *Waits) Expire(tx *db.Tx, step Step) error {
	open, err := w.waits(tx, `run = $1 AND seq = $2 AND state < 2`, step.Run, step.Seq)
	if err != nil || len(open) == 0 {
		return err
	}
	return w.look(tx, open, waitExpired)
}

// stmtCome gives waits their events, stmtLooked says of others up to where nothing
// fits.
var (
	stmtCome = db.NewStmt(0, `UPDATE event_waits SET state = 2, event = r.event FROM {rows} AS r
		WHERE event_waits.run = r.run AND event_waits.seq = r.seq AND event_waits.state < 2`, db.Text("run").Key(), db.Int("seq").Key(), db.Int("event"))
	stmtLooked = db.NewStmt(0, `UPDATE event_waits SET state = r.state, seen = r.seen FROM {rows} AS r
		WHERE event_waits.run = r.run AND event_waits.seq = r.seq AND event_waits.state < 2`, db.Text("run").Key(), db.Int("seq").Key(), db.Int("state"), db.Int("seen"))
)

// look gives waits of one run what fits, or else the state.
func (w *Waits) look(tx *db.Tx, some []waiting, otherwise int64) error {
	floor, end, err := bounds(tx)
	if err != nil {
		return err
	}
	if err := unseen(tx, some); err != nil {
		return err
	}
	var looked [][]any
	open := make([]waiting, 0, len(some))
	for _, one := range some {
		if one.seen < floor && one.state == waitBegun {
			looked = append(looked, []any{one.Run, one.Seq, waitLost, max(one.seen, end)})
			continue
		}
		one.seen = max(one.seen, floor)
		open = append(open, one)
	}
	hits, err := w.deal(tx, open, end)
	if err == nil && len(hits) > 0 {
		hits, err = w.afterEarlier(tx, open, hits, floor, end)
	}
	if err != nil {
		return err
	}
	given := map[Step]bool{}
	var come [][]any
	for _, h := range hits {
		given[h.Step], come = true, append(come, []any{h.Run, h.Seq, h.event})
	}
	for _, one := range open {
		if !given[one.Step] {
			looked = append(looked, []any{one.Run, one.Seq, otherwise, max(one.seen, end)})
		}
	}
	if _, err := tx.Many(stmtCome, come); err != nil {
		return err
	}
	_, err = tx.Many(stmtLooked, looked)
	return err
}

// afterEarlier deals anew where other waits are open that the run has called
// before: what fits both is theirs, and nobody may have matched it yet.
func (w *Waits) afterEarlier(tx *db.Tx, open []waiting, hits []hit, floor, end int64) ([]hit, error) {
	last := slices.MaxFunc(hits, func(a, b hit) int { return cmp.Compare(a.Seq, b.Seq) })
	earlier, err := w.waits(tx, `run = $1 AND seq < $2 AND state < 2`, last.Run, last.Seq)
	if err != nil {
		return nil, err
	}
	mine := make(map[int]bool, len(open))
	for _, one := range open {
		mine[one.Seq] = true
	}
	earlier = slices.DeleteFunc(earlier, func(one waiting) bool { return mine[one.Seq] || one.state == waitBegun && one.seen < floor })
	if len(earlier) == 0 {
		return hits, nil
	}
	if err := unseen(tx, earlier); err != nil {
		return nil, err
	}
	for n := range earlier {
		earlier[n].seen = max(earlier[n].seen, floor)
	}
	all := slices.Concat(earlier, open)
	slices.SortFunc(all, func(a, b waiting) int { return cmp.Compare(a.Seq, b.Seq) })
	return w.deal(tx, all, end)
}

// unseen moves known waits to where events have not been matched yet.
func unseen(tx *db.Tx, some []waiting) error {
	if !slices.ContainsFunc(some, func(one waiting) bool { return one.state == waitKnown }) {
		return nil
	}
	var matched int64
	if err := tx.QueryRow(`SELECT matched FROM event_log WHERE id = 1`).Scan(&matched); err != nil {
		return err
	}
	for n := range some {
		if some[n].state == waitKnown {
			some[n].seen = max(some[n].seen, matched)
		}
	}
	return nil
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

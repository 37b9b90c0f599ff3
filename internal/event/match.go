package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
)

// matcher reads the log and gives events to the runs that wait for them. Every
// node has one; of several that find the same the first that writes wins.
type matcher struct {
	grown chan struct{} // holds one when there may be new events
	known bool          // at is
	at    int64         // up to here events have been matched
	noted int64         // and that is on disk
	next  time.Time
}

const (
	matchEvery = 10 * time.Millisecond
	matchRuns  = 500             // whose waits one transaction changes
	matchWaits = 5000            // that are compared at a time
	noteEvery  = 5 * time.Second // how often it is noted how far it has come
	mostTaken  = 16              // events that are found for one wait, for it may be given only one of them
	itemsBytes = 16 << 20        // of events that are compared by what they say
)

func newMatcher() matcher { return matcher{grown: make(chan struct{}, 1)} }

// Start begins to match. It ends with the log.
func (w *Waits) Start() {
	notice := func(string) {
		select {
		case w.grown <- struct{}{}:
		default:
		}
	}
	stop := w.log.db.Listen(topic, notice)
	notice("")
	w.log.tail.group.Go(func() {
		defer stop()
		w.follow(w.log.ctx)
	})
}

func (w *Waits) follow(ctx context.Context) {
	for {
		poll, stop := clock.Real{}.After(pollEvery)
		select {
		case <-w.grown:
		case <-poll:
		case <-ctx.Done():
			stop()
			return
		}
		stop()
		began := time.Now()
		if err := w.Match(ctx); err != nil && ctx.Err() == nil {
			w.log.log.Error("events cannot be given to the runs that wait for them; trying again in a second", "error", err)
		}
		// Those who publish much are asked for it together.
		rest, stop := clock.Real{}.After(time.Until(began.Add(matchEvery)))
		select {
		case <-rest:
		case <-ctx.Done():
		}
		stop()
	}
}

// Match gives what has come to those who wait for it, and returns when there is
// nothing more. It is for one goroutine.
func (w *Waits) Match(ctx context.Context) error {
	for {
		p, err := w.compare(ctx)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(p.lost, matchRuns) {
			if err := w.lose(ctx, some, p.floor); err != nil {
				return err
			}
		}
		for some := range chunks(p.hits) {
			if err := w.give(ctx, some); err != nil {
				return err
			}
		}
		w.at, w.known = p.next, true
		if !p.more {
			return w.note(ctx, p.open)
		}
	}
}

// note writes down how far it has come: the next start goes on there.
func (w *Waits) note(ctx context.Context, open bool) error {
	now := time.Now()
	if !open || w.at == w.noted || now.Before(w.next) {
		return nil
	}
	w.noted, w.next = w.at, now.Add(noteEvery)
	return w.log.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE event_log SET matched = $1 WHERE id = 1 AND matched < $1`, w.at)
		return err
	})
}

// compared is a part of the log with the waits that it fits.
type compared struct {
	next  int64 // up to here
	more  bool
	open  bool // somebody waits
	floor int64
	lost  []string // runs whose waits cannot be answered
	hits  []hit    // by run and step
}

// hit is a wait with events that fit, in their order.
type hit struct {
	waiting
	fits []int64
}

// compare looks at the next part of the log.
func (w *Waits) compare(ctx context.Context) (p compared, err error) {
	err = w.log.db.Read(ctx, func(tx *db.Tx) error {
		p = compared{next: w.at}
		floor, end, err := bounds(tx)
		if err != nil {
			return err
		}
		if w.known && w.at >= end {
			return nil
		}
		if p.open, err = w.open(tx); err != nil || !p.open { // who begins to wait now sees all that is here by himself
			p.next = end
			return err
		}
		if !w.known {
			err := tx.QueryRow(`SELECT CASE WHEN matched > seen THEN matched ELSE seen END FROM event_log, (SELECT min(seen) AS seen FROM event_waits WHERE state < 2) AS w
				WHERE id = 1`).Scan(&p.next)
			if err != nil {
				return err
			}
		}
		if p.next < floor {
			p.floor = floor
			if p.lost, err = w.behind(tx, floor); err != nil {
				return err
			}
			p.next = floor
		}
		from := p.next
		p.next = min(from+window, end)
		p.more = p.next < end
		p.hits, err = w.hits(tx, from, p.next)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("match events with waits: %w", err)
	}
	return p, nil
}

// open reports whether somebody waits.
func (*Waits) open(tx *db.Tx) (bool, error) {
	var topic string
	err := tx.QueryRow(`SELECT topic FROM event_waits WHERE state < 2 ORDER BY topic LIMIT 1`).Scan(&topic)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// behind are the runs with waits that nobody has compared with what was removed.
func (*Waits) behind(tx *db.Tx, floor int64) (runs []string, err error) {
	rows, err := tx.Query(`SELECT DISTINCT run FROM event_waits WHERE state = 1 AND seen < $1 ORDER BY run`, floor)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var run string
		if err := rows.Scan(&run); err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, rows.Err()
}

// lose ends such waits.
func (w *Waits) lose(ctx context.Context, runs []string, floor int64) error {
	list, err := json.Marshal(runs)
	if err != nil {
		return err
	}
	return w.log.db.Write(ctx, func(tx *db.Tx) error {
		if err := w.runs.Lock(tx, runs); err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE event_waits SET state = 4 WHERE `+tx.Among("run", "$1")+` AND state = 1 AND seen < $2`, string(list), floor); err != nil {
			return err
		}
		return w.runs.Wake(tx, runs...)
	})
}

// hits compares events with the waits that they may fit.
func (w *Waits) hits(tx *db.Tx, from, upTo int64) (all []hit, err error) {
	events, topics, err := w.news(tx, from, upTo)
	if err != nil || len(topics) == 0 {
		return nil, err
	}
	list, err := json.Marshal(slices.Collect(maps.Keys(topics)))
	if err != nil {
		return nil, err
	}
	c := comparison{log: w.log, tx: tx, events: events, items: map[int64]*Item{}, queries: map[Wanted]*Query{}}
	for last := (waiting{}); ; {
		some, err := w.candidates(tx, string(list), last)
		if err != nil {
			return nil, err
		}
		for _, one := range some {
			fits, err := c.fits(one, topics[one.wanted.topic()])
			if err != nil {
				return nil, err
			}
			if len(fits) > 0 {
				all = append(all, hit{one, fits})
			}
		}
		if len(some) < matchWaits {
			return all, nil
		}
		last = some[len(some)-1]
	}
}

// light is of an event what waits are looked up by.
type light struct {
	seq           int64
	kind, subject string
}

// news are the events of a part of the log, and where in the list those are that
// waits of a topic may fit.
func (*Waits) news(tx *db.Tx, from, upTo int64) (events []light, topics map[string][]int, err error) {
	rows, err := tx.Query(`SELECT seq, type, subject FROM events WHERE seq > $1 AND seq <= $2 ORDER BY seq`, from, upTo)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	topics = map[string][]int{}
	for rows.Next() {
		var e light
		if err := rows.Scan(&e.seq, &e.kind, &e.subject); err != nil {
			return nil, nil, err
		}
		for _, topic := range topicsOf(e.kind, e.subject) {
			topics[topic] = append(topics[topic], len(events))
		}
		events = append(events, e)
	}
	return events, topics, rows.Err()
}

// candidates are open waits of topics, by run and step behind the last one. They
// are found by their topics, not in the order of the table.
func (*Waits) candidates(tx *db.Tx, topics string, last waiting) (all []waiting, err error) {
	rows, err := tx.Query(fmt.Sprintf(`SELECT %s FROM event_waits WHERE state < 2 AND %s AND (run > $2 OR run = $2 AND seq > $3)
		ORDER BY run || '', seq LIMIT %d`, waitColumns, tx.Among("topic", "$1"), matchWaits), topics, last.run, last.seq)
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

// comparison of a part of the log with waits.
type comparison struct {
	log     *Log
	tx      *db.Tx
	events  []light
	items   map[int64]*Item // those that a filter has asked for
	bytes   int             // of them
	queries map[Wanted]*Query
}

// fits are those of the events that a wait is for.
func (c *comparison) fits(one waiting, events []int) (fits []int64, err error) {
	q := c.queries[one.wanted]
	if q == nil {
		made, err := one.wanted.query()
		if err != nil {
			return nil, nil // nobody could have stored it
		}
		q = &made
		c.queries[one.wanted] = q
	}
	for _, n := range events {
		e := &c.events[n]
		if e.seq <= one.seen || !q.Types.Match(e.kind) || one.wanted.Subject != "" && one.wanted.Subject != e.subject {
			continue
		}
		if q.Filter != nil {
			i, err := c.item(e.seq)
			if err != nil {
				return nil, err
			}
			if chosen, err := q.Filter.choose(i); err != nil || !chosen {
				continue // an expression that cannot be calculated chooses nothing
			}
		}
		if fits = append(fits, e.seq); len(fits) == mostTaken {
			break
		}
	}
	return fits, nil
}

func (c *comparison) item(seq int64) (*Item, error) {
	if i := c.items[seq]; i != nil {
		return i, nil
	}
	if c.bytes > itemsBytes {
		clear(c.items)
		c.bytes = 0
	}
	i, err := c.log.at(c.tx, `$1`, seq)
	if err != nil {
		return nil, err
	}
	c.items[seq] = &i
	c.bytes += i.Size()
	return &i, nil
}

// chunks divides hits between runs.
func chunks(all []hit) func(yield func([]hit) bool) {
	return func(yield func([]hit) bool) {
		for len(all) > 0 {
			n, runs := 1, 1
			for n < len(all) && (all[n].run == all[n-1].run || runs < matchRuns) {
				if all[n].run != all[n-1].run {
					runs++
				}
				n++
			}
			if !yield(all[:n]) {
				return
			}
			all = all[n:]
		}
	}
}

// give gives waits their events. A wait that is not known yet looks by itself
// when it becomes that, which is behind all that is here: its run was locked.
func (w *Waits) give(ctx context.Context, hits []hit) error {
	var runs []string
	for _, h := range hits {
		runs = append(runs, h.run)
	}
	runs = slices.Compact(runs)
	list, err := json.Marshal(runs)
	if err != nil {
		return err
	}
	err = w.log.db.Write(ctx, func(tx *db.Tx) error {
		if err := w.runs.Lock(tx, runs); err != nil {
			return err
		}
		now, had, err := w.present(tx, string(list))
		if err != nil {
			return err
		}
		var given [][]any
		var woken []string
		var rest []waiting
		for _, h := range hits {
			one, ok := now[step{h.run, h.seq}]
			if !ok || one.state != waitKnown {
				continue
			}
			full := len(h.fits) == mostTaken
			for _, event := range h.fits {
				taken := step{h.run, event}
				if event <= one.seen || had[taken] {
					continue
				}
				had[taken], full = true, false
				given, woken = append(given, []any{h.run, h.seq, event}), append(woken, h.run)
				break
			}
			if full { // other waits of the run have had all of them, and there may be more
				rest, woken = append(rest, one), append(woken, h.run)
			}
		}
		if len(woken) == 0 {
			return nil
		}
		if _, err := tx.Many(stmtCome, given); err != nil {
			return err
		}
		for _, one := range rest {
			if err := w.look(tx, one, waitKnown); err != nil {
				return err
			}
		}
		return w.runs.Wake(tx, slices.Compact(woken)...)
	})
	if err != nil {
		return fmt.Errorf("give events to runs: %w", err)
	}
	return nil
}

// step is a run with the number of one of its steps, or of an event.
type step struct {
	run string
	n   int64
}

// present are the waits of runs as they are now, and the events that they have had.
func (*Waits) present(tx *db.Tx, runs string) (now map[step]waiting, had map[step]bool, err error) {
	rows, err := tx.Query(`SELECT `+waitColumns+` FROM event_waits WHERE `+tx.Among("run", "$1"), runs)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	now, had = map[step]waiting{}, map[step]bool{}
	for rows.Next() {
		one, err := scanWait(rows)
		if err != nil {
			return nil, nil, err
		}
		now[step{one.run, one.seq}] = one
		if one.state == waitCome {
			had[step{one.run, one.event}] = true
		}
	}
	return now, had, rows.Err()
}

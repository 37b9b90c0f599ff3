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

	queries map[Wanted]*Query // that have been read
}

const (
	matchEvery  = 10 * time.Millisecond
	matchRuns   = 500             // whose waits one transaction changes
	matchWaits  = 5000            // that are compared at a time
	noteEvery   = 5 * time.Second // how often it is noted how far it has come
	mostQueries = 4000            // of what is waited for, that are kept
)

func newMatcher() matcher {
	return matcher{grown: make(chan struct{}, 1), queries: map[Wanted]*Query{}}
}

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
			if err := w.give(ctx, some, p.from, p.next); err != nil {
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
	from  int64 // behind this
	next  int64 // up to here
	more  bool
	open  bool // somebody waits
	floor int64
	lost  []string // runs whose waits cannot be answered
	hits  []hit    // by run and step
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
		p.from = p.next
		p.next = min(p.from+window, end)
		p.more = p.next < end
		p.hits, err = w.hits(tx, p.from, p.next)
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

// hits deals what is new out to the waits that it may fit, run by run.
func (w *Waits) hits(tx *db.Tx, from, upTo int64) (all []hit, err error) {
	c := newComparison(w.log, tx)
	c.queries = w.queries
	defer func() {
		if len(w.queries) > mostQueries {
			w.queries = map[Wanted]*Query{}
		}
	}()
	if err := c.read(from, upTo); err != nil || len(c.topics) == 0 {
		return nil, err
	}
	list, err := json.Marshal(slices.Collect(maps.Keys(c.topics)))
	if err != nil {
		return nil, err
	}
	var mine []waiting // those of one run, as far as they have been read
	share := func() error {
		hits, err := c.share(mine, nil)
		all, mine = append(all, hits...), mine[:0]
		return err
	}
	for last := (waiting{}); ; {
		// Open waits, by run and step behind the last one, found by their topics and
		// not in the order of the table.
		some, err := w.waits(tx, fmt.Sprintf(`state < 2 AND %s AND (run > $2 OR run = $2 AND seq > $3) ORDER BY run || '', seq LIMIT %d`,
			tx.Among("topic", "$1"), matchWaits), string(list), last.Run, last.Seq)
		if err != nil {
			return nil, err
		}
		for _, one := range some {
			if len(mine) > 0 && mine[0].Run != one.Run {
				if err := share(); err != nil {
					return nil, err
				}
			}
			mine = append(mine, one)
		}
		if len(some) < matchWaits {
			return all, share()
		}
		last = some[len(some)-1]
	}
}

// chunks divides hits between runs.
func chunks(all []hit) func(yield func([]hit) bool) {
	return func(yield func([]hit) bool) {
		for len(all) > 0 {
			n, runs := 1, 1
			for n < len(all) && (all[n].Run == all[n-1].Run || runs < matchRuns) {
				if all[n].Run != all[n-1].Run {
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

// give gives waits of some runs their events. A wait that is not known yet looks
// by itself when it becomes that, which is behind all that is here: its run was
// locked. Where something has changed that the hits relied on, what is new is dealt
// out to the run's waits as they are now.
func (w *Waits) give(ctx context.Context, hits []hit, from, upTo int64) error {
	var runs []string
	for _, h := range hits {
		runs = append(runs, h.Run)
	}
	runs = slices.Compact(runs)
	err := w.log.db.Write(ctx, func(tx *db.Tx) error {
		if err := w.runs.Lock(tx, runs); err != nil {
			return err
		}
		now, had, err := w.present(tx, hits)
		if err != nil {
			return err
		}
		var come [][]any
		var woken []string
		for _, mine := range byRun(hits) {
			run := mine[0].Run
			given, changed := now.give(mine, had)
			if changed {
				if given, err = w.dealAnew(tx, run, from, upTo); err != nil {
					return err
				}
			}
			for _, h := range given {
				come = append(come, []any{run, h.Seq, h.event})
			}
			if len(given) > 0 {
				woken = append(woken, run)
			}
		}
		if len(come) == 0 {
			return nil
		}
		if _, err := tx.Many(stmtCome, come); err != nil {
			return err
		}
		return w.runs.Wake(tx, woken...)
	})
	if err != nil {
		return fmt.Errorf("give events to runs: %w", err)
	}
	return nil
}

// byRun divides hits, which come by run.
func byRun(hits []hit) (all [][]hit) {
	for len(hits) > 0 {
		n := slices.IndexFunc(hits, func(h hit) bool { return h.Run != hits[0].Run })
		if n < 0 {
			n = len(hits)
		}
		all, hits = append(all, hits[:n]), hits[n:]
	}
	return all
}

// dealAnew deals a part of the log out to the known waits of a run.
func (w *Waits) dealAnew(tx *db.Tx, run string, from, upTo int64) ([]hit, error) {
	open, err := w.waits(tx, `run = $1 AND state = 1 ORDER BY seq`, run)
	if err != nil {
		return nil, err
	}
	for n := range open {
		open[n].seen = max(open[n].seen, from)
	}
	return w.deal(tx, open, upTo)
}

// place is a run with the position of an event.
type place struct {
	run   string
	event int64
}

// present are waits as they are now.
type present map[Step]struct{ state, seen, event int64 }

// give are the hits that are to be given; changed says that something is not as
// they have it.
func (p present) give(mine []hit, had map[place]bool) (given []hit, changed bool) {
	for _, h := range mine {
		one, ok := p[h.Step]
		switch {
		case ok && one.state == waitBegun, ok && one.state == waitCome && one.event == h.event:
		case !ok || one.state != waitKnown || h.event <= one.seen || had[place{h.Run, h.event}]:
			return nil, true
		default:
			given = append(given, h)
		}
	}
	return given, false
}

// present are the waits of hits as they are now, and the events that their runs
// have had.
func (*Waits) present(tx *db.Tx, hits []hit) (now present, had map[place]bool, err error) {
	steps := make([]Step, len(hits))
	first, last := hits[0].event, hits[0].event
	for n, h := range hits {
		steps[n], first, last = h.Step, min(first, h.event), max(last, h.event)
	}
	runs, low, high, err := span(steps)
	if err != nil {
		return nil, nil, err
	}
	rows, err := tx.Query(`SELECT run, seq, state, seen, coalesce(event, 0) FROM event_waits WHERE `+tx.Among("run", "$1")+`
		AND (seq >= $2 AND seq <= $3 OR event >= $4 AND event <= $5)`, runs, low, high, first, last)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	now, had = present{}, map[place]bool{}
	for rows.Next() {
		var step Step
		var state, seen, event int64
		if err := rows.Scan(&step.Run, &step.Seq, &state, &seen, &event); err != nil {
			return nil, nil, err
		}
		now[step] = struct{ state, seen, event int64 }{state, seen, event}
		if state == waitCome {
			had[place{step.Run, event}] = true
		}
	}
	return now, had, rows.Err()
}

package event

import (
	"cmp"
	"context"
	"slices"

	"junctor/internal/db"
)

// hit is a wait with the event that is its.
type hit struct {
	waiting
	event int64
}

// deal deals what came for open waits of one run, in the order of their calls, up
// to a position: every event, in the order of the log, goes to the first wait that
// it fits, that has not seen it, and that has none yet.
func (w *Waits) deal(tx *db.Tx, open []waiting, upTo int64) (hits []hit, err error) {
	from, ok := earliest(open, upTo)
	if !ok {
		return nil, nil
	}
	if len(open) == 1 {
		found, err := w.find(tx, open[0], upTo)
		if err != nil || found == 0 {
			return nil, err
		}
		return []hit{{open[0], found}}, nil
	}
	had, err := w.had(tx, open[0].Run, from, upTo)
	if err != nil {
		return nil, err
	}
	c := newComparison(w.log, tx)
	open = slices.Clone(open)
	for ok {
		to := min(from+window, upTo)
		if err := c.read(from, to); err != nil {
			return nil, err
		}
		some, err := c.share(open, had)
		if err != nil {
			return nil, err
		}
		hits = append(hits, some...)
		open = without(open, some)
		for n := range open {
			open[n].seen = max(open[n].seen, to)
		}
		from, ok = earliest(open, upTo)
	}
	return hits, nil
}

// earliest is from where on open waits have to look, if before a position.
func earliest(open []waiting, upTo int64) (from int64, ok bool) {
	if len(open) == 0 {
		return 0, false
	}
	from = slices.MinFunc(open, func(a, b waiting) int { return cmp.Compare(a.seen, b.seen) }).seen
	return from, from < upTo
}

// without are the waits that have got nothing.
func without(open []waiting, hits []hit) []waiting {
	if len(hits) == 0 {
		return open
	}
	given := make(map[int]bool, len(hits))
	for _, h := range hits {
		given[h.Seq] = true
	}
	return slices.DeleteFunc(open, func(one waiting) bool { return given[one.Seq] })
}

// had are the events of a part of the log that a run's waits have had.
func (*Waits) had(tx *db.Tx, run string, from, upTo int64) (map[int64]bool, error) {
	rows, err := tx.Query(`SELECT event FROM event_waits WHERE run = $1 AND state = 2 AND event > $2 AND event <= $3`, run, from, upTo)
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

// find is the first event up to a position that a wait has not seen and that fits,
// and that no wait of the run has had; 0 for none. What was had is left out by the
// database: a run may wait for one after another of thousands.
func (w *Waits) find(tx *db.Tx, one waiting, upTo int64) (found int64, err error) {
	q, err := one.wanted.query()
	if err != nil {
		return 0, err
	}
	types, args := q.Types.condition(5)
	args = append([]any{upTo, one.wanted.Subject, one.Run}, args...)
	err = w.log.walk(tx, `seq > $1 AND seq <= $2 AND ($3 = '' OR subject = $3)`+types+`
		AND seq NOT IN (SELECT event FROM event_waits WHERE run = $4 AND state = 2 AND event > $1 AND event <= $2) ORDER BY seq`, one.seen, args, &q, func(i Item) bool {
		found = i.Seq
		return false
	})
	return found, err
}

// near is how many numbers of the log are looked through in the transaction in
// which a run parks.
const near = window

var stmtSeen = db.NewStmt(0, `UPDATE event_waits SET seen = r.seen FROM {rows} AS r
	WHERE event_waits.run = r.run AND event_waits.seq = r.seq AND event_waits.seen < r.seen AND event_waits.state < 2`,
	db.Text("run").Key(), db.Int("seq").Key(), db.Int("seen"))

// Search looks through most of what came before, so that Arm has little to look
// at; or Expire of the step of that number, when it is not 0.
func (w *Waits) Search(ctx context.Context, run string, expiring int) error {
	which := `state = 0 AND seq > $2`
	if expiring > 0 {
		which = `state < 2 AND seq = $2`
	}
	found := map[int]bool{} // those for which something is there
	for {
		var looked [][]any
		err := w.log.db.Read(ctx, func(tx *db.Tx) (err error) {
			looked = nil
			some, err := w.waits(tx, `run = $1 AND `+which+` ORDER BY seq`, run, expiring)
			if err != nil || len(some) == 0 {
				return err
			}
			floor, end, err := bounds(tx)
			if err != nil {
				return err
			}
			if err := unseen(tx, some); err != nil {
				return err
			}
			some = slices.DeleteFunc(some, func(one waiting) bool { return one.seen < floor || end-one.seen <= near || found[one.Seq] })
			from, ok := earliest(some, end)
			if !ok {
				return nil
			}
			upTo := min(from+maxLook, end)
			firsts, err := w.firsts(tx, some, from, upTo)
			for _, one := range some {
				seen := upTo
				if first := firsts[one.Seq]; first > 0 {
					seen, found[one.Seq] = first-1, true
				}
				looked = append(looked, []any{run, one.Seq, seen})
			}
			return err
		})
		if err != nil || len(looked) == 0 {
			return err
		}
		err = w.log.db.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Many(stmtSeen, looked)
			return err
		})
		if err != nil {
			return err
		}
	}
}

// firsts are for waits of one run, each by itself, the first event of a part of the
// log that fits and that no wait of the run has had.
func (w *Waits) firsts(tx *db.Tx, some []waiting, from, upTo int64) (map[int]int64, error) {
	firsts := map[int]int64{}
	if len(some) == 1 {
		found, err := w.find(tx, some[0], upTo)
		firsts[some[0].Seq] = found
		return firsts, err
	}
	had, err := w.had(tx, some[0].Run, from, upTo)
	if err != nil {
		return nil, err
	}
	c := newComparison(w.log, tx)
	for ; from < upTo; from += window {
		if err := c.read(from, min(from+window, upTo)); err != nil {
			return nil, err
		}
		for n := range some {
			if firsts[some[n].Seq] > 0 {
				continue
			}
			if firsts[some[n].Seq], err = c.first(&some[n], had); err != nil {
				return nil, err
			}
		}
	}
	return firsts, nil
}

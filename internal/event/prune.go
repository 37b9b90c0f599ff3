package event

import (
	"math"
	"slices"
	"sync"
	"time"

	"junctor/internal/db"
)

const (
	pruneEvery = time.Minute // between two passes
	pruneBatch = 200
	// After a batch nothing is removed for so many times as long as it took:
	// whoever writes comes in between.
	pruneRest = 20
)

// prune removes, in small batches, events whose retention is over.
func (l *Log) prune() {
	for l.pause(pruneEvery) {
		held := l.held()
		for {
			began := l.clock.Now()
			more, err := l.pruneBatch(held)
			if err != nil && l.ctx.Err() == nil {
				l.log.Error("old events could not be removed; trying again later", "error", err)
			}
			if !more || err != nil || !l.pause(pruneRest*l.clock.Now().Sub(began)) {
				break
			}
		}
	}
}

// pause reports whether the log goes on after so long.
func (l *Log) pause(d time.Duration) bool {
	over, stop := l.clock.After(d)
	defer stop()
	select {
	case <-over:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// held asks once, when it is asked for, up to where events may be removed.
func (l *Log) held() func() (int64, error) {
	return sync.OnceValues(func() (int64, error) {
		held, ok, err := l.hold(l.ctx)
		if !ok {
			held = math.MaxInt64
		}
		return held, err
	})
}

// PruneBatch removes some of the oldest events that came into the log longer ago
// than they are to be kept, and reports whether there may be more. The newest of
// all stays, and what is held.
func (l *Log) PruneBatch() (more bool, err error) { return l.pruneBatch(l.held()) }

func (l *Log) pruneBatch(held func() (int64, error)) (more bool, err error) {
	keep := l.keep()
	if keep <= 0 {
		return false, nil
	}
	old, more, err := l.old(db.Micros(l.clock.Now().Add(-keep)))
	if err != nil || len(old) == 0 {
		return false, err
	}
	limit, err := held()
	if err != nil {
		return false, err
	}
	if n := slices.IndexFunc(old, func(i Item) bool { return i.Seq > limit }); n >= 0 {
		old, more = old[:n], false
	}
	if len(old) == 0 {
		return false, nil
	}
	last := old[len(old)-1].Seq
	err = l.db.Write(l.ctx, func(tx *db.Tx) error {
		for n := range old {
			if old[n].form&formLarge != 0 {
				if err := tx.DropLarge(old[n].data); err != nil {
					return err
				}
			}
		}
		if _, err := tx.Exec(`DELETE FROM events WHERE seq <= $1`, last); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE event_log SET floor = $1 WHERE id = 1 AND floor < $1`, last)
		return err
	})
	return more, err
}

// old are the first events of the log, as far as they came before a time.
func (l *Log) old(before int64) (old []Item, more bool, err error) {
	err = l.db.Read(l.ctx, func(tx *db.Tx) error {
		old, more = nil, false
		rows, err := tx.Query(`SELECT seq, at, form, CASE WHEN form >= $1 THEN data END FROM events
			WHERE seq < (SELECT max(seq) FROM events) ORDER BY seq LIMIT $2`, formLarge, pruneBatch)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var i Item
			var at int64
			if err := rows.Scan(&i.Seq, &at, &i.form, &i.data); err != nil {
				return err
			}
			if at >= before {
				break
			}
			old = append(old, i)
		}
		more = len(old) == pruneBatch
		return rows.Err()
	})
	return old, more, err
}

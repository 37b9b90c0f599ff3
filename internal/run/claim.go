package run

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
)

const (
	claimBatch = 200
	// pollEvery bounds how late this node notices what another one made due.
	pollEvery = time.Second
)

// schedule claims what has come due and has no owner: runs whose wait or
// back-off is over, that overflowed the queue, or that lost their node.
func (e *Engine) schedule() {
	for e.ctx.Err() == nil {
		e.nextAt.Store(math.MaxInt64)
		more, next, err := e.claimDue()
		if err != nil && e.ctx.Err() == nil {
			e.log.Error("runs that are due cannot be fetched; trying again", "error", err)
			e.pause(pollEvery)
			continue
		}
		if more {
			continue
		}
		e.rest(next)
	}
}

// rest waits for the alarm, for the given moment (0: none), or for the time
// after which to look anyway.
func (e *Engine) rest(next int64) {
	now := e.clock.Now()
	until := now.Add(pollEvery)
	if next > 0 {
		e.nextAt.Store(next)
		if due := e.local(next); due.Before(until) {
			until = due
		}
	}
	fired, stop := e.clock.At(until)
	if !until.After(now) { // it has come due meanwhile, or there was no room for it: a moment for the workers
		stop()
		fired, stop = clock.Real{}.After(time.Millisecond)
	}
	defer stop()
	select {
	case <-fired:
	case <-e.alarm:
	case <-e.ctx.Done():
	}
}

// claimDue fills the queue. more: there may be more due at once; next: when the
// first of the others comes due, 0 for none.
func (e *Engine) claimDue() (more bool, next int64, err error) {
	room := min(claimBatch, e.queue.room())
	if room == 0 {
		return false, 0, nil // the queue says when there is some
	}
	claimed, err := e.claim(e.ctx, room)
	if err != nil {
		return false, 0, err
	}
	for _, r := range claimed {
		e.enqueue(r)
	}
	if len(claimed) == claimBatch {
		return true, 0, nil
	}
	err = e.db.Read(e.ctx, func(tx *db.Tx) error {
		var at *int64
		if err := tx.QueryRow(`SELECT min(due_at) FROM runs WHERE finished_at IS NULL AND owner = ''`).Scan(&at); err != nil {
			return err
		}
		next = 0
		if at != nil {
			next = *at
		}
		return nil
	})
	return false, next, err
}

// claim takes the lease of up to n due runs.
func (e *Engine) claim(ctx context.Context, n int) ([]*row, error) {
	var due []string
	now := e.now()
	err := e.db.Read(ctx, func(tx *db.Tx) error { // a look first: mostly there is nothing to write
		due = nil
		return each(tx, func(id string) { due = append(due, id) },
			`SELECT id FROM runs WHERE finished_at IS NULL AND owner = '' AND due_at <= $1 LIMIT 1`, now)
	})
	if err != nil || len(due) == 0 {
		return nil, err
	}
	var rows []*row
	err = e.db.Write(ctx, func(tx *db.Tx) error {
		rows = nil
		got, err := tx.Query(`UPDATE runs SET owner = $1, epoch = epoch + 1, due_at = NULL WHERE id IN (
				SELECT id FROM runs WHERE finished_at IS NULL AND owner = '' AND due_at <= $2
				ORDER BY due_at LIMIT $3 `+tx.SkipLocked()+`)
			RETURNING `+columns, e.node, now, n)
		if err != nil {
			return err
		}
		defer got.Close()
		for got.Next() {
			r, err := scan(got)
			if err != nil {
				return err
			}
			rows = append(rows, r)
		}
		return got.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("claim due runs: %w", err)
	}
	return rows, nil
}

// enqueue hands a claimed run to the workers, with its journal.
func (e *Engine) enqueue(r *row) {
	if r.crashes >= maxCrashes {
		x := e.execution(r, newJournal())
		x.stored = true
		x.finish(Failed, nil, &Failure{ErrorInfo: ErrorInfo{
			Name: "DeadLetter", Permanent: true,
			Message: fmt.Sprintf("the process died %d times while it executed this run; it is not tried again by itself", r.crashes),
		}})
		x.end()
		return
	}
	x := e.execution(r, newJournal())
	x.stored = true
	if err := e.recall(x); err != nil {
		e.log.Error("a run's journal cannot be read; trying again", "run", r.id, "error", err)
		x.off()
		e.goes(func() { e.giveBack(r.id, r.epoch) })
		return
	}
	if r.answered {
		x.answer, _ = x.load(r.output) //nolint:errcheck // only used for whoever still waits
	}
	e.mu.Lock()
	_, x.awaited = e.wait[r.id]
	e.mu.Unlock()
	x.reserved = e.queue.reserve(len(r.input))
	e.queue.push(x)
}

// recall reads what earlier executions of a run have left. One that is queued
// has had none, unless it repeats another run's first steps.
func (e *Engine) recall(x *Execution) error {
	fresh, whole := x.row.state == Queued && x.row.origin == "", e.policies(x.row.channel).Capture.keeps(Succeeded)
	if fresh && whole {
		return nil
	}
	return e.db.Read(e.ctx, func(tx *db.Tx) error {
		var n int64
		if err := tx.QueryRow(`SELECT count(*) FROM run_keys WHERE run = $1`, x.row.id).Scan(&n); err != nil {
			return err
		}
		x.keyed = n > 0
		if fresh {
			return nil
		}
		j, err := loadJournal(tx, x.row.id)
		if err != nil {
			return err
		}
		x.journal, x.queue = j, j.recorded()
		x.logs = nil
		return each(tx, func(line string) { x.logs = append(x.logs, line) },
			`SELECT text FROM run_logs WHERE run = $1 ORDER BY n`, x.row.id)
	})
}

// row reads one run.
func (e *Engine) row(ctx context.Context, id string) (r *row, err error) {
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		r, err = scan(tx.QueryRow(`SELECT `+columns+` FROM runs WHERE id = $1`, id))
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return nil, noRun(id)
	}
	return r, err
}

// each calls f with the single text column of every row.
func each(tx *db.Tx, f func(string), query string, args ...any) error {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return err
		}
		f(s)
	}
	return rows.Err()
}

package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
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
	e.enqueue(claimed)
	if len(claimed) == claimBatch {
		return true, 0, nil
	}
	err = e.db.Read(e.ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(`SELECT due_at FROM runs WHERE finished_at IS NULL AND owner = '' AND due_at > 0 ORDER BY due_at LIMIT 1`).Scan(&next)
		if errors.Is(err, db.ErrNoRows) {
			next, err = 0, nil
		}
		return err
	})
	return false, next, err
}

// claim takes the lease of up to n due runs.
func (e *Engine) claim(ctx context.Context, n int) ([]*row, error) {
	var due []string
	now := e.now()
	err := e.db.Read(ctx, func(tx *db.Tx) (err error) { // a look first: mostly there is nothing to write
		due, err = tx.Texts(`SELECT id FROM runs WHERE finished_at IS NULL AND owner = '' AND due_at <= $1 LIMIT 1`, now)
		return err
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

// enqueue hands claimed runs to the workers, with their journals.
func (e *Engine) enqueue(claimed []*row) {
	var ready []*Execution
	recalled := map[string]*Execution{}
	for _, r := range claimed {
		x := e.execution(r, newJournal())
		x.stored = true
		if r.crashes >= maxCrashes {
			x.deadLetter()
			continue
		}
		ready = append(ready, x)
		if x.recalls() {
			recalled[r.id] = x
		}
	}
	if err := e.recall(recalled); err != nil {
		e.log.Error("journals cannot be read; trying again", "runs", len(recalled), "error", err)
		for _, x := range recalled {
			x.off()
			e.goes(func() { e.giveBack(x.row.id, x.row.epoch) })
		}
		ready = slices.DeleteFunc(ready, func(x *Execution) bool { return recalled[x.row.id] != nil })
	}
	for _, x := range ready {
		if x.row.answered {
			x.answer, _ = x.load(x.row.output) //nolint:errcheck // only used for whoever still waits
		}
		e.mu.Lock()
		_, x.awaited = e.told[x.row.id]
		e.mu.Unlock()
		x.reserved = e.queue.reserve(len(x.row.input))
		e.push(x)
	}
}

// deadLetter ends a run whose process died again and again.
func (x *Execution) deadLetter() {
	x.finish(Failed, nil, &Failure{ErrorInfo: ErrorInfo{
		Name: "DeadLetter", Permanent: true,
		Message: fmt.Sprintf("the process died %d times while it executed this run; it is not tried again by itself", x.row.crashes),
	}})
	x.end()
}

// begun reports whether earlier executions may have left something. One that is
// queued has had none, unless it repeats another run's first steps.
func (x *Execution) begun() bool { return x.row.state != Queued || x.row.origin != "" }

// recalls reports whether the database has to be asked about the run.
func (x *Execution) recalls() bool {
	return x.begun() || !x.e.policy(x.row).Capture.keeps(Succeeded)
}

// recall reads what earlier executions of runs have left, for all at once.
func (e *Engine) recall(runs map[string]*Execution) error {
	if len(runs) == 0 {
		return nil
	}
	var all, begun []string
	for id, x := range runs {
		all = append(all, id)
		if x.begun() {
			begun = append(begun, id)
		}
	}
	return e.db.Read(e.ctx, func(tx *db.Tx) error {
		keyed, err := textsOf(tx, all, `SELECT DISTINCT run FROM run_keys WHERE `+tx.Among("run", "$1"))
		for _, id := range keyed {
			runs[id].keyed = true
		}
		if err != nil || len(begun) == 0 {
			return err
		}
		journals, err := loadJournals(tx, begun)
		if err != nil {
			return err
		}
		logs, err := loadLogs(tx, begun)
		if err != nil {
			return err
		}
		for _, id := range begun {
			x := runs[id]
			x.journal, x.logs = journals[id], logs[id]
			x.queue = x.journal.recorded()
		}
		return e.came(tx, runs)
	})
}

// textsOf is the single text column of a query whose $1 is a JSON array of ids.
func textsOf(tx *db.Tx, ids []string, query string) ([]string, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	return tx.Texts(query, string(list))
}

// loadLogs reads the lines of runs' logs, in their order.
func loadLogs(tx *db.Tx, runs []string) (map[string][]string, error) {
	list, err := json.Marshal(runs)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT run, text FROM run_logs WHERE `+tx.Among("run", "$1")+` ORDER BY run, n`, string(list))
	if err != nil {
		return nil, fmt.Errorf("read the logs of %d runs: %w", len(runs), err)
	}
	defer rows.Close()
	logs := map[string][]string{}
	for rows.Next() {
		var run, line string
		if err := rows.Scan(&run, &line); err != nil {
			return nil, err
		}
		logs[run] = append(logs[run], line)
	}
	return logs, rows.Err()
}

// row reads one run. Errors: fault.NotFound.
func (e *Engine) row(ctx context.Context, id string) (r *row, err error) {
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		r, err = readRow(tx, id)
		return err
	})
	return r, err
}

func readRow(tx *db.Tx, id string) (*row, error) {
	r, err := scan(tx.QueryRow(`SELECT `+columns+` FROM runs WHERE id = $1`, id))
	if errors.Is(err, db.ErrNoRows) {
		return nil, noRun(id)
	}
	return r, err
}

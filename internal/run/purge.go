package run

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

const (
	pruneEvery = time.Minute // between two passes
	pruneBatch = 200
	// A pass looks at every run there is. Resting after each batch so many times
	// as long as it took to look keeps that a small part of the machine's work at
	// any moment: a million runs at one go keep a core busy for seconds, and
	// messages waiting.
	pruneRest = 20
)

// prune removes, in small batches, what its retention is over for.
func (e *Engine) prune() {
	for e.ctx.Err() == nil {
		e.pause(pruneEvery)
		if e.ctx.Err() != nil {
			return
		}
		if err := e.pruneOnce(e.ctx); err != nil && e.ctx.Err() == nil {
			e.log.Error("old runs could not be removed; trying again later", "error", err)
		}
	}
}

// pruneOnce walks over all runs in the order of their ids.
func (e *Engine) pruneOnce(ctx context.Context) error {
	for after, n := "", pruneBatch; n == pruneBatch; {
		began := e.clock.Now()
		old, last, looked, err := e.overdue(ctx, after)
		if err != nil {
			return err
		}
		rest := pruneRest * e.clock.Now().Sub(began)
		if err := e.removeRuns(ctx, old); err != nil {
			return err
		}
		after, n = last, looked
		e.pause(rest)
	}
	for n := int64(pruneBatch); n == pruneBatch; {
		err := e.db.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = tx.Exec(`DELETE FROM run_keys WHERE (scope, name) IN (
				SELECT scope, name FROM run_keys WHERE expires_at <= $1 LIMIT $2)`, e.now(), pruneBatch)
			return err
		})
		if err != nil {
			return err
		}
	}
	_, err := e.db.CollectOrphans(ctx, time.Hour)
	return err
}

// overdue looks at the runs that follow an id, and returns those whose time is
// over, the last one it has looked at, and how many these were.
func (e *Engine) overdue(ctx context.Context, after string) (old []string, last string, n int, err error) {
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		old, n = nil, 0
		rows, err := tx.Query(`SELECT id, channel, function, source, state, finished_at FROM runs WHERE id > $1 ORDER BY id LIMIT $2`, after, pruneBatch)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var channel, function, source, state string
			var finished *int64
			if err := rows.Scan(&last, &channel, &function, &source, &state, &finished); err != nil {
				return err
			}
			n++
			if finished != nil && e.policies(channel, function, source).expired(State(state), e.now()-*finished) {
				old = append(old, last)
			}
		}
		return rows.Err()
	})
	return old, last, n, err
}

// removeRuns deletes those of the runs that may go.
func (e *Engine) removeRuns(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	_, err = e.removeBatch(ctx, func(tx *db.Tx) string { return ` AND ` + tx.Among("id", "$6") },
		append(removableArgs([]State{Succeeded, Failed, Cancelled}, e.now(), e.now()), string(list)))
	return err
}

// expired reports whether a run that ended so, that many microseconds ago, has
// been kept long enough. A retention of 0 is for ever.
func (p Policy) expired(s State, age int64) bool {
	keep := p.KeepSucceeded
	if s == Failed {
		keep = p.KeepFailed
	}
	return keep > 0 && age > keep.Microseconds()
}

// Purge deletes finished runs for good and returns how many, or with DryRun how
// many it would. Runs that hold an idempotency key inside its window, and
// failed runs that hold their ordering key, stay.
func (e *Engine) Purge(ctx context.Context, o PurgeOptions) (int64, error) {
	states := o.States
	if len(states) == 0 {
		states = []State{Succeeded, Failed, Cancelled}
	}
	for _, s := range states {
		if !s.Ended() {
			return 0, fault.New(fault.Unprocessable, "Only runs that have ended can be purged.").
				WithFields(fault.Field{Pointer: "/states", Detail: fmt.Sprintf("%q is not succeeded, failed or cancelled", clean(string(s), 40))})
		}
	}
	before := e.now() - o.OlderThan.Microseconds()
	if o.DryRun {
		return e.countRemovable(ctx, states, before)
	}
	var total int64
	for {
		n, err := e.removeBatch(ctx, func(*db.Tx) string { return "" }, removableArgs(states, before, e.now()))
		total += n
		if err != nil || n < pruneBatch {
			return total, err
		}
	}
}

// removable is the condition on runs that may go: $1 time, $2 now, then states.
var removable = ` finished_at IS NOT NULL AND finished_at <= $1
	AND id NOT IN (SELECT run FROM run_keys WHERE run_keys.run = runs.id AND expires_at > $2)
	AND NOT (state = 'failed' AND ordering_key <> '' AND EXISTS (SELECT 1 FROM run_order
		WHERE scope = ` + scopeOf("runs") + ` AND name = runs.ordering_key AND head = runs.ordering_seq))
	AND state IN (SELECT value FROM (SELECT $3 AS value UNION SELECT $4 UNION SELECT $5) AS chosen)`

func removableArgs(states []State, before, now int64) []any {
	args := []any{before, now}
	for i := range 3 {
		args = append(args, string(states[min(i, len(states)-1)]))
	}
	return args
}

func (e *Engine) countRemovable(ctx context.Context, states []State, before int64) (n int64, err error) {
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT count(*) FROM runs WHERE`+removable, removableArgs(states, before, e.now())...).Scan(&n)
	})
	return n, err
}

// removeBatch deletes up to pruneBatch removable runs.
func (e *Engine) removeBatch(ctx context.Context, also func(*db.Tx) string, args []any) (n int64, err error) {
	err = e.db.Write(ctx, func(tx *db.Tx) error {
		gone, err := doomed(tx, fmt.Sprintf(`SELECT id, input, output FROM runs WHERE%s%s ORDER BY id LIMIT %d`, removable, also(tx), pruneBatch), args)
		if err != nil {
			return err
		}
		for _, r := range gone {
			if err := e.remove(tx, r); err != nil {
				return err
			}
		}
		n = int64(len(gone))
		return nil
	})
	return n, err
}

func doomed(tx *db.Tx, query string, args []any) ([]*row, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var gone []*row
	for rows.Next() {
		var r row
		var input, output []byte
		if err := rows.Scan(&r.id, &input, &output); err != nil {
			return nil, err
		}
		r.input, r.output = input, output
		gone = append(gone, &r)
	}
	return gone, rows.Err()
}

// remove deletes a run and everything of it.
func (e *Engine) remove(tx *db.Tx, r *row) error {
	if err := e.strip(tx, r); err != nil {
		return err
	}
	for _, query := range []string{`DELETE FROM run_keys WHERE run = $1`, `DELETE FROM runs WHERE id = $1`} {
		if _, err := tx.Exec(query, r.id); err != nil {
			return fmt.Errorf("delete run %s: %w", r.id, err)
		}
	}
	return nil
}

// strip removes what a run has beside its row and its idempotency key.
func (e *Engine) strip(tx *db.Tx, r *row) error {
	j, err := loadJournal(tx, r.id)
	if err != nil {
		return err
	}
	if err := e.dropWaits(tx, r.id, slices.Collect(maps.Values(j.bySeq))); err != nil {
		return err
	}
	large := []db.Blob{r.input, r.output}
	for _, s := range j.bySeq {
		large = append(large, s.arguments, s.result)
	}
	for _, b := range large {
		if b.Large() {
			if err := tx.DropLarge(b); err != nil {
				return err
			}
		}
	}
	for _, query := range []string{
		`DELETE FROM steps WHERE run = $1`, `DELETE FROM run_logs WHERE run = $1`, `DELETE FROM run_tags WHERE run = $1`,
	} {
		if _, err := tx.Exec(query, r.id); err != nil {
			return fmt.Errorf("delete what run %s has: %w", r.id, err)
		}
	}
	return nil
}

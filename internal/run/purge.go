package run

import (
	"context"
	"fmt"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

const (
	pruneEvery = time.Minute
	pruneBatch = 500
)

// prune removes, in small batches, what its retention is over for.
func (e *Engine) prune() {
	for e.ctx.Err() == nil {
		e.pause(pruneEvery)
		if e.ctx.Err() != nil {
			return
		}
		if err := e.pruneOnce(e.ctx); err != nil && e.ctx.Err() == nil {
			e.log.Error("old runs could not be removed; trying again in a minute", "error", err)
		}
	}
}

func (e *Engine) pruneOnce(ctx context.Context) error {
	var channels []string
	err := e.db.Read(ctx, func(tx *db.Tx) error {
		channels = nil
		return each(tx, func(c string) { channels = append(channels, c) }, `SELECT DISTINCT channel FROM runs WHERE finished_at IS NOT NULL`)
	})
	if err != nil {
		return err
	}
	for _, c := range channels {
		p := e.policies(c)
		for _, kept := range []struct {
			states []State
			age    time.Duration
		}{{[]State{Succeeded, Cancelled}, p.KeepSucceeded}, {[]State{Failed}, p.KeepFailed}} {
			if kept.age <= 0 {
				continue // for ever
			}
			if _, err := e.remove(ctx, kept.states, &c, e.now()-kept.age.Microseconds()); err != nil {
				return err
			}
		}
	}
	err = e.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`DELETE FROM run_keys WHERE expires_at <= $1`, e.now())
		return err
	})
	if err != nil {
		return err
	}
	_, err = e.db.CollectOrphans(ctx, time.Hour)
	return err
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
	return e.remove(ctx, states, nil, before)
}

// removable is the condition on runs that may go: $1 time, $2 now, then states.
const removable = ` finished_at IS NOT NULL AND finished_at <= $1
	AND id NOT IN (SELECT run FROM run_keys WHERE run_keys.run = runs.id AND expires_at > $2)
	AND NOT (state = 'failed' AND ordering_key <> '' AND EXISTS (SELECT 1 FROM run_order
		WHERE scope = runs.channel AND name = runs.ordering_key AND head = runs.ordering_seq))
	AND state IN (SELECT value FROM (SELECT $3 AS value UNION SELECT $4 UNION SELECT $5) AS chosen)`

func stateArgs(states []State) []any {
	args := make([]any, 3)
	for i := range args {
		args[i] = string(states[min(i, len(states)-1)])
	}
	return args
}

func (e *Engine) countRemovable(ctx context.Context, states []State, before int64) (n int64, err error) {
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT count(*) FROM runs WHERE`+removable, append([]any{before, e.now()}, stateArgs(states)...)...).Scan(&n)
	})
	return n, err
}

// remove deletes runs of one channel, or of all, in batches of their own.
func (e *Engine) remove(ctx context.Context, states []State, channel *string, before int64) (total int64, err error) {
	args := append([]any{before, e.now()}, stateArgs(states)...)
	query := `SELECT id, input, output FROM runs WHERE` + removable
	if channel != nil {
		query += ` AND channel = $6`
		args = append(args, *channel)
	}
	query += fmt.Sprintf(` ORDER BY id LIMIT %d`, pruneBatch)
	for {
		var n int64
		err := e.db.Write(ctx, func(tx *db.Tx) error {
			n = 0
			gone, err := doomed(tx, query, args)
			if err != nil {
				return err
			}
			for _, r := range gone {
				if err := r.delete(tx); err != nil {
					return err
				}
			}
			n = int64(len(gone))
			return nil
		})
		total += n
		if err != nil || n < pruneBatch {
			return total, err
		}
	}
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

// delete removes a run and everything of it.
func (r *row) delete(tx *db.Tx) error {
	j, err := loadJournal(tx, r.id)
	if err != nil {
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
		`DELETE FROM run_keys WHERE run = $1`, `DELETE FROM runs WHERE id = $1`,
	} {
		if _, err := tx.Exec(query, r.id); err != nil {
			return fmt.Errorf("delete run %s: %w", r.id, err)
		}
	}
	return nil
}

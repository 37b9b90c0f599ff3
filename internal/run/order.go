package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"junctor/internal/db"
)

// Runs with one ordering key within one scope (what started them, if something
// has besides a channel, or else the channel) execute one after another, in
// the order of a number that the key's row in run_order deals out. Only the
// head is due, and those that have a place but need not wait (Start.Beside). The row is locked by whoever changes it, so that a run that
// arrives and a head that leaves cannot miss each other.

// What a run that has not begun may wait for.
const (
	waitingForOrder   = "order"   // the run before it in its ordering key
	waitingForRelease = "release" // its channel is paused
)

// enqueue gives a new run its place and reports whether it is at the head.
func enqueue(tx *db.Tx, r *row) (head bool, err error) {
	if _, err := tx.Exec(`INSERT INTO run_order (scope, name, head, tail) VALUES ($1, $2, 1, 1)
		ON CONFLICT (scope, name) DO UPDATE SET tail = run_order.tail + 1`, r.scope(), r.orderingKey); err != nil {
		return false, fmt.Errorf("take a place behind the ordering key: %w", err)
	}
	var first, last int64
	if err := tx.QueryRow(`SELECT head, tail FROM run_order WHERE scope = $1 AND name = $2`, r.scope(), r.orderingKey).
		Scan(&first, &last); err != nil {
		return false, fmt.Errorf("take a place behind the ordering key: %w", err)
	}
	r.orderingSeq = last
	return first == last, nil
}

// release lets the next run of the key go when the head has ended.
func release(tx *db.Tx, r *row, now int64) error {
	if _, err := tx.Exec(`UPDATE run_order SET tail = tail WHERE scope = $1 AND name = $2`, r.scope(), r.orderingKey); err != nil {
		return fmt.Errorf("release the ordering key: %w", err)
	}
	var head int64
	err := tx.QueryRow(`SELECT head FROM run_order WHERE scope = $1 AND name = $2`, r.scope(), r.orderingKey).Scan(&head)
	if errors.Is(err, db.ErrNoRows) || (err == nil && head != r.orderingSeq) {
		return nil // it was not the head: released before, and retried by hand
	}
	if err != nil {
		return fmt.Errorf("release the ordering key: %w", err)
	}
	var next int64
	var id string
	err = tx.QueryRow(`SELECT id, ordering_seq FROM runs WHERE channel = $1 AND source = $4 AND ordering_key = $2 AND ordering_key <> '' AND ordering_seq > $3
		AND finished_at IS NULL ORDER BY ordering_seq LIMIT 1`, r.channel, r.orderingKey, head, r.source).Scan(&id, &next)
	if errors.Is(err, db.ErrNoRows) {
		_, err = tx.Exec(`DELETE FROM run_order WHERE scope = $1 AND name = $2`, r.scope(), r.orderingKey)
		return err
	}
	if err != nil {
		return fmt.Errorf("release the ordering key: %w", err)
	}
	if _, err = tx.Exec(`UPDATE run_order SET head = $3 WHERE scope = $1 AND name = $2`, r.scope(), r.orderingKey, next); err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE runs SET due_at = $2, waiting_for = '' WHERE id = $1 AND waiting_for = $3`, id, now, waitingForOrder)
	return err
}

// scopeOf is SQL for row.scope.
func scopeOf(alias string) string {
	return strings.ReplaceAll(`(CASE WHEN R.source = '' THEN R.channel ELSE R.source END)`, "R.", alias+".")
}

// Release lets the held runs of a channel, or of another source, go, those at the
// heads of their ordering keys first.
func (e *Engine) Release(ctx context.Context, scope string) error {
	err := e.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE runs SET waiting_for = CASE WHEN ordering_key = '' OR ordering_seq = (SELECT head FROM run_order
				WHERE scope = `+scopeOf("runs")+` AND name = runs.ordering_key) THEN '' ELSE $4 END,
			due_at = CASE WHEN ordering_key = '' OR ordering_seq = (SELECT head FROM run_order
				WHERE scope = `+scopeOf("runs")+` AND name = runs.ordering_key) THEN CAST($3 AS BIGINT) ELSE NULL END
			WHERE finished_at IS NULL AND owner = '' AND `+scopeOf("runs")+` = $1 AND waiting_for = $2`,
			scope, waitingForRelease, e.now(), waitingForOrder)
		return err
	})
	if err != nil {
		return fmt.Errorf("release the held runs of %s: %w", scope, err)
	}
	e.wake()
	return nil
}

// Behind is how many runs wait behind the head of an ordering key, for a run that
// would stand in line there.
func (e *Engine) Behind(tx *db.Tx, s Start) (n int64, err error) {
	err = tx.QueryRow(`SELECT tail - head FROM run_order WHERE scope = $1 AND name = $2`, s.scope(), digested(s.OrderingKey, 512)).Scan(&n)
	if errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// holds reports whether a run that has ended so keeps its ordering key: a
// failed one does when its channel blocks, until a hand retries or cancels it.
func (r *row) holds(p Policy) bool { return r.state == Failed && !p.Skip }

package run

import (
	"context"
	"fmt"

	"junctor/internal/db"
)

// Hurry lets the runs of a source that wait for their next try make it now, and
// returns how many they are. Their attempts stay as they are.
func (e *Engine) Hurry(ctx context.Context, source string) (n int64, err error) {
	err = e.db.Write(ctx, func(tx *db.Tx) error {
		n, err = tx.Exec(`UPDATE runs SET due_at = $2 WHERE source = $1 AND finished_at IS NULL AND source <> '' AND owner = ''
			AND waiting_for = '`+waitingForRetry+`' AND due_at > $2`, source, e.now())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("hurry the runs of %s: %w", source, err)
	}
	e.wake()
	return n, nil
}

// OpenOf is how many runs of a source have not ended, counted up to most.
func (e *Engine) OpenOf(ctx context.Context, source string, most int) (n int, err error) {
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM runs WHERE source = $1 AND finished_at IS NULL AND source <> '' LIMIT $2) AS open`,
			source, most).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count the unfinished runs of %s: %w", source, err)
	}
	return n, nil
}

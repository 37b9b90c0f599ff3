package subscription

import (
	"context"
	"errors"
	"fmt"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

const (
	// mostNames is how many names a channel's subscribers may have.
	mostNames = 1000
	// longestUnused is how long a name is kept that nobody uses.
	longestUnused = 365 * 24 * time.Hour
)

// resume is where a name of a channel goes on: at its place. One that is new has
// its place at begin. Errors: fault.Conflict when the channel has too many.
func (s *Store) resume(ctx context.Context, channel, name string, begin int64) (position int64, err error) {
	now := db.Micros(s.Clock.Now())
	err = s.Committer.Commit(ctx, db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
		err := tx.QueryRow(`SELECT position FROM subscription_names WHERE channel = $1 AND name = $2`, channel, name).Scan(&position)
		if err == nil {
			_, err = tx.Exec(`UPDATE subscription_names SET used_at = $3 WHERE channel = $1 AND name = $2`, channel, name, now)
			return nil, err
		}
		if !errors.Is(err, db.ErrNoRows) {
			return nil, err
		}
		position = begin
		if err := s.makeRoom(tx, channel); err != nil {
			return nil, err
		}
		_, err = tx.Exec(`INSERT INTO subscription_names (channel, name, position, used_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			channel, name, position, now)
		return nil, err
	}})
	if err != nil {
		return 0, fmt.Errorf("find the place of %q in channel %q: %w", name, channel, err)
	}
	return position, nil
}

// makeRoom refuses one name too many, after forgetting the one that was used
// longest ago, if its place is before all that the log has: it is of no use.
func (s *Store) makeRoom(tx *db.Tx, channel string) error {
	var have int
	if err := tx.QueryRow(`SELECT count(*) FROM subscription_names WHERE channel = $1`, channel).Scan(&have); err != nil || have < mostNames {
		return err
	}
	oldest, err := s.Events.OldestIn(tx)
	if err != nil {
		return err
	}
	dropped, err := tx.Exec(`DELETE FROM subscription_names WHERE channel = $1 AND name =
		(SELECT name FROM subscription_names WHERE channel = $1 AND position < $2 ORDER BY used_at, name LIMIT 1)`, channel, oldest)
	if err == nil && dropped == 0 {
		err = fault.New(fault.Conflict, "This channel's subscribers have %d names, and may have no more; use one again, or subscribe without a name.", have)
	}
	return err
}

// acknowledge moves the place of a name on, never back.
func (s *Store) acknowledge(ctx context.Context, channel, name string, position int64) error {
	now := db.Micros(s.Clock.Now())
	return s.Committer.Commit(ctx, db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
		_, err := tx.Exec(`INSERT INTO subscription_names (channel, name, position, used_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (channel, name) DO UPDATE SET position = excluded.position, used_at = excluded.used_at
			WHERE subscription_names.position < excluded.position`, channel, name, position, now)
		return nil, err
	}})
}

// ExpireNames forgets names that nobody has used for a year, some at a time.
func ExpireNames(tx *db.Tx, most int, now time.Time) (int64, error) {
	return tx.Exec(`DELETE FROM subscription_names WHERE (channel, name) IN
		(SELECT channel, name FROM subscription_names WHERE used_at < $1 ORDER BY used_at LIMIT $2)`, db.Micros(now.Add(-longestUnused)), most)
}

// dropNames forgets the names of a channel that is deleted.
func dropNames(tx *db.Tx, channel string) error {
	_, err := tx.Exec(`DELETE FROM subscription_names WHERE channel = $1`, channel)
	return err
}

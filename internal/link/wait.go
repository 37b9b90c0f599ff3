package link

import (
	"time"

	"junctor/internal/db"
)

// Await lets a run wait for a decision, in the transaction in which its wait is
// stored, and says until when. A question that was cancelled with an earlier run
// is asked again by one that goes on from there. Errors: fault.NotFound.
func (s *Store) Await(tx *db.Tx, id, run string) (until time.Time, err error) {
	_, err = tx.Exec(`UPDATE approvals SET run = $2, ended_at = CASE WHEN state = $3 AND expires_at > $5 THEN NULL ELSE ended_at END,
			state = CASE WHEN state = $3 AND expires_at > $5 THEN $4 ELSE state END WHERE id = $1`,
		id, run, string(Cancelled), string(Open), db.Micros(s.o.Now()))
	if err != nil {
		return time.Time{}, err
	}
	a, err := find(tx, id)
	if err != nil {
		return time.Time{}, err
	}
	return a.ExpiresAt, nil
}

// Ended reports whether an approval waits for nobody any more, and what was
// decided; nil for nothing. Errors: fault.NotFound.
func (s *Store) Ended(tx *db.Tx, id string) (d *Decision, ended bool, err error) {
	a, err := find(tx, id)
	if err != nil {
		return nil, false, err
	}
	return a.Decision, a.State != Open, nil
}

// GiveUp ends an approval whose time is over, and reports whether nobody was
// faster.
func (s *Store) GiveUp(tx *db.Tx, id string) (bool, error) {
	n, err := tx.Exec(`UPDATE approvals SET state = $2, ended_at = expires_at WHERE id = $1 AND state = $3`, id, string(Expired), string(Open))
	if err != nil {
		return false, err
	}
	a, err := find(tx, id)
	if err != nil {
		return false, err
	}
	if n > 0 {
		err = s.o.Tell(tx, "approval.expired", a)
	}
	return a.State != Decided, err
}

// Overdue gives up what nobody waits for any more and nobody has decided in time,
// at most so many; it returns how many there were.
func (s *Store) Overdue(tx *db.Tx, most int, _ time.Time) (int64, error) {
	ids, err := texts(tx, `SELECT id FROM approvals WHERE state = 'open' AND expires_at <= $1 ORDER BY expires_at LIMIT $2 `+tx.SkipLocked(), db.Micros(s.o.Now()), most)
	for _, id := range ids {
		if err == nil {
			_, err = s.GiveUp(tx, id)
		}
	}
	return int64(len(ids)), err
}

// Cancel ends what a run has asked, in the transaction in which it is cancelled.
func (s *Store) Cancel(tx *db.Tx, run string) error {
	_, err := tx.Exec(`UPDATE approvals SET state = $2, ended_at = $3 WHERE run = $1 AND state = $4`,
		run, string(Cancelled), db.Micros(s.o.Now()), string(Open))
	return err
}

// Forget takes out what people have written and were shown, of runs that are
// erased, and ends their links.
func (s *Store) Forget(tx *db.Tx, run string) error {
	if _, err := tx.Exec(`DELETE FROM links WHERE run = $1`, run); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM approvals WHERE run = $1`, run)
	return err
}

func texts(tx *db.Tx, sql string, args ...any) (all []string, err error) {
	rows, err := tx.Query(sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

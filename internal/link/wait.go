package link

import (
	"errors"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Await lets a run's step wait for a decision, in the transaction in which the
// step is stored. A question that was cancelled with an earlier run is asked again
// by one that goes on from there.
//
// Where another run waits for it still, that one goes on, and is told by Ended.
func (s *Store) Await(tx *db.Tx, id, run string, seq int) error {
	before, err := tx.Texts(`SELECT run FROM approvals WHERE id = $1 AND seq <> 0 AND run <> $2 AND state = $3`, id, run, string(Open))
	for _, other := range before {
		if err == nil {
			err = s.o.Wake(tx, other)
		}
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE approvals SET run = $2, seq = $3, ended_at = CASE WHEN state = $4 AND expires_at > $6 THEN NULL ELSE ended_at END,
			state = CASE WHEN state = $4 AND expires_at > $6 THEN $5 ELSE state END WHERE id = $1`,
		id, run, seq, string(Cancelled), string(Open), db.Micros(s.o.Now()))
	return err
}

// awaited is what a step waits for. Errors: fault.Gone when that is another run's
// now, or there is nothing any more.
func awaited(tx *db.Tx, run string, seq int) (*Approval, error) {
	a, err := scanApproval(tx.QueryRow(`SELECT `+approvalColumns+` FROM approvals WHERE run = $1 AND seq = $2`, run, seq))
	if errors.Is(err, db.ErrNoRows) {
		return nil, fault.New(fault.Gone, "the approval was taken over by a rerun of this run, or has been removed since it ended")
	}
	return a, err
}

// Ended reports whether a step waits no more, and what was decided; nil for
// nothing. Errors: fault.Gone when nobody can tell it any more.
func (s *Store) Ended(tx *db.Tx, run string, seq int) (d *Decision, ended bool, err error) {
	a, err := awaited(tx, run, seq)
	if err != nil {
		return nil, fault.Is(err, fault.Gone), err
	}
	return a.Decision, a.State != Open, nil
}

// GiveUp ends what a step waits for, because its time is over, unless somebody
// has decided.
func (s *Store) GiveUp(tx *db.Tx, run string, seq int) error {
	a, err := awaited(tx, run, seq)
	if fault.Is(err, fault.Gone) {
		return nil // Ended tells it
	}
	if err != nil {
		return err
	}
	return s.expire(tx, a.ID)
}

func (s *Store) expire(tx *db.Tx, id string) error {
	n, err := tx.Exec(`UPDATE approvals SET state = $2, ended_at = expires_at WHERE id = $1 AND state = $3`, id, string(Expired), string(Open))
	if err != nil || n == 0 {
		return err
	}
	a, err := find(tx, id)
	if err != nil {
		return err
	}
	return s.o.Tell(tx, "approval.expired", a)
}

// Leave notes that a step waits no more, though nothing may be decided yet.
func (s *Store) Leave(tx *db.Tx, run string, seq int) error {
	_, err := tx.Exec(`UPDATE approvals SET seq = 0 WHERE run = $1 AND seq = $2`, run, seq)
	return err
}

// Overdue ends approvals that nobody waits for any more and nobody has decided in
// time, at most so many; it returns how many there were.
func (s *Store) Overdue(tx *db.Tx, most int, _ time.Time) (int64, error) {
	ids, err := tx.Texts(`SELECT id FROM approvals WHERE state = 'open' AND expires_at <= $1 ORDER BY expires_at LIMIT $2 `+tx.SkipLocked(),
		db.Micros(s.o.Now()), most)
	for _, id := range ids {
		if err == nil {
			err = s.expire(tx, id)
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

// Forget takes out what people have written and were shown for a run that is
// erased, and ends its links.
func (s *Store) Forget(tx *db.Tx, run string) error {
	if _, err := tx.Exec(`DELETE FROM links WHERE run = $1`, run); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM approvals WHERE run = $1`, run)
	return err
}

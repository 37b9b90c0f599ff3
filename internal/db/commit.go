package db

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Hooks stand around every COMMIT, so that a test can crash there. They are
// called with the number of the commit, counted from 1 since Open; migrations
// do not count. An error that is ErrLost means that the connection broke
// there; any other error means that the process died there: the DB answers
// nothing but that error from then on.
type Hooks interface {
	BeforeCommit(n int64) error
	AfterCommit(n int64) error
}

// patience is how long the outcome of a commit is still asked for after the
// caller's context has ended.
const patience = 10 * time.Second

// commit ends tx and returns nil when it is durable. A broken connection
// leads to asking the database; only if that fails too is it ErrUnknown.
func (d *DB) commit(ctx context.Context, tx *Tx) error {
	defer tx.session.release()
	tx.hangUp()
	err := d.commitHooked(tx)
	if dead := d.dead.Load(); dead != nil {
		return dead
	}
	if errors.Is(err, ErrLost) {
		err = d.resolve(ctx, tx.session, err)
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	d.notices.publish(tx.notices)
	return nil
}

func (d *DB) commitHooked(tx *Tx) error {
	if d.hooks == nil {
		return tx.session.commit()
	}
	n := d.commits.Add(1)
	if err := d.hooks.BeforeCommit(n); err != nil {
		tx.session.abandon()
		return d.struck(err)
	}
	if err := tx.session.commit(); err != nil {
		return err
	}
	return d.struck(d.hooks.AfterCommit(n))
}

// struck takes what a hook returned.
func (d *DB) struck(err error) error {
	if err != nil && !errors.Is(err, ErrLost) {
		d.die(err)
	}
	return err
}

// resolve asks until it knows. It gives up when the DB is closed, or some time
// after the caller's context has ended.
func (d *DB) resolve(ctx context.Context, s session, cause error) error {
	asking, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(patience, cancel)
		context.AfterFunc(asking, func() { t.Stop() })
	})
	defer stop()
	d.log.Warn("a commit got no answer; asking the database for its outcome", "cause", cause)
	for try := 1; ; try++ {
		done, err := s.committed(asking)
		switch {
		case err == nil && done:
			return nil
		case err == nil:
			return &notCommitted{cause}
		}
		if waitErr := d.pause(asking, try); waitErr != nil {
			return errors.Join(ErrUnknown, cause, err)
		}
	}
}

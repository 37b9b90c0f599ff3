package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"junctor/internal/db"
	"junctor/internal/fault"
)

func noRun(id string) error { return fault.New(fault.NotFound, "There is no run %q.", clean(id, 60)) }

// Fence locks runs and returns their epochs, for the group committer: a commit
// by a node that has lost a run's lease does not happen.
func Fence(tx *db.Tx, ids []string) (map[string]int64, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT id, epoch FROM runs WHERE `+tx.Among("id", "$1")+` ORDER BY id `+tx.LockRows(), string(list))
	if err != nil {
		return nil, fmt.Errorf("lock the runs of the batch: %w", err)
	}
	defer rows.Close()
	epochs := make(map[string]int64, len(ids))
	for rows.Next() {
		var id string
		var epoch int64
		if err := rows.Scan(&id, &epoch); err != nil {
			return nil, err
		}
		epochs[id] = epoch
	}
	return epochs, rows.Err()
}

// change reads a run, locked, lets f decide and write, and answers with what
// has become of it.
func (e *Engine) change(ctx context.Context, id string, f func(tx *db.Tx, r *row) error) (*Info, error) {
	err := e.db.Write(ctx, func(tx *db.Tx) error {
		r, err := scan(tx.QueryRow(`SELECT `+columns+` FROM runs WHERE id = $1 `+tx.LockRows(), id))
		if errors.Is(err, db.ErrNoRows) {
			return noRun(id)
		}
		if err != nil {
			return err
		}
		if err := f(tx, r); err != nil {
			return err
		}
		tx.Notify(topic, id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	e.hint(id)
	e.wake()
	return e.Get(ctx, id)
}

// Retry lets a failed run go on: the steps its error came from are made again,
// under the same idempotency keys, the others stay done. It gets as many more
// tries as its policy gives. A run that waits for its next try makes it now; its
// attempts stay as they are. Errors: fault.NotFound; fault.Conflict for any
// other run.
func (e *Engine) Retry(ctx context.Context, id string) (*Info, error) {
	return e.change(ctx, id, func(tx *db.Tx, r *row) error {
		if r.state == Waiting && r.waitingFor == waitingForRetry {
			_, err := tx.Exec(`UPDATE runs SET due_at = $2 WHERE id = $1 AND owner = ''`, id, e.now()) // with an owner it goes on already
			return err
		}
		if r.state != Failed {
			return fault.New(fault.Conflict, "The run is %s; only one that has failed, or waits for its next try, can be retried. A rerun makes a new run from its input.", r.state)
		}
		if r.input == nil {
			return fault.New(fault.Conflict, "The run's input was not kept (its channel's capture is none, or it was erased), so it cannot be retried.")
		}
		j, err := loadJournal(tx, id)
		if err != nil {
			return err
		}
		// What it waited for has gone with its end.
		again := j.drop(append(e.remade(j, r), e.open(j)...))
		if err := e.dropWaits(tx, id, again); err != nil {
			return err
		}
		for _, s := range again {
			if _, err := tx.Many(stmtStepDrop, [][]any{{id, int64(s.seq)}}); err != nil {
				return err
			}
		}
		attempt := r.attempt + 1
		_, err = tx.Exec(`UPDATE runs SET state = $2, waiting_for = '`+waitingForRetry+`', owner = '', epoch = epoch + 1, due_at = $3,
			finished_at = NULL, attempt = $4, extra = $4, crashes = 0, cancel = 0 WHERE id = $1`,
			id, string(Waiting), e.now(), attempt)
		return err
	})
}

// Cancel ends a run at its next host call, or at once when it is not being
// executed; its children too. A failed run that holds its ordering key lets go
// of it. Errors: fault.NotFound; fault.Conflict when the run has ended.
func (e *Engine) Cancel(ctx context.Context, id string) (*Info, error) {
	info, err := e.change(ctx, id, func(tx *db.Tx, r *row) error {
		held := r.orderingKey != "" && r.holds(e.policy(r))
		switch {
		case r.state.Ended() && !held:
			return fault.New(fault.Conflict, "The run has ended (%s); there is nothing to cancel.", r.state)
		case r.owner != "" && !r.state.Ended():
			_, err := tx.Exec(`UPDATE runs SET cancel = 1 WHERE id = $1`, id)
			return err
		}
		return e.cancelNow(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return info, e.cancelChildren(ctx, id)
}

// Terminate ends a run now, whatever it is doing; what it does afterwards does
// not count. Errors as for Cancel.
func (e *Engine) Terminate(ctx context.Context, id string) (*Info, error) {
	info, err := e.change(ctx, id, func(tx *db.Tx, r *row) error {
		if r.state.Ended() {
			return fault.New(fault.Conflict, "The run has ended (%s); there is nothing to terminate.", r.state)
		}
		return e.cancelNow(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return info, e.cancelChildren(ctx, id)
}

func (e *Engine) cancelNow(tx *db.Tx, r *row) error {
	now := e.now()
	j, err := loadJournal(tx, r.id)
	if err == nil {
		err = e.dropWaits(tx, r.id, e.open(j))
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE runs SET state = $2, waiting_for = '', owner = '', epoch = epoch + 1, due_at = NULL,
		finished_at = $3 WHERE id = $1`, r.id, string(Cancelled), now); err != nil {
		return err
	}
	if r.parent != "" {
		if err := wakeParent(tx, r.parent, now); err != nil {
			return err
		}
	}
	if tell := e.opts.Unsuccessful; tell != nil {
		info := r.info()
		info.State, info.Error = Cancelled, nil
		if err := tell(tx, info, r.depth); err != nil {
			return err
		}
	}
	if r.orderingKey != "" {
		return release(tx, r, now)
	}
	return nil
}

// remade finds the steps that a retry by hand makes again.
func (e *Engine) remade(j *journal, r *row) []*step {
	var from []*step
	if r.err != nil {
		for _, seq := range r.err.Steps {
			if s, ok := j.bySeq[seq]; ok && !s.dropped {
				from = append(from, s)
			}
		}
	}
	if last := j.lastExternal(e.external); len(from) == 0 && last != nil {
		from = append(from, last)
	}
	return from
}

func (e *Engine) external(name string) bool { return e.handlers[name].External != nil }

// Rerun makes a new run from an old one's input, on the same or the latest
// version of its program; with FromStep, the results of the steps before it are
// kept. Errors: fault.NotFound; fault.Unprocessable for options that do not
// fit; fault.Conflict when the old run's input was not kept.
func (e *Engine) Rerun(ctx context.Context, id string, o RerunOptions) (*Info, error) {
	old, err := e.row(ctx, id)
	if err != nil {
		return nil, err
	}
	s, err := e.rerunStart(ctx, old, o)
	if err != nil {
		return nil, err
	}
	var kept []*step
	if o.FromStep > 1 {
		s.seed, s.clock, s.position = old.seed, old.clock, &old.position
		if kept, err = e.keptSteps(ctx, id, o.FromStep); err != nil {
			return nil, err
		}
	}
	r, err := e.newRow(ctx, *s, "")
	if err != nil {
		return nil, err
	}
	r.dueAt = e.now()
	insert := e.inserting(r, *s)
	err = e.committer.Commit(ctx, db.Item{Size: 512 + len(r.input), Func: func(tx *db.Tx) ([]db.Op, error) {
		if err := old.stays(tx); err != nil {
			return nil, err
		}
		ops, err := insert(tx)
		for _, s := range kept {
			ops = append(append(ops, db.ClaimOps(s.arguments)...), db.ClaimOps(s.result)...)
			ops = append(ops, s.startOp(r.id))
		}
		if err == nil {
			err = e.keepWaits(tx, id, r.id, kept)
		}
		return ops, err
	}})
	if err != nil {
		return nil, fmt.Errorf("store the new run: %w", err)
	}
	e.wake()
	return e.Get(ctx, r.id)
}

// stays is an error when the content of a run was erased after it was read here.
// Until the end of the transaction it is not.
func (r *row) stays(tx *db.Tx) error {
	var waitingFor string
	err := tx.QueryRow(`SELECT waiting_for FROM runs WHERE id = $1 `+tx.LockRows(), r.id).Scan(&waitingFor)
	switch {
	case errors.Is(err, db.ErrNoRows): // purged; what was read of it may be repeated
		return nil
	case err == nil && waitingFor == waitingForErased && r.waitingFor != waitingForErased:
		return fault.New(fault.Conflict, "The run was erased in this moment; nothing was made of it.")
	}
	return err
}

func (e *Engine) rerunStart(ctx context.Context, old *row, o RerunOptions) (*Start, error) {
	s := &Start{
		Program: old.program, Version: old.version, Channel: old.channel, Function: old.function, Account: old.account, Source: old.source, WebhookID: old.webhookID, Subject: old.subject, Tags: old.tags,
		Mode: old.mode, OrderingKey: old.orderingKey, Beside: e.policy(old).Beside, Origin: old.id,
	}
	switch o.Version {
	case "", "same":
	case "latest":
		version, err := e.programs.Latest(ctx, old.program)
		if err != nil {
			return nil, err
		}
		s.Version = version
	default:
		return nil, fault.New(fault.Unprocessable, "The rerun cannot be made.").
			WithFields(fault.Field{Pointer: "/version", Detail: `must be "same" or "latest"`})
	}
	if o.FromStep < 0 || (o.FromStep > 1 && o.Input != nil) {
		return nil, fault.New(fault.Unprocessable, "The rerun cannot be made.").
			WithFields(fault.Field{Pointer: "/from_step", Detail: "must be a step's number; with an input of its own a rerun begins at the start"})
	}
	if old.input == nil && o.Input == nil {
		return nil, fault.New(fault.Conflict, "The run's input was not kept (see its channel's capture), or was erased; give an input of its own to the rerun.")
	}
	err := e.db.Read(ctx, func(tx *db.Tx) (err error) {
		s.Input, err = loadOptional(tx, old.input)
		return err
	})
	if err == nil && o.Input != nil {
		var r Revised
		r, err = e.revise(old.channel, old.function, s.Input, o.Input)
		s.Input, s.Subject, s.OrderingKey = r.Input, r.Subject, r.OrderingKey
	}
	return s, err
}

// keptSteps are the finished steps before a number.
func (e *Engine) keptSteps(ctx context.Context, id string, before int) ([]*step, error) {
	var j *journal
	err := e.db.Read(ctx, func(tx *db.Tx) (err error) {
		j, err = loadJournal(tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	if s, ok := j.bySeq[before]; !ok || s.dropped {
		return nil, fault.New(fault.Unprocessable, "The rerun cannot be made.").
			WithFields(fault.Field{Pointer: "/from_step", Detail: fmt.Sprintf("run %s has no step %d", id, before)})
	}
	var kept []*step
	for _, s := range j.recorded() {
		if s.seq >= before {
			continue
		}
		if s.arguments, err = e.copyLarge(ctx, s.arguments); err != nil {
			return nil, err
		}
		if s.result, err = e.copyLarge(ctx, s.result); err != nil {
			return nil, err
		}
		kept = append(kept, s)
	}
	return kept, nil
}

// copyLarge gives another run a large value of its own: values go with their runs.
func (e *Engine) copyLarge(ctx context.Context, b db.Blob) (db.Blob, error) {
	if !b.Large() {
		return b, nil
	}
	var data []byte
	err := e.db.Read(ctx, func(tx *db.Tx) (err error) {
		data, err = tx.Load(b)
		return err
	})
	if err != nil {
		return nil, err
	}
	return e.db.PutLarge(ctx, data)
}

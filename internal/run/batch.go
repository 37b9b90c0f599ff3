package run

import (
	"context"
	"fmt"

	"junctor/internal/db"
)

// AcceptAll stores runs and returns once they are on disk, in one transaction
// with what begin does in it, or not at all. When begin says no, nothing is
// stored and ok is false. It may be called again after a rollback. The runs are
// executed soon after, by this node as far as it has room. It takes no Once.
func (e *Engine) AcceptAll(ctx context.Context, starts []Start, begin func(tx *db.Tx) (bool, error)) (ok bool, err error) {
	xs := make([]*Execution, len(starts))
	item := db.Item{Size: 64}
	free := func() {
		for _, x := range xs {
			if x != nil {
				e.queue.free(x.reserved)
				x.off()
			}
		}
	}
	for i, s := range starts {
		room := e.queue.reserve(len(s.Input))
		owner := ""
		if room > 0 {
			owner = e.node
		}
		r, err := e.newRow(ctx, s, owner)
		if err != nil {
			e.queue.free(room)
			free()
			return false, err
		}
		item.Size += 512 + len(r.input)
		xs[i] = e.execution(r, newJournal())
		xs[i].stored, xs[i].reserved = true, room
	}
	item.Func = func(tx *db.Tx) (ops []db.Op, err error) {
		if ok, err = begin(tx); !ok || err != nil {
			return nil, err
		}
		for i := range starts {
			if starts[i].plain(xs[i].row) {
				ops = append(ops, e.inserts.of(xs[i].row))
				continue
			}
			more, err := e.inserting(xs[i].row, starts[i])(tx)
			if err != nil {
				return nil, err
			}
			ops = append(ops, more...)
		}
		return ops, nil
	}
	if err := e.committer.Commit(ctx, item); err != nil {
		free()
		return false, fmt.Errorf("store %d runs: %w", len(starts), err)
	}
	if !ok {
		free()
		return false, nil
	}
	elsewhere := false
	for _, x := range xs {
		e.metrics.accepted(x.row)
		if x.row.waitingFor != "" || x.row.owner == "" {
			elsewhere = elsewhere || x.row.dueAt != 0
			e.queue.free(x.reserved)
			x.off()
			continue
		}
		e.push(x)
	}
	if elsewhere {
		e.wake()
	}
	return true, nil
}

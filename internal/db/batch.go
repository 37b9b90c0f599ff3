package db

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"junctor/internal/fault"
)

// commit writes a batch and hands it on to be synced and answered.
func (c *Committer) commit(batch []*entry) {
	started := time.Now()
	err := c.try(batch)
	if len(batch) > 1 && err != nil && c.blamable(err) {
		for _, part := range divide(batch, err) {
			c.commit(part)
		}
		return
	}
	c.written <- written{batch, started, err}
}

// written is a batch whose transaction has ended.
type written struct {
	batch   []*entry
	started time.Time
	err     error
}

// settle syncs and answers the written batches, one after the other. While one
// is on its way to the disk the next is written, and the one behind that
// gathers.
func (c *Committer) settle() {
	defer close(c.done)
	for w := range c.written {
		if w.err == nil {
			w.err = c.db.sync()
		}
		c.metrics.took(len(w.batch), time.Since(w.started))
		for _, e := range w.batch {
			if w.err != nil {
				e.answer(w.err)
			} else {
				e.answer(e.err)
			}
		}
	}
}

// try is one transaction with its repetitions.
func (c *Committer) try(batch []*entry) error {
	return c.db.write(c.ctx, func(tx *Tx) error { return c.fill(tx, batch) })
}

// blamable reports whether one of the items caused the error, rather than the
// database or the connection.
func (c *Committer) blamable(err error) bool {
	k := classify(err)
	return k.own() && !c.db.repeatable(err) && !errors.Is(err, ErrUnknown) &&
		c.db.alive() == nil && c.ctx.Err() == nil
}

// itemError says which entry of a batch caused an error, where that is known.
type itemError struct {
	item  int
	cause error
}

func (e *itemError) Error() string { return e.cause.Error() }
func (e *itemError) Unwrap() error { return e.cause }

// divide keeps the order: what comes before the bad item, the item, what comes
// behind it; or two halves where the item is not known.
func divide(batch []*entry, err error) [][]*entry {
	var known *itemError
	if !errors.As(err, &known) {
		half := len(batch) / 2
		return [][]*entry{batch[:half], batch[half:]}
	}
	var parts [][]*entry
	for _, part := range [][]*entry{batch[:known.item], batch[known.item : known.item+1], batch[known.item+1:]} {
		if len(part) > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// fill does a batch's work inside its transaction.
func (c *Committer) fill(tx *Tx, batch []*entry) error {
	if err := c.check(tx, batch); err != nil {
		return err
	}
	var groups groups
	for i, e := range batch {
		if e.err != nil {
			continue
		}
		if e.item.Func != nil {
			tx.item = i
			err := guard(func() error {
				ops, err := e.item.Func(tx)
				groups.add(i, ops)
				return err
			})
			if err != nil {
				return &itemError{i, err}
			}
		}
		groups.add(i, e.item.Ops)
	}
	return groups.execute(tx)
}

// check compares each entry's epoch with its row's.
func (c *Committer) check(tx *Tx, batch []*entry) error {
	var keys []string
	for _, e := range batch {
		e.err = nil
		if e.item.Key != "" {
			keys = append(keys, e.item.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	var epochs map[string]int64
	err := guard(func() (err error) {
		epochs, err = c.fence(tx, slices.Compact(keys))
		return err
	})
	if err != nil {
		return fmt.Errorf("fence: %w", err)
	}
	for _, e := range batch {
		if e.item.Key == "" {
			continue
		}
		if epoch, ok := epochs[e.item.Key]; !ok || epoch != e.item.Epoch {
			e.err = ErrFenced
		}
	}
	return nil
}

// guard keeps a panic in what callers gave from ending the committer, and with
// it the process: it is an error of the items concerned.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Wrap(fmt.Errorf("panic: %v\n%s", p, debug.Stack()), fault.Internal, "The server made a mistake; its log says more.")
		}
	}()
	return f()
}

// groups are the Ops of a batch by statement.
type groups struct {
	list []*group
	of   map[*Stmt]*group
}

type group struct {
	stmt  *Stmt
	rows  [][]any
	items []int // whose row it is
}

func (g *groups) add(item int, ops []Op) {
	for _, op := range ops {
		one := g.of[op.Stmt]
		if one == nil {
			if g.of == nil {
				g.of = map[*Stmt]*group{}
			}
			one = &group{stmt: op.Stmt}
			g.of[op.Stmt] = one
			g.list = append(g.list, one)
		}
		one.rows = append(one.rows, op.Row)
		one.items = append(one.items, item)
	}
}

func (g *groups) execute(tx *Tx) error {
	slices.SortStableFunc(g.list, func(a, b *group) int { return a.stmt.stage - b.stmt.stage })
	for _, one := range g.list {
		if err := tx.leave(one.stmt, one.rows); err != nil {
			var row *rowError
			if errors.As(err, &row) {
				return &itemError{one.items[row.row], err}
			}
			return err
		}
	}
	return nil
}

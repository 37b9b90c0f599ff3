package dbtest

import (
	"errors"
	"sync/atomic"

	"junctor/internal/db"
)

// ErrCrashed is what a crashed DB answers to everything.
var ErrCrashed = errors.New("the process crashed here")

// Crash ends the process, as far as the database can see, at one commit: the
// DB answers nothing but ErrCrashed from then on. Close it and open the data
// again to play the restart.
type Crash struct {
	At    int64 // the commit, counted from 1 since Open
	After bool  // the commit still reaches the disk, but nobody hears of it
	done  atomic.Bool
}

// Happened reports whether the commit was reached. When it was not, the work
// has fewer commits than At, and all crash positions have been tried.
func (c *Crash) Happened() bool { return c.done.Load() }

// BeforeCommit implements db.Hooks.
func (c *Crash) BeforeCommit(n int64) error { return c.strike(n, !c.After) }

// AfterCommit implements db.Hooks.
func (c *Crash) AfterCommit(n int64) error { return c.strike(n, c.After) }

func (c *Crash) strike(n int64, here bool) error {
	if !here || n < c.At {
		return nil
	}
	c.done.Store(true)
	return ErrCrashed
}

// Unknown breaks the connection at one commit, so that its caller has to ask
// for the outcome.
type Unknown struct {
	At        int64 // the commit, counted from 1 since Open
	Committed bool  // whether it reached the disk
	done      atomic.Bool
}

// Happened reports whether the commit was reached.
func (u *Unknown) Happened() bool { return u.done.Load() }

// BeforeCommit implements db.Hooks.
func (u *Unknown) BeforeCommit(n int64) error { return u.strike(n, !u.Committed) }

// AfterCommit implements db.Hooks.
func (u *Unknown) AfterCommit(n int64) error { return u.strike(n, u.Committed) }

func (u *Unknown) strike(n int64, here bool) error {
	if !here || n != u.At {
		return nil
	}
	u.done.Store(true)
	return db.ErrLost
}

// Armed counts commits from when it is on: what a start takes is none of them.
type Armed struct {
	db.Hooks
	On    atomic.Bool
	count atomic.Int64
}

// BeforeCommit implements db.Hooks.
func (a *Armed) BeforeCommit(int64) error {
	if !a.On.Load() {
		return nil
	}
	return a.Hooks.BeforeCommit(a.count.Add(1))
}

// AfterCommit implements db.Hooks.
func (a *Armed) AfterCommit(int64) error {
	if !a.On.Load() {
		return nil
	}
	return a.Hooks.AfterCommit(a.count.Load())
}

var (
	_ db.Hooks = (*Armed)(nil)
	_ db.Hooks = (*Crash)(nil)
	_ db.Hooks = (*Unknown)(nil)
)

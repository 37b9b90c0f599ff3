package run

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"junctor/internal/db"
)

// A node's row is all that is renewed, by database time. Runs name the node
// incarnation that holds their lease; when its row is too old, they are free.

const beatEvery = 2 * time.Second

// maxCrashes is how many dying processes make a run a dead letter; from one
// less on it executes alone.
const maxCrashes = 3

// register writes the node's row, counts the runs that the last process on this
// data died in, and, when this node is the only one there can be, takes over
// everything that is held.
func (e *Engine) register(ctx context.Context, suspects []string) error {
	return e.db.Write(ctx, func(tx *db.Tx) error {
		now := e.now()
		if _, err := tx.Exec(`INSERT INTO nodes (id, host, release, started_at, seen_at, executing, gone) VALUES ($1, $2, $3, $4, $4, 0, 0)`,
			e.node, e.opts.Host, e.opts.Release, now); err != nil {
			return err
		}
		for _, id := range suspects {
			if _, err := tx.Exec(`UPDATE runs SET crashes = crashes + 1 WHERE id = $1 AND finished_at IS NULL`, id); err != nil {
				return err
			}
		}
		if tx.Postgres() {
			return nil // the others may live: their leases tell
		}
		if _, err := tx.Exec(`UPDATE runs SET owner = '', epoch = epoch + 1, due_at = $2
			WHERE finished_at IS NULL AND owner <> '' AND owner <> $1`, e.node, now); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE nodes SET gone = 1 WHERE id <> $1`, e.node)
		return err
	})
}

// deregister gives the node's runs back at a proper end, so that others need
// not wait for the lease.
func (e *Engine) deregister(ctx context.Context) error {
	err := e.db.Write(ctx, func(tx *db.Tx) error {
		if err := takeOver(tx, e.node, e.now()); err != nil {
			return err
		}
		tx.Notify(topic, "")
		return nil
	})
	if err != nil {
		return fmt.Errorf("give back this node's runs: %w", err)
	}
	return nil
}

// takeOver frees the runs of a node that is gone.
func takeOver(tx *db.Tx, node string, now int64) error {
	if _, err := tx.Exec(`UPDATE runs SET owner = '', epoch = epoch + 1, due_at = $2
		WHERE owner = $1 AND finished_at IS NULL`, node, now); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE nodes SET gone = 1 WHERE id = $1`, node)
	return err
}

// beat renews this node's row, looks for dead nodes and for what was done to
// this node's runs elsewhere.
func (e *Engine) beat() {
	for e.ctx.Err() == nil {
		e.pause(beatEvery)
		if e.ctx.Err() != nil {
			return
		}
		if err := e.beatOnce(e.ctx); err != nil && e.ctx.Err() == nil {
			e.log.Error("this node cannot renew its lease", "error", err)
		}
	}
}

func (e *Engine) beatOnce(ctx context.Context) error {
	if err := e.synchronise(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	executing := len(e.active)
	e.mu.Unlock()
	freed := false
	err := e.db.Write(ctx, func(tx *db.Tx) error {
		now := e.now()
		if _, err := tx.Exec(`UPDATE nodes SET seen_at = $2, executing = $3, gone = 0 WHERE id = $1`, e.node, now, executing); err != nil {
			return err
		}
		if !tx.Postgres() {
			return nil
		}
		dead, err := tx.Texts(`SELECT id FROM nodes WHERE gone = 0 AND id <> $1 AND seen_at < $2`, e.node, now-e.opts.Lease.Microseconds())
		if err != nil {
			return err
		}
		for _, id := range dead {
			e.log.Warn("a node is gone; its runs go on elsewhere", "node", id)
			if err := takeOver(tx, id, now); err != nil {
				return err
			}
		}
		freed = len(dead) > 0
		return nil
	})
	if err != nil {
		return err
	}
	if freed {
		e.wake()
	}
	if e.db.Postgres() {
		return e.lookAtOwn(ctx)
	}
	return nil
}

// lookAtOwn finds runs that are executed here but were cancelled or taken
// over meanwhile: the hint about it may have been lost.
func (e *Engine) lookAtOwn(ctx context.Context) error {
	e.mu.Lock()
	active := maps.Clone(e.active)
	e.mu.Unlock()
	if len(active) == 0 {
		return nil
	}
	ids, err := json.Marshal(slices.Collect(maps.Keys(active)))
	if err != nil {
		return err
	}
	var held []string
	err = e.db.Read(ctx, func(tx *db.Tx) (err error) {
		held, err = tx.Texts(`SELECT id FROM runs WHERE `+tx.Among("id", "$1")+` AND finished_at IS NULL AND owner = $2 AND cancel = 0`, string(ids), e.node)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range held {
		delete(active, id)
	}
	for _, x := range active {
		e.look(x)
	}
	return nil
}

// Nodes lists the nodes that live, and those gone within the last day.
func (e *Engine) Nodes(ctx context.Context) ([]NodeInfo, error) {
	var nodes []NodeInfo
	err := e.db.Read(ctx, func(tx *db.Tx) error {
		nodes = nil
		rows, err := tx.Query(`SELECT id, host, release, started_at, seen_at, executing, gone FROM nodes
			WHERE seen_at > $1 ORDER BY started_at, id`, e.now()-(24*time.Hour).Microseconds())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n NodeInfo
			var started, seen, executing, gone int64
			if err := rows.Scan(&n.ID, &n.Host, &n.Release, &started, &seen, &executing, &gone); err != nil {
				return err
			}
			n.StartedAt, n.SeenAt, n.Executing = db.Time(started), db.Time(seen), int(executing)
			n.Alive = gone == 0 && seen > e.now()-e.opts.Lease.Microseconds()
			nodes = append(nodes, n)
		}
		return rows.Err()
	})
	return nodes, err
}

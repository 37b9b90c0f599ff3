package hub

import (
	"context"

	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/subscription"
)

// programs are what runs execute: scenarios, and what is built in.
type programs struct {
	*scenario.Runtime
	migration *table.Migration
	delivery  run.Program
}

func (p programs) Program(ctx context.Context, name, version string) (run.Program, error) {
	if name == table.MigrationProgram {
		return p.migration, nil
	}
	if name == subscription.Program {
		return p.delivery, nil
	}
	return p.Runtime.Program(ctx, name, version)
}

func (p programs) Latest(ctx context.Context, name string) (string, error) {
	if name == table.MigrationProgram {
		return table.Version, nil
	}
	if name == subscription.Program {
		return subscription.Version, nil
	}
	return p.Runtime.Latest(ctx, name)
}

// tables begins the runs that bring tables with records to what is wanted of them.
// On a stopped server they begin with its next start.
func (h *Hub) tables(ctx context.Context, left []table.Unfinished) error {
	if h.restart.Load() == nil {
		return nil
	}
	for _, u := range left {
		start := u.Start()
		start.Version = table.Version
		if _, err := h.runs.Accept(ctx, start); err != nil {
			return err
		}
	}
	return nil
}

// unfinished begins what was left when this installation stopped.
func (h *Hub) unfinished(ctx context.Context) error {
	var left []table.Unfinished
	err := h.db.Read(ctx, func(tx *db.Tx) (err error) {
		left, err = table.Pending(tx)
		return err
	})
	if err != nil {
		return err
	}
	return h.tables(ctx, left)
}

package main

import (
	"context"

	"junctor/internal/run"
	"junctor/internal/unit"
)

type purge struct {
	OlderThan string   `help:"Delete what ended longer ago than this: 30d." required:"" placeholder:"DURATION"`
	State     []string `help:"Only runs in these states: succeeded, failed, cancelled." enum:"succeeded,failed,cancelled" placeholder:"STATE"`
	DryRun    bool     `help:"Count only."`
	JSON      bool     `name:"json" help:"Write JSON, for a machine."`
	target
}

// Help teaches by examples.
func (purge) Help() string {
	return `Runs are purged by themselves after the retention of their channel. This is for when that is not soon enough.

Examples:
  junctor purge --older-than 30d --dry-run --server https://junctor.example.com --token TOKEN
  junctor purge --older-than 0 --state succeeded --data ./junctor-data`
}

// Run deletes, or counts.
func (p purge) Run(ctx context.Context, console *console) error {
	age, err := unit.ParseDuration(p.OlderThan)
	if err != nil {
		return usage("--older-than: %w", err)
	}
	o := run.PurgeOptions{OlderThan: age, DryRun: p.DryRun}
	for _, s := range p.State {
		o.States = append(o.States, run.State(s))
	}
	return p.use(ctx, console, func(i *installation) error {
		n, err := i.runs.Purge(ctx, o)
		switch {
		case err != nil:
			return err
		case p.JSON:
			return console.json(map[string]any{"runs": n, "dry_run": p.DryRun})
		case p.DryRun:
			console.line("%d runs would be deleted.", n)
		default:
			console.line("%d runs are deleted.", n)
		}
		return nil
	})
}

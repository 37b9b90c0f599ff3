package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"junctor/internal/run"
)

type erase struct {
	Subject string `arg:"" help:"Exactly as the runs have it."`
	DryRun  bool   `help:"Count only."`
	Yes     bool   `help:"Do not ask."`
	JSON    bool   `name:"json" help:"Write JSON, for a machine."`
	target
}

// Help teaches by examples.
func (erase) Help() string {
	return `The runs stay as bare rows, without input, output, steps, error, logs, tags and subject. Runs that have not ended are not touched, and named. SQLite's file is written anew afterwards, so that nothing is left in it; messages wait meanwhile.

Examples:
  junctor erase customer-4711 --dry-run --server https://junctor.example.com --token TOKEN
  junctor erase customer-4711 --yes --data ./junctor-data`
}

// Run erases, or counts.
func (e erase) Run(ctx context.Context, console *console) error {
	if !e.DryRun && !e.Yes && !isTerminal(console.in) {
		return usage("there is no terminal to ask on; give --yes to erase, or --dry-run to count")
	}
	return e.use(ctx, console, func(i *installation) error {
		total, err := i.eraser.Erase(ctx, e.Subject, true)
		if err != nil {
			return err
		}
		if !e.DryRun {
			if !e.Yes && !console.confirms(fmt.Sprintf("Erase what %d runs have about %q? It cannot be undone.", total.Count, e.Subject)) {
				return fmt.Errorf("nothing was erased")
			}
			if total, err = e.all(ctx, console, i.eraser); err != nil {
				return err
			}
		}
		e.show(console, total)
		if len(total.Left) > 0 && !e.DryRun {
			return fmt.Errorf("not erased: %d runs; erase again when they have ended", len(total.Left))
		}
		return nil
	})
}

// all erases in as many calls as it takes.
func (e erase) all(ctx context.Context, console *console, eraser eraser) (total run.Erased, err error) {
	for first := true; first || !total.Complete; first = false {
		next, err := eraser.Erase(ctx, e.Subject, false)
		if first {
			total.Count = next.Count
		}
		total.Done, total.Left, total.Complete = total.Done+next.Done, next.Left, next.Complete
		if err != nil {
			return total, err
		}
		if !total.Complete {
			fmt.Fprintf(console.err, "erased: %d\n", total.Done)
		}
	}
	return total, nil
}

func (e erase) show(console *console, total run.Erased) {
	if e.JSON {
		left := []map[string]string{}
		for _, kept := range total.Left {
			left = append(left, map[string]string{"run": kept.Run, "detail": kept.Reason})
		}
		console.json(map[string]any{"count": total.Count, "done": total.Done, "refused": left, "dry_run": e.DryRun}) //nolint:errcheck // as the lines below
		return
	}
	if e.DryRun {
		console.line("%d runs are about this subject.", total.Count)
	} else {
		console.line("%d runs are erased.", total.Done)
	}
	for _, kept := range total.Left {
		console.line("%s: %s", kept.Run, kept.Reason)
	}
}

// confirms asks on the terminal.
func (c *console) confirms(question string) bool {
	fmt.Fprintf(c.err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(c.in).ReadString('\n') //nolint:errcheck // no answer is no
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"junctor/internal/run"
)

// seen is how a run looked when the console last told about it.
type seen struct {
	state   run.State
	attempt int
}

// Watch prints how runs change until ctx ends. It asks for the newest ones
// several times a second, as any outsider could.
func Watch(ctx context.Context, s Setup) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	known := map[string]seen{}
	for {
		if err := s.look(ctx, known); err != nil && ctx.Err() == nil {
			return fmt.Errorf("looking at the runs: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look prints what has changed since the last look, oldest run first.
func (s Setup) look(ctx context.Context, known map[string]seen) error {
	items, _, err := s.Runs.List(ctx, run.Filter{Limit: 200})
	if err != nil {
		return err
	}
	present := map[string]seen{}
	for _, r := range slices.Backward(items) {
		now := seen{r.State, r.Attempt}
		present[r.ID] = now
		if before, ok := known[r.ID]; ok && before == now || !worthTelling(r) {
			continue
		}
		text, err := s.describe(ctx, r)
		if err != nil {
			return err
		}
		s.Console.line(junctor, "%s", text)
	}
	clear(known)
	for id, state := range present {
		known[id] = state
	}
	return nil
}

// worthTelling leaves out the moments between two steps.
func worthTelling(r run.Info) bool {
	return r.State.Ended() || r.State == run.Waiting || r.State == run.Queued && r.WaitingFor != ""
}

func (s Setup) describe(ctx context.Context, r run.Info) (string, error) {
	head := fmt.Sprintf("%s  %s %s: %s", r.ID, r.Channel, r.Subject, r.State)
	if !r.State.Ended() {
		return head + waits(r), nil
	}
	whole, err := s.Runs.Get(ctx, r.ID)
	if err != nil {
		return "", err
	}
	var steps []string
	for _, step := range whole.Steps {
		text := step.Name
		if step.FinishedAt != nil {
			text += fmt.Sprintf(" %v", step.FinishedAt.Sub(step.StartedAt).Round(time.Millisecond))
		}
		if len(step.Error) > 0 {
			text += " failed"
		}
		steps = append(steps, text)
	}
	if len(steps) > 0 {
		head += " (" + strings.Join(steps, ", ") + ")"
	}
	if r.State == run.Failed && r.Error != nil {
		head += ": " + r.Error.Message
	}
	return head, nil
}

// waits says for what, until when and why.
func waits(r run.Info) string {
	var b strings.Builder
	switch r.WaitingFor {
	case "order":
		b.WriteString(" behind an earlier one of the same article")
	case "":
	default:
		b.WriteString(" for " + r.WaitingFor)
	}
	if r.WaitingFor == "retry" {
		fmt.Fprintf(&b, " %d", r.Attempt)
	}
	if r.DueAt != nil && r.WaitingFor != "order" {
		fmt.Fprintf(&b, " at %s", r.DueAt.Local().Format("15:04:05"))
	}
	if r.Error != nil {
		b.WriteString(": " + r.Error.Message)
	}
	return b.String()
}

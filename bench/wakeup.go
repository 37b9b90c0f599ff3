package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"junctor/internal/load"
	"junctor/test/outside"
)

const sleepers = 10_000

// wakeUp puts runs to sleep until the same second and reads from the runs
// themselves when the last of them had ended.
func wakeUp(ctx context.Context, g *ground, n *node) ([]row, error) {
	r := row{id: "P11", what: "10,000 runs asleep until the same second, all resumed", unit: "s", target: 2, atMost: true}
	for i := range g.options.rounds {
		took, err := g.wakeUpOnce(ctx, n, fmt.Sprintf("round-%d", i+1))
		if err != nil {
			return []row{r}, err
		}
		r.add(0, took.Seconds())
		fmt.Printf("  P11        the last had ended after %.2f s\n", took.Seconds())
	}
	return []row{r}, nil
}

func (g *ground) wakeUpOnce(ctx context.Context, n *node, round string) (time.Duration, error) {
	until := time.Now().Add(25 * time.Second).Truncate(time.Second)
	target, path, err := load.ParseTarget(n.url("asleep"))
	if err != nil {
		return 0, err
	}
	body := fmt.Appendf(nil, `{"round":%q,"until":%d}`, round, until.UnixMilli())
	_, err = g.load(ctx, n.url("asleep"), load.Options{Limit: sleepers,
		Request: target.Request(http.MethodPost, path, http.Header{"Content-Type": {"application/json"}}, body)})
	if err != nil {
		return 0, err
	}
	if err := n.awaitAsleep(ctx, until); err != nil {
		return 0, err
	}
	timer := time.NewTimer(time.Until(until) + 3*time.Second) // nobody asks the server while it works
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if _, err := n.admin.AwaitFinished(ctx, time.Minute); err != nil {
		return 0, err
	}
	return n.lastEnd(ctx, round, until)
}

// awaitAsleep waits until no run is queued or running, at the latest two seconds
// before they all wake.
func (n *node) awaitAsleep(ctx context.Context, until time.Time) error {
	for {
		busy := false
		for _, state := range []string{"queued", "running"} {
			err := n.admin.Runs(ctx, url.Values{"state": {state}, "limit": {"1"}}, func(outside.Run) bool {
				busy = true
				return false
			})
			if err != nil {
				return err
			}
		}
		if !busy {
			return nil
		}
		if time.Until(until) < 2*time.Second {
			return fmt.Errorf("%d runs were not asleep in time for the measurement", sleepers)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (n *node) lastEnd(ctx context.Context, round string, until time.Time) (time.Duration, error) {
	count, last := 0, until
	err := n.admin.Runs(ctx, url.Values{"subject": {round}, "state": {"succeeded"}}, func(r outside.Run) bool {
		count++
		if r.FinishedAt != nil && r.FinishedAt.After(last) {
			last = *r.FinishedAt
		}
		return true
	})
	if err == nil && count != sleepers {
		err = fmt.Errorf("%d runs slept, %d have ended well", sleepers, count)
	}
	return last.Sub(until), err
}

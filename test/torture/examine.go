package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"junctor/test/outside"
)

// findings collects what was wrong.
type findings struct {
	mu    sync.Mutex
	wrong []string
}

func (f *findings) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

// err names the first findings; all of them are printed.
func (f *findings) err(out io.Writer) error {
	if len(f.wrong) == 0 {
		return nil
	}
	for _, w := range f.wrong {
		fmt.Fprintln(out, "  wrong:", w)
	}
	return fmt.Errorf("%d promises were not kept, the first: %s", len(f.wrong), f.wrong[0])
}

// examine waits until every run has ended and compares what the shop, the
// server, its journals, its counters, its events and the sink say.
func examine(ctx context.Context, out io.Writer, c *cluster, s *shop, e *feed, k *sink) error {
	e.quiet()
	admin, err := c.servers[0].Login(ctx)
	if err != nil {
		return err
	}
	if err := pauseSchedules(ctx, admin); err != nil {
		return err
	}
	if _, err := admin.AwaitFinished(ctx, 5*time.Minute); err != nil {
		return err
	}
	if err := admin.AwaitDispatched(ctx, "hook", time.Minute); err != nil {
		return err
	}
	if _, err := admin.AwaitFinished(ctx, time.Minute); err != nil { // the deliveries
		return err
	}
	f := &findings{wrong: append(append([]string{}, s.wrong...), k.wrong...)}
	runs, err := runsBySubject(ctx, admin)
	if err != nil {
		return err
	}
	count := f.fates(s.messages, runs)
	if len(runs) == 0 || count[acknowledged] == 0 {
		return errors.New("nothing was acknowledged: the load did not reach the server")
	}
	deliveries, err := f.deliveries(ctx, admin, runs)
	if err != nil {
		return err
	}
	repeats := f.repeats(k, c)
	for _, all := range []map[string][]outside.Run{runs, deliveries} {
		if err := f.journals(ctx, admin, all, k, c.clocksApart()); err != nil {
			return err
		}
	}
	if err := f.effects(ctx, c, s.messages, runs); err != nil {
		return err
	}
	seconds, err := f.schedules(ctx, c, admin)
	if err != nil {
		return err
	}
	told, err := f.events(ctx, admin, e, s.messages, runs)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d kills; %d messages acknowledged, %d refused, %d of unknown fate; %d runs; %d calls outside, %d of them repeated around a kill; %d seconds of a schedule; %d messages on %d websockets; %d events heard by %d followers, who connected %d times\n",
		len(c.deaths), count[acknowledged], count[refused], count[unknown], len(runs), len(k.calls), repeats, seconds,
		s.said.Load(), s.opened.Load(), told, len(e.followers), e.connected.Load())
	return f.err(out)
}

func runsBySubject(ctx context.Context, admin *outside.Admin) (map[string][]outside.Run, error) {
	runs := map[string][]outside.Run{}
	for _, channel := range channels {
		err := admin.Runs(ctx, url.Values{"channel": {channel.code}}, func(r outside.Run) bool {
			runs[r.Subject] = append(runs[r.Subject], r)
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return runs, nil
}

// fates compares what the senders were told with the runs there are.
func (f *findings) fates(messages []*message, runs map[string][]outside.Run) map[fate]int {
	count := map[fate]int{}
	known := map[string]bool{}
	for _, m := range messages {
		count[m.fate]++
		known[m.number] = true
		of := runs[m.number]
		switch {
		case m.fate == acknowledged && len(of) != 1:
			f.add("%s was acknowledged and has %d runs", m.number, len(of))
		case m.fate == refused && len(of) > 0:
			f.add("%s was refused and has %d runs", m.number, len(of))
		case len(of) > 1:
			f.add("%s has %d runs", m.number, len(of))
		case m.key != "" && m.fate != acknowledged:
			f.add("%s has an Idempotency-Key and was never acknowledged", m.number)
		}
		for _, r := range of {
			if r.State != "succeeded" {
				why := ""
				if r.Error != nil {
					why = ": " + r.Error.Message
				}
				f.add("%s: %s is %s%s", m.number, r.ID, r.State, why)
			}
		}
	}
	for subject := range runs {
		if !known[subject] {
			f.add("a run about %q exists, which nobody has sent", subject)
		}
	}
	return count
}

// deliveries finds those of the events that runs have told: one for each event.
func (f *findings) deliveries(ctx context.Context, admin *outside.Admin, runs map[string][]outside.Run) (map[string][]outside.Run, error) {
	of := map[string][]outside.Run{}
	err := admin.Runs(ctx, url.Values{"source": {"subscription:hook"}}, func(r outside.Run) bool {
		of[r.Subject] = append(of[r.Subject], r)
		return true
	})
	if err != nil {
		return nil, err
	}
	for subject, all := range runs {
		if !strings.HasPrefix(subject, "awaited-") && !strings.HasPrefix(subject, "accepted-") { // they tell nothing of order.done
			continue
		}
		if len(all) > 0 && all[0].State == "succeeded" && len(of[subject]) != 1 {
			f.add("the event about %s has %d deliveries", subject, len(of[subject]))
		}
	}
	for subject, all := range of {
		if len(runs[subject]) == 0 {
			f.add("there is a delivery about %q, which no run has told of", subject)
		}
		if all[0].State != "succeeded" {
			f.add("the delivery %s about %s is %s", all[0].ID, subject, all[0].State)
		}
	}
	return of, nil
}

// repeats looks at every call that the sink saw more than once.
func (f *findings) repeats(k *sink, c *cluster) (around int) {
	for key, calls := range k.calls {
		for i := 1; i < len(calls); i++ {
			switch {
			case calls[i-1].failed: // it was told to come again
			case c.killedBetween(calls[i-1].at, calls[i].at):
				around++
			default:
				f.add("%s came again after %v without a kill in between", key, calls[i].at.Sub(calls[i-1].at))
			}
		}
	}
	return around
}

// journals reads every run's steps: no call may have arrived after its
// completion was in the journal.
func (f *findings) journals(ctx context.Context, admin *outside.Admin, runs map[string][]outside.Run, k *sink, apart time.Duration) error {
	ids := make(chan string)
	var readers sync.WaitGroup
	var failed error
	var once sync.Once
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range 4 {
		readers.Go(func() {
			for id := range ids {
				r, err := admin.Run(ctx, id)
				if err != nil {
					once.Do(func() { failed = err; cancel() })
					continue
				}
				f.journal(r, k, apart)
			}
		})
	}
	for _, of := range runs {
		for _, r := range of {
			ids <- r.ID
		}
	}
	close(ids)
	readers.Wait()
	return failed
}

// journal looks at one run. apart is how far the journal's clock may be from the
// sink's.
func (f *findings) journal(r outside.Run, k *sink, apart time.Duration) {
	for _, step := range r.Steps {
		if step.Name != "http.request" && step.Name != "deliver" {
			continue
		}
		key := fmt.Sprintf("%s.%d", r.ID, step.Seq)
		calls := k.calls[key]
		switch {
		case step.FinishedAt == nil:
			f.add("%s has ended, its step %d has not", r.ID, step.Seq)
		case len(calls) == 0:
			f.add("%s: step %d is in the journal, the sink never saw it", r.ID, step.Seq)
		case calls[len(calls)-1].at.After(step.FinishedAt.Add(apart)):
			f.add("%s: step %d was done again %v after it was in the journal", r.ID, step.Seq, calls[len(calls)-1].at.Sub(*step.FinishedAt))
		}
	}
}

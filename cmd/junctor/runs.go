package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"junctor/internal/run"
)

type runs struct {
	List      runsList      `cmd:"" help:"List runs, newest first."`
	Show      runsShow      `cmd:"" help:"Show a run with its steps and logs."`
	Retry     runsRetry     `cmd:"" help:"Let a failed run go on, or one that waits for its next try make it now; with the same idempotency keys."`
	Rerun     runsRerun     `cmd:"" help:"Make a new run from an old one's input."`
	Cancel    runsCancel    `cmd:"" help:"End a run at its next host call."`
	Terminate runsTerminate `cmd:"" help:"End a run now."`
}

type runsList struct {
	State     []string `help:"Only these: queued, running, waiting, succeeded, failed, cancelled." enum:"queued,running,waiting,succeeded,failed,cancelled" placeholder:"STATE"`
	Channel   string   `help:"Only of this channel." placeholder:"CODE"`
	Function  string   `help:"Only calls of this function." placeholder:"CODE"`
	Program   string   `help:"Only of this program; such as scenario:order, or delivery." placeholder:"NAME"`
	Source    string   `help:"Only started by this; such as schedule:CODE, subscription:CODE or poll:NAME." placeholder:"NAME"`
	WebhookID string   `name:"webhook-id" help:"Only deliveries that came under this webhook-id." placeholder:"ID"`
	Subject   string   `help:"Only about this: an order's number, say." placeholder:"TEXT"`
	Tag       string   `help:"Only with this tag." placeholder:"TEXT"`
	Find      string   `help:"Only those whose id, subject or tag begins so." placeholder:"TEXT"`
	Since     string   `help:"Only newer ones: 1h, or 2026-11-22T08:00:00Z." placeholder:"WHEN"`
	Until     string   `help:"Only older ones." placeholder:"WHEN"`
	Limit     int      `help:"How many at most, up to 1000 (default ${default})." default:"50"`
	JSON      bool     `name:"json" help:"Write JSON, for a machine."`
	target
}

// Help teaches by examples.
func (runsList) Help() string {
	return `Examples:
  junctor runs list --state failed --since 1d --server https://junctor.example.com --token TOKEN
  junctor runs list --subject 4711        (with JUNCTOR_SERVER and JUNCTOR_TOKEN set)
  junctor runs list --source subscription:crm --state failed,waiting        (deliveries that have not arrived)
  junctor runs list --webhook-id msg_0sge6cxht3v4kn6hms7ejdd9        (what became of a delivery that its receiver asks about)`
}

// Run lists runs.
func (r runsList) Run(ctx context.Context, console *console) error {
	since, err := moment(r.Since, time.Now(), -1)
	if err != nil {
		return usage("--since: %w", err)
	}
	until, err := moment(r.Until, time.Now(), -1)
	if err != nil {
		return usage("--until: %w", err)
	}
	if r.Limit < 1 || r.Limit > 1000 {
		return usage("--limit is a number from 1 to 1000")
	}
	filter := run.Filter{Channel: r.Channel, Function: r.Function, Program: r.Program, Source: r.Source, WebhookID: r.WebhookID, Subject: r.Subject, Tag: r.Tag, Q: r.Find, Limit: r.Limit}
	if since != nil {
		filter.Since = *since
	}
	if until != nil {
		filter.Until = *until
	}
	for _, s := range r.State {
		filter.State = append(filter.State, run.State(s))
	}
	return r.use(ctx, console, func(i *installation) error {
		list, next, err := i.runs.List(ctx, filter)
		if err != nil || r.JSON {
			return either(err, func() error { return console.json(append([]run.Info{}, list...)) })
		}
		var rows [][]string
		for _, info := range list {
			rows = append(rows, []string{info.ID, string(info.State), info.WaitingFor, info.Program, info.Channel, info.Subject, local(&info.CreatedAt), message(info)})
		}
		console.table("There are no such runs.", []string{"id", "state", "waiting for", "program", "channel", "subject", "created", "error"}, rows)
		if next != "" {
			console.line("There are more; narrow the choice, or raise --limit.")
		}
		return nil
	})
}

// message is the beginning of why a run failed.
func message(info run.Info) string {
	if info.Error == nil {
		return ""
	}
	return short(info.Error.Message, 60)
}

// oneRun is what the commands on one run take.
type oneRun struct {
	ID   string `arg:"" help:"The run: run_..."`
	JSON bool   `name:"json" help:"Write JSON, for a machine."`
	target
}

func (o oneRun) do(ctx context.Context, console *console, act func(engine, context.Context, string) (*run.Info, error), show func(*console, *run.Info)) error {
	return o.use(ctx, console, func(i *installation) error {
		info, err := act(i.runs, ctx, o.ID)
		if err != nil || o.JSON {
			return either(err, func() error { return console.json(info) })
		}
		show(console, info)
		return nil
	})
}

type runsShow struct {
	Full bool `help:"Whole texts, one block for each step, instead of a table that cuts them."`
	oneRun
}

// Run shows a run.
func (r runsShow) Run(ctx context.Context, c *console) error {
	return r.do(ctx, c, engine.Get, func(c *console, info *run.Info) { showRun(c, info, r.Full) })
}

type runsRetry struct{ oneRun }

// Run retries a run.
func (r runsRetry) Run(ctx context.Context, c *console) error {
	return r.do(ctx, c, engine.Retry, func(c *console, info *run.Info) {
		if info.State == run.Waiting {
			c.line("The run %s goes on: its next try is due now.", info.ID)
			return
		}
		showState(c, info)
	})
}

type runsCancel struct{ oneRun }

// Run cancels a run.
func (r runsCancel) Run(ctx context.Context, console *console) error {
	return r.do(ctx, console, engine.Cancel, showState)
}

type runsRerun struct {
	FromStep *int   `help:"Keep the results of the steps before this one; without it none." placeholder:"N"`
	Latest   bool   `help:"On the scenario's newest version instead of the old run's."`
	Input    string `help:"Another input, in the form in which runs show it: JSON." placeholder:"FILE"`
	oneRun
}

// Run makes a run of an old one.
func (r runsRerun) Run(ctx context.Context, c *console) error {
	var o run.RerunOptions
	if r.FromStep != nil {
		if o.FromStep = *r.FromStep; o.FromStep < 1 {
			return usage("--from-step is the number of a step; the first is 1")
		}
	}
	if r.Latest {
		o.Version = "latest"
	}
	if r.Input != "" {
		input, err := os.ReadFile(r.Input)
		if err != nil {
			return fmt.Errorf("read --input: %w", err)
		}
		if !json.Valid(input) {
			return usage("--input: %s is not JSON", r.Input)
		}
		o.Input = input
	}
	rerun := func(e engine, ctx context.Context, id string) (*run.Info, error) { return e.Rerun(ctx, id, o) }
	return r.do(ctx, c, rerun, func(c *console, info *run.Info) {
		c.line("The run %s repeats %s and is %s.", info.ID, info.Origin, info.State)
	})
}

type runsTerminate struct{ oneRun }

// Run terminates a run.
func (r runsTerminate) Run(ctx context.Context, console *console) error {
	return r.do(ctx, console, engine.Terminate, showState)
}

func showState(console *console, info *run.Info) {
	console.line("The run %s is %s.", info.ID, info.State)
}

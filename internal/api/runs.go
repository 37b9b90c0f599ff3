package api

import (
	"time"

	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/unit"
)

// runsQuery chooses runs. The engine's cursors are handed through.
type runsQuery struct {
	paging
	State     []run.State `query:"state" enum:"queued,running,waiting,succeeded,failed,cancelled" doc:"one or more, separated by commas"`
	Program   string      `query:"program" doc:"such as scenario:order"`
	Channel   string      `query:"channel" doc:"code"`
	Function  string      `query:"function" doc:"code"`
	Account   string      `query:"account" doc:"id of who called the function"`
	Source    string      `query:"source" doc:"what else started it, such as schedule:CODE"`
	WebhookID string      `query:"webhook_id" doc:"of a delivery, exactly"`
	Subject   string      `query:"subject" doc:"exactly"`
	Tag       string      `query:"tag" doc:"exactly"`
	Since     time.Time   `query:"since" doc:"created at or after"`
	Until     time.Time   `query:"until" doc:"created before"`
	Q         string      `query:"q" doc:"beginning of an id, a subject or a tag"`
}

func (q runsQuery) filter() run.Filter {
	return run.Filter{
		State: q.State, Program: q.Program, Channel: q.Channel, Function: q.Function, Account: q.Account, Source: q.Source, WebhookID: q.WebhookID, Subject: q.Subject, Tag: q.Tag,
		Since: q.Since, Until: q.Until, Q: q.Q, After: q.After, Limit: q.limit(),
	}
}

func (d *door) listRuns(c *call, q runsQuery, _ nothing) (page[run.Info], error) {
	items, next, err := d.Runs.List(c.r.Context(), q.filter())
	return newPage(items, next), err
}

func (d *door) showRun(c *call, _, _ nothing) (*run.Info, error) {
	return d.Runs.Get(c.r.Context(), c.path("id"))
}

func (d *door) retryRun(c *call, _, _ nothing) (*run.Info, error) {
	return d.Runs.Retry(c.r.Context(), c.path("id"))
}

func (d *door) cancelRun(c *call, _, _ nothing) (*run.Info, error) {
	return d.Runs.Cancel(c.r.Context(), c.path("id"))
}

func (d *door) terminateRun(c *call, _, _ nothing) (*run.Info, error) {
	return d.Runs.Terminate(c.r.Context(), c.path("id"))
}

func (d *door) rerunRun(c *call, _ nothing, o run.RerunOptions) (*run.Info, error) {
	var wrong []fault.Field
	if o.FromStep < 0 {
		wrong = append(wrong, fault.Field{Pointer: "/from_step", Detail: "steps count from 1"})
	}
	if o.Version != "" && o.Version != "same" && o.Version != "latest" {
		wrong = append(wrong, fault.Field{Pointer: "/version", Detail: "is same or latest"})
	}
	if wrong != nil {
		return nil, fault.New(fault.Unprocessable, "the body has %s", mistakes(len(wrong))).WithFields(wrong...)
	}
	made, err := d.Runs.Rerun(c.r.Context(), c.path("id"), o)
	if err != nil {
		return nil, err
	}
	c.created("/api/v1/admin/runs/" + made.ID)
	c.detail = made.ID
	return made, nil
}

func (d *door) listNodes(c *call, q byNode, _ nothing) (page[run.NodeInfo], error) {
	nodes, err := d.Runs.Nodes(c.r.Context())
	if err != nil {
		return page[run.NodeInfo]{}, err
	}
	id := func(n run.NodeInfo) string { return n.ID }
	return listChosen(q, id, part(nodes, id))
}

func (d *door) showNode(c *call, _, _ nothing) (run.NodeInfo, error) {
	nodes, err := d.Runs.Nodes(c.r.Context())
	if err != nil {
		return run.NodeInfo{}, err
	}
	return one(nodes, "node", c.path("id"), func(n run.NodeInfo) bool { return n.ID == c.path("id") })
}

type purge struct {
	States    []run.State   `json:"states"` // ended ones; all of these when empty
	OlderThan unit.Duration `json:"older_than" strict:"required"`
	DryRun    bool          `json:"dry_run"`
}

type purged struct {
	Runs   int64 `json:"runs"`
	DryRun bool  `json:"dry_run"`
}

// purgeRuns deletes finished runs for good.
func (d *door) purgeRuns(c *call, _ nothing, body purge) (purged, error) {
	for _, s := range body.States {
		if !s.Ended() {
			return purged{}, fault.New(fault.Unprocessable, "only ended runs can be purged").
				WithFields(fault.Field{Pointer: "/states", Detail: "are succeeded, failed or cancelled, not " + string(s)})
		}
	}
	n, err := d.Runs.Purge(c.r.Context(), run.PurgeOptions{
		States: body.States, OlderThan: time.Duration(body.OlderThan), DryRun: body.DryRun,
	})
	c.dryRun, c.subject, c.detail = body.DryRun, "runs", "older than "+unit.FormatDuration(time.Duration(body.OlderThan))
	return purged{Runs: n, DryRun: body.DryRun}, err
}

package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"junctor/internal/run"
	"junctor/internal/unit"
)

// Get is run.Engine's.
func (c *Client) Get(ctx context.Context, id string) (*run.Info, error) {
	return c.run(ctx, http.MethodGet, id, "")
}

// Retry is run.Engine's.
func (c *Client) Retry(ctx context.Context, id string) (*run.Info, error) {
	return c.run(ctx, http.MethodPost, id, "/retry")
}

// Cancel is run.Engine's.
func (c *Client) Cancel(ctx context.Context, id string) (*run.Info, error) {
	return c.run(ctx, http.MethodPost, id, "/cancel")
}

// Terminate is run.Engine's.
func (c *Client) Terminate(ctx context.Context, id string) (*run.Info, error) {
	return c.run(ctx, http.MethodPost, id, "/terminate")
}

// Rerun is run.Engine's.
func (c *Client) Rerun(ctx context.Context, id string, o run.RerunOptions) (*run.Info, error) {
	var info run.Info
	err := c.Do(ctx, http.MethodPost, "/api/v1/admin/runs/"+url.PathEscape(id)+"/rerun", o, &info)
	return &info, err
}

func (c *Client) run(ctx context.Context, method, id, act string) (*run.Info, error) {
	var r run.Info
	if err := c.Do(ctx, method, admin+"/runs/"+url.PathEscape(id)+act, nil, &r); err != nil {
		return nil, err
	}
	return &r, nil
}

// List is run.Engine's.
func (c *Client) List(ctx context.Context, f run.Filter) (runs []run.Info, next string, err error) {
	q := url.Values{}
	for _, s := range f.State {
		q.Add("state", string(s))
	}
	for name, value := range map[string]string{"program": f.Program, "channel": f.Channel, "function": f.Function, "account": f.Account, "source": f.Source, "webhook_id": f.WebhookID, "subject": f.Subject, "tag": f.Tag, "q": f.Q} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !t.IsZero() {
			q.Set(name, t.Format(time.RFC3339Nano))
		}
	}
	return list[run.Info](ctx, c, "/runs", q, f.After, f.Limit)
}

// Erase is run.Engine's.
func (c *Client) Erase(ctx context.Context, subject string, dryRun bool) (run.Erased, error) {
	body := map[string]any{"action": "erase", "filter": run.Filter{Subject: subject}, "dry_run": dryRun}
	var acted struct {
		Count, Done int64
		Refused     []struct{ Run, Detail string }
		Complete    bool
	}
	err := c.Do(ctx, http.MethodPost, admin+"/runs/actions", body, &acted)
	erased := run.Erased{Count: acted.Count, Done: acted.Done, Complete: acted.Complete}
	for _, r := range acted.Refused {
		erased.Left = append(erased.Left, run.Kept{Run: r.Run, Reason: r.Detail})
	}
	return erased, err
}

// Purge is run.Engine's.
func (c *Client) Purge(ctx context.Context, o run.PurgeOptions) (int64, error) {
	body := struct {
		States    []run.State   `json:"states,omitempty"`
		OlderThan unit.Duration `json:"older_than"`
		DryRun    bool          `json:"dry_run,omitempty"`
	}{o.States, unit.Duration(o.OlderThan), o.DryRun}
	var purged struct {
		Runs int64 `json:"runs"`
	}
	err := c.Do(ctx, http.MethodPost, admin+"/purge", body, &purged)
	return purged.Runs, err
}

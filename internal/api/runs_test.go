package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/access"
	"junctor/internal/fault"
	"junctor/internal/run"
)

func TestListRuns(t *testing.T) {
	f := newFixture(t, nil)
	w := f.admin(t, "GET", "/api/v1/admin/runs?state=failed,running&state=queued&program=p&channel=c&subject=s&tag=t&since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z&q=run_&limit=2", "")
	wantStatus(t, w, 200)
	want := run.Filter{
		State: []run.State{run.Failed, run.Running, run.Queued}, Program: "p", Channel: "c", Subject: "s", Tag: "t", Q: "run_", Limit: 2,
		Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, f.runs.filter); diff != "" {
		t.Error(diff)
	}
	first := read[page[run.Info]](t, w)
	if len(first.Items) != 2 || first.Next == "" {
		t.Fatalf("the first page is %+v", first)
	}
	w = f.admin(t, "GET", "/api/v1/admin/runs?state=failed,running&limit=2&after="+first.Next, "")
	if rest := read[page[run.Info]](t, w); len(rest.Items) != 1 || rest.Next != "" {
		t.Errorf("the second page is %+v", rest)
	}
	w = f.admin(t, "GET", "/api/v1/admin/runs?state=cancelled", "")
	if got := w.Body.String(); got != "{\"items\":[]}\n" {
		t.Errorf("no runs are %s", got)
	}
}

func TestOneRun(t *testing.T) {
	f := newFixture(t, nil)
	const runs = "/api/v1/admin/runs/"
	w := f.admin(t, "GET", runs+"run_0000", "")
	wantStatus(t, w, 200)
	if r := read[run.Info](t, w); r.ID != "run_0000" || r.State != run.Failed {
		t.Errorf("the run is %+v", r)
	}
	for _, path := range []string{"retry", "cancel", "terminate", "rerun"} {
		wantProblem(t, f.admin(t, "POST", runs+"run_9999/"+path, ""), fault.NotFound)
	}
	wantProblem(t, f.admin(t, "GET", runs+"run_9999", ""), fault.NotFound)
	w = f.admin(t, "POST", runs+"run_0000/retry", "")
	wantStatus(t, w, 200)
	if r := read[run.Info](t, w); r.State != run.Queued {
		t.Errorf("retried: %+v", r)
	}
	wantProblem(t, f.admin(t, "POST", runs+"run_0000/retry", ""), fault.Conflict)
	wantStatus(t, f.admin(t, "POST", runs+"run_0000/cancel", ""), 200)
	wantStatus(t, f.admin(t, "POST", runs+"run_0001/terminate", ""), 200)
}

func TestRerun(t *testing.T) {
	f := newFixture(t, nil)
	const rerun = "/api/v1/admin/runs/run_0000/rerun"
	w := f.admin(t, "POST", rerun, `{"from_step":2,"version":"latest","input":{"a":1}}`)
	wantStatus(t, w, 201)
	made := read[run.Info](t, w)
	if made.Origin != "run_0000" || w.Header().Get("Location") != "/api/v1/admin/runs/"+made.ID {
		t.Errorf("made %+v at %q", made, w.Header().Get("Location"))
	}
	want := run.RerunOptions{FromStep: 2, Version: "latest", Input: []byte(`{"a":1}`)}
	if diff := cmp.Diff(want, f.runs.rerun); diff != "" {
		t.Error(diff)
	}
	wantStatus(t, f.admin(t, "POST", rerun, ""), 201)
	wantProblem(t, f.admin(t, "POST", rerun, `{"from_step":-1,"version":"old"}`), fault.Unprocessable, "/from_step", "/version")
	wantProblem(t, f.admin(t, "POST", rerun, `{"step":1}`), fault.Unprocessable, "/step")
}

func TestActionsOnManyRuns(t *testing.T) {
	f := newFixture(t, nil)
	const path = "/api/v1/admin/runs/actions"
	w := f.admin(t, "POST", path, `{"action":"retry","filter":{},"dry_run":true}`)
	wantStatus(t, w, 200)
	if diff := cmp.Diff(acted{Count: 2, DryRun: true, Complete: true}, read[acted](t, w)); diff != "" {
		t.Errorf("dry run: %s", diff)
	}
	if f.runs.runs["run_0000"].State != run.Failed {
		t.Error("the dry run did something")
	}
	w = f.admin(t, "POST", path, `{"action":"retry","filter":{"state":["failed"]}}`)
	if diff := cmp.Diff(acted{Count: 2, Done: 2, Complete: true}, read[acted](t, w)); diff != "" {
		t.Errorf("retry: %s", diff)
	}
	f.runs.runs["run_0000"].State = run.Waiting
	w = f.admin(t, "POST", path, `{"action":"retry","filter":{"state":["waiting"]}}`)
	if diff := cmp.Diff(acted{Count: 1, Done: 1, Complete: true}, read[acted](t, w)); diff != "" {
		t.Errorf("retry of those that wait: %s", diff)
	}
	wantProblem(t, f.admin(t, "POST", path, `{"action":"retry","filter":{"state":["waiting","succeeded"]}}`), fault.Unprocessable, "/filter/state/1")
	w = f.admin(t, "POST", path, `{"action":"rerun","filter":{}}`)
	if got := read[acted](t, w); got.Done != 1 || len(f.runs.runs) != 5 {
		t.Errorf("rerun: %+v, %d runs", got, len(f.runs.runs))
	}
	wantProblem(t, f.admin(t, "POST", path, `{"action":"delete","filter":{}}`), fault.Unprocessable, "/action")
	wantProblem(t, f.admin(t, "POST", path, `{"action":"retry"}`), fault.Unprocessable, "/filter")
	wantProblem(t, f.admin(t, "POST", path, `{"action":"cancel","filter":{"state":["queued","failed"]}}`), fault.Unprocessable, "/filter/state/1")
	wantProblem(t, f.admin(t, "POST", path, `{"action":"cancel","filter":{"chanel":"x"}}`), fault.Unprocessable, "/filter/chanel")

	w = f.admin(t, "POST", path, `{"action":"erase","filter":{"subject":"anna"},"dry_run":true}`)
	want := acted{Count: 3, Done: 2, Refused: []refusal{{"run_1", "it is open"}}, DryRun: true, Complete: true}
	if diff := cmp.Diff(want, read[acted](t, w)); diff != "" {
		t.Errorf("erase: %s", diff)
	}
	wantProblem(t, f.admin(t, "POST", path, `{"action":"erase","filter":{"subject":"anna","tag":"x"}}`), fault.Unprocessable, "/filter")

	entries, _, err := f.access.ListAudit(t.Context(), access.AuditFilter{Action: "run.actions"}, "", 0)
	if err != nil || len(entries) != 3 || entries[2].Detail != "retry: 2 of 2" || entries[1].Author != "admin (token ci)" {
		t.Errorf("the audit log says %+v, %v", entries, err)
	}
}

func TestPurge(t *testing.T) {
	f := newFixture(t, nil)
	w := f.admin(t, "POST", "/api/v1/admin/purge", `{"states":["failed"],"older_than":"30d","dry_run":true}`)
	wantStatus(t, w, 200)
	if got := read[purged](t, w); got.Runs != 3 || !got.DryRun {
		t.Errorf("purged %+v", got)
	}
	want := run.PurgeOptions{States: []run.State{run.Failed}, OlderThan: 30 * 24 * time.Hour, DryRun: true}
	if diff := cmp.Diff(want, f.runs.purge); diff != "" {
		t.Error(diff)
	}
	wantProblem(t, f.admin(t, "POST", "/api/v1/admin/purge", `{"states":["running"],"older_than":"1d"}`), fault.Unprocessable, "/states")
	wantProblem(t, f.admin(t, "POST", "/api/v1/admin/purge", `{"older_than":"soon"}`), fault.Unprocessable, "/older_than")
	wantProblem(t, f.admin(t, "POST", "/api/v1/admin/purge", `{}`), fault.Unprocessable, "/older_than")
}

package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"junctor/internal/catalog"
	"junctor/internal/channel"
	"junctor/internal/class/table"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/link"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/schedule"
	"junctor/internal/script"
	"junctor/internal/subscription"
)

// fakeRuns is an engine that executes nothing. Runs are listed newest first,
// by id.
type fakeRuns struct {
	runs   map[string]*run.Info
	filter run.Filter // of the last list
	rerun  run.RerunOptions
	purge  run.PurgeOptions
}

func newRuns(states ...run.State) *fakeRuns {
	f := &fakeRuns{runs: map[string]*run.Info{}}
	for i, s := range states {
		id := fmt.Sprintf("run_%04d", i)
		f.runs[id] = &run.Info{ID: id, State: s, Program: "scenario:order", Version: "v1", Mode: "production", CreatedAt: start}
	}
	return f
}

func (f *fakeRuns) Accept(_ context.Context, s run.Start) (run.Accepted, error) {
	id := fmt.Sprintf("run_%04d", len(f.runs))
	f.runs[id] = &run.Info{ID: id, State: run.Queued, Program: s.Program, Function: s.Function, Account: s.Account, CreatedAt: start}
	return run.Accepted{Run: id}, nil
}

func (f *fakeRuns) Await(ctx context.Context, s run.Start, _ time.Duration) (run.Result, error) {
	accepted, err := f.Accept(ctx, s)
	return run.Result{Run: accepted.Run, State: run.Succeeded, Output: []byte(`{"value":1}`)}, err
}

// fakeFunctions has one function, of any parameters.
type fakeFunctions struct{}

func (fakeFunctions) Function(code string) *function.Function {
	if code != "order" {
		return nil
	}
	return &function.Function{Config: function.Config{Code: code, Scenario: "order", Enabled: true, Timeout: time.Second}, Version: "v1"}
}

func (f *fakeRuns) Get(_ context.Context, id string) (*run.Info, error) {
	if r, ok := f.runs[id]; ok {
		shown := *r
		return &shown, nil
	}
	return nil, fault.New(fault.NotFound, "there is no run %q", id)
}

func (f *fakeRuns) List(_ context.Context, filter run.Filter) (list []run.Info, next string, err error) {
	f.filter = filter
	ids := slices.Sorted(maps.Keys(f.runs))
	slices.Reverse(ids)
	for _, id := range ids {
		r := f.runs[id]
		if (filter.After != "" && id >= filter.After) || (len(filter.State) > 0 && !slices.Contains(filter.State, r.State)) {
			continue
		}
		if len(list) == filter.Limit {
			return list, list[len(list)-1].ID, nil
		}
		list = append(list, *r)
	}
	return list, "", nil
}

func (f *fakeRuns) Count(ctx context.Context, filter run.Filter) (int64, error) {
	filter.Limit = 1 << 30
	list, _, err := f.List(ctx, filter)
	return int64(len(list)), err
}

func (f *fakeRuns) move(ctx context.Context, id string, from []run.State, to run.State) (*run.Info, error) {
	r, ok := f.runs[id]
	if !ok {
		return f.Get(ctx, id)
	}
	if !slices.Contains(from, r.State) {
		return nil, fault.New(fault.Conflict, "the run is %s", r.State)
	}
	r.State = to
	return f.Get(ctx, id)
}

func (f *fakeRuns) Retry(ctx context.Context, id string) (*run.Info, error) {
	return f.move(ctx, id, []run.State{run.Failed, run.Waiting}, run.Queued)
}

func (f *fakeRuns) Rerun(ctx context.Context, id string, o run.RerunOptions) (*run.Info, error) {
	f.rerun = o
	r, err := f.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	r.ID, r.Origin, r.State = fmt.Sprintf("run_%04d", len(f.runs)), id, run.Queued
	f.runs[r.ID] = r
	return r, nil
}

func (f *fakeRuns) Cancel(ctx context.Context, id string) (*run.Info, error) {
	return f.move(ctx, id, []run.State{run.Queued, run.Running, run.Waiting}, run.Cancelled)
}

func (f *fakeRuns) Terminate(ctx context.Context, id string) (*run.Info, error) {
	return f.Cancel(ctx, id)
}

func (f *fakeRuns) Nodes(context.Context) ([]run.NodeInfo, error) {
	return []run.NodeInfo{{ID: "node_1", Alive: true}}, nil
}

func (f *fakeRuns) Purge(_ context.Context, o run.PurgeOptions) (int64, error) {
	f.purge = o
	return 3, nil
}

func (f *fakeRuns) Erase(_ context.Context, _ string, _ bool) (run.Erased, error) {
	return run.Erased{Count: 3, Done: 2, Left: []run.Kept{{Run: "run_1", Reason: "it is open"}}, Complete: true}, nil
}

// fakeConfiguration keeps objects in memory under the rules of the interface.
type fakeConfiguration struct {
	objects  map[string]catalog.Object // KIND/CODE
	versions fakeVersions
	set      json.RawMessage // of the last apply
	options  ChangeOptions
}

func (f *fakeConfiguration) Plan(_ context.Context, _ json.RawMessage, o ChangeOptions) (any, error) {
	f.options = o
	return changes{Changes: []change{}, Channels: []channelLinks{}}, nil
}

func (f *fakeConfiguration) Apply(ctx context.Context, set json.RawMessage, o ChangeOptions) (any, error) {
	if strings.Contains(string(set), "mistake") {
		return nil, fault.New(fault.Unprocessable, "the configuration has a mistake").
			WithFields(fault.Field{Pointer: "/channels/shop/scenario", Detail: "there is no scenario \"mistake\""})
	}
	f.set = set
	return f.Plan(ctx, set, o)
}

func (f *fakeConfiguration) Export(context.Context) (any, error) {
	return map[string]any{"domain": "default"}, nil
}

func (f *fakeConfiguration) Unreferred(_ context.Context, secret string) error {
	if secret == "used" {
		return fault.New(fault.Conflict, "channels \"shop\" refers to it")
	}
	return nil
}

func (f *fakeConfiguration) Get(_ context.Context, kind, code string) (catalog.Object, error) {
	if o, ok := f.objects[kind+"/"+code]; ok {
		return o, nil
	}
	return catalog.Object{}, fault.New(fault.NotFound, "there is no %s %q", kind, code)
}

func (f *fakeConfiguration) List(_ context.Context, kind, after string, limit int) (list []catalog.Object, next string, err error) {
	for _, o := range f.objects {
		if o.Kind == kind && o.Code > after {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b catalog.Object) int { return cmp.Compare(a.Code, b.Code) })
	if len(list) > limit {
		list, next = list[:limit], list[limit-1].Code
	}
	return list, next, nil
}

func (f *fakeConfiguration) Put(ctx context.Context, kind, code string, body json.RawMessage, e Edit) (catalog.Object, error) {
	present := f.objects[kind+"/"+code]
	if e.IfMatch != nil && *e.IfMatch != present.Version {
		return catalog.Object{}, fault.New(fault.Stale, "it has version %d", present.Version)
	}
	if kind == "scenarios" {
		var err error
		if body, err = f.versions.take(ctx, code, body); err != nil {
			return catalog.Object{}, err
		}
	}
	o := catalog.Object{Kind: kind, Code: code, Version: present.Version + 1, Body: body, Author: e.Author, Origin: "api", ChangedAt: start}
	f.objects[kind+"/"+code] = o
	return o, nil
}

func (f *fakeConfiguration) Delete(ctx context.Context, kind, code string, e Edit) error {
	present, err := f.Get(ctx, kind, code)
	if err != nil {
		return err
	}
	if e.IfMatch != nil && present.Version != *e.IfMatch {
		return fault.New(fault.Stale, "it has version %d", present.Version)
	}
	delete(f.objects, kind+"/"+code)
	return nil
}

// fakeVersions keeps every version of every scenario, latest first, and calls
// them v1, v2 and so on.
type fakeVersions map[string][]scenario.Version

func (f fakeVersions) Get(_ context.Context, code, version string) (scenario.Version, error) {
	for _, v := range f[code] {
		if v.Version == version {
			return v, nil
		}
	}
	return scenario.Version{}, fault.New(fault.NotFound, "there is no version %q of %q", version, code)
}

func (f fakeVersions) List(_ context.Context, code string) ([]scenario.Version, error) {
	return f[code], nil
}

// take turns what a scenario is put with into what its object says.
func (f fakeVersions) take(ctx context.Context, code string, body json.RawMessage) (json.RawMessage, error) {
	var wanted struct {
		Sources map[string]string
		Version string
	}
	if err := json.Unmarshal(body, &wanted); err != nil {
		return nil, err
	}
	if wanted.Sources == nil {
		_, err := f.Get(ctx, code, wanted.Version)
		return body, err
	}
	if strings.Contains(string(body), "syntax error") {
		return nil, fault.New(fault.Unprocessable, "the scenario does not compile").
			WithFields(fault.Field{Pointer: "/sources/scenarios~1" + code + ".ts", Detail: "1:1: syntax error"})
	}
	v := scenario.Version{Code: code, Version: fmt.Sprintf("v%d", len(f[code])+1), Author: "eve", CreatedAt: start, Bundle: &script.Bundle{Sources: wanted.Sources}}
	f[code] = append([]scenario.Version{v}, f[code]...)
	return json.RawMessage(`{"version":"` + v.Version + `"}`), nil
}

// buffer is a log that several goroutines may write.
type buffer struct {
	mu sync.Mutex
	strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}

// fakeSchedules are all there, and never come.
type fakeSchedules struct{ runs *fakeRuns }

func (fakeSchedules) Status(context.Context, string) (schedule.Status, error) {
	return schedule.Status{State: "over", Next: []time.Time{}}, nil
}

func (f fakeSchedules) Start(ctx context.Context, code string, _ json.RawMessage, _ string) (string, error) {
	a, err := f.runs.Accept(ctx, run.Start{Program: "scenario:" + code})
	return a.Run, err
}

func (fakeSchedules) Hold(context.Context, string, bool, string) error { return nil }

// fakeViews has the view of one class.
type fakeViews struct{}

func (fakeViews) Views(context.Context) ([]table.View, error) {
	return []table.View{{Class: "orders", Name: "api_orders", State: table.ViewCurrent}}, nil
}

func (fakeViews) RefreshViews(context.Context) error { return nil }

// fakeSubscriptions has none.
type fakeSubscriptions struct{}

var errNoSubscription = fault.New(fault.NotFound, "There is no such subscription.")

func (fakeSubscriptions) Get(context.Context, string, string) (v subscription.View, err error) {
	return v, errNoSubscription
}

func (fakeSubscriptions) List(context.Context, string, []string, string, int) ([]subscription.View, string, error) {
	return nil, "", nil
}

func (fakeSubscriptions) Delete(context.Context, string, string, subscription.Author) error {
	return errNoSubscription
}

func (fakeSubscriptions) Enable(context.Context, string, bool, subscription.Author) error {
	return errNoSubscription
}

func (fakeSubscriptions) Disable(context.Context, string, subscription.Author) error {
	return errNoSubscription
}

func (fakeSubscriptions) Rotate(context.Context, string, string, time.Duration, subscription.Author) (string, error) {
	return "", errNoSubscription
}

func (fakeSubscriptions) Replay(context.Context, string, subscription.Replay, subscription.Author) (r subscription.Replayed, err error) {
	return r, errNoSubscription
}

func (fakeSubscriptions) Replays(context.Context, string) ([]subscription.Replaying, error) {
	return nil, errNoSubscription
}

func (fakeSubscriptions) EndReplay(context.Context, string, string, subscription.Author) error {
	return errNoSubscription
}

func (fakeSubscriptions) Ping(context.Context, string) (p subscription.Pinged, err error) {
	return p, errNoSubscription
}

// fakeApprovals has one approval, which is open.
type fakeApprovals struct{}

func (fakeApprovals) Approval(_ context.Context, id string) (*link.Approval, error) {
	if id != "apr_1" {
		return nil, fault.New(fault.NotFound, "There is no approval %q.", id)
	}
	return &link.Approval{ID: id, State: link.Open, CreatedAt: start, ExpiresAt: start}, nil
}

func (f fakeApprovals) Approvals(ctx context.Context, _ link.Filter) ([]*link.Approval, string, error) {
	a, err := f.Approval(ctx, "apr_1")
	return []*link.Approval{a}, "", err
}

func (fakeApprovals) Links(context.Context, link.Usable) ([]*link.Link, string, error) {
	return []*link.Link{{ID: "lnk_1", Kind: link.Event, Target: "order.approved", CreatedAt: start, ExpiresAt: start}}, "", nil
}

func (fakeApprovals) End(_ context.Context, id string) error {
	if id != "lnk_1" {
		return fault.New(fault.NotFound, "There is no link %q.", id)
	}
	return nil
}

func (f fakeApprovals) Decide(ctx context.Context, id string, d link.Decision) (*link.Approval, error) {
	a, err := f.Approval(ctx, id)
	if err == nil {
		a.State, a.Decision = link.Decided, &d
	}
	return a, err
}

// fakeSockets has no websockets.
type fakeSockets struct{}

func (fakeSockets) HasChannel(string) bool { return true }

func (fakeSockets) ListSockets(context.Context, string, string, string, int) ([]channel.Connection, string, error) {
	return nil, "", nil
}

func (fakeSockets) EndSocket(_ context.Context, _, id string, _ int, _ string) error {
	return fault.New(fault.NotFound, "there is no connection %q", id)
}

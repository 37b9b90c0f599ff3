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

	"junctor/internal/catalog"
	"junctor/internal/fault"
	"junctor/internal/run"
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
	return f.move(ctx, id, []run.State{run.Failed}, run.Queued)
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

// fakeConfiguration keeps objects in memory under the rules of the interface.
type fakeConfiguration struct {
	objects map[string]catalog.Object // KIND/CODE
	set     json.RawMessage           // of the last apply
	options ChangeOptions
	author  string
}

func (f *fakeConfiguration) Plan(_ context.Context, set json.RawMessage, o ChangeOptions) (any, error) {
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

func (f *fakeConfiguration) Put(_ context.Context, kind, code string, body json.RawMessage, match int64, author string) (catalog.Object, bool, error) {
	present, exists := f.objects[kind+"/"+code]
	if (match == MustNotExist && exists) || (match > 0 && present.Version != match) {
		return catalog.Object{}, false, fault.New(fault.Stale, "it has version %d", present.Version)
	}
	o := catalog.Object{Kind: kind, Code: code, Version: present.Version + 1, Body: body, Author: author, Origin: "api", ChangedAt: start}
	f.objects[kind+"/"+code] = o
	return o, !exists, nil
}

func (f *fakeConfiguration) Delete(ctx context.Context, kind, code string, match int64, author string) error {
	present, err := f.Get(ctx, kind, code)
	if err != nil {
		return err
	}
	if match > 0 && present.Version != match {
		return fault.New(fault.Stale, "it has version %d", present.Version)
	}
	delete(f.objects, kind+"/"+code)
	f.author = author
	return nil
}

// fakeScenarios keeps every version, newest last.
type fakeScenarios struct{ versions map[string][]Scenario }

func (f *fakeScenarios) List(_ context.Context, after string, limit int) (list []Scenario, next string, err error) {
	for _, code := range slices.Sorted(maps.Keys(f.versions)) {
		if code <= after {
			continue
		}
		if len(list) == limit {
			return list, list[limit-1].Code, nil
		}
		newest := f.versions[code][len(f.versions[code])-1]
		newest.Sources = nil
		list = append(list, newest)
	}
	return list, "", nil
}

func (f *fakeScenarios) Get(_ context.Context, code, version string) (Scenario, error) {
	for _, s := range slices.Backward(f.versions[code]) {
		if version == "" || s.Version == version {
			return s, nil
		}
	}
	return Scenario{}, fault.New(fault.NotFound, "there is no scenario %q %s", code, version)
}

func (f *fakeScenarios) Versions(_ context.Context, code string) ([]Scenario, error) {
	list := slices.Clone(f.versions[code])
	slices.Reverse(list)
	return list, nil
}

func (f *fakeScenarios) Diff(ctx context.Context, code, from, to string) (string, error) {
	a, err := f.Get(ctx, code, from)
	if err != nil {
		return "", err
	}
	b, err := f.Get(ctx, code, to)
	return "-" + a.Sources[code+".ts"] + "\n+" + b.Sources[code+".ts"] + "\n", err
}

func (f *fakeScenarios) Put(ctx context.Context, code string, sources map[string]string, match, author string) (Scenario, bool, error) {
	if strings.Contains(sources[code+".ts"], "syntax error") {
		return Scenario{}, false, fault.New(fault.Unprocessable, "the scenario does not compile").
			WithFields(fault.Field{Pointer: "/sources/" + code + ".ts", Detail: "1:1: syntax error"})
	}
	present, err := f.Get(ctx, code, "")
	if (match == "-" && err == nil) || (match != "" && match != "-" && match != present.Version) {
		return Scenario{}, false, fault.New(fault.Stale, "it has version %s", present.Version)
	}
	s := Scenario{Code: code, Version: fmt.Sprintf("v%d", len(f.versions[code])+1), Author: author, CreatedAt: start, Sources: sources}
	f.versions[code] = append(f.versions[code], s)
	return s, err != nil, nil
}

func (f *fakeScenarios) Delete(ctx context.Context, code, _, _ string) error {
	_, err := f.Get(ctx, code, "")
	delete(f.versions, code)
	return err
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

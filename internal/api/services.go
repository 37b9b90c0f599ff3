package api

import (
	"context"
	"encoding/json"
	"time"

	"junctor/internal/catalog"
	"junctor/internal/run"
)

// Runs is what the door needs of the engine; *run.Engine is one. See the end
// of run's view.go for what the methods promise.
type Runs interface {
	Get(ctx context.Context, id string) (*run.Info, error)
	List(ctx context.Context, f run.Filter) (runs []run.Info, next string, err error)
	Count(ctx context.Context, f run.Filter) (int64, error)
	Retry(ctx context.Context, id string) (*run.Info, error)
	Rerun(ctx context.Context, id string, o run.RerunOptions) (*run.Info, error)
	Cancel(ctx context.Context, id string) (*run.Info, error)
	Terminate(ctx context.Context, id string) (*run.Info, error)
	Nodes(ctx context.Context) ([]run.NodeInfo, error)
	Purge(ctx context.Context, o run.PurgeOptions) (int64, error)
}

// Configuration is what the door needs of configuration as code. Errors carry
// codes: fault.NotFound, fault.Stale when a condition does not hold,
// fault.Unprocessable with every offending place.
type Configuration interface {
	// Plan and Apply take a whole configuration as the client sends it (a
	// config.Set) and answer as `junctor apply --json` prints it.
	Plan(ctx context.Context, set json.RawMessage, o ChangeOptions) (any, error)
	Apply(ctx context.Context, set json.RawMessage, o ChangeOptions) (any, error)
	// Export is the reverse: the whole configuration, without values of secrets.
	Export(ctx context.Context) (any, error)

	Get(ctx context.Context, kind, code string) (catalog.Object, error)
	// List goes by code; next is the code to continue after, "" at the end.
	List(ctx context.Context, kind, after string, limit int) (list []catalog.Object, next string, err error)
	// Put creates or replaces one object. match is its version, Always, or
	// MustNotExist.
	Put(ctx context.Context, kind, code string, body json.RawMessage, match int64, author string) (o catalog.Object, created bool, err error)
	Delete(ctx context.Context, kind, code string, match int64, author string) error
}

// Conditions of a write other than "it has this version".
const (
	Always       int64 = 0
	MustNotExist int64 = -1
)

// ChangeOptions say who changes the configuration and how far.
type ChangeOptions struct {
	Author string
	Prune  bool // also remove what was not made from files
}

// Scenarios is what the door needs of the scenarios and their versions.
type Scenarios interface {
	// List goes by code, newest version of each, without sources.
	List(ctx context.Context, after string, limit int) (list []Scenario, next string, err error)
	// Get gives one version with its sources; "" is the newest.
	Get(ctx context.Context, code, version string) (Scenario, error)
	// Versions gives all of them, newest first, without sources.
	Versions(ctx context.Context, code string) ([]Scenario, error)
	// Diff is the difference of two versions' sources as a unified diff.
	Diff(ctx context.Context, code, from, to string) (string, error)
	// Put compiles and makes a version. match is the newest version's name, ""
	// for no condition, "-" for "there must be none". Compile errors are a
	// fault.Unprocessable.
	Put(ctx context.Context, code string, sources map[string]string, match, author string) (s Scenario, created bool, err error)
	// Delete removes the scenario from the configuration; versions that runs
	// have pinned stay. match is as in Put.
	Delete(ctx context.Context, code, match, author string) error
}

// Scenario is one version of one scenario.
type Scenario struct {
	Code      string            `json:"code"`
	Version   string            `json:"version"` // by content
	Author    string            `json:"author"`
	CreatedAt time.Time         `json:"created_at"`
	Warnings  []string          `json:"warnings,omitempty"`
	Sources   map[string]string `json:"sources,omitempty"` // path -> text; one scenario only, not in lists
}

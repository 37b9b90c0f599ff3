package api

import (
	"context"
	"encoding/json"
	"time"

	"junctor/internal/catalog"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// Runs is what the door needs of the engine; *run.Engine is one. See the end
// of run's view.go for what the methods promise.
type Runs interface {
	Accept(ctx context.Context, s run.Start) (run.Accepted, error)
	Await(ctx context.Context, s run.Start, timeout time.Duration) (run.Result, error)
	Get(ctx context.Context, id string) (*run.Info, error)
	List(ctx context.Context, f run.Filter) (runs []run.Info, next string, err error)
	Count(ctx context.Context, f run.Filter) (int64, error)
	Retry(ctx context.Context, id string) (*run.Info, error)
	Rerun(ctx context.Context, id string, o run.RerunOptions) (*run.Info, error)
	Cancel(ctx context.Context, id string) (*run.Info, error)
	Terminate(ctx context.Context, id string) (*run.Info, error)
	Nodes(ctx context.Context) ([]run.NodeInfo, error)
	Purge(ctx context.Context, o run.PurgeOptions) (int64, error)
	Erase(ctx context.Context, subject string, dryRun bool) (run.Erased, error)
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

	// Unreferred is a fault.Conflict when something refers to a secret.
	Unreferred(ctx context.Context, secret string) error

	Get(ctx context.Context, kind, code string) (catalog.Object, error)
	// List goes by code; next is the code to continue after, "" at the end.
	List(ctx context.Context, kind, after string, limit int) (list []catalog.Object, next string, err error)
	// Put creates or replaces one object. A scenario's body has its sources, or
	// the version to go back to.
	Put(ctx context.Context, kind, code string, body json.RawMessage, e Edit) (catalog.Object, error)
	Delete(ctx context.Context, kind, code string, e Edit) error
}

// Edit says who changes one object, and on what condition.
type Edit struct {
	Author  string
	IfMatch *int64 // the version it must have, 0: it must not exist yet; nil: no condition

	AllowDrop bool // of a class: also when it loses data
}

// ChangeOptions say who changes the configuration and how far.
type ChangeOptions struct {
	Author    string
	Prune     bool // also remove what was not made from files
	AllowDrop bool // also what makes classes lose data
}

// Versions is what the door needs of the scenarios' versions;
// *scenario.Versions is one.
type Versions interface {
	Get(ctx context.Context, code, version string) (scenario.Version, error)
	List(ctx context.Context, code string) ([]scenario.Version, error) // latest first, without bundles
}

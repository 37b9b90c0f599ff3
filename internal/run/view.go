package run

import (
	"encoding/json"
	"errors"
	"time"
)

// State is where a run stands.
type State string

// The states of a run (2: "Runs and steps" of the reference).
const (
	Queued    State = "queued"    // accepted, not begun or released by its ordering key
	Running   State = "running"   // executing, or between two steps
	Waiting   State = "waiting"   // parked: for a time, an event, a retry, a child
	Succeeded State = "succeeded" // ended well
	Failed    State = "failed"    // retries used up, permanent error, or dead letter
	Cancelled State = "cancelled" // ended by hand
)

// States lists every state in the order of a run's life.
var States = []State{Queued, Running, Waiting, Succeeded, Failed, Cancelled}

// Ended reports whether nothing happens any more without a hand.
func (s State) Ended() bool { return s == Succeeded || s == Failed || s == Cancelled }

// Info is a run as people and the admin API see it.
type Info struct {
	ID         string          `json:"id"`
	State      State           `json:"state"`
	WaitingFor string          `json:"waiting_for,omitempty"` // time, event, retry, child; order when behind another of its key
	Program    string          `json:"program"`               // "scenario:CODE"
	Version    string          `json:"version"`
	Channel    string          `json:"channel,omitempty"`
	Function   string          `json:"function,omitempty"`   // that was called
	Account    string          `json:"account,omitempty"`    // who called it, by id
	Source     string          `json:"source,omitempty"`     // what else started it, such as schedule:CODE
	WebhookID  string          `json:"webhook_id,omitempty"` // of a delivery, as its receiver knows it
	Subject    string          `json:"subject,omitempty"`
	Tags       []string        `json:"tags,omitzero"` // of one run always, in lists where there are some
	Mode       string          `json:"mode"`
	Attempt    int             `json:"attempt"` // failed tries so far, plus the one going on
	Origin     string          `json:"origin,omitempty"`
	Parent     string          `json:"parent,omitempty"`
	Key        string          `json:"ordering_key,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	DueAt      *time.Time      `json:"due_at,omitempty"`
	FinishedAt *time.Time      `json:"finished_at,omitempty"`
	Erased     bool            `json:"erased,omitempty"` // its content was erased
	Error      *ErrorInfo      `json:"error,omitempty"`
	Input      json.RawMessage `json:"input,omitempty"`  // one run only, not in lists
	Output     json.RawMessage `json:"output,omitempty"` // one run only
	Awaits     []Awaited       `json:"awaits,omitempty"` // one run only, until it ends
	Steps      []Step          `json:"steps,omitzero"`   // one run only, and there always
	Logs       []LogLine       `json:"logs,omitzero"`    // one run only, and there always
}

// ErrorInfo is why a run failed, or why its last try did.
type ErrorInfo struct {
	Name      string `json:"name,omitempty"`
	Message   string `json:"message"`
	Stack     string `json:"stack,omitempty"` // positions in the scenario's TypeScript
	Permanent bool   `json:"permanent"`
	Steps     []int  `json:"steps,omitempty"` // the steps it came from: a retry makes them again
}

// Step is one journalled host call. Seq counts from 1 in the order of calls.
type Step struct {
	Seq        int             `json:"seq"`
	Name       string          `json:"name"`
	Arguments  json.RawMessage `json:"arguments,omitempty"`
	Result     json.RawMessage `json:"result,omitempty"`
	Error      json.RawMessage `json:"error,omitempty"`
	StartedAt  time.Time       `json:"started_at"`
	FinishedAt *time.Time      `json:"finished_at,omitempty"` // absent while under way
}

// Awaited is a sleep, a called run, an event or an answer that a run waits for.
type Awaited struct {
	Step  int             `json:"step"`
	Name  string          `json:"name"`
	For   json.RawMessage `json:"for,omitempty"`   // the step's arguments
	Until *time.Time      `json:"until,omitempty"` // absent: for ever
}

// LogLine is what a scenario wrote by log or console.
type LogLine struct {
	At    time.Time `json:"at"`
	Level string    `json:"level"` // debug, info, warn, error
	Text  string    `json:"text"`
}

// Choice is one state or several; in JSON a text or a list.
type Choice []State

// UnmarshalJSON takes a text like a list of one.
func (c *Choice) UnmarshalJSON(raw []byte) error {
	var one State
	if json.Unmarshal(raw, &one) == nil && one != "" {
		*c = Choice{one}
		return nil
	}
	var list []State
	if json.Unmarshal(raw, &list) != nil {
		return errors.New("must be a state or a list of states")
	}
	*c = list
	return nil
}

// Filter chooses runs for a list or an action; empty members choose all.
type Filter struct {
	State     Choice    `json:"state,omitempty"`
	Program   string    `json:"program,omitempty"`
	Channel   string    `json:"channel,omitempty"`
	Function  string    `json:"function,omitempty"`
	Account   string    `json:"account,omitempty"` // by id
	Source    string    `json:"source,omitempty"`
	WebhookID string    `json:"webhook_id,omitempty"`
	Subject   string    `json:"subject,omitempty"`
	Tag       string    `json:"tag,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	Q         string    `json:"q,omitempty"` // id, subject or tag, by prefix
	After     string    `json:"-"`           // cursor of the page before
	Limit     int       `json:"-"`           // 100 when 0, at most 1,000
}

// RerunOptions say from where and with what a new run repeats an old one.
type RerunOptions struct {
	FromStep int             `json:"from_step,omitempty"` // steps before it are kept; 0 (absent) or 1: none
	Version  string          `json:"version,omitempty"`   // same (default) or latest
	Input    json.RawMessage `json:"input,omitempty"`     // instead of the old one's
}

// NodeInfo is one process that executes runs.
type NodeInfo struct {
	ID        string    `json:"id"`
	Host      string    `json:"host"`
	Release   string    `json:"release"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"`
	Alive     bool      `json:"alive"`
	Executing int       `json:"executing"`
}

// PurgeOptions choose finished runs to delete for good.
type PurgeOptions struct {
	States    []State       `json:"states,omitempty"` // ended states; all of them when empty
	OlderThan time.Duration `json:"older_than"`       // since they ended
	DryRun    bool          `json:"dry_run,omitempty"`
}

// The engine's methods that serve the admin API:
//
//	Get(ctx, id) (*Info, error)                      fault.NotFound
//	List(ctx, Filter) ([]Info, next string, error)   newest first
//	Count(ctx, Filter) (int64, error)
//	Retry(ctx, id) (*Info, error)                    fault.Conflict unless it has failed
//	Rerun(ctx, id, RerunOptions) (*Info, error)
//	Cancel(ctx, id), Terminate(ctx, id) (*Info, error)
//	Nodes(ctx) ([]NodeInfo, error)
//	Purge(ctx, PurgeOptions) (int64, error)
//	Erase(ctx, subject, dryRun) (Erased, error)

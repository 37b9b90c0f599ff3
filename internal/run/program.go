package run

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"junctor/internal/db"
)

// Program is what a run executes: a scenario, or something built in. It must
// be deterministic in everything but the completions that Next hands it.
type Program interface {
	Execute(ctx context.Context, x *Execution) Outcome
}

// Programs finds the program of a run by name ("scenario:order") and version.
type Programs interface {
	// Errors: fault.NotFound when there is no such program or version.
	Program(ctx context.Context, name, version string) (Program, error)
	// Latest is the version that a new run would take.
	Latest(ctx context.Context, name string) (version string, err error)
}

// Outcome is how one execution of a program ended.
type Outcome struct {
	Output  []byte   // of a program that returned
	Failure *Failure // of one that failed
	Left    error    // ErrParked, ErrCancelled, ErrLost: it neither returned nor failed
}

// Failure is why an execution failed.
type Failure struct {
	ErrorInfo
	Calls []int // the calls whose error escaped, followed through causes
	Data  json.RawMessage
}

// Handlers is how the steps of programs are done, by step name.
type Handlers map[string]Handler

// Handler does one kind of step. Exactly one member is set, but for RowFirst.
type Handler struct {
	// External reaches outside the database: made at least once, after its
	// start is on disk, under the same Call.Key every time.
	External func(ctx context.Context, c *Call) ([]byte, error)
	// RowFirst says of an External that, as the first step of a run, it may begin
	// when the run's row is on disk: its start tells nothing that the row does not.
	RowFirst bool
	// Internal changes the database: made exactly once, committed together
	// with its journal entry. It may be repeated after a rollback.
	Internal func(tx *db.Tx, c *Call) ([]byte, error)
	// Read only looks; its result is journalled like any other.
	Read func(tx *db.Tx, c *Call) ([]byte, error)
	// Sleep says how long to wait.
	Sleep func(c *Call) (time.Duration, error)
	// Wait waits for something that others bring, see there.
	Wait *Wait
	// End says which other calls of the run end now, without result: of those that
	// sleep or wait. What a wait would have had, another one may have.
	End func(c *Call) (calls []int, err error)
	// Child says which run to start and to wait for.
	Child func(ctx context.Context, c *Call) (Start, error)
	// Spawn says which run to start and not to wait for; the result is {"id"}.
	Spawn func(ctx context.Context, c *Call) (Start, error)
	// Now answers from memory at once; its result is journalled.
	Now func(c *Call, now time.Time) ([]byte, error)
}

// Call is a step as its handler sees it.
type Call struct {
	Run, Program, Channel, Mode string
	Seq                         int
	Name                        string
	Args                        []byte // JSON
	Depth                       int    // of the run among its ancestors
	Nonce                       string // see Execution.Nonce
	WebhookID                   string // the run's Start.WebhookID
	Position                    int64  // of Wait.Begin: the end of the event log when the run began
}

// Key is the call's idempotency key, RUN.SEQ: the same on every try.
func (c *Call) Key() string { return c.Run + "." + strconv.Itoa(c.Seq) }

// StepError is a step's failure as it is journalled and handed to the program.
type StepError struct {
	Name       string          `json:"name"`
	Message    string          `json:"message"`
	Permanent  bool            `json:"permanent,omitempty"`   // trying again cannot help
	Held       bool            `json:"held,omitempty"`        // the step was not made: trying again is no further attempt
	RetryAfter time.Duration   `json:"retry_after,omitempty"` // nanoseconds; not before so long after the step's end
	Data       json.RawMessage `json:"data,omitempty"`
}

func (e *StepError) Error() string { return e.Name + ": " + e.Message }

// policy is how a run is treated.
func (e *Engine) policy(r *row) Policy { return e.policies(r.channel, r.function, r.source) }

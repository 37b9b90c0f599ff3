// Package script builds TypeScript into programs and executes them
// deterministically, within limits, one run at a time per virtual machine.
//
// A run is a coroutine: Start executes it until no job is left and returns
// what it called; the embedder settles one call at a time with Resume, until
// a turn says Done. Nothing of one run is visible to the next, and a runaway
// run ends with an Error while the others go on.
//
// The package must not know what a run, a channel or a step is: a call is a
// name and JSON text, its result is text, and it could execute in another
// process without anyone noticing.
package script

import (
	"errors"
	"time"
)

// Bundle is a built program: one piece of JavaScript with everything it
// imports. It can be kept and compiled again at any time.
type Bundle struct {
	Code     []byte            // JavaScript, CommonJS; its first line lists the exports
	Map      []byte            // source map, version 3, without the sources' text
	Sources  map[string]string // path -> text of the scenario's own files, without node_modules
	Hash     string            // SHA-256 of Code, hex
	Warnings []string
}

// Diagnostic is one mistake in the sources. File is "" when it has no place.
type Diagnostic struct {
	File         string
	Line, Column int // from 1; 0 when unknown
	Message      string
	Hint         string // what to do instead, "" when there is nothing to say
}

// Start is what a run begins with.
type Start struct {
	Program *Program
	Entry   string        // the export to execute, "default" or another
	Seed    uint64        // of Math.random and all other chance of the run
	Now     time.Time     // what Date shows in the first turn
	Args    []string      // handed to the module's enter, at most ten
	Spent   time.Duration // computing time of the run's earlier executions: part of Config.RunCPU
	// Turning is called with true before and with false after each turn executes; may be nil.
	Turning func(executing bool)
}

// Settle is the outcome of one call: Value is its result, or with OK false
// what the module's error function makes the rejection of.
type Settle struct {
	ID    int
	OK    bool
	Value string
	Now   time.Time // what Date shows from now on
}

// Turn is what came of executing until no job was left.
type Turn struct {
	Calls  []Call // made in this turn, in call order
	Done   bool   // the run ended: with Output, or badly with Err
	Output string
	Err    *Error
}

// Call is a host call that waits for Resume, or a notice that needs none.
type Call struct {
	ID         int // 1, 2, 3 in call order over the whole run; 0 for a notice
	Name, Args string
	Notice     bool
}

// Kind says why a run ended badly.
type Kind string

// The kinds. All but Thrown end the run whatever its code catches.
const (
	Thrown      Kind = "thrown"      // an exception left the scenario
	CPU         Kind = "cpu"         // a turn or the run computed for too long
	Memory      Kind = "memory"      // the memory limit was hit
	Stack       Kind = "stack"       // a recursion too deep left the scenario
	Output      Kind = "output"      // the answer is too large
	Calls       Kind = "calls"       // too many host calls
	Stuck       Kind = "stuck"       // computing in a native that cannot be interrupted
	Interrupted Kind = "interrupted" // Exec.Interrupt
	Stalled     Kind = "stalled"     // it waits for a promise that nothing settles
)

// Error is why a run ended badly.
type Error struct {
	Kind    Kind
	Name    string // of the exception: "TypeError"
	Message string
	Stack   string // one frame a line with positions in the sources; causes follow
	Origins []int  // IDs of the calls whose rejection this came from, through cause and errors
	Data    string // what the module's fail function said about the exception
}

func (e *Error) Error() string {
	if e.Name == "" {
		return e.Message
	}
	return e.Name + ": " + e.Message
}

// ErrClosed is returned by Start once the pool is closed.
var ErrClosed = errors.New("the script pool is closed")

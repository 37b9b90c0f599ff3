package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"modernc.org/quickjs"
)

var undefined = quickjs.UndefinedValue

// read understands what take of loop.js answered.
func (e *Exec) read(text string) *Turn {
	if text == "" {
		return e.broken(errors.New("the realm answered nothing"))
	}
	status := text[0]
	count, rest, ok := strings.Cut(text[1:], "\x00")
	n, err := strconv.Atoi(count)
	if !ok || err != nil {
		return e.broken(fmt.Errorf("the realm answered %.40q", text))
	}
	turn := &Turn{}
	if n > 0 {
		turn.Calls = make([]Call, n)
	}
	for i := range turn.Calls {
		var id, name, args string
		id, rest, _ = strings.Cut(rest, "\x00")
		name, rest, _ = strings.Cut(rest, "\x00")
		if args, rest, ok = strings.Cut(rest, "\x00"); !ok {
			return e.broken(fmt.Errorf("the realm answered %d calls of %d", i, n))
		}
		number, _ := strconv.Atoi(id)
		turn.Calls[i] = Call{ID: number, Name: name, Args: args, Notice: number == 0}
	}
	turn.Done = status != 'P'
	switch status {
	case 'D':
		turn.Output = rest
	case 'F':
		turn.Err = e.failure(rest)
	case 'L':
		e.kill(Kind(strings.ToLower(rest)))
		turn.Calls, turn.Err = nil, e.pool.death(*e.dead.Load())
	case 'S':
		turn.Err = &Error{Kind: Stalled, Name: "Error", Message: "the scenario waits for a promise that nothing settles"}
	}
	return turn
}

// failure makes an Error of the realm's description of what was thrown.
func (e *Exec) failure(description string) *Error {
	var thrown struct {
		Name, Message, Stack, Data string
		Origins                    []int
	}
	if err := json.Unmarshal([]byte(description), &thrown); err != nil {
		return &Error{Kind: Thrown, Name: "InternalError", Message: "the scenario threw something that cannot be described"}
	}
	out := &Error{Kind: Thrown, Name: thrown.Name, Message: thrown.Message, Origins: thrown.Origins, Data: thrown.Data}
	if thrown.Name == "ReferenceError" {
		out.Message = explainMissing(thrown.Message)
	}
	if thrown.Name == "InternalError" && overflow(thrown.Message) {
		out.Kind, out.Message = Stack, e.pool.death(Stack).Message
		e.kill(Stack)
	}
	out.Stack = e.program.Positions(thrown.Stack)
	return out
}

func overflow(message string) bool { return strings.Contains(message, "stack overflow") }

func isOverflow(err error) bool {
	var thrown *quickjs.Error
	return errors.As(err, &thrown) && thrown.Name == "InternalError" && overflow(thrown.Message)
}

// death words why a run may not go on.
func (p *Pool) death(k Kind) *Error {
	c := p.image.config
	messages := map[Kind]string{
		CPU:         fmt.Sprintf("the scenario computed for too long (at most %s in one go and %s in all)", c.TurnCPU, c.RunCPU),
		Memory:      fmt.Sprintf("the scenario needs more memory than it may have (%d MiB)", c.MemoryLimit>>20),
		Stack:       "the scenario's functions call each other too deeply (stack overflow)",
		Output:      fmt.Sprintf("the answer is larger than %d characters", c.MaxOutput),
		Calls:       fmt.Sprintf("the scenario made more than %d host calls", c.MaxCalls),
		Stuck:       fmt.Sprintf("the scenario computes in a function that cannot be interrupted; it was given up after %s", c.StuckAfter),
		Interrupted: "the run was terminated",
		Thrown:      "the scenario's machine failed",
	}
	return &Error{Kind: k, Name: "Error", Message: messages[k]}
}

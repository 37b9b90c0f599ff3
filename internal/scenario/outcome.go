package scenario

import (
	"encoding/json"
	"strings"

	"junctor/internal/run"
	"junctor/internal/script"
)

// announce passes a turn's calls and notices on, in their order.
func announce(x *run.Execution, turn *script.Turn) error {
	for _, c := range turn.Calls {
		if !c.Notice {
			x.Call(c.ID, c.Name, []byte(c.Args))
			continue
		}
		if err := notice(x, c); err != nil {
			return err
		}
	}
	return nil
}

// notice does what a scenario says about its own run.
func notice(x *run.Execution, c script.Call) error {
	switch c.Name {
	case "subject":
		x.Subject(c.Args)
	case "tag":
		x.Tag(c.Args)
	case "respond":
		return x.Respond([]byte(c.Args))
	case "log":
		var line struct{ Level, Message string }
		if err := json.Unmarshal([]byte(c.Args), &line); err != nil {
			return nil // the module's own JavaScript makes these; a broken one is no reason to fail a run
		}
		x.Log(line.Level, line.Message)
	}
	return nil
}

// settlement is a completion as the script engine takes it.
func settlement(c run.Completion) script.Settle {
	if c.Err == nil {
		return script.Settle{ID: c.Call, OK: true, Value: string(c.Result), Now: c.At}
	}
	value, err := json.Marshal(c.Err)
	if err != nil {
		value = []byte(`{"name":"Error","message":"the step failed"}`)
	}
	return script.Settle{ID: c.Call, Value: string(value), Now: c.At}
}

// Verdict is what the module says about an error that left a scenario.
type Verdict struct {
	Answer       json.RawMessage `json:"answer"`       // it is a Problem: what the caller is answered; otherwise nil
	Permanent    bool            `json:"permanent"`    // the same again would fail again
	Unauthorized bool            `json:"unauthorized"` // in validate: the message is refused with 401
}

// VerdictOf reads the module's words about e. The zero value is for an error
// that the module has not seen, such as a limit.
func VerdictOf(e *script.Error) (v Verdict) {
	if e.Data == "" || json.Unmarshal([]byte(e.Data), &v) != nil {
		return Verdict{}
	}
	return v
}

// Failure is how an error that left a scenario is kept and shown. Exceeding a
// limit is permanent, and its name is that of the limit: "Limit:memory".
func Failure(e *script.Error) run.ErrorInfo {
	info := run.ErrorInfo{
		Name: e.Name, Message: e.Message, Stack: strings.TrimSpace(e.Stack), Permanent: VerdictOf(e).Permanent,
	}
	if e.Kind != script.Thrown {
		info.Name, info.Permanent = "Limit:"+string(e.Kind), true
	}
	return info
}

// outcome is a finished scenario as the engine takes it. A Problem is an
// answer; every other error is a failure, which is permanent when it says so,
// or when it comes of a limit: the same again would exceed it again.
func (e *execution) outcome(x *run.Execution, turn *script.Turn) run.Outcome {
	if turn.Err == nil {
		var output []byte
		if turn.Output != "" {
			output = []byte(turn.Output)
		}
		return run.Outcome{Output: output}
	}
	if turn.Err.Kind == script.Interrupted {
		return run.Outcome{Left: x.Interrupted()}
	}
	if answer := VerdictOf(turn.Err).Answer; answer != nil {
		return run.Outcome{Output: answer}
	}
	return run.Outcome{Failure: &run.Failure{ErrorInfo: Failure(turn.Err), Calls: turn.Err.Origins}}
}

package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/run"
)

// play is the scenarios that one test runs. The test's mocks are JavaScript, so
// whenever a scenario makes a mocked step, the test is told and answers.
type play struct {
	world  *World
	runs   map[int]*Run // that wait for an answer of the test
	failed []*Report
	last   int
}

// most bounds the scenarios that a test runs at the same time; each of them
// holds a virtual machine.
const most = 32

// serve answers what the test asks for: "trial.run" to begin a scenario,
// "trial.answer" to go on with one. Either is answered by
// {"run","asked":{"step","args"}} or {"report"}.
func (p *play) serve(ctx context.Context, c *run.Call) (Reply, error) {
	var value any
	var err error
	switch c.Name {
	case "trial.run":
		value, err = p.begin(ctx, c.Args)
	case "trial.answer":
		value, err = p.answer(ctx, c.Args)
	default:
		err = wrong("%s is a step of scenarios; a test itself may use kv, sleep, now and the pure helpers", c.Name)
	}
	var f *fault.Error
	if errors.As(err, &f) {
		text := worded(f)
		return Reply{Error: &text}, nil
	}
	if err != nil {
		return Reply{}, err
	}
	text, err := json.Marshal(value)
	return Reply{Value: text}, err
}

func (p *play) begin(ctx context.Context, args []byte) (any, error) {
	var a struct {
		Scenario string          `json:"scenario"`
		Input    json.RawMessage `json:"input"`
		Mocks    []string        `json:"mocks"`
	}
	if err := json.Unmarshal(args, &a); err != nil {
		return nil, err
	}
	in, found := DecodeInput(a.Input)
	if len(found) > 0 {
		return nil, wrong("the message for scenario %q is not valid", a.Scenario).WithFields(found...)
	}
	if len(p.runs) >= most {
		return nil, wrong("more than %d scenarios run at the same time; await some of them", most)
	}
	r, err := p.world.Start(ctx, a.Scenario, in)
	if err != nil {
		return nil, err
	}
	p.last++
	return p.next(ctx, p.last, r, a.Mocks)
}

func (p *play) answer(ctx context.Context, args []byte) (any, error) {
	var a struct {
		Run   int             `json:"run"`
		Reply json.RawMessage `json:"reply"`
		Mocks []string        `json:"mocks"`
	}
	if err := json.Unmarshal(args, &a); err != nil {
		return nil, err
	}
	r := p.runs[a.Run]
	if r == nil || r.asked == nil {
		return nil, fmt.Errorf("no run %d waits for an answer", a.Run)
	}
	delete(p.runs, a.Run)
	reply, found := decodeReply(a.Reply, r.asked.Name)
	if len(found) > 0 {
		step := r.asked.Name
		r.Close()
		return nil, wrong("what the mock of %s answered is not valid", step).WithFields(found...)
	}
	if err := r.Answer(reply); err != nil {
		return nil, err
	}
	return p.next(ctx, a.Run, r, a.Mocks)
}

// next leads a run to its next mocked step, or to its end.
func (p *play) next(ctx context.Context, id int, r *Run, mocks []string) (any, error) {
	call, err := r.Next(ctx, func(step string) bool { return slices.Contains(mocks, step) })
	if err != nil {
		r.Close()
		return nil, err
	}
	if call == nil {
		if r.report.State == run.Failed {
			p.failed = append(p.failed, r.report)
		}
		return map[string]any{"report": r.Report()}, nil
	}
	if !slices.Contains(mocks, call.Name) {
		r.Close()
		return nil, wrong("scenario %q calls %s, and nothing answers it: %s", r.code, describe(call), sample(call.Name))
	}
	p.runs[id] = r
	return map[string]any{"run": id, "asked": map[string]any{"step": call.Name, "args": json.RawMessage(call.Args)}}, nil
}

// explain says which scenarios have failed: a test that did not expect it shows
// only what it wanted instead.
func (p *play) explain() string {
	var b strings.Builder
	for _, o := range p.failed {
		fmt.Fprintf(&b, "\nscenario %q failed: %s: %s", o.Scenario, o.Error.Name, o.Error.Message)
		if at, _, ok := strings.Cut(o.Error.Stack+"\n", "\n"); ok && at != "" {
			b.WriteString("\n  " + strings.TrimSpace(at))
		}
	}
	return b.String()
}

func (p *play) close() {
	for _, r := range p.runs {
		r.Close()
	}
}

// describe is a call in words.
func describe(c *run.Call) string {
	a := argumentsOf(c)
	words := []string{c.Name}
	for _, key := range identifying(c.Name) {
		if text, ok := a[key].(string); ok {
			words = append(words, text)
		}
	}
	return strings.Join(words, " ")
}

func sample(step string) string {
	answer := "value"
	switch step {
	case waitStep:
		answer = "({ data: {} })"
	case decisionStep:
		answer = `({ choice: "approve" })`
	case httpStep:
		answer = "({ status: 200, json: {} })"
	}
	return fmt.Sprintf("mock(%q, (call) => %s)", step, answer)
}

func wrong(format string, args ...any) *fault.Error {
	return fault.New(fault.Unprocessable, format, args...)
}

// worded is an error with the places of what is wrong.
func worded(f *fault.Error) string {
	text := f.Detail
	for _, field := range f.Fields {
		text += "\n" + strings.TrimPrefix(field.Pointer+": "+field.Detail, ": ")
	}
	return text
}

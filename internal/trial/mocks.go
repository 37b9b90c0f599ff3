package trial

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/strict"
)

// Mocks are the answers of a mock file, in its order.
type Mocks []*Mock

// Mock answers a kind of step.
type Mock struct {
	Step  string         `json:"step" strict:"required"`
	Match map[string]any `json:"match"` // arguments that a call must have; in texts * stands for anything
	Times int            `json:"times"` // how many calls it answers; 0: all
	Reply

	used int
}

// ParseMocks reads a mock file, YAML or JSON: a list of mocks. What is wrong
// with it is a fault.Unprocessable with all its places.
func ParseMocks(text []byte, steps []string) (Mocks, error) {
	wrong := fault.New(fault.Unprocessable, "The mocks are not valid.")
	if !json.Valid(text) {
		var err error
		if text, err = fromYAML(text); err != nil {
			return nil, wrong.WithFields(fault.Field{Detail: yaml.FormatError(err, false, false)})
		}
	}
	var all Mocks
	found := strict.Decode(text, &all)
	for i, m := range all {
		at := fmt.Sprintf("/%d", i)
		if m == nil {
			found = append(found, fault.Field{Pointer: at, Detail: "is empty"})
			continue
		}
		for _, f := range m.check(steps) {
			found = append(found, fault.Field{Pointer: at + f.Pointer, Detail: f.Detail})
		}
	}
	if len(found) > 0 {
		return nil, wrong.WithFields(found...)
	}
	return all, nil
}

// fromYAML is a document as JSON. The library's own conversion writes JSON that
// is none for texts with control characters.
func fromYAML(text []byte) ([]byte, error) {
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	return json.Marshal(document)
}

func (m *Mock) check(steps []string) (found []fault.Field) {
	if m.Step == "" {
		return nil // strict has said so
	}
	if !slices.Contains(steps, m.Step) {
		return append(found, fault.Field{Pointer: "/step", Detail: strict.Unknown(m.Step, steps)})
	}
	found = m.Reply.check(m.Step)
	if m.Times < 0 {
		found = append(found, fault.Field{Pointer: "/times", Detail: "is a number from 1"})
	}
	return found
}

// Has reports whether there is a mock for the step at all.
func (m Mocks) Has(step string) bool {
	for _, one := range m {
		if one.Step == step {
			return true
		}
	}
	return false
}

// Reply is what the first mock that fits the call answers.
func (m Mocks) Reply(c *run.Call) (Reply, bool) {
	arguments := argumentsOf(c)
	for _, one := range m {
		if one.Step == c.Name && (one.Times == 0 || one.used < one.Times) && fits(one.Match, arguments) {
			one.used++
			return one.Reply, true
		}
	}
	return Reply{}, false
}

// argumentsOf are a call's arguments as mocks see them: a request by the
// channel's own way out has a connection too.
func argumentsOf(c *run.Call) map[string]any {
	var a map[string]any
	if json.Unmarshal(c.Args, &a) != nil || a == nil {
		a = map[string]any{}
	}
	if _, ok := a["connection"]; !ok && c.Name == httpStep {
		a["connection"] = "channel.external"
	}
	return a
}

func fits(pattern, arguments map[string]any) bool {
	for name, want := range pattern {
		got, ok := arguments[name]
		if !ok {
			return false
		}
		text, isText := want.(string)
		if s, ok := got.(string); ok && isText {
			if !like(text, s) {
				return false
			}
			continue
		}
		a, errA := json.Marshal(want)
		b, errB := json.Marshal(got)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			return false
		}
	}
	return true
}

// like compares a text with a pattern in which * stands for any text.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// Missing says that nothing answers the call, and which entry of a mock file would.
func Missing(c *run.Call) string {
	return fmt.Sprintf("step %d, %s, is answered by no mock. This entry of the mock file would:\n%s", c.Seq, c.Name, proposal(c))
}

func proposal(c *run.Call) string {
	a := argumentsOf(c)
	answer := "  value: null"
	switch c.Name {
	case waitStep:
		answer = "  value: { data: {} }"
	case decisionStep:
		answer = "  value: { choice: approve }"
	case httpStep:
		answer = "  status: 200\n  json: {}"
	}
	var match []string
	for _, key := range identifying(c.Name) {
		if text, ok := a[key].(string); ok {
			quoted, _ := json.Marshal(text) //nolint:errcheck // a text
			match = append(match, key+": "+string(quoted))
		}
	}
	entry := "- step: " + c.Name + "\n"
	if len(match) > 0 {
		entry += "  match: { " + strings.Join(match, ", ") + " }\n"
	}
	return entry + answer
}

// identifying are the arguments that tell the calls of a step apart.
func identifying(step string) []string {
	switch step {
	case httpStep:
		return []string{"connection", "method", "path"}
	case waitStep:
		return []string{"type", "subject"}
	case "runs.call", "runs.start":
		return []string{"scenario"}
	}
	return nil
}

// Play executes a scenario to its end with the mocks.
func (r *Run) Play(ctx context.Context, mocks Mocks) error {
	defer r.Close()
	for {
		call, err := r.Next(ctx, mocks.Has)
		if call == nil || err != nil {
			return err
		}
		reply, ok := mocks.Reply(call)
		switch {
		case ok:
			err = r.Answer(reply)
		case r.world.outside(call.Name):
			r.Abort("NoMock", Missing(call))
		default: // its mocks are for other calls
			err = r.perform(ctx, call)
		}
		if err != nil {
			return err
		}
	}
}

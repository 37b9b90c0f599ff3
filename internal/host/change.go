package host

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"junctor/internal/class"
	"junctor/internal/right"
	"junctor/internal/scenario"
)

// Change is what a scenario is handed that a rule or a button of a class starts.
type Change struct {
	Class   *class.Class
	Action  string          // created, updated, deleted, or a button's code
	Record  json.RawMessage // a whole row, as record has it
	Before  json.RawMessage // nil for none
	Changed []string
	Account right.Account // who did it; the zero Account for a run and for another program
	Run     string        // that did it, "" for none
}

// Input is the change as a run's input: see RecordChange in junctor.d.ts.
func (c Change) Input() (scenario.Input, error) {
	var out struct {
		Class   string          `json:"class"`
		Action  string          `json:"action"`
		Record  json.RawMessage `json:"record"`
		Before  json.RawMessage `json:"before"`
		Changed []string        `json:"changed"`
		Account *account        `json:"account"`
		Run     *string         `json:"run"`
	}
	out.Class, out.Action, out.Changed = c.Class.Code, c.Action, append([]string{}, c.Changed...)
	if c.Account.Login != "" {
		out.Account = &account{c.Account.ID, c.Account.Login, c.Account.Kind}
	}
	if c.Run != "" {
		out.Run = &c.Run
	}
	var err error
	if out.Record, err = marked(c.Class, c.Record); err == nil {
		out.Before, err = marked(c.Class, c.Before)
	}
	if err != nil {
		return scenario.Input{}, fmt.Errorf("hand over a record of the class %s: %w", c.Class.Code, err)
	}
	content, err := json.Marshal(out)
	return scenario.Input{Source: scenario.ChangeSource, Content: content}, err
}

type account struct {
	ID    string `json:"id"`
	Login string `json:"login"`
	Kind  string `json:"kind"`
}

// marked is a row as records.js reads it.
func marked(c *class.Class, row json.RawMessage) (json.RawMessage, error) {
	if row == nil {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(row, &members); err != nil {
		return nil, err
	}
	var m marks
	b := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, name), ':')
		column := columnOf(c, name)
		if column == nil || !column.Type.IsNumber() {
			b = append(b, members[name]...)
			continue
		}
		v, err := column.FromJSON(members[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		b = m.appendValue(b, name, v)
	}
	return append(m.append(b), '}'), nil
}

package trial

import (
	"encoding/json"
	"time"

	"junctor/internal/fault"
	"junctor/internal/run"
)

const decisionStep = "approval.decision"

// decision is what a mock says that somebody has decided.
type decision struct {
	Choice  string    `json:"choice"`
	Comment string    `json:"comment"`
	By      *string   `json:"by"`
	Via     string    `json:"via"`
	At      time.Time `json:"at"`
}

// checkDecision says what is wrong with a mock's value.
func checkDecision(value json.RawMessage) (found []fault.Field) {
	var d *decision
	if value == nil || json.Unmarshal(value, &d) != nil || d != nil && d.Choice == "" {
		found = append(found, fault.Field{Pointer: "/value", Detail: `is a decision, like { choice: "approve" }, or null when nobody decides in time`})
	}
	return found
}

// decided is what people decide, at once; or nothing, when the time is over.
func (w *World) decided(c *run.Call, value json.RawMessage) (done, error) {
	var asked struct {
		Until time.Time `json:"until"`
	}
	if err := json.Unmarshal(c.Args, &asked); err != nil {
		return done{}, err
	}
	d := &decision{Via: "api", At: w.now}
	if err := json.Unmarshal(value, &d); err != nil {
		return done{}, err
	}
	if d == nil {
		return done{result: []byte("null"), after: max(0, asked.Until.Sub(w.now))}, nil
	}
	result, err := json.Marshal(d)
	return done{result: result}, err
}

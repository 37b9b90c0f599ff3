package trial

import (
	"encoding/json"
	"reflect"
	"time"

	"junctor/internal/fault"
	"junctor/internal/scenario"
	"junctor/internal/schedule"
	"junctor/internal/strict"
)

// bySchedule reports whether a scenario is tried as its schedule starts it: it has
// one and no channel, and nothing is said of what it is handed.
func (l *Lab) bySchedule(code string, in Input) bool {
	_, scheduled := l.options.Schedules[code]
	_, channel := l.options.Channels[code]
	return scheduled && !channel && reflect.ValueOf(in).IsZero()
}

// scheduled is what a scenario is handed that a schedule starts: given says what
// is not as usual. See Schedule in junctor.d.ts.
func (w *World) scheduled(code string, given json.RawMessage) (scenario.Input, error) {
	var g struct {
		Code     string          `json:"code"`
		Due      *time.Time      `json:"due"`
		LateBy   float64         `json:"lateBy"`
		Previous *time.Time      `json:"previous"`
		Manual   bool            `json:"manual"`
		Input    json.RawMessage `json:"input"`
	}
	if found := strict.Decode(given, &g); len(found) > 0 {
		return scenario.Input{}, fault.New(fault.Unprocessable, "The schedule is not valid.").WithFields(found...)
	}
	c, known := w.lab.options.Schedules[code]
	if !known {
		c.Code = "trial"
	}
	if g.Code != "" {
		c.Code = g.Code
	}
	h := schedule.Handed{Due: w.now, Late: time.Duration(g.LateBy * float64(time.Millisecond)), Manual: g.Manual, Input: g.Input}
	if g.Due != nil {
		h.Due = *g.Due
	}
	var previous time.Time
	if g.Previous != nil {
		previous = *g.Previous
	}
	return c.Given(h, previous)
}

package function

import (
	"encoding/json"
	"fmt"
	"time"

	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

// Config is one function as configured, with every default filled in.
type Config struct {
	Code     string
	Scenario string // the scenario's code
	Comment  string
	Enabled  bool          // false: it is not there
	Timeout  time.Duration // how long a caller waits at most
	Attempts int           // of a run, the first included
}

// The defaults of a function. As with an awaited channel, a caller is not kept
// waiting by attempts that nobody asked for.
const (
	DefaultTimeout  = 30 * time.Second
	DefaultAttempts = 1
)

const (
	longestTimeout = 24 * time.Hour
	mostAttempts   = 1000
)

// Parse reads a function's body as it stands under its code in junctor.yaml, as
// JSON. What is wrong has pointers into the body; the Config is of use only when
// nothing is. Whether the scenario exists is for the caller to check.
func Parse(code string, body json.RawMessage) (Config, []fault.Field) {
	var w struct {
		Scenario string         `json:"scenario" strict:"required"`
		Comment  string         `json:"comment"`
		Enabled  *bool          `json:"enabled"`
		Timeout  *unit.Duration `json:"timeout"`
		Retry    struct {
			Attempts *int `json:"attempts"`
		} `json:"retry"`
	}
	found := strict.Decode(body, &w)
	c := Config{Code: code, Scenario: w.Scenario, Comment: w.Comment, Enabled: true, Timeout: DefaultTimeout, Attempts: DefaultAttempts}
	if len(found) > 0 {
		return c, found
	}
	add := func(pointer, format string, args ...any) {
		found = append(found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	}
	if w.Scenario == "" {
		add("/scenario", "must not be empty")
	}
	if w.Enabled != nil {
		c.Enabled = *w.Enabled
	}
	if w.Timeout != nil {
		if c.Timeout = time.Duration(*w.Timeout); c.Timeout < time.Millisecond || c.Timeout > longestTimeout {
			add("/timeout", "must be from 1ms to %s", unit.FormatDuration(longestTimeout))
		}
	}
	if w.Retry.Attempts != nil {
		if c.Attempts = *w.Retry.Attempts; c.Attempts < 1 || c.Attempts > mostAttempts {
			add("/retry/attempts", "must be from 1 to %d; the first attempt counts", mostAttempts)
		}
	}
	return c, found
}

package host

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	stdhttp "net/http"
	"strings"

	"junctor/internal/class"
	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/run"
)

// Answered gives what http.request gives for an answer that came from no
// connection but from a mock. The error is a *run.StepError.
func Answered(c *run.Call, response *http.Response) ([]byte, error) {
	var a httpArgs
	if err := arguments(c, &a); err != nil {
		return nil, err
	}
	failed := response.Failure()
	var class *connection.Error
	if errors.As(failed, &class) { // it does not know whom it speaks for
		label := "channel.external"
		if a.Connection != nil {
			label = fmt.Sprintf("connection %q", *a.Connection)
		}
		path, _, _ := strings.Cut(a.Path, "?")
		class.Message = fmt.Sprintf("%s answered %s to %s %s", label,
			strings.TrimSpace(fmt.Sprintf("%d %s", response.Status, stdhttp.StatusText(response.Status))), a.Method, path)
	}
	return a.result(response, failed)
}

//go:embed testing.d.ts
var testDeclarations string

// TestDeclarations is testing.d.ts, the reference of the module "junctor/test".
func TestDeclarations() string { return testDeclarations }

// Recorded is the value of a mock that answers a step on records of a class, as
// records.js reads it. c may be nil.
func Recorded(c *class.Class, value json.RawMessage) json.RawMessage {
	if c == nil {
		return value
	}
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil && list != nil {
		for i, one := range list {
			list[i] = Recorded(c, one)
		}
		if all, err := json.Marshal(list); err == nil {
			return all
		}
		return value
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil || members == nil {
		return value
	}
	if row, err := marked(c, value); err == nil {
		return row
	}
	return value // what the mock says is no record of the class: the scenario sees what it is
}

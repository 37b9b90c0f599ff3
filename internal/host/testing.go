package host

import (
	_ "embed"
	"errors"
	"fmt"
	stdhttp "net/http"
	"strings"

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

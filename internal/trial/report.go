package trial

import (
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"junctor/internal/content"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// Report is what came of a run: what its caller is answered, and what happened
// on the way.
type Report struct {
	Scenario string            `json:"scenario"`
	State    run.State         `json:"state"` // succeeded, failed or refused
	Status   int               `json:"status"`
	Headers  map[string]string `json:"headers"`
	JSON     json.RawMessage   `json:"json,omitempty"` // the content, when it is JSON
	Text     *string           `json:"text,omitempty"` // the content, when it is text
	Base64   *string           `json:"base64,omitempty"`
	Subject  string            `json:"subject,omitempty"`
	Tags     []string          `json:"tags,omitempty"`
	Error    *run.ErrorInfo    `json:"error,omitempty"`
	Steps    []run.Step        `json:"steps"`
	Logs     []run.LogLine     `json:"logs"`
}

func newReport(code string) *Report {
	return &Report{Scenario: code, Headers: map[string]string{}, Steps: []run.Step{}, Logs: []run.LogLine{}}
}

// Refused is the state of a message that validate did not let in: on a server
// there is no run of it.
const Refused run.State = "refused"

// note takes what the scenario said in its last turn, and the calls to make.
func (r *Run) note() {
	for _, c := range r.turn.Calls {
		switch {
		case !c.Notice:
			r.fresh = append(r.fresh, c)
		case c.Name == "subject":
			r.report.Subject = c.Args
		case c.Name == "tag":
			r.report.Tags = append(r.report.Tags, c.Args)
		case c.Name == "respond" && r.output == "":
			r.output = c.Args
		case c.Name == "log":
			r.report.log(r, c.Args)
		}
	}
}

func (o *Report) log(r *Run, args string) {
	var line struct{ Level, Message string }
	if json.Unmarshal([]byte(args), &line) == nil {
		o.Logs = append(o.Logs, run.LogLine{At: r.world.now, Level: line.Level, Text: line.Message})
	}
}

// conclude makes the report of the last turn.
func (r *Run) conclude() {
	output, failed := r.turn.Output, r.turn.Err
	if r.output != "" {
		output = r.output
	}
	if failed != nil {
		answer := scenario.VerdictOf(failed).Answer
		if answer == nil {
			why := scenario.Failure(failed)
			why.Steps = failed.Origins
			r.report.fail(why)
		} else if r.output == "" {
			output = string(answer)
		}
	}
	if r.report.Error == nil || r.output != "" {
		r.report.answer([]byte(output))
	}
	r.Close()
}

// fail makes it the report of a failed run, whose caller is answered by 502.
func (o *Report) fail(why run.ErrorInfo) {
	o.State, o.Status, o.Error = run.Failed, http.StatusBadGateway, &why
}

// answer adds what the caller gets.
func (o *Report) answer(output []byte) {
	a, err := content.DecodeAnswer(output)
	if err != nil {
		o.fail(run.ErrorInfo{Name: "Error", Message: err.Error(), Permanent: true})
		return
	}
	o.Status = a.Status
	if o.Error == nil {
		o.State = run.Succeeded
	}
	for name, values := range a.Header {
		o.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type")) //nolint:errcheck // of another type then
	switch {
	case len(a.Body) == 0:
	case (kind == "application/json" || strings.HasSuffix(kind, "+json")) && json.Valid(a.Body):
		o.JSON = a.Body
	case utf8.Valid(a.Body):
		text := string(a.Body)
		o.Text = &text
	default:
		o.Base64 = encoded(a.Body)
	}
}

// shown is a step's result as JSON.
func shown(result []byte) json.RawMessage {
	if len(result) == 0 || !json.Valid(result) {
		return nil
	}
	return result
}

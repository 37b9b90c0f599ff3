package trial

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	stdhttp "net/http"
	"strings"
	"time"

	"junctor/internal/connection/http"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/strict"
)

// Reply is what a mock answers a step with: Status, Headers and a content for
// http.request, Value for any other step, or Error for either.
type Reply struct {
	Status  int               `json:"status"` // 200 when 0
	Headers map[string]values `json:"headers"`
	JSON    json.RawMessage   `json:"json"`
	Text    *string           `json:"text"`
	Base64  *string           `json:"base64"`

	Value json.RawMessage `json:"value"`

	Error     *string `json:"error"` // the step fails; of http.request: no answer came
	Permanent bool    `json:"permanent"`
}

// decodeReply reads a reply to the step from JSON and says what is wrong with it.
func decodeReply(text []byte, step string) (Reply, []fault.Field) {
	var r Reply
	found := strict.Decode(text, &r)
	return r, append(found, r.check(step)...)
}

// check says what is wrong with a reply to the step.
func (r *Reply) check(step string) (found []fault.Field) {
	wrong := func(pointer, detail string) { found = append(found, fault.Field{Pointer: pointer, Detail: detail}) }
	if step == waitStep && r.Error == nil {
		var event map[string]json.RawMessage
		if json.Unmarshal(r.Value, &event) != nil {
			wrong("/value", `is an event, like { data: {} }, or null when none comes in time`)
		}
	}
	if step != httpStep {
		if r.Status != 0 || r.Headers != nil || r.JSON != nil || r.Text != nil || r.Base64 != nil {
			wrong("", "has members for http.request only; "+step+" is answered with value")
		}
		if step == decisionStep && r.Error == nil {
			found = append(found, checkDecision(r.Value)...)
		}
		return found
	}
	if r.Value != nil {
		wrong("/value", "is for other steps; http.request is answered with status, headers, json or text")
	}
	if r.Status != 0 && (r.Status < 200 || r.Status > 599) {
		wrong("/status", "is a number from 200 to 599")
	}
	contents := 0
	for _, given := range []bool{r.JSON != nil, r.Text != nil, r.Base64 != nil} {
		if given {
			contents++
		}
	}
	if contents > 1 {
		wrong("", "has more than one content: give one of json, text, base64")
	}
	if r.Base64 != nil {
		if _, err := base64.StdEncoding.DecodeString(*r.Base64); err != nil {
			wrong("/base64", "is not base64")
		}
	}
	return found
}

const (
	httpStep = "http.request"
	waitStep = "waitForEvent"
)

// settle makes a step's outcome of a reply.
func (w *World) settle(c *run.Call, r Reply) (done, error) {
	if r.Error != nil {
		name := "Error"
		if c.Name == httpStep {
			name = "HttpError"
		}
		return done{failed: &run.StepError{Name: name, Message: *r.Error, Permanent: r.Permanent}}, nil
	}
	switch c.Name {
	case httpStep:
		response, err := r.response()
		if err != nil {
			return done{}, err
		}
		var d done
		d.result, err = w.lab.options.Answered(c, response)
		if err != nil && !errors.As(err, &d.failed) {
			return done{}, err
		}
		return d, nil
	case decisionStep:
		return w.decided(c, r.Value)
	case "runs.call":
		if r.Value == nil {
			return done{}, nil
		}
		return done{result: append(append([]byte(`{"value":`), r.Value...), '}')}, nil
	case "runs.start", "schedules.start":
		if r.Value == nil {
			return done{result: []byte(`{"id":"` + w.id() + `"}`)}, nil
		}
	case "events.publish":
		if r.Value == nil {
			return done{result: []byte(`{"id":"` + c.Key() + `"}`)}, nil
		}
	case waitStep:
		return w.awaited(c, r.Value)
	case "sockets.send":
		if r.Value == nil {
			return done{result: []byte("1")}, nil
		}
	case "kv.set", "sleep", "sockets.close":
		return done{}, nil
	}
	if strings.HasPrefix(c.Name, "records.") && r.Value != nil && w.lab.options.Recorded != nil {
		return done{result: w.lab.options.Recorded(c, r.Value)}, nil
	}
	return done{result: r.Value}, nil
}

// longest is when an event comes that a mock says does not, and that is waited
// for without end.
const longest = 10 * 365 * 24 * time.Hour

// awaited is the event that a mock tells of, at once, with what the scenario has
// asked for; or none, when the time is over.
func (w *World) awaited(c *run.Call, value json.RawMessage) (d done, err error) {
	var asked struct {
		Type, Subject string
		Timeout       *float64 // milliseconds
	}
	var event map[string]any
	if err := errors.Join(json.Unmarshal(c.Args, &asked), json.Unmarshal(value, &event)); err != nil {
		return done{}, err
	}
	if event == nil {
		d = done{result: []byte("null"), after: longest}
		if asked.Timeout != nil {
			d.after = time.Duration(*asked.Timeout * float64(time.Millisecond))
		}
		return d, nil
	}
	whole := map[string]any{"specversion": "1.0", "id": c.Key(), "source": "/trial", "type": asked.Type, "time": w.now.UTC().Format(time.RFC3339Nano)}
	if asked.Subject != "" {
		whole["subject"] = asked.Subject
	}
	maps.Copy(whole, event)
	d.result, err = json.Marshal(whole)
	return d, err
}

func (r *Reply) response() (*http.Response, error) {
	answer := &http.Response{Status: r.Status, Header: stdhttp.Header{}}
	if answer.Status == 0 {
		answer.Status = stdhttp.StatusOK
	}
	kind := ""
	switch {
	case r.JSON != nil:
		answer.Body, kind = r.JSON, "application/json"
	case r.Text != nil:
		answer.Body, kind = []byte(*r.Text), "text/plain; charset=utf-8"
	case r.Base64 != nil:
		var err error
		if answer.Body, err = base64.StdEncoding.DecodeString(*r.Base64); err != nil {
			return nil, err
		}
	}
	if kind != "" {
		answer.Header.Set("Content-Type", kind)
	}
	for name, v := range r.Headers {
		answer.Header[stdhttp.CanonicalHeaderKey(name)] = v
	}
	return answer, nil
}

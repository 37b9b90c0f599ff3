package host

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	stdhttp "net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/run"
)

// httpArgs are the arguments of http.request. A nil Connection means the
// channel's outgoing URL.
type httpArgs struct {
	Connection *string     `json:"connection"`
	Method     string      `json:"method"`
	Path       string      `json:"path"`
	Query      [][2]string `json:"query"`
	Headers    [][2]string `json:"headers"`
	Text       *string     `json:"text"`
	Base64     *string     `json:"base64"`
	Type       string      `json:"type"`    // Content-Type unless the headers have one
	Timeout    float64     `json:"timeout"` // milliseconds
	Throw      *bool       `json:"throw"`
}

// httpAnswer is its result: content is text when it is UTF-8.
type httpAnswer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Text    *string           `json:"text,omitempty"`
	Base64  *string           `json:"base64,omitempty"`
}

// httpRequest makes one request. An answer of 400 and more is an HttpError
// unless the scenario asked to see it; so is a network error, with status 0.
func httpRequest(connections Connections) func(context.Context, *run.Call) ([]byte, error) {
	return func(ctx context.Context, c *run.Call) ([]byte, error) {
		var a httpArgs
		if err := arguments(c, &a); err != nil {
			return nil, err
		}
		conn, fill, err := target(connections, c, &a)
		if err != nil {
			return nil, refused(err)
		}
		request, err := a.request(c.Key(), fill)
		if err != nil {
			return nil, err
		}
		response, err := conn.Do(ctx, request)
		if err != nil {
			return nil, failure(err, nil)
		}
		return a.result(response, response.Failure())
	}
}

// result is what the scenario gets of an answer; failed is what it means as
// an error, nil for a good one.
func (a *httpArgs) result(response *http.Response, failed error) ([]byte, error) {
	answer := newAnswer(response)
	if failed != nil && (a.Throw == nil || *a.Throw) {
		return nil, failure(failed, answer)
	}
	return json.Marshal(answer)
}

// target is where a request goes, and what fills in the tokens of a channel.
func target(connections Connections, c *run.Call, a *httpArgs) (*http.Conn, *strings.Replacer, error) {
	if a.Connection != nil {
		conn, err := connections.HTTP(*a.Connection)
		return conn, strings.NewReplacer(), err
	}
	external, err := connections.External(c.Channel)
	if err != nil {
		return nil, nil, err
	}
	return external.Conn, strings.NewReplacer(
		"{{primary_token "+c.Nonce+"}}", external.PrimaryToken, "{{secondary_token "+c.Nonce+"}}", external.SecondaryToken), nil
}

func (a *httpArgs) request(key string, fill *strings.Replacer) (http.Request, error) {
	r := http.Request{
		Method: a.Method, Path: a.Path, Header: stdhttp.Header{}, IdempotencyKey: key,
		Timeout: time.Duration(a.Timeout * float64(time.Millisecond)),
	}
	for _, h := range a.Headers {
		r.Header.Add(h[0], fill.Replace(h[1]))
	}
	if a.Type != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", a.Type)
	}
	if len(a.Query) > 0 {
		r.Query = url.Values{}
		for _, q := range a.Query {
			r.Query.Add(q[0], fill.Replace(q[1]))
		}
	}
	switch {
	case a.Text != nil:
		r.Body = []byte(fill.Replace(*a.Text))
	case a.Base64 != nil:
		body, err := base64.StdEncoding.DecodeString(*a.Base64)
		if err != nil {
			return r, &run.StepError{Name: "TypeError", Message: "http: the body is not bytes", Permanent: true}
		}
		r.Body = body
	}
	return r, nil
}

func newAnswer(r *http.Response) *httpAnswer {
	a := &httpAnswer{Status: r.Status, Headers: make(map[string]string, len(r.Header))}
	for name, values := range r.Header {
		a.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	if utf8.Valid(r.Body) {
		text := string(r.Body)
		a.Text = &text
	} else {
		text := base64.StdEncoding.EncodeToString(r.Body)
		a.Base64 = &text
	}
	return a
}

// failure is a connection's error as the step's.
func failure(err error, answer *httpAnswer) error {
	step := &run.StepError{Name: "HttpError", Message: err.Error()}
	var c *connection.Error
	if errors.As(err, &c) {
		step.Permanent, step.Held, step.RetryAfter = c.Class == connection.Permanent, c.Class == connection.Held, c.After
	}
	if answer != nil {
		data, jsonErr := json.Marshal(answer)
		if jsonErr != nil {
			return fmt.Errorf("describe the answer: %w", jsonErr)
		}
		step.Data = data
	}
	return step
}

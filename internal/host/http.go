package host

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	stdhttp "net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/format/charset"
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

// httpAnswer is its result: content is text when it is UTF-8 and says so.
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
			return nil, unusable(err)
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
		var err error
		if r.Body, err = encoded(fill.Replace(*a.Text), r.Header.Get("Content-Type")); err != nil {
			return r, &run.StepError{Name: "TypeError", Message: "http: " + err.Error(), Permanent: true}
		}
	case a.Base64 != nil:
		body, err := base64.StdEncoding.DecodeString(*a.Base64)
		if err != nil {
			return r, &run.StepError{Name: "TypeError", Message: "http: the body is not bytes", Permanent: true}
		}
		r.Body = body
	}
	return r, nil
}

// encoded is a text in the charset that its Content-Type names, UTF-8 without one.
func encoded(text, contentType string) ([]byte, error) {
	label := foreignCharset(contentType)
	if label == "" {
		return []byte(text), nil
	}
	encoding, err := charset.Find(label)
	if err != nil {
		return nil, fmt.Errorf("the Content-Type's %w; give the body as bytes to send it as it is", err)
	}
	return encoding.Encode(text, charset.Options{})
}

// foreignCharset is the charset that a Content-Type names, "" for UTF-8 and none.
func foreignCharset(contentType string) string {
	_, parameters, err := mime.ParseMediaType(contentType)
	switch label := strings.ToLower(parameters["charset"]); {
	case err != nil, label == "utf-8", label == "utf8", label == "us-ascii":
		return ""
	default:
		return label
	}
}

// isText reports whether a body is text as it is: UTF-8, and not said to be
// anything else.
func isText(body []byte, contentType string) bool {
	if foreignCharset(contentType) == "" {
		return utf8.Valid(body)
	}
	return !slices.ContainsFunc(body, func(b byte) bool { return b >= utf8.RuneSelf })
}

func newAnswer(r *http.Response) *httpAnswer {
	a := &httpAnswer{Status: r.Status, Headers: make(map[string]string, len(r.Header))}
	for name, values := range r.Header {
		a.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	if isText(r.Body, r.Header.Get("Content-Type")) {
		text := string(r.Body)
		a.Text = &text
	} else {
		text := base64.StdEncoding.EncodeToString(r.Body)
		a.Base64 = &text
	}
	return a
}

// unusable is the step's failure of a connection that is not there, or that
// cannot be opened: what is missing in the configuration is no mistake of types.
func unusable(err error) error {
	var step *run.StepError
	var c *connection.Error
	switch err = refused(err); {
	case errors.As(err, &step):
		step.Name = "ConnectionError"
	case errors.As(err, &c):
		return &run.StepError{Name: "ConnectionError", Message: c.Message}
	}
	return err
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

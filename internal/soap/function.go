package soap

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"junctor/internal/content"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/run"
)

var answerType = complexType{name: "Answer", comment: "What a function has answered.", elements: []element{
	{name: "status", kind: xsInt, comment: "as of HTTP, below 400: a function that answers another one is a fault"},
	{name: "contentType", kind: xsString, optional: true},
	{name: "result", kind: xsString, optional: true, comment: "JSON or other text as it is, other content in base64"},
	{name: "encoding", kind: xsString, optional: true, comment: "base64, of a result that is no text"},
	{name: "run", kind: xsString},
}}

// functionOperation makes the operation of a function.
func functionOperation(f *function.Function, name string) *operation {
	comment := f.Comment
	if comment == "" {
		comment = "Calls the function " + f.Code + "."
	}
	return &operation{
		name: name, comment: comment, in: func() []element { all, _ := parameters(f.Params.JSON()); return all },
		out: []element{{name: "answer", kind: "tns:" + answerType.name}}, serve: func(c *call) ([]byte, error) { return c.function(f) },
	}
}

// function calls one and waits for its answer.
func (c *call) function(f *function.Function) ([]byte, error) {
	params, err := c.params(parameters(f.Params.JSON()))
	if err != nil {
		return nil, err
	}
	start, err := f.Start(function.Call{
		Account: function.Account{ID: c.caller.Account.ID, Login: c.caller.Account.Login, Kind: string(c.caller.Account.Kind)},
		Params:  params, Key: c.r.Header.Get("Idempotency-Key"),
		Request: c.r, URL: c.BaseURL(c.r) + Base, RemoteAddress: c.Address(c.r),
	})
	if err != nil {
		return nil, err
	}
	res, err := c.Runs.Await(c.r.Context(), start, f.Timeout)
	switch {
	case c.r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // nobody is there to hear; the run goes on
	case err != nil:
		return nil, err
	case res.Failure != nil || res.State != run.Succeeded && !res.Answered:
		failed := fault.New(fault.ScenarioFailed, "The scenario did not complete; its run tells why.")
		failed.Run = res.Run
		return nil, failed
	}
	a, err := content.DecodeAnswer(res.Output)
	if err != nil {
		return nil, err
	}
	c.w.Header().Set("Junctor-Run", res.Run)
	if res.Duplicate {
		c.w.Header().Set("Junctor-Duplicate", "true")
	}
	if a.Status >= http.StatusBadRequest {
		return nil, answered(a, res.Run)
	}
	var w writer
	w.open("answer")
	w.number("status", int64(a.Status))
	w.some("contentType", a.Header.Get("Content-Type"))
	switch {
	case len(a.Body) == 0:
	case utf8.Valid(a.Body) && whole(a.Body):
		w.text("result", string(a.Body))
	default:
		w.text("result", base64.StdEncoding.EncodeToString(a.Body))
		w.text("encoding", "base64")
	}
	w.text("run", res.Run)
	w.close("answer")
	return w.Bytes(), nil
}

// whole reports whether XML can hold every character of a text.
func whole(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool {
		return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	})
}

// answeredError is the problem that a function has answered, or that its status
// stands for.
type answeredError struct {
	problem fault.Problem
	said    *fault.Error
}

func (e *answeredError) Error() string { return e.said.Error() }
func (e *answeredError) Unwrap() error { return e.said }

// answered is a function's refusal as an error, with the code of its status.
func answered(a content.Answer, id string) error {
	p := fault.Problem{}
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	if kind != "application/problem+json" || json.Unmarshal(a.Body, &p) != nil || p.Title == "" {
		p = fault.Problem{Type: "about:blank", Title: http.StatusText(a.Status)}
		if utf8.Valid(a.Body) && len(a.Body) <= 4096 {
			p.Detail = string(a.Body)
		}
	}
	p.Status, p.Run = a.Status, id
	code := fault.Invalid
	if a.Status >= http.StatusInternalServerError {
		code = fault.ScenarioFailed
	}
	for _, known := range fault.Codes() {
		if fault.Status(known) == a.Status {
			code = known
		}
	}
	return &answeredError{p, &fault.Error{Code: code, Detail: p.Detail, Run: id}}
}

package soap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"junctor/internal/access"
	"junctor/internal/fault"
	"junctor/internal/value"
)

// decoded is a CharsetReader for text that is UTF-8 already, whatever its
// declaration says.
func decoded(_ string, in io.Reader) (io.Reader, error) { return in, nil }

// writer writes XML without a tree. A character that XML cannot hold becomes
// U+FFFD.
type writer struct{ bytes.Buffer }

func (w *writer) open(name string, pairs ...string) {
	w.tag(name, pairs...)
	w.WriteByte('>')
}

func (w *writer) leaf(name string, pairs ...string) {
	w.tag(name, pairs...)
	w.WriteString("/>")
}

func (w *writer) tag(name string, pairs ...string) {
	w.WriteString("<" + name)
	for i := 0; i+1 < len(pairs); i += 2 {
		w.WriteString(" " + pairs[i] + `="`)
		w.escape(pairs[i+1])
		w.WriteByte('"')
	}
}

func (w *writer) close(name string) { w.WriteString("</" + name + ">") }

func (w *writer) escape(text string) {
	xml.EscapeText(&w.Buffer, []byte(text)) //nolint:errcheck // memory takes it
}

// text writes an element with text.
func (w *writer) text(name, text string) {
	w.WriteString("<" + name + ">")
	w.escape(text)
	w.close(name)
}

// some writes an element with text unless it is empty.
func (w *writer) some(name, text string) {
	if text != "" {
		w.text(name, text)
	}
}

func (w *writer) number(name string, n int64) { w.text(name, strconv.FormatInt(n, 10)) }

// value writes an element with the value of a column.
func (w *writer) value(name string, v value.Value) {
	if v.IsNull() {
		w.leaf(name, "xsi:nil", "true")
		return
	}
	w.text(name, string(v.AppendText(nil)))
}

// answer writes what an operation has come to.
func (c *call) answer(op *operation, content []byte) {
	var w writer
	c.begin(&w)
	w.open(op.name+"Response", "xmlns", namespace)
	w.Write(content)
	w.close(op.name + "Response")
	c.end(&w, http.StatusOK)
}

func (c *call) begin(w *writer) {
	w.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
	w.open("soap:Envelope", "xmlns:soap", c.version.envelope(), "xmlns:xsi", instance, "xmlns:j", namespace)
	w.open("soap:Body")
}

func (c *call) end(w *writer, status int) {
	w.close("soap:Body")
	w.close("soap:Envelope")
	w.WriteByte('\n')
	c.w.Header().Set("Content-Type", c.version.contentType())
	c.w.WriteHeader(status)
	c.w.Write(w.Bytes()) //nolint:errcheck // the client is gone, nobody is left to tell
}

// refuse is the one place that turns an error into a fault.
func (c *call) refuse(err error) {
	p, code := problemOf(err), fault.CodeOf(err)
	sender := p.Status < http.StatusInternalServerError
	reason := p.Detail
	if reason == "" {
		reason = p.Title
	}
	qualified := "j:" + string(code)
	var standard *standardError
	if errors.As(err, &standard) {
		qualified = "soap:" + standard.code
	}
	var w writer
	c.begin(&w)
	w.open("soap:Fault")
	if c.version == soap11 {
		w.text("faultcode", qualified)
		w.text("faultstring", reason)
		w.open("detail")
		w.problem("problem", p, "xmlns", namespace)
		w.close("detail")
	} else {
		w.open("soap:Code")
		switch {
		case standard != nil:
			w.text("soap:Value", qualified)
		default:
			w.text("soap:Value", map[bool]string{true: "soap:Sender", false: "soap:Receiver"}[sender])
			w.open("soap:Subcode")
			w.text("soap:Value", qualified)
			w.close("soap:Subcode")
		}
		w.close("soap:Code")
		w.open("soap:Reason")
		w.open("soap:Text", "xml:lang", "en")
		w.escape(reason)
		w.close("soap:Text")
		w.close("soap:Reason")
		w.open("soap:Detail")
		w.problem("problem", p, "xmlns", namespace)
		w.close("soap:Detail")
	}
	w.close("soap:Fault")
	if p.RetryAfter > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Run != "" {
		c.w.Header().Set("Junctor-Run", p.Run)
	}
	c.end(&w, c.status(err, sender))
}

// status is HTTP's: what the bindings of SOAP say, but for what HTTP's own clients
// act upon.
func (c *call) status(err error, sender bool) int {
	switch {
	case fault.Is(err, fault.Unauthorized) && c.challenge:
		challenge(c.w.Header())
		return http.StatusUnauthorized
	case fault.Is(err, fault.Unsupported), fault.Is(err, fault.TooLarge):
		return fault.Status(fault.CodeOf(err))
	case c.version == soap12 && sender:
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// problem is what a caller hears of an error.
type problem struct {
	fault.Problem
	Code       fault.Code
	RetryAfter int // seconds; 0 when unknown
	Holder     *access.Holder
}

func problemOf(err error) problem {
	p := problem{Problem: fault.ProblemOf(err), Code: fault.CodeOf(err)}
	var answered *answeredError
	if errors.As(err, &answered) {
		p.Problem = answered.problem
	}
	var coded *fault.Error
	if errors.As(err, &coded) && coded.RetryAfter > 0 {
		p.RetryAfter = int(math.Ceil(coded.RetryAfter.Seconds()))
	}
	var held *access.HeldError
	if errors.As(err, &held) {
		p.Holder = &held.Holder
	}
	return p
}

// problem writes what problemType describes.
func (w *writer) problem(name string, p problem, pairs ...string) {
	w.open(name, pairs...)
	w.text("code", string(p.Code))
	w.text("type", p.Type)
	w.text("title", p.Title)
	w.number("status", int64(p.Status))
	w.some("detail", p.Detail)
	for _, f := range p.Errors {
		w.open("error")
		w.text("pointer", f.Pointer)
		w.text("detail", f.Detail)
		w.close("error")
	}
	w.some("run", p.Run)
	if p.RetryAfter > 0 {
		w.number("retryAfter", int64(p.RetryAfter))
	}
	if h := p.Holder; h != nil {
		w.open("holder")
		w.text("login", h.Login)
		w.text("since", h.Since.UTC().Format(time.RFC3339Nano))
		w.text("address", h.Address)
		w.close("holder")
	}
	w.close(name)
}

// The types of what is said of errors, in the WSDL.
var (
	problemType = complexType{name: "Problem", comment: "What went wrong: the members of RFC 9457, and the code that the reference of errors lists.", elements: []element{
		{name: "code", kind: xsString}, {name: "type", kind: xsString}, {name: "title", kind: xsString}, {name: "status", kind: xsInt},
		{name: "detail", kind: xsString, optional: true}, {name: "error", kind: "tns:ProblemError", optional: true, many: true},
		{name: "run", kind: xsString, optional: true}, {name: "retryAfter", kind: xsInt, optional: true, comment: "seconds"},
		{name: "holder", kind: "tns:Holder", optional: true},
	}}
	problemErrorType = complexType{name: "ProblemError", comment: "One offending place of what was sent.", elements: []element{
		{name: "pointer", kind: xsString, comment: "a JSON pointer: names and indexes from 0"}, {name: "detail", kind: xsString},
	}}
	holderType = complexType{name: "Holder", comment: "Who has the place that an application wants.", elements: []element{
		{name: "login", kind: xsString}, {name: "since", kind: xsDateTime}, {name: "address", kind: xsString},
	}}
)

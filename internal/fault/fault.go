// Package fault is how Junctor says that something went wrong: a code that a
// program can act on, a sentence for the person who gets it, the offending
// places of the input, and the cause for the log.
//
// It must not know any of Junctor's nouns.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Code says what kind of failure it is. The list is closed: every code has a
// page in the error reference and one HTTP status (see Status).
type Code string

// The codes, in the order of the HTTP statuses they become.
const (
	Invalid         Code = "invalid"            // 400: the request cannot be read
	Unauthorized    Code = "unauthorized"       // 401: no, wrong or ended credentials
	Forbidden       Code = "forbidden"          // 403: known, but not allowed
	NotFound        Code = "not-found"          // 404
	MethodNot       Code = "method-not-allowed" // 405
	NotAcceptable   Code = "not-acceptable"     // 406
	Timeout         Code = "timeout"            // 408: the sender was too slow
	Conflict        Code = "conflict"           // 409: the state of things forbids it
	Gone            Code = "gone"               // 410: a cursor older than the log
	Stale           Code = "stale"              // 412: If-Match names an older version
	TooLarge        Code = "too-large"          // 413
	Unsupported     Code = "unsupported-media"  // 415
	NoRange         Code = "no-range"           // 416: a file has nothing in that range
	Unprocessable   Code = "unprocessable"      // 422: readable, but the content is wrong
	UpgradeRequired Code = "upgrade-required"   // 426: the address is for websockets
	VersionRequired Code = "version-required"   // 428: If-Match is demanded
	TooMany         Code = "too-many"           // 429
	HeaderTooLarge  Code = "header-too-large"   // 431
	Internal        Code = "internal"           // 500: our mistake
	ScenarioFailed  Code = "scenario-failed"    // 502: an awaited scenario did not complete
	Unavailable     Code = "unavailable"        // 503: cannot take it now
	AnswerTimeout   Code = "answer-timeout"     // 504: an awaited scenario needs longer
)

// Field is one offending place of an input.
type Field struct {
	Pointer string `json:"pointer"` // RFC 6901, "" for the whole document
	Detail  string `json:"detail"`
}

// Found collects what is wrong with one input.
type Found []Field

// Add notes a finding, unless the place has one already: what could not be read
// is not judged as well.
func (f *Found) Add(pointer, format string, args ...any) {
	if slices.ContainsFunc(*f, func(have Field) bool { return have.Pointer == pointer }) {
		return
	}
	*f = append(*f, Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// Error is a failure with a code.
type Error struct {
	Code       Code
	Title      string        // short and constant for the kind of failure; the code's own title when empty
	Detail     string        // one sentence or two for the person: what, with which input, what to do next
	Fields     []Field       // offending places, when the input was a document
	Run        string        // the id of the run that tells more, if there is one
	RetryAfter time.Duration // when trying again makes sense; 0 when unknown
	Cause      error         // for the log, never shown to the caller
}

// New makes an error from a code and a sentence for the person.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Wrap is New with a cause, which goes to the log and not to the caller.
func Wrap(cause error, code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...), Cause: cause}
}

// WithFields adds offending places and returns the error itself.
func (e *Error) WithFields(fields ...Field) *Error {
	e.Fields = append(e.Fields, fields...)
	return e
}

// WithRetryAfter says when to try again and returns the error itself.
func (e *Error) WithRetryAfter(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// Error is the line for logs and terminals: detail, fields, cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Detail)
	if e.Detail == "" {
		b.WriteString(title(e))
	}
	for i, f := range e.Fields {
		if i == 0 {
			goOn(&b)
		} else {
			b.WriteString("; ")
		}
		if f.Pointer != "" {
			b.WriteString(f.Pointer + " ")
		}
		b.WriteString(f.Detail)
	}
	if e.Cause != nil {
		goOn(&b)
		b.WriteString(e.Cause.Error())
	}
	return b.String()
}

// goOn puts a colon behind a sentence, in place of its full stop.
func goOn(b *strings.Builder) {
	text := strings.TrimSuffix(b.String(), ".")
	b.Reset()
	b.WriteString(text + ": ")
}

func (e *Error) Unwrap() error { return e.Cause }

// CodeOf finds the code of the outermost Error in err's chain: Internal when
// there is none, "" when err is nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Is reports whether err carries the code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }

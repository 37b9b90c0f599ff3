// Package function is the scenarios that callers start by a name of their own,
// with parameters: how one is configured, what its parameters may be, and the run
// that a call becomes.
//
// It must not know by which door a call came, nor who may make it.
package function

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"junctor/internal/content"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// Window is how long the first answer is given again to a call with the same key.
const Window = 24 * time.Hour

// Function is a function ready to be called.
type Function struct {
	Config
	Version string  // of its scenario
	Params  *Schema // nil: any object
	Refused error   // why every call is refused, nil when none is
}

// Policy is how the function's runs are treated.
func (f *Function) Policy() run.Policy {
	p := run.DefaultPolicy
	p.Attempts = f.Attempts
	return p
}

// Account is who calls, as the scenario sees it.
type Account struct {
	ID    string `json:"id"`
	Login string `json:"login"`
	Kind  string `json:"kind"`
}

// Call is one call of a function.
type Call struct {
	Account       Account
	Params        []byte // a JSON object; nothing at all is {}
	Key           string // that tells the call from others and a repetition by; "": none
	Request       *http.Request
	URL           string // of the request, as the caller sees it
	RemoteAddress string // without port
}

// longestKey bounds an idempotency key, as the RFC draft for the header does.
const longestKey = 255

// Start makes the run of a call. Errors: fault.Unprocessable with pointers into
// the parameters; fault.Invalid for what is no JSON, or a key that is too long.
func (f *Function) Start(c Call) (run.Start, error) {
	if f.Refused != nil {
		return run.Start{}, f.Refused
	}
	if len(c.Params) == 0 {
		c.Params = []byte("{}")
	}
	if err := f.Fits(c.Params); err != nil {
		return run.Start{}, err
	}
	in, err := f.Input(c)
	if err != nil {
		return run.Start{}, err
	}
	s := run.Start{
		Program: scenario.ProgramName(f.Scenario), Version: f.Version, Function: f.Code, Account: c.Account.ID, Input: in.Encode(),
	}
	if c.Key == "" {
		return s, nil
	}
	if len(c.Key) > longestKey {
		return s, fault.New(fault.Invalid, "The Idempotency-Key is longer than the %d characters that it can have.", longestKey)
	}
	digest := sha256.Sum256(c.Params)
	// One account's keys say nothing to another.
	s.Once = &run.Once{Scope: "function:" + f.Code + ":" + c.Account.ID, Key: c.Key, Digest: digest[:], Window: Window}
	return s, nil
}

// Fits checks parameters. Errors: fault.Unprocessable with pointers into them,
// fault.Invalid for what is no JSON.
func (f *Function) Fits(params []byte) error {
	if err := content.Check("application/json", params); err != nil {
		return err
	}
	if !json.Valid(params) {
		return fault.New(fault.Invalid, "The parameters are not a JSON document.")
	}
	if found := f.Params.Check(params); len(found) > 0 {
		return fault.New(fault.Unprocessable, "The parameters of the function %q are not valid.", f.Code).WithFields(found...)
	}
	return nil
}

// Input is what the scenario gets of a call.
func (f *Function) Input(c Call) (scenario.Input, error) {
	source, err := json.Marshal(f.source(c))
	return scenario.Input{Source: source, Content: c.Params}, err
}

// source describes a call as one JSON object, as channel.Message does a message.
type source struct {
	Function      string      `json:"function"`
	Account       Account     `json:"account"`
	Method        string      `json:"method"`
	URL           string      `json:"url"`
	Path          string      `json:"path"`
	Query         [][2]string `json:"query"`
	Headers       [][2]string `json:"headers"`
	RemoteAddress string      `json:"remote_address"`
	Protocol      string      `json:"protocol"`
	Mode          string      `json:"mode"`
}

// hidden stands for credentials.
const hidden = "***"

func (f *Function) source(c Call) source {
	s := source{Function: f.Code, Account: c.Account, URL: c.URL, Query: [][2]string{}, Headers: [][2]string{}, RemoteAddress: c.RemoteAddress, Mode: "production"}
	if c.Request == nil {
		return s
	}
	s.Method, s.Protocol = c.Request.Method, c.Request.Proto
	for name, values := range c.Request.Header {
		for _, value := range values {
			if name == "Authorization" || name == "Cookie" {
				value = hidden
			}
			s.Headers = append(s.Headers, [2]string{strings.ToLower(name), value})
		}
	}
	slices.SortStableFunc(s.Headers, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return s
}

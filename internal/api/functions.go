package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"junctor/internal/access"
	"junctor/internal/content"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/run"
)

// Functions finds functions, in memory.
type Functions interface {
	// Function is the enabled function with the code, nil when there is none.
	Function(code string) *function.Function
}

// functionLimit is how large the parameters of a call may be, in bytes.
const functionLimit = 10 << 20

// callable makes the endpoint that calls functions: its answer is the scenario's.
func (d *door) callable() endpoint {
	return endpoint{
		query: reflect.TypeFor[nothing](), input: reflect.TypeFor[map[string]json.RawMessage](), media: "application/json",
		serve: func(c *call) (any, error) {
			if err := readQuery(c.r.URL, new(nothing)); err != nil {
				return nil, err
			}
			var params json.RawMessage
			if err := c.readBody(&params); err != nil {
				return nil, err
			}
			c.answered = true
			return nil, d.callFunction(c, params)
		},
	}
}

// mayCall is a fault.Forbidden for who may not call a function, whether there is
// one of that name or not.
func mayCall(caller access.Caller, code string) error {
	if caller.Rights.MayCall(code) {
		return nil
	}
	return fault.New(fault.Forbidden, "This account has no right to call a function %q.", code)
}

func (d *door) callFunction(c *call, params json.RawMessage) error {
	code := c.path("name")
	if err := mayCall(c.caller, code); err != nil {
		return err
	}
	f := d.Functions.Function(code)
	if f == nil {
		return fault.New(fault.NotFound, "There is no function %q.", code)
	}
	start, err := f.Start(function.Call{
		Account: function.Account{ID: c.caller.Account.ID, Login: c.caller.Account.Login, Kind: string(c.caller.Account.Kind)},
		Params:  params, Key: c.r.Header.Get("Idempotency-Key"),
		Request: c.r, URL: d.BaseURL(c.r) + c.r.URL.EscapedPath(), RemoteAddress: c.address,
	})
	if err != nil {
		return err
	}
	prefer := preferences(c.r.Header)
	if prefer.async && prefer.wait == 0 {
		accepted, err := d.Runs.Accept(c.r.Context(), start)
		if err != nil {
			return err
		}
		return d.accepted(c, accepted.Run, accepted.Duplicate, "respond-async")
	}
	timeout := f.Timeout
	if prefer.wait > 0 && prefer.wait < timeout {
		timeout = prefer.wait
	}
	res, err := d.Runs.Await(c.r.Context(), start, timeout)
	var late *fault.Error
	switch {
	case prefer.async && fault.Is(err, fault.AnswerTimeout) && errors.As(err, &late):
		return d.accepted(c, late.Run, false, "respond-async, wait="+strconv.Itoa(int(prefer.wait/time.Second)))
	case c.r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // nobody is there to hear; the run goes on
	case err != nil:
		return err
	case res.Failure != nil || res.State != run.Succeeded && !res.Answered:
		return failed(res.Run)
	}
	return answerWith(c, res)
}

// failed is what a caller hears of a run that did not complete.
func failed(id string) error {
	f := fault.New(fault.ScenarioFailed, "The scenario did not complete; its run tells why.")
	f.Run = id
	return f
}

// answerWith writes what the scenario has answered, in the form that the caller
// wants.
func answerWith(c *call, res run.Result) error {
	a, err := content.DecodeAnswer(res.Output)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Junctor-Run", res.Run)
	if res.Duplicate {
		h.Set("Junctor-Duplicate", "true")
	}
	if a.Data {
		h.Add("Vary", "Accept")
	}
	if err := a.Negotiate(c.r.Header.Values("Accept")); err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			f.Run = res.Run
		}
		return err
	}
	for name, values := range a.Header {
		h[name] = values
	}
	c.w.WriteHeader(a.Status)
	c.w.Write(a.Body) //nolint:errcheck // the client is gone, nobody is left to tell
	return nil
}

// accepted answers a call that is not waited for: 202, and where its run is.
func (d *door) accepted(c *call, id string, duplicate bool, applied string) error {
	info, err := d.Runs.Get(c.r.Context(), id)
	if err != nil {
		return err
	}
	body, err := json.Marshal(ownRunOf(info))
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Location", v1+"/runs/"+id)
	h.Set("Junctor-Run", id)
	if duplicate {
		h.Set("Junctor-Duplicate", "true")
	}
	h.Set("Preference-Applied", applied)
	h.Set("Content-Type", "application/json")
	c.w.WriteHeader(http.StatusAccepted)
	c.w.Write(append(body, '\n')) //nolint:errcheck // as above
	return nil
}

// ownRun is a run as the one sees it who has started it.
type ownRun struct {
	ID         string          `json:"id"`
	State      run.State       `json:"state"`
	Function   string          `json:"function,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	FinishedAt *time.Time      `json:"finished_at,omitempty"`
	Status     int             `json:"status,omitempty"`   // that the awaited answer has
	Output     json.RawMessage `json:"output,omitempty"`   // data as it is, other content as a text
	Encoding   string          `json:"encoding,omitempty"` // base64: of an output that is no text
	Error      *fault.Problem  `json:"error,omitempty"`    // of a run that failed
}

func ownRunOf(info *run.Info) ownRun {
	own := ownRun{ID: info.ID, State: info.State, Function: info.Function, CreatedAt: info.CreatedAt, FinishedAt: info.FinishedAt}
	if info.State == run.Failed {
		problem := fault.ProblemOf(failed(info.ID))
		own.Error, own.Status = &problem, problem.Status
	}
	if len(info.Output) == 0 {
		return own
	}
	a, err := content.DecodeAnswer(info.Output)
	if err != nil {
		return own
	}
	own.Status = a.Status
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	switch {
	case len(a.Body) == 0:
	case (a.Data || strings.HasSuffix(kind, "json")) && json.Valid(a.Body):
		own.Output = a.Body
	case utf8.Valid(a.Body):
		own.Output, _ = json.Marshal(string(a.Body)) //nolint:errcheck // a text is always possible
	default:
		own.Encoding = "base64"
		own.Output, _ = json.Marshal(a.Body) //nolint:errcheck // as above
	}
	return own
}

// showOwnRun tells a caller about a run that it has started. Another's is as if it
// were not there.
func (d *door) showOwnRun(c *call, _, _ nothing) (ownRun, error) {
	info, err := d.Runs.Get(c.r.Context(), c.path("id"))
	if err != nil {
		return ownRun{}, err
	}
	if info.Account != c.caller.Account.ID && !c.caller.Rights.Everything {
		return ownRun{}, fault.New(fault.NotFound, "There is no run %q.", c.path("id"))
	}
	return ownRunOf(info), nil
}

// preference is what a caller wishes by Prefer (RFC 7240).
type preference struct {
	async bool          // respond-async
	wait  time.Duration // 0: none
}

// preferences reads the header. What cannot be understood is none, as the RFC
// wants it.
func preferences(h http.Header) (p preference) {
	const longest = 24 * 60 * 60
	for wish := range strings.SplitSeq(strings.Join(h.Values("Prefer"), ","), ",") {
		wish, _, _ = strings.Cut(wish, ";")
		name, value, _ := strings.Cut(wish, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "respond-async":
			p.async = true
		case "wait":
			if n, err := strconv.Atoi(strings.Trim(value, ` "`)); err == nil && n > 0 && p.wait == 0 {
				p.wait = time.Duration(min(n, longest)) * time.Second
			}
		}
	}
	return p
}

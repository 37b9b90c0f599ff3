package fault

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
)

// kinds is the one table of codes: status and constant title.
var kinds = map[Code]struct {
	status int
	title  string
}{
	Invalid:         {400, "The request cannot be read"},
	Unauthorized:    {401, "Credentials are missing or wrong"},
	Forbidden:       {403, "Not allowed"},
	NotFound:        {404, "Not found"},
	MethodNot:       {405, "Method not allowed"},
	NotAcceptable:   {406, "No acceptable format"},
	Timeout:         {408, "The request took too long to arrive"},
	Conflict:        {409, "In conflict with the present state"},
	Gone:            {410, "No longer there"},
	Stale:           {412, "Changed in the meantime"},
	TooLarge:        {413, "Too large"},
	Unsupported:     {415, "Unsupported format"},
	NoRange:         {416, "Nothing in that range"},
	Unprocessable:   {422, "The content is not valid"},
	UpgradeRequired: {426, "A websocket is required"},
	VersionRequired: {428, "If-Match is required"},
	TooMany:         {429, "Too many requests"},
	HeaderTooLarge:  {431, "Headers too large"},
	Internal:        {500, "Internal error"},
	ScenarioFailed:  {502, "The scenario did not complete"},
	Unavailable:     {503, "Not available right now"},
	AnswerTimeout:   {504, "The scenario needs longer than the time-out"},
}

// Codes lists every code, for the error reference.
func Codes() []Code {
	codes := make([]Code, 0, len(kinds))
	for c := range kinds {
		codes = append(codes, c)
	}
	return codes
}

// Status is the HTTP status of a code.
func Status(code Code) int {
	if k, ok := kinds[code]; ok {
		return k.status
	}
	return http.StatusInternalServerError
}

// Title is the constant title of a code.
func Title(code Code) string { return kinds[code].title }

func title(e *Error) string {
	if e.Title != "" {
		return e.Title
	}
	return Title(e.Code)
}

// Problem is an RFC 9457 body.
type Problem struct {
	Type   string  `json:"type"` // "/errors/CODE", served by the installation
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Errors []Field `json:"errors,omitempty"`
	Run    string  `json:"run,omitempty"`
}

// ProblemOf turns any error into what its caller may see. An error without a
// code becomes a plain "internal" without detail.
func ProblemOf(err error) Problem {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Code: Internal, Detail: "The server made a mistake; its log says more."}
	}
	return Problem{
		Type: "/errors/" + string(e.Code), Title: title(e), Status: Status(e.Code),
		Detail: e.Detail, Errors: e.Fields, Run: e.Run,
	}
}

// JSON is the problem as application/problem+json.
func (p Problem) JSON() []byte {
	body, err := json.Marshal(p)
	if err != nil {
		panic("fault: " + err.Error()) // strings and ints only
	}
	return body
}

// Write answers a request with err as application/problem+json, with
// Retry-After (whole seconds, rounded up) where the error says one.
func Write(w http.ResponseWriter, err error) {
	WriteAs(w, err, "application/problem+json", append(ProblemOf(err).JSON(), '\n'))
}

// WriteAs is Write with the problem in another form, which body has.
func WriteAs(w http.ResponseWriter, err error, contentType string, body []byte) {
	p := ProblemOf(err)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if p.Run != "" {
		h.Set("Junctor-Run", p.Run)
	}
	w.WriteHeader(p.Status)
	w.Write(body) //nolint:errcheck // the client is gone, nobody is left to tell
}

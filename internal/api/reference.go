package api

import (
	"cmp"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"junctor/internal/fault"
)

// advice is what someone who meets an error code can do.
func advice() map[fault.Code]string {
	return map[fault.Code]string{
		fault.Invalid:         "The request is broken as such: its syntax, its encoding, its query. Nothing of it was looked at further. Mend the client.",
		fault.Unauthorized:    "No credential was sent, or it is wrong, expired, revoked or ended. Log in again with POST /api/v1/session, or create another API token.",
		fault.Forbidden:       "Who is calling is known, and may not do this. Ask someone with the right to do it, or to give it.",
		fault.NotFound:        "There is nothing of that name here, or no longer, or not for this caller. Look it up in the list one level above.",
		fault.MethodNot:       "The path is right, the method is not. The Allow header names those that are.",
		fault.NotAcceptable:   "None of the formats in the Accept header can be given. Leave the header out, or ask for application/json.",
		fault.Timeout:         "The request did not arrive in time. Send it faster, or in smaller parts.",
		fault.Conflict:        "The request is right, and the present state of things forbids it. The detail says which state; look at it, and decide anew.",
		fault.Gone:            "What the cursor points at has been cleared away. Begin again from the oldest that is left, which the answer names.",
		fault.Stale:           "If-Match names a version that somebody has changed since. The answer shows the present one as \"current\": merge, and write again with its ETag.",
		fault.TooLarge:        "The body is larger than is taken here. The detail names the limit; a channel's is body_limit.",
		fault.Unsupported:     "The body is in a format that is not taken here. See Content-Type and Content-Encoding.",
		fault.NoRange:         "The file has nothing in the range that Range asks for. Content-Range says how large it is; leave Range out to have it whole.",
		fault.Unprocessable:   "The body can be read, and what it says is wrong. Every mistake is in \"errors\", with a JSON pointer to its place.",
		fault.UpgradeRequired: "This address is for websockets: connect to it with a websocket client.",
		fault.VersionRequired: "This may only be written by one who knows what was there: read it, and write with its ETag in If-Match.",
		fault.TooMany:         "Too many in too short a time. Retry-After says when the next one is taken.",
		fault.HeaderTooLarge:  "The headers are larger than is taken here.",
		fault.Internal:        "Junctor made a mistake. Its log says more, under the time of the request.",
		fault.ScenarioFailed:  "The scenario behind the channel did not complete. \"run\" is the id of its run, in which an administrator sees why.",
		fault.Unavailable:     "It cannot be taken at this moment, and nothing was. Retry-After says when to try again.",
		fault.AnswerTimeout:   "The scenario needs longer than the caller waits. It goes on; \"run\" is the id of its run.",
	}
}

// explanation is one entry of the error reference.
type explanation struct {
	Code   fault.Code `json:"code"`
	Status int        `json:"status"`
	Title  string     `json:"title"`
	Detail string     `json:"detail"`
}

func explain(code fault.Code) explanation {
	return explanation{code, fault.Status(code), fault.Title(code), advice()[code]}
}

// explainError serves what a problem's "type" points at, to people or, by
// Accept, to programs.
func (d *door) explainError(w http.ResponseWriter, r *http.Request) error {
	code := fault.Code(r.PathValue("code"))
	if fault.Title(code) == "" {
		codes := fault.Codes()
		slices.SortFunc(codes, func(a, b fault.Code) int {
			return cmp.Or(cmp.Compare(fault.Status(a), fault.Status(b)), cmp.Compare(a, b))
		})
		names := make([]string, len(codes))
		for i, c := range codes {
			names[i] = string(c)
		}
		return fault.New(fault.NotFound, "there is no error code %q; there are %s", code, strings.Join(names, ", "))
	}
	return answerPage(w, r, errorPage, explain(code))
}

// front is what a browser shows at the bare address.
func (d *door) front(w http.ResponseWriter, r *http.Request) error {
	return answerPage(w, r, frontPage, struct {
		Name    string            `json:"name"`
		Release string            `json:"release"`
		Links   map[string]string `json:"links"`
	}{"Junctor", d.Release, map[string]string{
		"docs": "/docs", "openapi": "/openapi.json", "admin": adm, "session": v1 + "/session",
		"health": "/healthz", "ready": "/readyz", "metrics": "/metrics",
	}})
}

// answerPage answers HTML to who asks for it before JSON.
func answerPage(w http.ResponseWriter, r *http.Request, page *template.Template, data any) error {
	w.Header().Set("Vary", "Accept")
	if html := strings.Contains(r.Header.Get("Accept"), "text/html"); html {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		return page.Execute(w, data)
	}
	if !accepts(r.Header.Values("Accept"), "application/json") {
		return fault.New(fault.NotAcceptable, "this answers text/html or application/json; Accept is %q", r.Header.Get("Accept"))
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(data)
}

const pageStyle = `<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}code{font-size:.95em}</style>`

var errorPage = template.Must(template.New("error").Parse(`<!doctype html><html lang="en"><title>{{.Title}}</title>` + pageStyle + `
<h1>{{.Title}}</h1>
<p><code>{{.Code}}</code>, HTTP status {{.Status}}</p>
<p>{{.Detail}}</p>
`))

var frontPage = template.Must(template.New("front").Parse(`<!doctype html><html lang="en"><title>Junctor</title>` + pageStyle + `
<h1>Junctor</h1>
<p>An integration server, release {{.Release}}. This release is managed by the command <code>junctor</code> and by the admin API; it has no web interface yet.</p>
<ul>
<li><a href="/docs">/docs</a>: what an account may use, with examples</li>
<li><a href="/openapi.json">/openapi.json</a>: every call of the API</li>
<li><a href="/readyz">/readyz</a>: whether messages are taken</li>
<li><a href="/metrics">/metrics</a>: figures for Prometheus</li>
</ul>
<p>To begin: <code>junctor apply DIR --server URL --token TOKEN</code>, then <code>junctor runs list</code>.</p>
`))

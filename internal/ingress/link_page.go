package ingress

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"strings"
	"time"

	"junctor/internal/fault"
	"junctor/internal/link"
)

// linkView is what a link's page shows: the question, what was done, or why not.
type linkView struct {
	link.Shown
	Used    bool           // by this request
	Problem *fault.Problem // nil: there is none
	zone    *time.Location
}

// Heading is the page's title.
func (v linkView) Heading() string {
	switch {
	case v.Decision != nil && v.Used:
		return "Recorded: " + v.Outcome
	case v.Decision != nil:
		return "Decided already: " + v.Outcome
	case v.UsedUp && !v.Used:
		return "Used already"
	case v.Problem != nil:
		return v.Problem.Title
	case v.Used:
		return "Done"
	case v.Title != "":
		return v.Title
	}
	return "Please confirm"
}

// About is the subject, where the title does not say it.
func (v linkView) About() string {
	if strings.Contains(v.Title, v.Subject) {
		return ""
	}
	return v.Subject
}

// Asks reports whether there is something to press.
func (v linkView) Asks() bool { return !v.Used && v.Problem == nil && v.Decision == nil && !v.UsedUp }

// Press is what stands on the button.
func (v linkView) Press() string {
	switch {
	case v.Button != "":
		return v.Button
	case v.Label != "":
		return v.Label
	}
	return "Confirm"
}

// Time is a moment for people.
func (v linkView) Time(t time.Time) string { return t.In(v.zone).Format("2006-01-02 15:04 MST") }

const linkStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25}
p.text{white-space:pre-line}p.about{opacity:.75}label{display:block;margin:1.5rem 0 .3rem}
textarea{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}
button{font:inherit;font-weight:600;margin:1rem 0;padding:.7rem 1.6rem;min-height:3rem;border:0;border-radius:.3rem;background:#1a5fb4;color:#fff;cursor:pointer}
@media(max-width:30rem){body{margin:1.5rem auto}button{width:100%}}`

// linkPolicy lets a page have its own style, by its digest, and send its form
// back to where it came from; nothing else.
var linkPolicy = func() string {
	sum := sha256.Sum256([]byte(linkStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}()

var linkPage = template.Must(template.New("link").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex,nofollow"><title>{{.Heading}}</title><style>` + linkStyle + `</style>
<h1>{{.Heading}}</h1>
{{if .Asks}}{{with .About}}<p class="about">{{.}}</p>
{{end}}{{with .Text}}<p class="text">{{.}}</p>
{{end}}<form method="post">
{{if .Choice}}<label for="comment">Comment, if there is something to say</label>
<textarea id="comment" name="comment" rows="3" maxlength="2000"></textarea>
{{end}}<button>{{.Press}}</button>
</form>
<p class="about">Nothing happens before the button is pressed. The link ends at {{.Time .ExpiresAt}}.</p>
{{else if .Decision}}<p>{{.Title}}</p>
{{with .About}}<p class="about">{{.}}</p>{{end}}
<p>{{with .Decision.By}}{{.}}, {{end}}{{.Time .Decision.At}}</p>
{{with .Decision.Comment}}<p class="text">{{.}}</p>
{{end}}{{else if .Used}}{{with .Done}}<p class="text">{{.}}</p>
{{else}}<p>{{.Title}}</p>
{{end}}{{else if .UsedUp}}<p>{{with .Title}}{{.}}<br>{{end}}This link can be used no more{{with .UsedAt}}; it was used at {{$.Time .}}{{end}}.</p>
{{else}}{{with .Problem}}<p>{{.Detail}}</p>
{{range .Errors}}<p>{{.Detail}}</p>
{{end}}{{end}}{{end}}`))

package api

import (
	"bytes"
	"encoding/json"
	"html/template"
	"reflect"

	"junctor/internal/fault"
)

// manual is the topics of a call's caller.
func (d *door) manual(c *call) manual {
	m := manual{rights: c.caller.Rights, base: d.BaseURL(c.r)}
	if d.Offer != nil {
		m.Offer = d.Offer()
	}
	return m
}

// shownIndex is /docs for a page or as JSON.
type shownIndex struct {
	Login  string       `json:"login"`
	Topics []shownTopic `json:"topics"`
}

type shownTopic struct {
	Kind     string         `json:"kind"`
	Code     string         `json:"code"`
	Comment  string         `json:"comment,omitempty"`
	Path     string         `json:"path"`
	Fields   []shownField   `json:"fields,omitempty"`
	Requests []shownRequest `json:"requests,omitempty"`
}

type shownField struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Access   string `json:"access,omitempty"`
	About    string `json:"about,omitempty"`
}

type shownRequest struct {
	Name     string          `json:"name"`
	Title    string          `json:"title"`
	Method   string          `json:"method"`
	Path     string          `json:"path"`
	Header   [][2]string     `json:"header,omitempty"`
	Body     json.RawMessage `json:"body,omitempty"`
	Status   int             `json:"status"`
	Answer   json.RawMessage `json:"answer,omitempty"`
	Programs []shownProgram  `json:"programs"`
}

// BodyText and AnswerText are for people.
func (r shownRequest) BodyText() string   { return indented(r.Body) }
func (r shownRequest) AnswerText() string { return indented(r.Answer) }

func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

type shownProgram struct {
	Language string `json:"language"`
	Name     string `json:"name"`
	Text     string `json:"text"`
}

// docsIndex makes the endpoint of /docs.
func (d *door) docsIndex() endpoint {
	return endpoint{query: reflect.TypeFor[nothing](), media: "text/html", serve: func(c *call) (any, error) {
		if err := readQuery(c.r.URL, new(nothing)); err != nil {
			return nil, err
		}
		c.answered = true
		index := shownIndex{Login: c.caller.Account.Login, Topics: []shownTopic{}}
		for _, t := range d.manual(c).topics() {
			index.Topics = append(index.Topics, shownTopic{Kind: t.Kind, Code: t.Code, Comment: t.Comment, Path: t.Path()})
		}
		return nil, answerPage(c.w, c.r, docsPage, index)
	}}
}

// docsTopic makes the endpoint of one topic's page.
func (d *door) docsTopic() endpoint {
	return endpoint{query: reflect.TypeFor[nothing](), media: "text/html", serve: func(c *call) (any, error) {
		if err := readQuery(c.r.URL, new(nothing)); err != nil {
			return nil, err
		}
		m := d.manual(c)
		for _, t := range m.topics() {
			if t.Kind == c.path("kind") && t.Code == c.path("code") {
				c.answered = true
				return nil, answerPage(c.w, c.r, topicPage, t.shown(m.base, c.caller.Account.Login))
			}
		}
		return nil, fault.New(fault.NotFound, "There is nothing of that name here that this account may use; /docs lists what there is.")
	}}
}

func (t topic) shown(base, login string) shownTopic {
	s := shownTopic{Kind: t.Kind, Code: t.Code, Comment: t.Comment, Path: t.Path()}
	for _, f := range t.Fields {
		s.Fields = append(s.Fields, shownField{f.Name, f.Type, f.Required, f.Access, f.About})
	}
	for _, r := range t.Requests {
		one := shownRequest{Name: r.Name, Title: r.Title, Method: r.Method, Path: r.Path, Header: r.Header, Body: r.Body, Status: r.Status, Answer: r.Answer}
		for _, l := range languages {
			one.Programs = append(one.Programs, shownProgram{l.ID, l.Name, l.write(program{r, base + r.Path, login})})
		}
		s.Requests = append(s.Requests, one)
	}
	return s
}

const docsStyle = pageStyle + `
<style>body{max-width:60rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884}
pre{overflow:auto;padding:.7rem;background:#8881;border-radius:.3rem}summary{cursor:pointer}</style>`

var docsPage = template.Must(template.New("docs").Parse(`<!doctype html><html lang="en"><title>What {{.Login}} may use</title>` + docsStyle + `
<h1>What {{.Login}} may use</h1>
<p>Made for the rights of this account. Every call takes <code>Authorization: Bearer TOKEN</code>, with an API token or that of a session, or Basic with login and password.
For programs: <a href="/openapi.json">/openapi.json</a>, <a href="/api/v1/data/$metadata">/api/v1/data/$metadata</a>.</p>
{{if not .Topics}}<p>Nothing: no role of this account names a class, a stored query, a packet or a function.</p>{{end}}
<table>
{{range .Topics}}<tr><td>{{.Kind}}<td><a href="{{.Path}}">{{.Code}}</a><td>{{.Comment}}
{{end}}</table>
`))

var topicPage = template.Must(template.New("topic").Parse(`<!doctype html><html lang="en"><title>{{.Code}}</title>` + docsStyle + `
<p><a href="/docs">All</a></p>
<h1>{{.Code}}</h1>
<p>{{.Kind}}{{if .Comment}}: {{.Comment}}{{end}}</p>
{{if .Fields}}<table><tr><th>name<th>type<th><th>
{{range .Fields}}<tr><td><code>{{.Name}}</code><td>{{.Type}}<td>{{if .Required}}required {{end}}{{.Access}}<td>{{.About}}
{{end}}</table>{{end}}
{{range .Requests}}
<h2>{{.Title}}</h2>
<pre>{{.Method}} {{.Path}}{{range .Header}}
{{index . 0}}: {{index . 1}}{{end}}{{if .Body}}

{{.BodyText}}{{end}}</pre>
<p>Answered {{.Status}}{{if .Answer}}:{{end}}</p>
{{if .Answer}}<pre>{{.AnswerText}}</pre>{{end}}
{{range .Programs}}<details><summary>{{.Name}}</summary><pre>{{.Text}}</pre></details>
{{end}}{{end}}
`))

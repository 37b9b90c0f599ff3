package odata

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/access"
	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/value"
)

// answer is what one request comes to.
type answer struct {
	status int
	header http.Header
	body   []byte
	file   db.Blob // in place of body: to be sent as it is read
	entity string  // canonical address of the record, below Base, for references
}

func (q *request) newAnswer(status int) *answer {
	a := &answer{status: status, header: http.Header{}}
	a.header.Set(headerVersion, q.version)
	return a
}

// write sends the answer.
func (a *answer) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		w.Write(a.body) //nolint:errcheck // the client is gone, nobody is left to tell
	}
}

// oneError is an error as OData writes it (JSON format 4.01, 21.1).
type oneError struct {
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Target  string          `json:"target,omitempty"`
	Details []detail        `json:"details,omitempty"`
	Inner   any             `json:"innererror,omitempty"`
	Current json.RawMessage `json:"@junctor.current,omitempty"`
}

type detail struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Target  string `json:"target,omitempty"`
}

// refusal is the one place that turns an error into an answer.
func refusal(err error, version string) *answer {
	p := fault.ProblemOf(err)
	a := &answer{status: p.Status, header: http.Header{}}
	a.header.Set(headerVersion, version)
	a.header.Set("Content-Type", "application/json;odata.metadata=minimal")
	var method *methodError
	var e *fault.Error
	var held *access.HeldError
	switch {
	case errors.As(err, &method):
		a.header.Set("Allow", method.allow)
	case p.Status == http.StatusUnauthorized:
		a.header.Add("WWW-Authenticate", `Bearer realm="junctor"`)
		a.header.Add("WWW-Authenticate", `Basic realm="junctor", charset="UTF-8"`)
	}
	one := errorOf(p)
	if errors.As(err, &e) && e.RetryAfter > 0 {
		a.header.Set("Retry-After", strconv.Itoa(int((e.RetryAfter.Seconds())+0.999)))
	}
	if errors.As(err, &held) {
		one.Inner = map[string]any{"holder": held.Holder}
	}
	a.put(one)
	return a
}

func (a *answer) put(one oneError) {
	body, err := json.Marshal(map[string]oneError{"error": one})
	if err != nil {
		panic("odata: " + err.Error()) // texts, and JSON that was made here
	}
	a.body = slices.Concat(body, []byte{'\n'})
}

// errorOf writes a problem in OData's form. A pointer becomes a path: /customer/code
// is the target customer/code.
func errorOf(p fault.Problem) oneError {
	code := strings.TrimPrefix(p.Type, "/errors/")
	one := oneError{Code: code, Message: p.Detail}
	if one.Message == "" {
		one.Message = p.Title
	}
	for _, f := range p.Errors {
		one.Details = append(one.Details, detail{Code: code, Message: f.Detail, Target: targetOf(f.Pointer)})
	}
	if len(one.Details) == 1 {
		one.Target = one.Details[0].Target
	}
	if p.Run != "" {
		one.Inner = map[string]string{"run": p.Run}
	}
	return one
}

var unpointer = strings.NewReplacer("~1", "/", "~0", "~")

func targetOf(pointer string) string {
	return unpointer.Replace(strings.TrimPrefix(pointer, "/"))
}

// staleError is a fault.Stale that shows the present record.
type staleError struct {
	cause  error
	record *record.Record
}

func (e *staleError) Error() string { return e.cause.Error() }
func (e *staleError) Unwrap() error { return e.cause }

// currentOf is the present record that an error shows; nil for none.
func currentOf(err error) *record.Record {
	var stale *staleError
	if errors.As(err, &stale) {
		return stale.record
	}
	return nil
}

// showCurrent adds the present record to the answer of a 412.
func (q *request) showCurrent(a *answer, err error, r *record.Record) {
	a.header.Set("Etag", etag(r.Version()))
	one := errorOf(fault.ProblemOf(err))
	one.Current = r.AppendJSON(nil, q.recordForm(nil))
	a.put(one)
}

// refuse is refusal with everything that the request knows.
func (q *request) refuse(err error) *answer {
	a := refusal(err, q.versionOf())
	if r := currentOf(err); r != nil {
		q.showCurrent(a, err, r)
	}
	return a
}

// files describe the files of the records that are shown, by id.
type files map[string]record.StoredFile

// filesOf reads what describes the files of records; nil where no class that is
// shown has any.
func (q *request) filesOf(tx *db.Tx, records ...*record.Record) (files, error) {
	var ids []string
	var look func(r *record.Record)
	look = func(r *record.Record) {
		if hasFiles(q.model.Class(r.Class())) {
			r.Columns(func(_ string, c *class.Column, v value.Value) {
				if c.Kind == class.File && !v.IsNull() {
					ids = append(ids, v.Text())
				}
			})
		}
		r.Expanded(func(_ string, to *record.Record) {
			if to != nil {
				look(to)
			}
		})
	}
	for _, r := range records {
		if r != nil {
			look(r)
		}
	}
	if ids == nil {
		return nil, nil
	}
	return q.door.Records.Files(tx, ids...)
}

func hasFiles(c *class.Class) bool {
	if c == nil {
		return false
	}
	for _, column := range c.Columns {
		if column.Kind == class.File {
			return true
		}
	}
	return false
}

// recordForm says how records are written in this answer.
func (q *request) recordForm(described files) record.Form {
	f := record.Form{TextNumbers: q.form.textNumbers, Streams: true}
	if q.form.metadata == none || q.form.kind != asJSON {
		f.Streams = q.form.kind == asJSON
		return f
	}
	whole := q.form.metadata == full
	var types map[string]string
	if whole {
		types = q.names().types
	}
	f.Before = func(b []byte, r *record.Record) []byte {
		b = append(b, `"@odata.etag":"W/\"`...)
		b = strconv.AppendInt(b, r.Version(), 10)
		b = append(b, `\"",`...)
		if whole {
			b = q.everything(b, r, types)
		}
		if described != nil {
			b = q.streams(b, r, described)
		}
		return b
	}
	return f
}

// everything is the control information that a client could work out by itself.
func (q *request) everything(b []byte, r *record.Record, types map[string]string) []byte {
	self := entityPath(r.Class(), r.ID())
	b = member(b, "@odata.type", "#"+namespace+"."+types[r.Class()])
	b = member(b, "@odata.id", q.base+"/"+self)
	b = member(b, "@odata.editLink", self)
	c := q.model.Class(r.Class())
	r.Columns(func(name string, column *class.Column, v value.Value) {
		if t := edmType(column); !v.IsNull() && t != "Edm.String" && t != "Edm.Boolean" && t != "Edm.Stream" && t != "Edm.Untyped" {
			b = member(b, name+"@odata.type", "#"+strings.TrimPrefix(t, "Edm."))
		}
		if column.Kind == class.Ref && c != nil && q.leads(c, column.Code) != nil {
			b = member(b, column.Code+"@odata.associationLink", self+"/"+column.Code+"/$ref")
			b = member(b, column.Code+"@odata.navigationLink", self+"/"+column.Code)
		}
	})
	if c == nil {
		return b
	}
	for _, button := range c.Offered(q.actor.Rights.Class(c.Code)) { // JSON format 4.01, 16
		name := namespace + "." + button.Code
		b = append(appendText(b, "#"+name), ':', '{')
		if button.Label != "" {
			b = member(b, "title", button.Label)
		}
		b = append(appendText(append(b, `"target":`...), q.base+"/"+self+"/"+name), '}', ',')
	}
	return b
}

// streams describes the files of a record, which are no part of it.
func (q *request) streams(b []byte, r *record.Record, described files) []byte {
	r.Columns(func(name string, column *class.Column, v value.Value) {
		if column.Kind != class.File || v.IsNull() {
			return
		}
		f, ok := described[v.Text()]
		if !ok {
			return
		}
		b = member(b, name+"@odata.mediaReadLink", entityPath(r.Class(), r.ID())+"/"+name)
		b = member(b, name+"@odata.mediaContentType", f.Type)
		b = member(b, name+"@odata.mediaEtag", fileTag(f))
		b = append(b, `"`+name+`@junctor.size":`...)
		b = append(strconv.AppendInt(b, f.Size, 10), ',')
		if f.Name != "" {
			b = member(b, name+"@junctor.name", f.Name)
		}
	})
	return b
}

// member writes "name":"text", with the comma behind it.
func member(b []byte, name, text string) []byte {
	b = append(append(append(b, '"'), name...), '"', ':')
	return append(appendText(b, text), ',')
}

func appendText(b []byte, text string) []byte {
	var w bytes.Buffer
	e := json.NewEncoder(&w)
	e.SetEscapeHTML(false)
	e.Encode(text) //nolint:errcheck // a text always can be
	return append(b, bytes.TrimSuffix(w.Bytes(), []byte("\n"))...)
}

// context is @odata.context with the comma behind it; "" where none is wanted.
func (q *request) context(b []byte, fragment string) []byte {
	if q.form.metadata == none {
		return b
	}
	return member(b, "@odata.context", q.base+"/$metadata"+fragment)
}

// shown is the part of the context that names what was selected and expanded.
func (q *request) shown() string {
	return shownAs(q.options.selects, q.expansion(), q.version)
}

func shownAs(selects []string, expand []record.Expand, version string) string {
	names := append([]string(nil), selects...)
	if len(names) == 0 && len(expand) > 0 {
		names = []string{"*"}
	}
	said := len(selects) > 0
	for _, e := range expand {
		inner := shownAs(e.Select, e.Expand, version)
		if inner != "" || version == version401 {
			said = true
			if inner == "" {
				inner = "()"
			}
			names = append(names, e.Ref+inner)
		}
	}
	if !said {
		return ""
	}
	return "(" + strings.Join(names, ",") + ")"
}

package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/class/param"
	"junctor/internal/function"
	"junctor/internal/packet"
	"junctor/internal/right"
	"junctor/internal/stored"
	"junctor/internal/value"
)

// Offer is what an installation has for applications: what /docs and
// /openapi.json tell of, to each caller what he may use.
type Offer struct {
	Model     *class.Model
	Functions map[string]*function.Function
	Packets   map[string]*packet.Packet
	Queries   map[string]*stored.Query
}

// topic is a class, a stored query, a packet or a function as one caller sees it.
type topic struct {
	Kind     string // classes, queries, packets, functions
	Code     string
	Comment  string
	Fields   []docField
	Requests []docRequest
}

// Path is where the topic's page is.
func (t topic) Path() string { return "/docs/" + t.Kind + "/" + url.PathEscape(t.Code) }

// docField is a property, a parameter or a part.
type docField struct {
	Name, Type, About string
	Required          bool
	Access            string // "" for read and write

	schema members // of OpenAPI
	sent   bool    // a parameter in the query string
}

// docRequest is an example: a request, and what it is answered.
type docRequest struct {
	Name, Title  string
	Method, Path string
	Button       string // that is pressed, "" for none
	Several      bool   // for the records that the body names
	Header       [][2]string
	Body         json.RawMessage // nil: none
	Status       int
	Answer       json.RawMessage // nil: none
}

const dataBase = v1 + "/data"

// manual makes the topics for a caller.
type manual struct {
	Offer
	rights *right.Set
	base   string // scheme://host
}

func (m manual) topics() (all []topic) {
	if m.Model == nil {
		return nil
	}
	for _, c := range m.Model.Classes() {
		if !m.rights.Class(c.Code).Nothing() {
			all = append(all, m.class(c))
		}
	}
	for _, code := range slices.Sorted(maps.Keys(m.Queries)) {
		if q := m.Queries[code]; m.rights.MayQuery(code) && q.Columns != nil {
			all = append(all, m.query(q))
		}
	}
	for _, code := range slices.Sorted(maps.Keys(m.Packets)) {
		if m.rights.MayFetch(code) {
			all = append(all, m.packet(m.Packets[code]))
		}
	}
	for _, code := range slices.Sorted(maps.Keys(m.Functions)) {
		if f := m.Functions[code]; f.Enabled && m.rights.MayCall(code) {
			all = append(all, m.function(f))
		}
	}
	return all
}

// columns are the properties that the caller sees, in the order of the data door.
func (m manual) columns(c *class.Class) (all []*class.Column) {
	rights := m.rights.Class(c.Code)
	system := class.System()
	for _, column := range slices.Concat(system[:1], c.Columns, system[1:]) {
		if column.Code != "deleted_at" && rights.Sees(column.Code) {
			all = append(all, column)
		}
	}
	return all
}

func (m manual) class(c *class.Class) topic {
	rights := m.rights.Class(c.Code)
	t := topic{Kind: "classes", Code: c.Code, Comment: c.Comment}
	for _, column := range m.columns(c) {
		f := columnField(column)
		if !column.System && rights.ReadOnly[column.Code] || !column.Written() && column.Code != "id" {
			f.Access = "read only"
		}
		t.Fields = append(t.Fields, f)
	}
	sent, shown := m.sent(c), m.shown(c, nil)
	collection := dataBase + "/" + c.Code
	entity, keyed := m.address(c)
	var match [][2]string
	if c.RequireMatch {
		match = [][2]string{{"If-Match", "*"}}
	}
	one := enveloped(m.base, c.Code+"/$entity", shown)
	if !rights.Create.None() {
		answer := one
		if rights.Read.None() {
			answer = nil
		}
		t.Requests = append(t.Requests, docRequest{Name: "create", Title: "Make a record", Method: post, Path: collection, Body: sent, Status: 201, Answer: answer})
	}
	if !rights.Read.None() {
		t.Requests = append(t.Requests, docRequest{
			Name: "list", Title: "Read records", Method: get, Path: collection + m.search(c), Status: 200,
			Answer: listed(m.base, c.Code, shown),
		})
		if keyed {
			t.Requests = append(t.Requests, docRequest{Name: "read", Title: "Read one record", Method: get, Path: entity, Status: 200, Answer: one})
		}
	}
	if !rights.Update.None() && keyed {
		if change := m.change(c); change != nil {
			t.Requests = append(t.Requests, docRequest{
				Name: "update", Title: "Change a record: what is absent stays", Method: "PATCH", Path: entity, Header: match, Body: change, Status: 204,
			})
		}
		if !rights.Create.None() && !c.RequireMatch { // which has to know of what is there
			t.Requests = append(t.Requests, docRequest{
				Name: "upsert", Title: "Make a record, or change it when it is there", Method: "PATCH", Path: entity,
				Header: [][2]string{{"Prefer", "upsert"}}, Body: sent, Status: 204,
			})
		}
	}
	if !rights.Delete.None() && keyed {
		t.Requests = append(t.Requests, docRequest{Name: "delete", Title: "Delete a record", Method: remove, Path: entity, Header: match, Status: 204})
	}
	for _, b := range c.Offered(rights) {
		t.Requests = append(t.Requests, m.press(c, b, match)...)
	}
	return t
}

// press are the requests that press a button: for a record, and for several.
func (m manual) press(c *class.Class, b *class.Button, match [][2]string) (all []docRequest) {
	name := b.Label
	if name == "" {
		name = b.Code
	}
	started := func(of string, value json.RawMessage) json.RawMessage {
		o := newOrdered(nil)
		o.text("@odata.context", m.base+dataBase+"/$metadata#"+of)
		o.add("value", value)
		return o.end()
	}
	const one, several = `"run_0sge39m4gjsrr9pf4tp4jj12"`, `["run_0sge39m4gjsrr9pf4tp4jj12"]`
	if entity, keyed := m.address(c); keyed {
		all = append(all, docRequest{
			Name: "press_" + b.Code, Title: name + ": starts the button's run for a record", Method: post, Path: entity + "/" + b.Code, Button: b.Code,
			Header: match, Body: json.RawMessage("{}"), Status: 202, Answer: started("Edm.String", json.RawMessage(one)),
		})
	}
	named := newOrdered(nil)
	for _, column := range m.key(c) {
		named.add(column.Field(), sample(column))
	}
	if named.Len() == 1 {
		named.add("id", sample(class.System()[0]))
	}
	records := newOrdered(nil)
	records.add("records", slices.Concat([]byte{'['}, named.end(), []byte{']'}))
	return append(all, docRequest{
		Name: "press_" + b.Code + "_many", Title: name + ": starts a run for each of several records, all or none", Method: post, Path: dataBase + "/" + c.Code + "/" + b.Code,
		Button: b.Code, Several: true, Header: match, Body: records.end(), Status: 202, Answer: started("Collection(Edm.String)", json.RawMessage(several)),
	})
}

// columnField tells of a column.
func columnField(c *class.Column) docField {
	f := docField{Name: c.Field(), Required: c.Required && c.Computed == nil && c.Default == nil, About: c.Comment}
	switch {
	case c.Kind == class.Decimal && c.Precision > 0:
		f.Type = fmt.Sprintf("decimal(%d,%d)", c.Precision, c.Scale)
	case c.Kind == class.Enum:
		f.Type = "one of " + strings.Join(c.Values, ", ")
	case c.Kind == class.Ref:
		f.Type = "id of a record of " + c.Class
	case c.Kind == class.Text && c.Length > 0:
		f.Type = fmt.Sprintf("text, up to %d characters", c.Length)
	default:
		f.Type = string(c.Kind)
	}
	f.schema = columnSchema(c)
	return f
}

// columnSchema is a column's JSON Schema.
func columnSchema(c *class.Column) members {
	s := members{}
	switch c.Type {
	case value.Integer:
		s["type"], s["format"] = "integer", "int64"
	case value.Decimal:
		s["type"], s["format"] = "number", "decimal"
	case value.Boolean:
		s["type"] = "boolean"
	case value.Date:
		s["type"], s["format"] = "string", "date"
	case value.DateTime:
		s["type"], s["format"] = "string", "date-time"
	case value.JSON:
		return s
	default:
		s["type"] = "string"
	}
	if c.Kind == class.Enum {
		s["enum"] = c.Values
	}
	if c.Length > 0 {
		s["maxLength"] = c.Length
	}
	if c.Comment != "" {
		s["description"] = c.Comment
	}
	if !c.Required && !c.System {
		s["type"] = []any{s["type"], "null"}
		if c.Kind == class.Enum {
			s["enum"] = append(slices.Collect(anyOf(c.Values)), nil)
		}
	}
	return s
}

func anyOf(texts []string) func(func(any) bool) {
	return func(yield func(any) bool) {
		for _, t := range texts {
			if !yield(t) {
				return
			}
		}
	}
}

func (m manual) query(q *stored.Query) topic {
	t := topic{Kind: "queries", Code: q.Code, Comment: q.Comment}
	given := url.Values{}
	for _, p := range q.Params {
		t.Fields = append(t.Fields, paramField(p))
		if p.Default == nil && p.Required {
			given.Set(p.Code, plainText(sample(p.Column)))
		}
	}
	row := newOrdered(nil)
	for _, c := range q.Columns {
		f := columnField(c)
		f.Access = "read only"
		t.Fields = append(t.Fields, f)
		row.add(c.Code, sample(c))
	}
	answer := newOrdered(nil)
	answer.text("@odata.context", m.base+dataBase+"/$metadata#Collection(junctor."+q.Code+"_row)")
	answer.add("value", slices.Concat([]byte{'['}, row.end(), []byte{']'}))
	given.Set("$top", "10")
	path := dataBase + "/" + q.Code + "?" + strings.NewReplacer("+", "%20", "%24top", "$top").Replace(given.Encode())
	t.Requests = []docRequest{{Name: "rows", Title: "Read rows", Method: get, Path: path, Status: 200, Answer: answer.end()}}
	return t
}

// paramField tells of a parameter in a query string.
func paramField(p *param.Param) docField {
	f := columnField(p.Column)
	if p.List {
		f.Type += ", any number of times"
	}
	f.About, f.sent = strings.TrimSpace("a parameter. "+f.About), true
	return f
}

func (m manual) packet(p *packet.Packet) topic {
	t := topic{Kind: "packets", Code: p.Code, Comment: p.Comment}
	query := url.Values{}
	for _, param := range p.Params {
		t.Fields = append(t.Fields, paramField(param))
		if param.Default == nil {
			query.Set(param.Code, plainText(m.packetSample(p, param)))
		}
	}
	path := v1 + "/packets/" + url.PathEscape(p.Code)
	if len(query) > 0 {
		path += "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	}
	t.Requests = []docRequest{{Name: "fetch", Title: "Fetch the packet", Method: get, Path: path, Status: 200, Answer: m.parts(p.Parts, nil)}}
	return t
}

// parts is what the parts of a packet answer, behind the members of a record.
func (m manual) parts(parts []*packet.Part, own json.RawMessage) json.RawMessage {
	o := newOrdered(own)
	for _, p := range parts {
		o.add(p.Name, m.part(p))
	}
	return o.end()
}

func (m manual) part(p *packet.Part) json.RawMessage {
	var record json.RawMessage
	switch {
	case p.Class != "" && m.Model.Class(p.Class) != nil:
		record = m.parts(p.Parts, m.shown(m.Model.Class(p.Class), p.Select))
	case p.Query != "" && m.Queries[p.Query] != nil:
		o := newOrdered(nil)
		for _, c := range m.Queries[p.Query].Columns {
			if p.Select == nil || slices.Contains(p.Select, c.Code) {
				o.add(c.Code, sample(c))
			}
		}
		record = m.parts(p.Parts, o.end())
	case p.Function != "" || p.Connection != "":
		return json.RawMessage(`{}`)
	default:
		return m.parts(p.Parts, nil)
	}
	if p.One {
		return record
	}
	return slices.Concat([]byte{'['}, record, []byte{']'})
}

func (m manual) function(f *function.Function) topic {
	t := topic{Kind: "functions", Code: f.Code, Comment: f.Comment}
	var schema map[string]any
	if json.Unmarshal(f.Params.JSON(), &schema) != nil {
		schema = map[string]any{}
	}
	t.Fields = schemaFields(schema)
	body, err := json.Marshal(schemaSample(schema, schema, 0))
	if err != nil || !bytes.HasPrefix(body, []byte("{")) {
		body = []byte("{}")
	}
	t.Requests = []docRequest{{
		Name: "call", Title: "Call the function; the answer is what its scenario returns", Method: post, Path: v1 + "/functions/" + url.PathEscape(f.Code), Body: body, Status: 200,
	}}
	return t
}

// enveloped is a record as the data door answers it.
func enveloped(base, of string, record json.RawMessage) json.RawMessage {
	o := newOrdered(nil)
	o.text("@odata.context", base+dataBase+"/$metadata#"+of)
	o.text("@odata.etag", `W/"1"`)
	return o.with(record)
}

func listed(base, class string, record json.RawMessage) json.RawMessage {
	item := newOrdered(nil)
	item.text("@odata.etag", `W/"1"`)
	o := newOrdered(nil)
	o.text("@odata.context", base+dataBase+"/$metadata#"+class)
	o.add("value", slices.Concat([]byte{'['}, item.with(record), []byte{']'}))
	return o.end()
}

// ordered is a JSON object whose members keep their order.
type ordered struct{ bytes.Buffer }

func newOrdered(own json.RawMessage) *ordered {
	o := &ordered{}
	o.WriteByte('{')
	if len(own) > 2 { //nolint:mnd // {}
		o.Write(own[1 : len(own)-1])
	}
	return o
}

func (o *ordered) add(name string, v json.RawMessage) {
	if o.Len() > 1 {
		o.WriteByte(',')
	}
	key, _ := json.Marshal(name) //nolint:errcheck // a text is always possible
	o.Write(key)
	o.WriteByte(':')
	o.Write(v)
}

func (o *ordered) text(name, text string) {
	v, _ := json.Marshal(text) //nolint:errcheck // a text is always possible
	o.add(name, v)
}

// with is the object with the members of another one.
func (o *ordered) with(other json.RawMessage) json.RawMessage {
	if len(other) > 2 { //nolint:mnd // {}
		if o.Len() > 1 {
			o.WriteByte(',')
		}
		o.Write(other[1 : len(other)-1])
	}
	return o.end()
}

func (o *ordered) end() json.RawMessage {
	o.WriteByte('}')
	return o.Bytes()
}

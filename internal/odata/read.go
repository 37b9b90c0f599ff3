package odata

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/value"
)

// serviceDocument lists the classes that the caller may read.
func (q *request) serviceDocument() (*answer, error) {
	b := q.context([]byte("{"), "")
	b = append(b, `"value":[`...)
	for i, code := range q.readable() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = member(b, "name", code)
		b = member(b, "kind", "EntitySet")
		b = append(appendText(append(b, `"url":`...), code), '}')
	}
	return q.json(append(b, ']', '}')), nil
}

func (q *request) readable() (codes []string) {
	for _, code := range q.classes() {
		if !q.actor.Rights.Class(code).Read.None() {
			codes = append(codes, code)
		}
	}
	return codes
}

func (q *request) json(body []byte) *answer {
	a := q.newAnswer(http.StatusOK)
	a.header.Set("Content-Type", q.form.contentType())
	a.body = slices.Concat(body, []byte{'\n'})
	return a
}

// list answers a page of records, of groups, or of changes.
func (q *request) list(tx *db.Tx) (*answer, error) {
	ask := q.recordQuery()
	if q.options.delta != "" {
		return q.changes(tx, ask)
	}
	page, err := q.door.Records.Query(tx, q.model, q.actor, ask)
	if err != nil {
		return nil, err
	}
	if q.form.kind != asJSON {
		return q.plainList(page)
	}
	described, err := q.filesOf(tx, page.Records...)
	if err != nil {
		return nil, err
	}
	shown := q.shown()
	if ask.Apply != nil {
		shown = grouped(ask.Apply)
	}
	b := make([]byte, 0, 256+len(page.Records)*256)
	b = q.context(append(b, '{'), "#"+q.target.class.Code+shown)
	if ask.Count {
		b = append(b, `"@odata.count":`...)
		b = q.number(b, page.Count)
		b = append(b, ',')
	}
	b = append(b, `"value":[`...)
	form := q.recordForm(described)
	for i, r := range page.Records {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.AppendJSON(b, form)
	}
	for i, g := range page.Groups {
		if i > 0 {
			b = append(b, ',')
		}
		b = g.AppendJSON(b, form)
	}
	b = append(b, ']')
	b = q.link(b, "@odata.nextLink", "$skiptoken", page.Next)
	b = q.link(b, "@odata.deltaLink", "$deltatoken", page.Delta)
	return q.paged(q.json(append(b, '}'))), nil
}

// number is a whole number of the envelope.
func (q *request) number(b []byte, n int64) []byte {
	if q.form.textNumbers {
		return append(strconv.AppendInt(append(b, '"'), n, 10), '"')
	}
	return strconv.AppendInt(b, n, 10)
}

// paged says which preferences were followed.
func (q *request) paged(a *answer) *answer {
	if n := q.prefer.pageSize; n > 0 {
		a.applied("odata.maxpagesize=" + strconv.Itoa(n))
	}
	if q.prefer.track && q.options.track {
		a.applied("odata.track-changes")
	}
	return a
}

func grouped(a *record.Grouping) string {
	var names []string
	for _, path := range a.By {
		if len(path) == 1 {
			names = append(names, path[0])
		} else {
			names = append(names, path[0]+"("+strings.Join(path[1:], "/")+")")
		}
	}
	for _, g := range a.Aggregates {
		names = append(names, g.As)
	}
	return "(" + strings.Join(names, ",") + ")"
}

// changes answers what has changed since a $deltatoken.
func (q *request) changes(tx *db.Tx, ask record.Query) (*answer, error) {
	if q.form.kind != asJSON {
		return nil, fault.New(fault.NotAcceptable, "Changes can be had as application/json only.")
	}
	if ask.Apply != nil {
		return nil, fault.New(fault.Invalid, "$deltatoken and $apply do not go together.")
	}
	ask.Track, ask.Count, ask.Top, ask.Skip = false, false, nil, 0
	found, err := q.door.Records.Changes(tx, q.model, q.actor, ask, q.options.delta)
	if err != nil {
		return nil, err
	}
	described, err := q.filesOf(tx, found.Records...)
	if err != nil {
		return nil, err
	}
	code := q.target.class.Code
	b := q.context([]byte("{"), "#"+code+q.shown()+"/$delta")
	b = append(b, `"value":[`...)
	form := q.recordForm(described)
	for i, r := range found.Records {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.AppendJSON(b, form)
	}
	for i, r := range found.Removed {
		if i+len(found.Records) > 0 {
			b = append(b, ',')
		}
		b = q.tombstone(b, code, r)
	}
	b = append(b, ']')
	b = q.link(b, "@odata.nextLink", "$deltatoken", found.Next)
	b = q.link(b, "@odata.deltaLink", "$deltatoken", found.Delta)
	return q.paged(q.json(append(b, '}'))), nil
}

// tombstone writes a record that is no longer in the answer, as JSON format 4.0
// or 4.01 (section 15.4) wants it.
func (q *request) tombstone(b []byte, class string, r record.Removed) []byte {
	reason := "changed"
	if r.Deleted {
		reason = "deleted"
	}
	id := entityPath(class, r.ID)
	b = append(b, '{')
	if q.version == version401 {
		b = append(b, `"@odata.removed":{"reason":"`+reason+`"},`...)
		b = member(b, "@odata.id", id)
		b = member(b, "id", r.ID)
	} else {
		b = member(b, "@odata.context", q.base+"/$metadata#"+class+"/$deletedEntity")
		b = member(b, "id", id)
		b = member(b, "reason", reason)
	}
	b[len(b)-1] = '}'
	return b
}

// link writes the address of the same query from another place on, with the
// comma before it; nothing when there is none.
func (q *request) link(b []byte, name, option, cursor string) []byte {
	if cursor == "" {
		return b
	}
	b = append(append(append(b, ',', '"'), name...), '"', ':')
	return appendText(b, q.base+q.path+"?"+q.from(option, cursor))
}

// from is the query string of a link. $top and $count stay, the cursor knows what
// is left of the first; of changes neither makes sense.
func (q *request) from(option, cursor string) string {
	var kept []string
	for _, p := range q.options.pairs {
		switch p.name {
		case "$skiptoken", "$deltatoken", "$skip":
			continue
		case "$top", "$count", "$orderby":
			if option == "$deltatoken" {
				continue
			}
		}
		kept = append(kept, p.raw)
	}
	return strings.Join(append(kept, option+"="+q.options.token(option, cursor)), "&")
}

// listByBody is list with the options in the body (URL conventions 4.01, 4.12).
func (q *request) listByBody(tx *db.Tx) (*answer, error) {
	if media := mediaType(q.header); media != asText && media != "application/x-www-form-urlencoded" && media != "" {
		return nil, fault.New(fault.Unsupported, "Send the query as text/plain; Content-Type is %.100q.", media)
	}
	again := *q
	again.query = strings.TrimSpace(string(q.body))
	if q.query != "" {
		again.query = q.query + "&" + again.query
	}
	again.path = strings.TrimSuffix(strings.TrimSuffix(q.path, "/"), "/$query")
	var err error
	if again.options, err = again.readOptions(lists); err != nil {
		return nil, err
	}
	if again.route, err = q.door.find("/{class}", get); err != nil {
		return nil, err
	}
	if again.form, err = again.chooseForm(); err != nil {
		return nil, err
	}
	return again.list(tx)
}

// count answers the bare number.
func (q *request) count(tx *db.Tx) (*answer, error) {
	zero := 0
	page, err := q.door.Records.Query(tx, q.model, q.actor, record.Query{
		Class: q.target.class.Code, Filter: q.options.filter, Params: q.options.params, Count: true, Top: &zero,
	})
	if err != nil {
		return nil, err
	}
	return q.text(strconv.FormatInt(page.Count, 10), "text/plain;charset=utf-8"), nil
}

func (q *request) text(body, contentType string) *answer {
	a := q.newAnswer(http.StatusOK)
	a.header.Set("Content-Type", contentType)
	a.body = []byte(body)
	return a
}

// get answers one record.
func (q *request) get(tx *db.Tx) (*answer, error) {
	at, nothing, err := q.where(tx)
	if err != nil {
		return nil, err
	}
	if nothing {
		return q.newAnswer(http.StatusNoContent), nil
	}
	r, err := q.door.Records.Get(tx, q.model, q.actor, q.target.end.Code, at, q.options.selects, q.expansion())
	if err != nil {
		return nil, err
	}
	if tag := etag(r.Version()); q.unmodified(tag) {
		a := q.newAnswer(http.StatusNotModified)
		a.header.Set("ETag", tag)
		return a, nil
	}
	return q.one(tx, r, http.StatusOK)
}

// getEntity is get by $id (URL conventions, 4.10).
func (q *request) getEntity(tx *db.Tx) (*answer, error) {
	id, ok := q.options.given["id"]
	if !ok {
		return nil, fault.New(fault.Invalid, "/$entity needs the record's address: $entity?$id=orders('...').")
	}
	again := *q
	again.path = "/" + below(id)
	pattern, err := again.readPath()
	if err != nil {
		return nil, err
	}
	if pattern != "/{class}/{key}" {
		return nil, fault.New(fault.Invalid, "$id is no address of a record: %.200q.", id)
	}
	return again.get(tx)
}

// below is an address without what stands before the door's own part of it.
func below(address string) string {
	if i := strings.Index(address, Base+"/"); i >= 0 && (i == 0 || strings.Contains(address[:i], "://")) {
		return address[i+len(Base)+1:]
	}
	return strings.TrimPrefix(address, "/")
}

// one answers a record in the form that is wanted.
func (q *request) one(tx *db.Tx, r *record.Record, status int) (*answer, error) {
	a := q.newAnswer(status)
	if q.form.kind != asJSON {
		var err error
		if a, err = q.plainOne(r); err != nil {
			return nil, err
		}
		a.status = status
	} else {
		described, err := q.filesOf(tx, r)
		if err != nil {
			return nil, err
		}
		form := q.recordForm(described)
		if q.form.metadata != none {
			before, first := form.Before, true
			form.Before = func(b []byte, r *record.Record) []byte {
				if first {
					first = false
					b = q.context(b, "#"+q.target.end.Code+q.shown()+"/$entity")
				}
				return before(b, r)
			}
		}
		a.header.Set("Content-Type", q.form.contentType())
		a.body = append(r.AppendJSON(make([]byte, 0, 512), form), '\n')
	}
	a.header.Set("ETag", etag(r.Version()))
	a.entity = entityPath(r.Class(), r.ID())
	return a, nil
}

// getRef answers a record's address.
func (q *request) getRef(tx *db.Tx) (*answer, error) {
	at, nothing, err := q.where(tx)
	if err != nil {
		return nil, err
	}
	if nothing {
		return q.newAnswer(http.StatusNoContent), nil
	}
	r, err := q.door.Records.Get(tx, q.model, q.actor, q.target.end.Code, at, []string{"id"}, nil)
	if err != nil {
		return nil, err
	}
	b := q.context([]byte("{"), "#$ref")
	b = append(appendText(append(b, `"@odata.id":`...), q.base+"/"+entityPath(r.Class(), r.ID())), '}')
	return q.json(b), nil
}

// property reads the column that the address names; nil where a ref on the way
// leads nowhere.
func (q *request) property(tx *db.Tx) (*record.Record, *record.Column, value.Value, error) {
	c, err := q.column(q.target.end, q.target.property)
	if err != nil {
		return nil, nil, value.Value{}, err
	}
	at, err := q.there(tx)
	if err != nil {
		return nil, nil, value.Value{}, err
	}
	r, err := q.door.Records.Get(tx, q.model, q.actor, q.target.end.Code, at, []string{c.Field()}, nil)
	if err != nil {
		return nil, nil, value.Value{}, err
	}
	v, _ := r.Value(c.Field())
	return r, c, v, nil
}

func (q *request) getProperty(tx *db.Tx) (*answer, error) {
	r, c, v, err := q.property(tx)
	switch {
	case err != nil:
		return nil, err
	case c.Kind == record.File:
		return q.getFile(tx, r, c, v)
	case v.IsNull():
		return q.newAnswer(http.StatusNoContent), nil
	}
	b := q.context([]byte("{"), "#"+entityPath(r.Class(), r.ID())+"/"+c.Field())
	b = append(b, `"value":`...)
	if q.form.textNumbers && v.Type().IsNumber() {
		b = append(v.AppendJSON(append(b, '"')), '"')
	} else {
		b = v.AppendJSON(b)
	}
	return q.json(append(b, '}')), nil
}

func (q *request) getValue(tx *db.Tx) (*answer, error) {
	r, c, v, err := q.property(tx)
	switch {
	case err != nil:
		return nil, err
	case c.Kind == record.File:
		return q.getFile(tx, r, c, v)
	case v.IsNull():
		return q.newAnswer(http.StatusNoContent), nil
	case v.Type() == value.JSON:
		return q.text(v.Text(), "application/json"), nil
	}
	return q.text(v.String(), "text/plain;charset=utf-8"), nil
}

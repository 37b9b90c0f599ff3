package odata

import (
	"net/http"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/value"
)

// serviceDocument lists the classes that the caller may read, and the stored
// queries that need no parameter.
func (q *request) serviceDocument() (*answer, error) {
	b := q.context([]byte("{"), "")
	b = append(b, `"value":[`...)
	first := true
	list := func(code, kind string) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, '{')
		b = member(b, "name", code)
		b = member(b, "kind", kind)
		b = append(appendText(append(b, `"url":`...), code), '}')
	}
	for _, code := range q.readable() {
		list(code, "EntitySet")
	}
	for _, code := range q.offered() {
		if stored := q.queries[code]; stored.Columns != nil && callable(stored) {
			list(code, "FunctionImport")
		}
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
		a.header.Set("Etag", tag)
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
	a.header.Set("Etag", etag(r.Version()))
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
func (q *request) property(tx *db.Tx) (*record.Record, *class.Column, value.Value, error) {
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
	case c.Kind == class.File:
		return q.getFile(tx, r, c, v)
	case v.IsNull():
		return q.newAnswer(http.StatusNoContent), nil
	case q.form.kind == asXML:
		return q.xml(append(v.AppendJSON([]byte(`{"value":`)), '}'))
	case q.form.kind == asCSV:
		return q.table([][]string{{c.Field()}, {plainText(v)}})
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
	case c.Kind == class.File:
		return q.getFile(tx, r, c, v)
	case v.IsNull():
		return q.newAnswer(http.StatusNoContent), nil
	case v.Type() == value.JSON:
		return q.text(v.Text(), "application/json"), nil
	}
	return q.text(v.String(), "text/plain;charset=utf-8"), nil
}

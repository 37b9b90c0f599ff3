package odata

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
)

// create makes a record.
func (q *request) create(tx *db.Tx) (*answer, error) {
	if err := q.wantsJSON(); err != nil {
		return nil, err
	}
	out, err := q.door.Records.Create(tx, q.model, q.actor, q.target.class.Code, q.body)
	return q.written(tx, out, err)
}

// patch changes what is given; with Prefer: upsert it also creates.
func (q *request) patch(tx *db.Tx) (*answer, error) {
	return q.change(tx, func(at record.Address, m record.Match) (*record.Outcome, error) {
		if q.prefer.upsert {
			return q.door.Records.Upsert(tx, q.model, q.actor, q.target.end.Code, at, q.body, m, false)
		}
		return q.door.Records.Update(tx, q.model, q.actor, q.target.end.Code, at, q.body, m)
	})
}

// put creates or replaces.
func (q *request) put(tx *db.Tx) (*answer, error) {
	return q.change(tx, func(at record.Address, m record.Match) (*record.Outcome, error) {
		return q.door.Records.Upsert(tx, q.model, q.actor, q.target.end.Code, at, q.body, m, true)
	})
}

func (q *request) change(tx *db.Tx, f func(record.Address, record.Match) (*record.Outcome, error)) (*answer, error) {
	if err := q.wantsJSON(); err != nil {
		return nil, err
	}
	match, mustNot, err := q.match()
	if err != nil {
		return nil, err
	}
	at, err := q.there(tx)
	if err != nil {
		return nil, err
	}
	if mustNot {
		if err := q.absent(tx, at); err != nil {
			return nil, err
		}
	}
	out, err := f(at, match)
	if err == nil && mustNot && out.Result != record.Created { // somebody was faster
		return nil, &undoError{fault.New(fault.Stale, "The record was made by somebody else at the same moment, and If-None-Match demands that there is none.")}
	}
	a, err := q.written(tx, out, err)
	if err == nil && q.prefer.upsert && q.method == patch {
		a.applied("upsert")
	}
	return a, err
}

// undoError is a refusal that comes after something was written.
type undoError struct{ said *fault.Error }

func (e *undoError) Error() string   { return e.said.Error() }
func (e *undoError) Unwrap() []error { return []error{e.said, errUndo} }

// absent refuses a write that demands that there is no record yet.
func (q *request) absent(tx *db.Tx, at record.Address) error {
	r, err := q.door.Records.Get(tx, q.model, q.actor, q.target.end.Code, at, nil, nil)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	}
	return &staleError{fault.New(fault.Stale, "The record is there already, with version %d, and If-None-Match demands that there is none.", r.Version()), r}
}

// written answers what a write has come to.
func (q *request) written(tx *db.Tx, out *record.Outcome, err error) (*answer, error) {
	if err != nil {
		return nil, failed(out, err)
	}
	shaped := q.options.selects != nil || q.options.expand != nil
	status := http.StatusNoContent
	switch {
	case out.Record == nil || q.prefer.minimal: // nothing to show, or not wanted
	case out.Result == record.Created:
		status = http.StatusCreated
	case q.prefer.representation || shaped:
		status = http.StatusOK
	}
	a := q.newAnswer(status)
	path := entityPath(q.target.end.Code, out.ID)
	if status != http.StatusNoContent {
		r := out.Record
		if shaped {
			if r, err = q.door.Records.Get(tx, q.model, q.actor, q.target.end.Code, record.Address{ID: out.ID}, q.options.selects, q.expansion()); err != nil {
				return nil, following(err)
			}
		}
		if a, err = q.one(tx, r, status); err != nil {
			return nil, err
		}
	} else {
		a.header.Set("OData-EntityId", q.base+"/"+path)
	}
	a.entity = path
	a.header.Set("Etag", etag(out.Version))
	a.header.Set("Junctor-Result", string(out.Result))
	if out.Result == record.Created {
		a.header.Set("Location", q.base+"/"+path)
	}
	switch {
	case q.prefer.minimal:
		a.applied("return=minimal")
	case q.prefer.representation && status != http.StatusNoContent:
		a.applied("return=representation")
	}
	return a, nil
}

// failed is the error of a write: with the present record where it is another
// than If-Match names, and as ours where it comes from what follows a change that
// is written already, an event or a rule.
func failed(out *record.Outcome, err error) error {
	switch {
	case out == nil:
		return err
	case out.Result == record.Unchanged && out.Record != nil && fault.Is(err, fault.Stale):
		return &staleError{err, out.Record}
	case out.Result == record.Unchanged:
		return err
	}
	return following(err)
}

func following(err error) error {
	return fault.Wrap(err, fault.Internal, "What follows the change could not be done, so nothing is stored; the server's log says more.")
}

// remove deletes a record.
func (q *request) remove(tx *db.Tx) (*answer, error) {
	match, mustNot, err := q.match()
	if err == nil && mustNot {
		err = fault.New(fault.Invalid, "If-None-Match makes no sense for a deletion.")
	}
	if err != nil {
		return nil, err
	}
	at, err := q.there(tx)
	if err != nil {
		return nil, err
	}
	out, err := q.door.Records.Delete(tx, q.model, q.actor, q.target.end.Code, at, match)
	if err != nil {
		return nil, failed(out, err)
	}
	a := q.newAnswer(http.StatusNoContent)
	a.header.Set("Junctor-Result", string(out.Result))
	return a, nil
}

// set changes one column of the record that the address names.
func (q *request) set(tx *db.Tx, c *class.Class, at record.Address, name string, raw []byte) (*answer, error) {
	match, mustNot, err := q.match()
	if err == nil && mustNot {
		err = fault.New(fault.Invalid, "If-None-Match makes no sense for one column.")
	}
	if err != nil {
		return nil, err
	}
	body := append(appendText([]byte{'{'}, name), ':')
	body = append(append(body, raw...), '}')
	out, err := q.door.Records.Update(tx, q.model, q.actor, c.Code, at, body, match)
	if err != nil {
		return nil, failed(out, err)
	}
	a := q.newAnswer(http.StatusNoContent)
	a.header.Set("Etag", etag(out.Version))
	a.header.Set("Junctor-Result", string(out.Result))
	a.entity = entityPath(c.Code, out.ID)
	return a, nil
}

// putProperty sets one column: {"value": ...}, the bare value behind $value, or
// a file.
func (q *request) putProperty() (*answer, error) {
	c, err := q.column(q.target.end, q.target.property)
	if err != nil {
		return nil, err
	}
	if c.Kind == class.File {
		return q.putFile(c)
	}
	raw, err := q.valueOf(c)
	if err != nil {
		return nil, err
	}
	return q.write(func(q *request, tx *db.Tx) (*answer, error) {
		at, err := q.there(tx)
		if err != nil {
			return nil, err
		}
		return q.set(tx, q.target.end, at, c.Field(), raw)
	})
}

// valueOf reads the value of a column from the body.
func (q *request) valueOf(c *class.Column) (json.RawMessage, error) {
	if strings.HasSuffix(q.route.pattern, "/$value") {
		v, err := c.FromText(string(q.body))
		if err != nil {
			return nil, fault.New(fault.Unprocessable, "The value cannot be taken.").WithFields(fault.Field{Pointer: "/" + c.Field(), Detail: err.Error()})
		}
		return v.AppendJSON(nil), nil
	}
	if err := q.wantsJSON(); err != nil {
		return nil, err
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(q.body, &body); err != nil || body["value"] == nil {
		return nil, fault.New(fault.Invalid, `The body must be {"value": ...}.`)
	}
	return body["value"], nil
}

func (q *request) removeProperty(tx *db.Tx) (*answer, error) {
	c, err := q.column(q.target.end, q.target.property)
	if err != nil {
		return nil, err
	}
	at, err := q.there(tx)
	if err != nil {
		return nil, err
	}
	if c.Kind == class.File {
		if q, err = q.fileMatches(tx, at, c); err != nil {
			return nil, err
		}
	}
	return q.set(tx, q.target.end, at, c.Field(), []byte("null"))
}

// putRef lets the last ref of the address lead to the record that the body names.
func (q *request) putRef(tx *db.Tx) (*answer, error) {
	if err := q.wantsJSON(); err != nil {
		return nil, err
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(q.body, &body); err != nil {
		return nil, fault.New(fault.Invalid, `The body must be {"@odata.id": "customers('...')"}.`)
	}
	raw := body["@odata.id"]
	if raw == nil {
		raw = body["@id"]
	}
	if raw == nil {
		return nil, fault.New(fault.Unprocessable, `The body must be {"@odata.id": "customers('...')"}.`).WithFields(fault.Field{Pointer: "/@odata.id", Detail: "is required"})
	}
	return q.lead(tx, func(ref string) (string, []byte) { return ref + "@odata.bind", raw })
}

func (q *request) removeRef(tx *db.Tx) (*answer, error) {
	return q.lead(tx, func(ref string) (string, []byte) { return ref + "_id", []byte("null") })
}

// lead changes the last ref of the address.
func (q *request) lead(tx *db.Tx, how func(ref string) (name string, raw []byte)) (*answer, error) {
	n := len(q.target.via) - 1
	if n < 0 {
		return nil, fault.New(fault.Invalid, "The address names a record; put a ref of it before /$ref, as in orders('...')/customer/$ref.")
	}
	c := q.target.class
	for _, ref := range q.target.via[:n] {
		c = q.leads(c, ref)
	}
	at, nothing, err := q.follow(tx, q.target.via[:n])
	if err == nil && nothing {
		err = fault.New(fault.NotFound, "A ref on the way leads to no record.")
	}
	if err != nil {
		return nil, err
	}
	name, raw := how(q.target.via[n])
	return q.set(tx, c, at, name, raw)
}

// wantsJSON refuses a body that says it is something else.
func (q *request) wantsJSON() error {
	media := mediaType(q.header)
	if media == "" || media == asJSON || strings.HasSuffix(media, "+json") {
		return nil
	}
	return fault.New(fault.Unsupported, "Send the body as application/json; Content-Type is %.100q.", media)
}

func mediaType(h http.Header) string {
	text := h.Get("Content-Type")
	if text == "" {
		return ""
	}
	media, _, err := mime.ParseMediaType(text)
	if err != nil {
		return fmt.Sprintf("%.100s", strings.ToLower(text))
	}
	return media
}

package odata

import (
	"net/http"
	"strconv"
	"strings"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
)

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

package odata

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/class"
	"junctor/internal/class/param"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/record"
	"junctor/internal/stored"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// offered are the codes of the stored queries that the caller may use.
func (q *request) offered() (codes []string) {
	for _, code := range slices.Sorted(maps.Keys(q.queries)) {
		if q.actor.Rights.MayQuery(code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// queryPath reads an address of a stored query, totals or
// totals(since=2026-01-01); is reports whether it is one. Whatever stands behind
// it, nobody writes there.
func (q *request) queryPath(segments []string) (pattern string, is bool) {
	code, inner, _ := strings.Cut(segments[0], "(")
	stored := q.queries[code]
	if stored == nil || !q.actor.Rights.MayQuery(code) {
		return "", false
	}
	q.target.query, q.target.inner = stored, inner
	if q.method != get && q.method != http.MethodHead {
		return "/{query}", true
	}
	return "/{query}" + joined(segments[1:]), true
}

// arguments reads the parameters of the stored query, which come as those of a
// function of OData (URL conventions 4.01, 4.5.3 and 5.3): in parentheses behind
// its name, as aliases of the same name, or as members of the query string.
func (q *request) arguments() (param.Args, error) {
	stored := q.target.query
	given := map[string]json.RawMessage{}
	var wrong []fault.Field
	take := func(name string, raw json.RawMessage, err error) {
		if err == nil && given[name] != nil {
			err = errors.New("is given more than once")
		}
		if err != nil {
			wrong = append(wrong, fault.Field{Pointer: strict.Pointer("", name), Detail: err.Error()})
		}
		given[name] = raw
	}
	inner, closed := strings.CutSuffix(q.target.inner, ")")
	if q.target.inner != "" && !closed {
		return nil, unreadable(stored)
	}
	if inner != "" {
		for _, part := range filter.Divide(inner, ',') {
			name, text, ok := strings.Cut(part, "=")
			if !ok {
				return nil, unreadable(stored)
			}
			name = strings.TrimSpace(name)
			raw, err := q.argument(stored.Param(name), text)
			take(name, raw, err)
		}
	}
	for _, p := range q.options.pairs {
		if strings.HasPrefix(p.name, "$") || strings.HasPrefix(p.name, "@") {
			continue
		}
		raw, err := q.plainArgument(stored.Param(p.name), p.value)
		take(p.name, raw, err)
	}
	for name, e := range q.options.params {
		if p := stored.Param(name); p != nil && given[name] == nil {
			raw, err := literalOf(p, e)
			take(name, raw, err)
		}
	}
	if wrong != nil {
		return nil, fault.New(fault.Unprocessable, "The parameters are not valid.").WithFields(wrong...)
	}
	return param.JSONArgs(stored.Params, given)
}

func unreadable(stored *stored.Query) error {
	return fault.New(fault.Invalid, "The parameters of %s cannot be read: they are written %s(name='text',other=5).", stored.Code, stored.Code)
}

// argument reads a value as OData writes it, or an alias, @name: one that is not
// given is null (URL conventions 4.01, 5.3).
func (q *request) argument(p *param.Param, text string) (json.RawMessage, error) {
	e, err := filter.Parse(text)
	if err == nil && e.Op == filter.Param && len(e.Name) == 1 {
		if e = q.options.params[e.Name[0]]; e == nil {
			return json.RawMessage("null"), nil
		}
	}
	if err != nil {
		return nil, err
	}
	return literalOf(p, e)
}

func literalOf(p *param.Param, e *filter.Expr) (json.RawMessage, error) {
	switch {
	case e.Op != filter.Literal:
		return nil, errors.New("must be a value, such as 'text', 5 or 2026-11-22")
	case p != nil && p.Type == value.JSON && e.Value.Type() == value.Text && json.Valid([]byte(e.Value.Text())):
		return json.RawMessage(e.Value.Text()), nil
	}
	return e.Value.AppendJSON(nil), nil
}

// plainArgument reads a value from a query string: as it stands, or between the
// quotes of OData. p is nil where there is no such parameter, which is said later.
func (q *request) plainArgument(p *param.Param, text string) (json.RawMessage, error) {
	if p == nil {
		return json.RawMessage("null"), nil
	}
	if len(text) > 1 && strings.HasPrefix(text, "'") && strings.HasSuffix(text, "'") {
		return q.argument(p, text)
	}
	v, err := p.FromText(text)
	return v.AppendJSON(nil), err
}

// readStored reads the query.
func (q *request) readStored(tx *db.Tx, use stored.Use) (*stored.Page, error) {
	args, err := q.arguments()
	if err != nil {
		return nil, err
	}
	use.Filter, use.Params = q.options.filter, q.options.params
	return q.target.query.Read(tx, q.actor.Rights, args, use, q.door.Records.Now())
}

// storedRows answers a page of a stored query.
func (q *request) storedRows(tx *db.Tx) (*answer, error) {
	o := &q.options
	o.track = false // nobody tells of changes
	use := stored.Use{Order: o.order, Select: o.selects, Skip: o.skip, Top: o.top, Page: o.page, Cursor: o.cursor}
	if use.Page == 0 {
		use.Page = record.DefaultPage
	}
	page, err := q.readStored(tx, use)
	if err != nil {
		return nil, err
	}
	if q.form.kind != asJSON {
		return q.plainRows(page)
	}
	b := q.context([]byte{'{'}, "#Collection("+namespace+"."+q.names().rows[q.target.query.Code]+")"+shownAs(o.selects, nil, q.version))
	if o.count {
		b = append(b, `"@odata.count":`...)
		b = append(q.number(b, int64(page.Count)), ',')
	}
	b = q.rows(append(b, `"value":`...), page)
	b = q.link(b, "@odata.nextLink", "$skiptoken", page.Next)
	return q.paged(q.json(append(b, '}'))), nil
}

// rows writes them as a JSON array.
func (q *request) rows(b []byte, page *stored.Page) []byte {
	b = append(b, '[')
	for i, r := range page.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.AppendJSON(b, q.form.textNumbers)
	}
	return append(b, ']')
}

// plainRows is plainList for the rows of a stored query.
func (q *request) plainRows(page *stored.Page) (*answer, error) {
	if q.form.kind != asCSV {
		a, err := q.xml(q.rows(nil, page))
		return q.linked(a, err, page.Next, "")
	}
	var header []string
	for _, c := range q.target.query.Columns {
		if q.options.selects == nil {
			header = append(header, c.Code)
		}
	}
	for _, name := range q.options.selects {
		if !slices.Contains(header, name) {
			header = append(header, name)
		}
	}
	table := [][]string{header}
	for _, r := range page.Rows {
		row := make([]string, 0, len(header))
		r.Columns(func(_ string, _ *class.Column, v value.Value) { row = append(row, plainText(v)) })
		table = append(table, row)
	}
	a, err := q.table(table)
	return q.linked(a, err, page.Next, "")
}

// storedCount answers the bare number.
func (q *request) storedCount(tx *db.Tx) (*answer, error) {
	zero := 0
	page, err := q.readStored(tx, stored.Use{Top: &zero})
	if err != nil {
		return nil, err
	}
	return q.text(strconv.Itoa(page.Count), "text/plain;charset=utf-8"), nil
}

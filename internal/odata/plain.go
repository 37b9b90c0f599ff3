package odata

import (
	"encoding/json"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/fault"
	"junctor/internal/format/csv"
	"junctor/internal/format/xml"
	"junctor/internal/record"
	"junctor/internal/value"
)

// plainList answers a page as CSV or XML. There is no place in them for control
// information: the next page is in the header Link (RFC 8288).
func (q *request) plainList(page *record.Page) (*answer, error) {
	var a *answer
	var err error
	if q.form.kind == asCSV {
		a, err = q.csv(page.Records, page.Groups)
	} else {
		b := []byte{'['}
		form := q.recordForm(nil)
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
		a, err = q.xml(append(b, ']'))
	}
	return q.linked(a, err, page.Next, page.Delta)
}

// linked adds the addresses of what follows.
func (q *request) linked(a *answer, err error, next, delta string) (*answer, error) {
	if err != nil {
		return nil, err
	}
	for _, l := range []struct{ option, cursor, relation string }{{"$skiptoken", next, "next"}, {"$deltatoken", delta, "delta"}} {
		if l.cursor != "" {
			a.header.Add("Link", "<"+q.base+q.path+"?"+escapeLink(q.from(l.option, l.cursor))+`>; rel="`+l.relation+`"`)
		}
	}
	return q.paged(a), nil
}

// escapeLink keeps what stands between < and > within them.
func escapeLink(text string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20", `"`, "%22").Replace(text)
}

func (q *request) plainOne(r *record.Record) (*answer, error) {
	if q.form.kind == asCSV {
		return q.csv([]*record.Record{r}, nil)
	}
	return q.xml(r.AppendJSON(nil, q.recordForm(nil)))
}

// xml writes data as packets and functions do.
func (q *request) xml(data []byte) (*answer, error) {
	root, err := xml.FromData(data, xml.DataForm{Root: "answer", Item: "item"}, xml.Limits{})
	if err != nil {
		return nil, fault.New(fault.NotAcceptable, "XML cannot hold this answer: %v. Ask for application/json.", err)
	}
	mend(root)
	text, err := xml.Write(root, xml.WriteOptions{Declaration: true})
	if err != nil {
		return nil, fault.New(fault.NotAcceptable, "XML cannot hold this answer: %v. Ask for application/json, or a smaller page.", err)
	}
	return q.text(text, "application/xml; charset=utf-8"), nil
}

// mend replaces what XML 1.0 has no way to write: control characters and the
// like become U+FFFD.
func mend(e *xml.Element) {
	for i := range e.Children {
		c := &e.Children[i]
		if c.Element != nil {
			mend(c.Element)
			continue
		}
		c.Text = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
				return 0xfffd
			}
			return r
		}, c.Text)
	}
	for i := range e.Attr {
		e.Attr[i].Value = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
				return 0xfffd
			}
			return r
		}, e.Attr[i].Value)
	}
}

// csv writes a table: the columns in their order, those of another record behind
// them as customer/name. What a spreadsheet would compute is made inert.
func (q *request) csv(records []*record.Record, groups []*record.Group) (*answer, error) {
	var rows [][]string
	if q.options.apply != nil {
		rows = groupRows(q.options.apply, groups)
	} else {
		rows = append(rows, q.columnNames("", q.target.end, q.options.selects, q.expansion()))
		for _, r := range records {
			rows = append(rows, q.fields(make([]string, 0, len(rows[0])), r, q.target.end, q.options.selects, q.expansion()))
		}
	}
	return q.table(rows)
}

func (q *request) table(rows [][]string) (*answer, error) {
	text, err := csv.Write(rows, csv.Options{Formulas: true})
	if err != nil {
		return nil, fault.New(fault.NotAcceptable, "CSV cannot hold this answer: %v. Ask for application/json.", err)
	}
	return q.text(text, "text/csv; charset=utf-8; header=present"), nil
}

// columnNames are the header of a table, in the order of fields.
func (q *request) columnNames(before string, c *class.Class, selects []string, expand []record.Expand) (names []string) {
	for _, name := range q.propertiesOf(c, selects) {
		names = append(names, before+name)
	}
	for _, e := range expand {
		if to := q.leads(c, e.Ref); to != nil {
			names = append(names, q.columnNames(before+e.Ref+"/", to, e.Select, e.Expand)...)
		}
	}
	return names
}

// propertiesOf are the names of what is shown of a class.
func (q *request) propertiesOf(c *class.Class, selects []string) (names []string) {
	if selects == nil {
		rights := q.actor.Rights.Class(c.Code)
		for _, column := range columnsOf(c) {
			if column.System || rights.Sees(column.Code) {
				names = append(names, column.Field())
			}
		}
		return names
	}
	for _, name := range selects {
		if column := c.Column(name); column != nil {
			name = column.Field()
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (q *request) fields(row []string, r *record.Record, c *class.Class, selects []string, expand []record.Expand) []string {
	for _, name := range q.propertiesOf(c, selects) {
		field := ""
		if r != nil {
			v, _ := r.Value(name)
			field = plainText(v)
		}
		row = append(row, field)
	}
	if len(expand) == 0 {
		return row
	}
	found := map[string]*record.Record{}
	if r != nil {
		r.Expanded(func(name string, to *record.Record) { found[name] = to })
	}
	for _, e := range expand {
		if to := q.leads(c, e.Ref); to != nil {
			row = q.fields(row, found[e.Ref], to, e.Select, e.Expand)
		}
	}
	return row
}

func plainText(v value.Value) string {
	if v.IsNull() {
		return ""
	}
	if v.Type() == value.Text || v.Type() == value.JSON {
		return v.Text()
	}
	var text string
	b := v.AppendJSON(nil)
	if json.Unmarshal(b, &text) == nil {
		return text
	}
	return string(b)
}

func groupRows(a *record.Grouping, groups []*record.Group) [][]string {
	var header []string
	for _, path := range a.By {
		header = append(header, strings.Join(path, "/"))
	}
	for _, g := range a.Aggregates {
		header = append(header, g.As)
	}
	rows := [][]string{header}
	for _, g := range groups {
		var row []string
		g.Each(func(_ []string, v value.Value) { row = append(row, plainText(v)) })
		rows = append(rows, row)
	}
	return rows
}

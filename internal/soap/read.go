package soap

import (
	"math"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/record"
	"junctor/internal/value"
)

var (
	filterElement = element{name: "filter", kind: xsString, optional: true, comment: "which, as OData's $filter: state eq 'new' and total gt 100"}
	selectElement = element{name: "select", kind: xsString, optional: true, comment: "the elements that are wanted: number,total,customer/name; all when absent"}
	expandElement = element{name: "expand", kind: xsString, optional: true, comment: "refs to be read with the records that they lead to: customer,customer/region"}
	sizeElement   = element{name: "pageSize", kind: xsInt, optional: true, comment: "records of one page, 100 when absent, at most 1000"}
)

var queryElements = []element{
	filterElement,
	{name: "orderby", kind: xsString, optional: true, comment: "received desc,number"},
	selectElement, expandElement,
	{name: "top", kind: xsInt, optional: true, comment: "at most so many over all pages"},
	{name: "skip", kind: xsInt, optional: true, comment: "so many of the first are left out"},
	{name: "count", kind: xsBoolean, optional: true, comment: "says how many there are"},
	sizeElement,
	{name: "cursor", kind: xsString, optional: true, comment: "next of the page before, with everything else as it was"},
	{name: "track", kind: xsBoolean, optional: true, comment: "the last page has a delta, to ask for changes with"},
}

var changesElements = []element{
	{name: "delta", kind: xsString, comment: "delta or next of the answer before; everything else as it was"},
	filterElement, selectElement, expandElement, sizeElement,
}

var removedType = complexType{name: "Removed", comment: "A record that is no longer in the answer.", elements: []element{
	{name: "id", kind: xsString}, {name: "reason", kind: xsString, values: []string{"deleted", "changed"}},
}}

// asked is what every reading has in common, of the class code.
func asked(code string, in *input) record.Query {
	q := record.Query{Class: code, Cursor: strings.TrimSpace(in.text("cursor")), Count: in.is("count"), Track: in.is("track")}
	var err error
	if text := in.text("filter"); strings.TrimSpace(text) != "" {
		if q.Filter, err = filter.Parse(text); err != nil {
			in.wrong("filter", "%s", err.Error())
		}
	}
	if text := in.text("orderby"); strings.TrimSpace(text) != "" {
		if q.Order, err = filter.ParseOrder(text); err != nil {
			in.wrong("orderby", "%s", err.Error())
		}
	}
	if top := in.number("top", 0, math.MaxInt32); top != nil {
		n := int(*top)
		q.Top = &n
	}
	if skip := in.number("skip", 0, math.MaxInt32); skip != nil {
		q.Skip = int(*skip)
	}
	if size := in.number("pageSize", 1, record.MaxPage); size != nil {
		q.Page = int(*size)
	}
	q.Select, q.Expand = selection(paths(in.text("select")), paths(in.text("expand")))
	return q
}

// paths takes a list such as number,customer/name apart.
func paths(text string) (all [][]string) {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, strings.Split(item, "/"))
		}
	}
	return all
}

// selection makes a tree of paths: what is selected of the record, and which refs
// are expanded with what is selected there.
func selection(selected, expanded [][]string) (names []string, expands []record.Expand) {
	inner := map[string]*[2][][]string{} // by ref: what is selected and expanded behind it
	var refs []string
	behind := func(ref string) *[2][][]string {
		if inner[ref] == nil {
			inner[ref] = &[2][][]string{}
			refs = append(refs, ref)
		}
		return inner[ref]
	}
	for _, path := range selected {
		if len(path) == 1 {
			names = append(names, path[0])
			continue
		}
		there := behind(path[0])
		there[0] = append(there[0], path[1:])
	}
	for _, path := range expanded {
		there := behind(path[0])
		if len(path) > 1 {
			there[1] = append(there[1], path[1:])
		}
	}
	for _, ref := range refs {
		e := record.Expand{Ref: ref}
		e.Select, e.Expand = selection(inner[ref][0], inner[ref][1])
		expands = append(expands, e)
	}
	return names, expands
}

// get reads a page.
func (c *call) get(s *shape) ([]byte, error) {
	in := c.read(queryElements)
	q := asked(s.class.Code, in)
	if err := in.refused(); err != nil {
		return nil, err
	}
	var page *record.Page
	err := c.list(func(tx *db.Tx) (err error) {
		page, err = c.Records.Query(tx, c.model, c.actor, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	var w writer
	w.open("page")
	for _, r := range page.Records {
		c.record(&w, "record", s, r)
	}
	if q.Count {
		w.number("count", page.Count)
	}
	w.some("next", page.Next)
	w.some("delta", page.Delta)
	w.close("page")
	return c.fits(&w)
}

// changes reads what is new since a delta.
func (c *call) changes(s *shape) ([]byte, error) {
	in := c.read(changesElements)
	q, delta := asked(s.class.Code, in), strings.TrimSpace(in.text("delta"))
	if delta == "" && len(in.found) == 0 {
		in.wrong("delta", "must not be empty")
	}
	if err := in.refused(); err != nil {
		return nil, err
	}
	var changed *record.Changed
	err := c.list(func(tx *db.Tx) (err error) {
		changed, err = c.Records.Changes(tx, c.model, c.actor, q, delta)
		return err
	})
	if err != nil {
		return nil, err
	}
	var w writer
	w.open("changes")
	for _, r := range changed.Records {
		c.record(&w, "record", s, r)
	}
	for _, r := range changed.Removed {
		w.open("removed")
		w.text("id", r.ID)
		w.text("reason", map[bool]string{true: "deleted", false: "changed"}[r.Deleted])
		w.close("removed")
	}
	w.some("next", changed.Next)
	w.some("delta", changed.Delta)
	w.close("changes")
	return c.fits(&w)
}

// list reads any number of records when it is the account's turn.
func (c *call) list(f func(*db.Tx) error) error {
	leave, err := c.Records.Turn(c.r.Context(), c.actor)
	if err != nil {
		return err
	}
	defer leave()
	return c.DB.Read(c.r.Context(), f)
}

// fits refuses what was read and finds no room to wait in for its caller to take it.
func (c *call) fits(w *writer) ([]byte, error) {
	if w.Len() > headLimit && !c.place.Grow(int64(w.Len())) {
		return nil, errNoRoom
	}
	return w.Bytes(), nil
}

// record writes a record in the order of its type.
func (c *call) record(w *writer, name string, s *shape, r *record.Record) {
	w.open(name)
	values := map[string]value.Value{}
	r.Columns(func(name string, _ *class.Column, v value.Value) { values[name] = v })
	expanded := map[string]*record.Record{}
	r.Expanded(func(name string, to *record.Record) { expanded[name] = to })
	for _, column := range s.columns {
		if v, ok := values[column.Field()]; ok {
			w.value(column.Field(), v)
		}
		to, ok := expanded[column.Code]
		switch {
		case !ok || column.Kind != class.Ref:
		case to == nil:
			w.leaf(column.Code, "xsi:nil", "true")
		default:
			c.record(w, column.Code, c.shape(c.model.Class(to.Class())), to)
		}
	}
	w.close(name)
}

// address finds out which record is meant: by its id, or the first of the class's
// keys whose columns are all there.
func (s *shape) address(n *node) (record.Address, error) {
	if id := n.value("id"); id != "" {
		return record.Address{ID: id}, nil
	}
	for _, key := range s.class.Keys {
		var at record.Address
		for _, code := range key {
			column := s.class.Column(code)
			text := n.value(column.Field())
			if text == "" || !slices.Contains(s.columns, column) {
				break
			}
			v, err := value.FromXML(column.Type, text)
			if err != nil {
				return at, fault.New(fault.Unprocessable, "The record's key cannot be read.").WithFields(fault.Field{Pointer: "/" + column.Field(), Detail: err.Error()})
			}
			at.Key = append(at.Key, record.KeyPart{Column: column.Field(), Value: v})
		}
		if len(at.Key) == len(key) {
			return at, nil
		}
	}
	return record.Address{}, fault.New(fault.Invalid, "It is not said which record is meant: its id is needed, or all columns of a key.")
}

// value is the text of a child, "" for none.
func (n *node) value(local string) string {
	for _, c := range n.children {
		if c.ours() && c.local == local && !c.null && len(c.children) == 0 {
			return c.text
		}
	}
	return ""
}

package record

import (
	"slices"
	"strconv"

	"junctor/internal/class"
	"junctor/internal/fault"
	"junctor/internal/value"
)

// list plans what is read of each record. names are properties, or refs, which
// stand for their CODE_id; nil means everything that the caller may see.
func (b *builder) list(src *source, names []string, expand []Expand) (*list, error) {
	return b.listed(src, names, expand, maxExpand)
}

func (b *builder) listed(src *source, names []string, expand []Expand, depth int) (*list, error) {
	l := &list{layout: src.layout, columns: []int{atID, atVersion}}
	if names == nil {
		all := *b.shown(src)
		l = &all
	}
	show := func(place int) {
		at := slices.Index(l.columns, place)
		if at < 0 {
			at = len(l.columns)
			l.columns = append(l.columns, place)
		}
		if !slices.Contains(l.shown, at) {
			l.shown = append(l.shown, at)
		}
	}
	for _, n := range names {
		place, ok := src.layout.at[n]
		if c := src.layout.refs[n]; !ok && c != nil {
			place, ok = src.layout.at[c.Field()], true
		}
		if !ok || !src.sees(src.layout.columns[place]) {
			return nil, b.unknown(src, n)
		}
		show(place)
	}
	if len(expand) > 0 && depth == 0 {
		return nil, fault.New(fault.Invalid, "Refs are expanded %d levels deep at most.", maxExpand)
	}
	for _, e := range expand {
		if err := b.expand(src, l, e, depth); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (b *builder) expand(src *source, l *list, e Expand, depth int) error {
	ref := b.ref(src, e.Ref)
	if ref == nil {
		return b.noRef(src, e.Ref)
	}
	if slices.ContainsFunc(l.expand, func(n nested) bool { return n.column == ref }) {
		return fault.New(fault.Invalid, "The ref %s is expanded twice.", e.Ref)
	}
	to, err := b.join(src, ref)
	if err != nil {
		return err
	}
	inner, err := b.listed(to, e.Select, e.Expand, depth-1)
	if err != nil {
		return err
	}
	l.expand = append(l.expand, nested{column: ref, key: append(strconv.AppendQuote(nil, ref.Code), ':'), list: inner, from: to})
	return nil
}

// selected is what stands behind SELECT: the list's columns, those of what it
// expands, and what the order needs for the next cursor.
func (b *builder) selected(l *list) string {
	text := b.appendSelected(make([]byte, 0, 512), b.root, l)
	for _, o := range l.order {
		text = append(append(text, ", "...), o.sql...)
	}
	return string(text)
}

func (b *builder) appendSelected(text []byte, src *source, l *list) []byte {
	for _, place := range l.columns {
		if len(text) > 0 {
			text = append(text, ", "...)
		}
		text = append(append(text, src.alias...), '.')
		text = append(text, l.layout.quoted[place]...)
	}
	for _, n := range l.expand {
		text = b.appendSelected(text, n.from, n.list)
	}
	return text
}

// read executes the statement and makes records of its rows, about so many. It
// is cut when they have pageBytes and there is another.
func (b *builder) read(sql string, l *list, about int) (records []*Record, cut bool, err error) {
	rows, err := b.tx.Query(sql, b.args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	cells := l.cells(make([]class.Cell, 0, len(l.columns)+8))
	for _, o := range l.order {
		cells = append(cells, class.Cell{Column: o.Column})
	}
	targets := make([]any, len(cells))
	for i := range cells {
		targets[i] = &cells[i]
	}
	records = make([]*Record, 0, min(about, DefaultPage+1))
	var values []value.Value // of several records: one piece of memory for many
	size := 0
	for rows.Next() {
		if size >= pageBytes {
			return records, true, nil
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, false, err
		}
		if len(values) < len(cells) {
			values = make([]value.Value, len(cells)*min(max(about, 1), 64))
		}
		for i := range cells {
			values[i] = cells[i].Value
		}
		size += value.Weight(values[:len(cells)])
		r, rest := l.record(values[:len(cells):len(cells)])
		r.order = rest
		records = append(records, r)
		values = values[len(cells):]
	}
	return records, false, rows.Err()
}

// cells takes what appendSelected names.
func (l *list) cells(cells []class.Cell) []class.Cell {
	for _, place := range l.columns {
		cells = append(cells, class.Cell{Column: l.layout.columns[place]})
	}
	for _, n := range l.expand {
		cells = n.list.cells(cells)
	}
	return cells
}

// record takes a record's values and returns those behind them.
func (l *list) record(values []value.Value) (r *Record, rest []value.Value) {
	n := len(l.columns)
	r = &Record{list: l, values: values[:n:n]}
	rest = values[n:]
	for _, e := range l.expand {
		var to *Record
		to, rest = e.list.record(rest)
		if to.values[0].IsNull() { // its id: there is none
			to = nil
		}
		r.refs = append(r.refs, to)
	}
	return r, rest
}

package odata

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/record"
	"junctor/internal/strict"
)

// options are the system query options, read but not checked against a class.
type options struct {
	pairs   []pair // as they were sent
	given   map[string]string
	filter  *filter.Expr
	params  map[string]*filter.Expr
	order   []filter.Order
	selects []string
	expand  []record.Expand
	top     *int
	skip    int
	count   bool
	apply   *record.Grouping
	cursor  string // of $skiptoken
	delta   string // of $deltatoken
	page    int    // records of one page, 0 where nothing is said
	track   bool   // the last page is to have a delta
}

// pair is one member of a query string: its decoded name, and both as they were
// sent.
type pair struct{ name, value, raw string }

const (
	maxQuery = 64 << 10 // bytes
	maxPairs = 200
)

// readOptions reads the query string. allowed are the options that the route
// takes; every other with a $ is refused, what has none is the client's own.
func (q *request) readOptions(allowed string) (options, error) {
	var o options
	if q.query == "" {
		o.page, o.track = q.prefer.pageSize, q.prefer.track
		return o, nil
	}
	o.given = map[string]string{}
	var err error
	if o.pairs, err = splitQuery(q.query); err != nil {
		return o, err
	}
	known := strings.Fields(allowed)
	for i := range o.pairs {
		p := &o.pairs[i]
		if strings.HasPrefix(p.name, "@") {
			if err := o.alias(p); err != nil {
				return o, err
			}
			continue
		}
		name, system := strings.CutPrefix(p.name, "$")
		if !system && q.version == version40 {
			continue
		}
		if q.version != version40 {
			name = strings.ToLower(name)
		}
		if !slices.Contains(known, name) {
			if !system {
				continue
			}
			return o, unknownOption(p.name, known)
		}
		if _, twice := o.given[name]; twice {
			return o, fault.New(fault.Invalid, "The option $%s is given more than once.", name)
		}
		o.given[name], p.name = p.value, "$"+name
	}
	if err := o.read(q.version); err != nil {
		return o, err
	}
	if o.page == 0 {
		o.page = q.prefer.pageSize
	}
	o.track = (o.track || q.prefer.track) && o.apply == nil
	return o, nil
}

func unknownOption(name string, known []string) error {
	all := make([]string, len(known))
	for i, k := range known {
		all[i] = "$" + k
	}
	if len(all) == 0 {
		return fault.New(fault.Invalid, "This address takes no option %.100s.", name)
	}
	return fault.New(fault.Invalid, "The query: %s", strict.Stop(strict.Unknown(name, all)))
}

// splitQuery takes a query string apart. A semicolon divides nothing here:
// $expand has them.
func splitQuery(raw string) ([]pair, error) {
	if len(raw) > maxQuery {
		return nil, fault.New(fault.Invalid, "The query has %d bytes; at most %d are taken. Send it to /$query behind the class instead.", len(raw), maxQuery)
	}
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		if len(pairs) == maxPairs {
			return nil, fault.New(fault.Invalid, "The query has more than %d members.", maxPairs)
		}
		name, value, _ := strings.Cut(part, "=")
		p := pair{raw: part}
		var errName, errValue error
		p.name, errName = url.QueryUnescape(name)
		p.value, errValue = url.QueryUnescape(value)
		if errName != nil || errValue != nil || !utf8.ValidString(p.name) || !utf8.ValidString(p.value) {
			return nil, fault.New(fault.Invalid, "The query's member %.100q is not written as queries are: percent signs are followed by two hexadecimal digits, and the text is UTF-8.", part)
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// alias reads @name=expression.
func (o *options) alias(p *pair) error {
	e, err := filter.Parse(p.value)
	if err != nil {
		return fault.New(fault.Invalid, "The parameter %.100s: %v.", p.name, err)
	}
	if o.params == nil {
		o.params = map[string]*filter.Expr{}
	}
	name := strings.TrimPrefix(p.name, "@")
	if o.params[name] != nil {
		return fault.New(fault.Invalid, "The parameter %.100s is given more than once.", p.name)
	}
	o.params[name] = e
	return nil
}

// read reads the values of the options.
func (o *options) read(version string) (err error) {
	if len(o.given) == 0 {
		return nil
	}
	if text, ok := o.given["filter"]; ok {
		if o.filter, err = filter.Parse(text); err != nil {
			return fault.New(fault.Invalid, "$filter: %v.", err)
		}
	}
	if text, ok := o.given["orderby"]; ok {
		if o.order, err = filter.ParseOrder(text); err != nil {
			return fault.New(fault.Invalid, "$orderby: %v.", err)
		}
	}
	if text, ok := o.given["apply"]; ok {
		if o.apply, err = record.ParseApply(text); err != nil {
			return err
		}
		if o.filter != nil {
			return fault.New(fault.Invalid, "$filter beside $apply would be of the groups, which cannot be filtered: filter the records by $apply=filter(...)/groupby(...).")
		}
	}
	if text, ok := o.given["top"]; ok {
		n, err := whole("$top", text)
		if err != nil {
			return err
		}
		o.top = &n
	}
	if text, ok := o.given["skip"]; ok {
		if o.skip, err = whole("$skip", text); err != nil {
			return err
		}
	}
	switch text := o.given["count"]; text {
	case "", "false":
	case "true":
		o.count = true
	default:
		return fault.New(fault.Invalid, "$count is true or false, not %.100q.", text)
	}
	if o.selects, o.expand, err = shapeOf(o.given, version, 0); err != nil {
		return err
	}
	return o.tokens()
}

// tokens reads the places where a page or a list of changes begins. The size of
// the pages travels in them.
func (o *options) tokens() error {
	for _, t := range []struct {
		name string
		into *string
	}{{"skiptoken", &o.cursor}, {"deltatoken", &o.delta}} {
		text, ok := o.given[t.name]
		if !ok {
			continue
		}
		size, cursor, divided := strings.Cut(text, ".")
		if t.name == "skiptoken" {
			size, o.track = strings.CutPrefix(size, "t")
		}
		n, err := strconv.Atoi(size)
		if err != nil || !divided || cursor == "" || n < 0 || n > record.MaxPage {
			return fault.New(fault.Invalid, "$%s is not one that an answer has had: take links as they are answered.", t.name)
		}
		*t.into, o.page = cursor, n
	}
	if o.cursor != "" && o.delta != "" {
		return fault.New(fault.Invalid, "$skiptoken and $deltatoken do not go together.")
	}
	return nil
}

// token is a cursor with what has to go along with it: the size of the pages,
// and whether the last is to have a delta.
func (o *options) token(option, cursor string) string {
	text := strconv.Itoa(o.page) + "." + cursor
	if o.track && option == "$skiptoken" {
		return "t" + text
	}
	return text
}

func whole(name, text string) (int, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || n < 0 {
		return 0, fault.New(fault.Invalid, "%s is a whole number from 0 to 2147483647, not %.100q.", name, text)
	}
	return int(n), nil
}

// recordQuery is what package record is asked for.
func (q *request) recordQuery() record.Query {
	o := &q.options
	return record.Query{
		Class: q.target.class.Code, Filter: o.filter, Params: o.params, Order: o.order, Select: o.selects, Expand: q.expansion(),
		Skip: o.skip, Top: o.top, Count: o.count, Page: o.page, Cursor: o.cursor, Apply: o.apply, Track: o.track,
	}
}

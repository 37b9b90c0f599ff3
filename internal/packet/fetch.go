package packet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"junctor/internal/class"
	"junctor/internal/class/param"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/stored"
)

// Sources are where the parts come from that are not in the database; hub fills
// them. What they answer is JSON.
type Sources interface {
	// Function calls a function, with parameters as a JSON object. Rights are
	// checked before.
	Function(ctx context.Context, who record.Actor, code string, params json.RawMessage) (json.RawMessage, error)
	// Get asks a connection for a path and a query; null when it answers 404.
	Get(ctx context.Context, connection, path string, query url.Values) (json.RawMessage, error)
}

// Fetcher fetches packets. Its members do not change.
type Fetcher struct {
	DB      *db.DB
	Store   *record.Store
	Model   func() *class.Model // the classes as they are now
	Query   func(code string) *stored.Query
	Sources Sources
}

// patience is how long the sources outside may take together.
const patience = 60 * time.Second

// Args reads the parameters of a URL. Errors: fault.Unprocessable with pointers
// such as /code.
func (p *Packet) Args(query url.Values) (param.Args, error) { return param.TextArgs(p.Params, query) }

// JSONArgs reads the parameters of a JSON object; nothing at all is {}. Errors:
// as those of Args.
func (p *Packet) JSONArgs(body []byte) (param.Args, error) {
	var given map[string]json.RawMessage
	if len(body) > 0 && json.Unmarshal(body, &given) != nil {
		return nil, fault.New(fault.Unprocessable, "The parameters of the packet %q are a JSON object.", p.Code)
	}
	return param.JSONArgs(p.Params, given)
}

// Fetch collects a packet: what is in the database as it is at one moment, then
// what comes from outside. The caller's rights hold for each part.
//
// Errors: fault.Forbidden for the packet or a part, which it names;
// fault.Unprocessable for a part of too many records; what a source answers.
func (f *Fetcher) Fetch(ctx context.Context, p *Packet, who record.Actor, args param.Args) (json.RawMessage, error) {
	if err := MayFetch(who.Rights, p.Code); err != nil {
		return nil, err
	}
	params := args.Exprs(p.Params)
	maps.Copy(params, who.Rights.Account.Params())
	texts := map[string]json.RawMessage{}
	for _, param := range p.Params {
		texts[param.Code] = args.JSON(param)
	}
	for name, e := range who.Rights.Account.Params() {
		texts[name] = jsonOf(e)
	}
	if err := f.allowed(p.Parts, who.Rights); err != nil {
		return nil, err
	}
	var x *fetch
	collect := func(model func(*db.Tx) (*class.Model, error)) error {
		leave, err := f.Store.Turn(ctx, who)
		if err != nil {
			return err
		}
		defer leave()
		return f.DB.Read(ctx, func(tx *db.Tx) (err error) {
			x = &fetch{Fetcher: f, ctx: ctx, tx: tx, who: who, root: &node{}}
			if x.model, err = model(tx); err != nil {
				return err
			}
			if err := x.parts(p.Parts, scope{params, texts}, x.root); err != nil {
				return err
			}
			return x.current()
		})
	}
	err := collect(func(*db.Tx) (*class.Model, error) { return f.Model(), nil })
	if errors.Is(err, table.ErrStale) || err != nil && fault.CodeOf(err) == fault.Internal {
		err = collect(table.Applied) // a class may have changed in this moment
	}
	if err == nil {
		err = x.outside()
	}
	if err != nil {
		return nil, err
	}
	return x.root.appendJSON(nil), nil
}

// MayFetch is a fault.Forbidden for who may not fetch a packet, whether there is
// one of that name or not.
func MayFetch(rights *right.Set, code string) error {
	if rights.MayFetch(code) {
		return nil
	}
	return fault.New(fault.Forbidden, "This account has no right to fetch a packet %q.", code)
}

// allowed looks at every part before anything is read.
func (f *Fetcher) allowed(parts []*Part, rights *right.Set) error {
	for _, p := range parts {
		switch {
		case p.Class != "" && rights.Class(p.Class).Read.None(), p.Query != "" && !rights.MayQuery(p.Query), p.Function != "" && !rights.MayCall(p.Function):
			return lacking(p)
		}
		if err := f.allowed(p.Parts, rights); err != nil {
			return err
		}
	}
	return nil
}

func lacking(p *Part) error {
	return fault.New(fault.Forbidden, "This account's rights do not suffice for the part %q of the packet.", p.Name)
}

// scope is what the parameters stand for around a part.
type scope struct {
	exprs map[string]*filter.Expr
	texts map[string]json.RawMessage
}

// fetch is one fetch under way.
type fetch struct {
	*Fetcher
	ctx     context.Context
	tx      *db.Tx
	who     record.Actor
	model   *class.Model
	root    *node
	asks    int
	records int
	size    atomic.Int64 // bytes of what was read
	classes []string
	later   []func(context.Context) error // what comes from outside
}

func (x *fetch) parts(parts []*Part, s scope, into *node) error {
	for _, p := range parts {
		n := &node{}
		into.members = append(into.members, member{p.Name, n})
		var err error
		switch {
		case p.Class != "":
			err = x.class(p, s, n)
		case p.Query != "":
			err = x.query(p, s, n)
		case p.outside():
			n.raw = json.RawMessage("null")
			x.later = append(x.later, func(ctx context.Context) error { return x.ask(ctx, p, s, n) })
		default:
			err = x.parts(p.Parts, s, n)
		}
		if err == nil && len(x.later)+x.asks > mostAsks {
			err = fault.New(fault.Unprocessable, "The packet asks its sources more than %d times: give the part around %q a smaller top.", mostAsks, p.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *fetch) class(p *Part, s scope, n *node) error {
	x.asks++
	if !slices.Contains(x.classes, p.Class) {
		x.classes = append(x.classes, p.Class)
	}
	rights := x.who.Rights.Class(p.Class)
	q := record.Query{Class: p.Class, Filter: p.Filter, Params: s.exprs, Order: p.Order, Top: limit(p), Page: record.MaxPage}
	c := x.model.Class(p.Class)
	if c == nil {
		return fault.New(fault.Unavailable, "The class of the part %q is not there yet.", p.Name)
	}
	q.Select, q.Expand = visible(c, rights, p.Select), x.expand(c, p.Expand)
	for {
		page, err := x.Store.Query(x.tx, x.model, x.who, q)
		if err != nil {
			return x.refused(p, err)
		}
		for _, r := range page.Records {
			if err := x.row(p, s, n, r.AppendJSON(nil, record.Form{}), func(set func(name string, raw json.RawMessage, e *filter.Expr)) {
				r.Columns(func(name string, _ *class.Column, v valueOf) { set(name, v.AppendJSON(nil), literal(v)) })
			}); err != nil {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return x.end(p, n)
		}
	}
}

func (x *fetch) query(p *Part, s scope, n *node) error {
	x.asks++
	q := x.Query(p.Query)
	if q == nil {
		return fault.New(fault.Unavailable, "The stored query of the part %q is not there yet.", p.Name)
	}
	given, err := s.object(p.Params)
	if err != nil {
		return err
	}
	args, err := param.JSONArgs(q.Params, given)
	if err != nil {
		return fault.Wrap(err, fault.Unprocessable, "The part %q of the packet got parameters that its query cannot take.", p.Name)
	}
	page, err := q.Read(x.tx, x.who.Rights, args, stored.Use{Filter: p.Filter, Params: s.exprs, Order: p.Order, Select: p.Select, Top: limit(p)}, x.Store.Now())
	if err != nil {
		return x.refused(p, err)
	}
	for _, r := range page.Rows {
		if err := x.row(p, s, n, r.AppendJSON(nil, false), func(set func(name string, raw json.RawMessage, e *filter.Expr)) {
			r.Columns(func(name string, _ *class.Column, v valueOf) { set(name, v.AppendJSON(nil), literal(v)) })
		}); err != nil {
			return err
		}
	}
	return x.end(p, n)
}

// row adds a record of a class, or a row of a query, with the parts within it.
func (x *fetch) row(p *Part, s scope, n *node, own []byte, each func(func(string, json.RawMessage, *filter.Expr))) error {
	if x.records++; x.records > mostRecord {
		return fault.New(fault.Unprocessable, "The packet has more than %d records: give its parts a smaller top.", mostRecord)
	}
	item := &node{own: own}
	if err := x.grow(item.own); err != nil {
		return err
	}
	n.items = append(n.items, item)
	if len(p.Parts) == 0 {
		return nil
	}
	inner := scope{exprs: map[string]*filter.Expr{}, texts: map[string]json.RawMessage{}}
	for name, e := range s.exprs {
		if !strings.HasPrefix(name, parent) {
			inner.exprs[name], inner.texts[name] = e, s.texts[name]
		}
	}
	null := &filter.Expr{Op: filter.Literal}
	for _, name := range x.names(p) { // a column that the caller does not see is null
		inner.exprs[parent+name], inner.texts[parent+name] = null, json.RawMessage("null")
	}
	each(func(name string, raw json.RawMessage, e *filter.Expr) {
		inner.exprs[parent+name], inner.texts[parent+name] = e, raw
	})
	return x.parts(p.Parts, inner, item)
}

// grow bounds what a packet holds in memory.
func (x *fetch) grow(by []byte) error {
	if x.size.Add(int64(len(by))) > mostBytes {
		return fault.New(fault.Unprocessable, "The packet has more than %d bytes: give its parts a smaller top, or select fewer columns.", mostBytes)
	}
	return nil
}

func (x *fetch) names(p *Part) (names []string) {
	if c := x.model.Class(p.Class); c != nil {
		for _, column := range slices.Concat(c.Columns, class.System()) {
			names = append(names, column.Field())
		}
	}
	return names
}

// end closes a part: what it may hold, and what it is.
func (x *fetch) end(p *Part, n *node) error {
	n.list = !p.One
	if p.One && len(n.items) == 0 {
		n.raw = json.RawMessage("null")
	}
	if p.Top == nil && !p.One && len(n.items) > most {
		return fault.New(fault.Unprocessable, "The part %q has more than %d records: give it a top, or a filter that takes less.", p.Name, most)
	}
	return nil
}

// limit is how many records are read: one more than may be, to know of it.
func limit(p *Part) *int {
	n := most + 1
	switch {
	case p.One:
		n = 1
	case p.Top != nil:
		n = *p.Top
	}
	return &n
}

// refused is the error of a part. The packet was checked when it was made: what
// the caller's rights leave nothing of is all that can be unreadable now.
func (x *fetch) refused(p *Part, err error) error {
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) {
		return lacking(p)
	}
	return fmt.Errorf("read the part %s: %w", p.Name, err)
}

// current is table.ErrStale when a class is no longer what it was read as.
func (x *fetch) current() error {
	for _, class := range x.classes {
		if err := table.Current(x.tx, x.model, class); err != nil {
			return err
		}
	}
	return nil
}

// visible are the selected columns that the caller may see; nil for all.
func visible(c *class.Class, rights right.Class, names []string) []string {
	if names == nil {
		return nil
	}
	seen := []string{}
	for _, name := range names {
		for _, column := range slices.Concat(c.Columns, class.System()) {
			if column.Field() == name && rights.Sees(column.Code) {
				seen = append(seen, name)
			}
		}
	}
	return seen
}

// expand leaves out the refs that the caller may not follow.
func (x *fetch) expand(c *class.Class, all []record.Expand) (seen []record.Expand) {
	rights := x.who.Rights.Class(c.Code)
	for _, e := range all {
		column := c.Column(e.Ref)
		if column == nil || !rights.Sees(column.Code) || x.who.Rights.Class(column.Class).Read.None() {
			continue
		}
		to := x.model.Class(column.Class)
		if to == nil {
			continue
		}
		e.Expand = x.expand(to, e.Expand)
		seen = append(seen, e)
	}
	return seen
}

// atOnce is how many sources outside one fetch asks at the same time.
const atOnce = 4

// outside asks the sources outside.
func (x *fetch) outside() error {
	if len(x.later) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	errs := make([]error, len(x.later))
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, ask := range x.later {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if errs[i] = ask(ctx); errs[i] != nil {
				cancel() // the others would be in vain
			}
		})
	}
	all.Wait()
	if errors.Join(errs...) != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && x.ctx.Err() == nil {
		return fault.New(fault.AnswerTimeout, "The sources outside of the packet did not answer within %s.", patience)
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errors.Join(errs...)
}

func (x *fetch) ask(ctx context.Context, p *Part, s scope, n *node) error {
	answer, err := x.asked(ctx, p, s)
	switch {
	case err == nil:
		n.raw = answer
		return x.grow(answer)
	case p.Optional && !errors.Is(ctx.Err(), context.Canceled):
	case p.Function != "" && fault.CodeOf(err) == fault.Unprocessable:
		return fault.Wrap(err, fault.Unprocessable, "The part %q of the packet got parameters that its function cannot take.", p.Name)
	default:
		return fmt.Errorf("the part %s: %w", p.Name, err)
	}
	return nil
}

func (x *fetch) asked(ctx context.Context, p *Part, s scope) (json.RawMessage, error) {
	given, err := s.object(p.Params)
	if err != nil {
		return nil, err
	}
	if p.Function != "" {
		params, err := json.Marshal(given)
		if err != nil {
			return nil, err
		}
		return x.Sources.Function(ctx, x.who, p.Function, params)
	}
	path, err := expanded(p.Path, func(name string) (string, error) {
		text := plain(s.texts[name])
		if text == "" || text == "." || text == ".." { // would be another path
			return "", fault.New(fault.Unprocessable, "The parameters are not valid.").
				WithFields(fault.Field{Pointer: "/" + name, Detail: fmt.Sprintf("%q cannot stand in a path", text)})
		}
		return url.PathEscape(text), nil
	})
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	for name, raw := range given {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			list = []json.RawMessage{raw}
		}
		for _, one := range list {
			if string(one) != "null" {
				query.Add(name, plain(one))
			}
		}
	}
	return x.Sources.Get(ctx, p.Connection, path, query)
}

// object fills in the parameters of a part.
func (s scope) object(params map[string]any) (map[string]json.RawMessage, error) {
	all := make(map[string]json.RawMessage, len(params))
	for name, v := range params {
		v, err := filled(v, func(name string) (any, error) {
			if raw, ok := s.texts[name]; ok {
				return raw, nil
			}
			return json.RawMessage("null"), nil
		})
		if err != nil {
			return nil, err
		}
		if all[name], err = json.Marshal(v); err != nil {
			return nil, err
		}
	}
	return all, nil
}

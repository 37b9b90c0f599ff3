package record

import (
	"strconv"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/right"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// builder gathers one statement: what stands behind FROM, and the arguments.
// Names come from the model alone, values are arguments always.
type builder struct {
	store    *Store
	tx       *db.Tx
	postgres bool
	model    *class.Model
	actor    Actor
	root     *source
	tables   int
	joins    []string
	args     []any
	now      value.Value // the moment of the query
}

// sight says whose eyes names and rows are looked at with.
type sight bool

const (
	asCaller sight = true  // hidden columns and rows are not there
	asSystem sight = false // a role's own filter sees everything that is not deleted
)

// source is a class's table in a statement.
type source struct {
	model  *class.Model
	class  *class.Class
	layout *layout
	rights right.Class
	sight  sight
	alias  string
	inline bool               // what it leads to is read by subqueries: it stands in a join's condition
	joined map[string]*source // by the code of the ref
}

func (s *Store) build(tx *db.Tx, m *class.Model, a Actor, c *class.Class, eyes sight) *builder {
	b := &builder{store: s, tx: tx, postgres: tx.Postgres(), model: m, actor: a, now: value.At(s.now())}
	b.root = b.source(c, eyes)
	return b
}

func (b *builder) source(c *class.Class, eyes sight) *source {
	src := b.seen(c, eyes)
	src.alias = "t" + strconv.Itoa(b.tables)
	b.tables++
	return src
}

// seen is a class as somebody sees it, not yet in a statement.
func (b *builder) seen(c *class.Class, eyes sight) *source {
	src := &source{model: b.model, class: c, layout: b.store.layout(c), sight: eyes}
	if eyes == asCaller {
		src.rights = rightsOf(b.actor, c.Code)
	}
	return src
}

func (b *builder) from() string {
	return b.table(b.root) + strings.Join(b.joins, "")
}

func (b *builder) table(src *source) string { return db.Quote(src.class.Table()) + " AS " + src.alias }

// arg adds an argument and is its place. cast is what Column.Cast says, and
// nothing on SQLite.
func (b *builder) arg(v any, cast string) string {
	b.args = append(b.args, v)
	place := "$" + strconv.Itoa(len(b.args))
	if b.postgres {
		place += cast
	}
	return place
}

// live leaves deleted records out. It is said of classes that keep none too: the
// indexes of keys have it as their condition.
func (b *builder) live(src *source) string {
	return src.alias + "." + class.Alive
}

// sees reports whether a column is there for whoever looks through src.
func (src *source) sees(c *class.Column) bool {
	return src.sight == asSystem || c.System || src.rights.Sees(c.Code)
}

// field finds a property by its name: a column, or a ref's CODE_id.
func (src *source) field(property string) *class.Column {
	i, ok := src.layout.at[property]
	if !ok || !src.sees(src.layout.columns[i]) {
		return nil
	}
	return src.layout.columns[i]
}

// ref finds a ref by its code. A class that the caller may not read cannot be
// gone to.
func (b *builder) ref(src *source, code string) *class.Column {
	c := src.layout.refs[code]
	if c == nil || !src.sees(c) || b.model.Class(c.Class) == nil {
		return nil
	}
	if src.sight == asCaller && rightsOf(b.actor, c.Class).Read.None() {
		return nil
	}
	return c
}

// names are what may stand in the place of a name, for the one that was meant.
func (b *builder) names(src *source) []string {
	var names []string
	for _, c := range src.layout.columns {
		if src.sees(c) {
			names = append(names, c.Field())
		}
		if b.ref(src, c.Code) == c {
			names = append(names, c.Code)
		}
	}
	return names
}

// column is a column as it stands in a statement.
type column struct {
	*class.Column
	sql string
}

// resolve finds what a path leads to: number, customer_id, customer/code, or a
// ref alone, which is the id of the record that it leads to.
func (b *builder) resolve(src *source, path []string) (column, error) {
	if len(path) > maxPath {
		return column{}, tooLong(path)
	}
	step := path[0]
	if len(path) == 1 {
		if c := src.field(step); c != nil {
			return column{c, src.alias + "." + db.Quote(c.Field())}, nil
		}
		if c := b.ref(src, step); c != nil {
			path = []string{step, "id"}
		}
	}
	ref := b.ref(src, step)
	if ref == nil || len(path) == 1 {
		return column{}, b.unknown(src, step)
	}
	if src.inline {
		return b.subquery(src, ref, path[1:])
	}
	to, err := b.join(src, ref)
	if err != nil {
		return column{}, err
	}
	return b.resolve(to, path[1:])
}

// typeOf is of what type a path is, without putting anything into the statement.
func (b *builder) typeOf(src *source, path []string) (value.Type, error) {
	for n, step := range path {
		if n == maxPath {
			break
		}
		ref := b.ref(src, step)
		if n == len(path)-1 {
			if c := src.field(step); c != nil {
				return c.Type, nil
			}
			if ref != nil {
				return value.Text, nil
			}
		}
		if ref == nil {
			return value.Null, b.unknown(src, step)
		}
		src = b.seen(b.model.Class(ref.Class), src.sight)
	}
	return value.Null, tooLong(path)
}

func tooLong(path []string) error {
	return fault.New(fault.Invalid, "The path %.200s goes over more than %d refs.", strings.Join(path, "/"), maxPath-1)
}

// maxPath bounds how many names a path has.
const maxPath = 6

func (b *builder) unknown(src *source, step string) error {
	return fault.New(fault.Invalid, "The class %s: %s", src.class.Code, strict.Stop(strict.Unknown(step, b.names(src))))
}

func (b *builder) noRef(src *source, name string) error {
	var refs []string
	for _, c := range src.layout.columns {
		if b.ref(src, c.Code) == c {
			refs = append(refs, c.Code)
		}
	}
	return fault.New(fault.Invalid, "The refs of the class %s: %s", src.class.Code, strict.Stop(strict.Unknown(name, refs)))
}

// join puts the table that a ref leads to into the statement, once for each
// path. A record that is deleted, or that the caller may not see, is not there.
func (b *builder) join(src *source, ref *class.Column) (*source, error) {
	if to := src.joined[ref.Code]; to != nil {
		return to, nil
	}
	if len(b.joins) == maxJoins {
		return nil, fault.New(fault.Invalid, "The query goes over more than %d refs.", maxJoins)
	}
	to := b.source(b.model.Class(ref.Class), src.sight)
	condition, err := b.reach(to, src, ref)
	if err != nil {
		return nil, err
	}
	b.joins = append(b.joins, " LEFT JOIN "+b.table(to)+" ON "+condition)
	if src.joined == nil {
		src.joined = map[string]*source{}
	}
	src.joined[ref.Code] = to
	return to, nil
}

const maxJoins = 30

// reach is the condition that a record is the one that a ref leads to.
func (b *builder) reach(to, from *source, ref *class.Column) (string, error) {
	to.inline = true
	defer func() { to.inline = from.inline }()
	rights, err := b.rowFilter(to, to.rights.Read)
	if err != nil {
		return "", err
	}
	return to.alias + ".id = " + from.alias + "." + db.Quote(ref.Field()) + and(b.live(to)) + and(rights), nil
}

func (b *builder) subquery(src *source, ref *class.Column, rest []string) (column, error) {
	to := b.source(b.model.Class(ref.Class), src.sight)
	condition, err := b.reach(to, src, ref)
	if err != nil {
		return column{}, err
	}
	found, err := b.resolve(to, rest)
	if err != nil {
		return column{}, err
	}
	found.sql = "(SELECT " + found.sql + " FROM " + b.table(to) + " WHERE " + condition + ")"
	return found, nil
}

// rowFilter is the condition that a role sets on rows; "" for all. The role's
// own filter sees what its caller may not.
func (b *builder) rowFilter(src *source, rows right.Row) (string, error) {
	if src.sight == asSystem || rows.All {
		return "", nil
	}
	if rows.Filter == nil {
		return "false", nil
	}
	e, err := b.store.bound(b.actor, src, rows)
	if err != nil {
		return "", err
	}
	system := *src
	system.sight, system.joined = asSystem, nil
	return b.condition(&system, withNow(e, b.now), whenTrue)
}

// at is the condition that a record is the one that is named.
func (b *builder) at(src *source, r Address) (string, error) {
	if len(r.Key) == 0 {
		return src.alias + ".id = " + b.arg(plain(r.ID), "::text"), nil
	}
	columns, err := src.keyColumns(r.Key)
	if err != nil {
		return "", err
	}
	var sql []string
	for i, c := range columns {
		v, err := keyValue(c, r.Key[i].Value)
		if err != nil {
			return "", err
		}
		sql = append(sql, src.alias+"."+db.Quote(c.Field())+" = "+b.stored(c, v))
	}
	return strings.Join(sql, " AND "), nil
}

// keyColumns finds the columns of a key that names one record: one of the
// class's keys, whole, or a unique column.
func (src *source) keyColumns(parts []KeyPart) ([]*class.Column, error) {
	given := make([]*class.Column, len(parts))
	for i, p := range parts {
		given[i] = src.field(p.Column)
		if c := src.layout.refs[p.Column]; given[i] == nil && c != nil && src.sees(c) {
			given[i] = c
		}
	}
	if len(parts) == 1 && given[0] != nil && given[0].Unique {
		return given, nil
	}
	var keys []string
	for _, key := range src.class.Keys {
		if !src.seesKey(key) {
			continue
		}
		if sameColumns(key, given) {
			return given, nil
		}
		keys = append(keys, strings.Join(key, ","))
	}
	written := make([]string, len(parts))
	for i, p := range parts {
		written[i] = p.Column
	}
	hint := "; the class has none but the id"
	if len(keys) > 0 {
		hint = "; the keys are: " + strings.Join(keys, " | ")
	}
	return nil, fault.New(fault.Invalid, "The class %s has no key %.200s%s.", src.class.Code, strings.Join(written, ","), hint)
}

func (src *source) seesKey(key []string) bool {
	for _, code := range key {
		if !src.sees(src.class.Column(code)) {
			return false
		}
	}
	return true
}

func sameColumns(key []string, given []*class.Column) bool {
	if len(key) != len(given) {
		return false
	}
	found := map[string]bool{}
	for _, c := range given {
		if c != nil {
			found[c.Code] = true
		}
	}
	for _, code := range key {
		if !found[code] {
			return false
		}
	}
	return len(found) == len(key)
}

// keyValue makes what was written into the column's own type.
func keyValue(c *class.Column, v value.Value) (value.Value, error) {
	if v.Type() == c.Type {
		if c.Kind == class.Decimal {
			fit, err := value.Fit(v, c.Precision, c.Scale)
			if err != nil { // then no record has it
				return value.Value{}, nil //nolint:nilerr // null is equal to nothing here
			}
			return fit, nil
		}
		return v, nil
	}
	if v.IsNull() {
		return v, nil
	}
	if c.Type == value.Decimal && v.Type() == value.Integer {
		return keyValue(c, value.Scaled(v.Int(), 0))
	}
	return value.Value{}, fault.New(fault.Invalid, "The key's column %s is %s, and %s is %s.", c.Code, c.Type, v, v.Type())
}

// plain is a text that both databases take as an argument.
func plain(text string) string {
	if strings.ContainsRune(text, 0) || !validText(text) {
		return "\uFFFF" // no record has it: nothing that is stored has it
	}
	return text
}

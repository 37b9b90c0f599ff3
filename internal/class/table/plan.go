package table

import (
	"fmt"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// Alteration is one difference between the tables as they are and as the
// configuration wants them.
type Alteration struct {
	Class   string `json:"class"`
	Column  string `json:"column,omitempty"`
	Text    string `json:"text"`              // a sentence for people
	ByRun   bool   `json:"by_run,omitempty"`  // the whole class follows as a run; otherwise it is done in the apply's transaction
	Loses   bool   `json:"loses,omitempty"`   // data: refused without --allow-drop
	Problem string `json:"problem,omitempty"` // why it cannot be done, and what to do
}

// Pointer is the place of the alteration in the classes' bodies.
func (a Alteration) Pointer() string {
	at := strict.Pointer("", a.Class)
	if a.Column != "" {
		at = strict.Pointer(at+"/columns", a.Column)
	}
	return at
}

// Plan compares the tables with the wanted classes and changes nothing. Errors
// are the database's.
func Plan(tx *db.Tx, m *class.Model) ([]Alteration, error) {
	s, err := load(tx)
	if err != nil {
		return nil, err
	}
	plans, err := s.plan(tx, m)
	var all []Alteration
	for _, p := range plans {
		all = append(all, p.alterations...)
	}
	return all, err
}

// Refused are the alterations that cannot be done as an error with their
// places, nil when all can: those with a problem, and without allowDrop those
// that lose data.
func Refused(all []Alteration, allowDrop bool) error {
	var fields []fault.Field
	drops := false
	for _, a := range all {
		switch {
		case a.Problem != "":
			fields = append(fields, fault.Field{Pointer: a.Pointer(), Detail: a.Problem})
		case a.Loses && !allowDrop:
			drops = true
			fields = append(fields, fault.Field{Pointer: a.Pointer(), Detail: a.Text})
		}
	}
	if fields == nil {
		return nil
	}
	detail := "The tables of classes cannot be changed so."
	if drops {
		detail = "The tables of classes cannot be changed so. What loses data is done with --allow-drop only."
	}
	return fault.New(fault.Conflict, "%s", detail).WithFields(fields...)
}

// classPlan is what becomes of one class.
type classPlan struct {
	code        string
	old, new    *class.Class // nil: not there
	alterations []Alteration
	byRun       bool
	define      []string // what is done at once, between dropping and making triggers and views
	added       []*class.Column
}

func (p *classPlan) add(column, format string, args ...any) *Alteration {
	p.alterations = append(p.alterations, Alteration{Class: p.code, Column: column, Text: fmt.Sprintf(format, args...)})
	return &p.alterations[len(p.alterations)-1]
}

// plan compares every class.
func (s *state) plan(tx *db.Tx, m *class.Model) ([]*classPlan, error) {
	var plans []*classPlan
	for _, c := range m.Classes() {
		p := &classPlan{code: c.Code, new: c}
		if t := s.tables[c.Code]; t != nil {
			p.old = t.class
			if err := s.compare(tx, p); err != nil {
				return nil, err
			}
		} else {
			p.add("", "the class %s is made, with %s", c.Code, count(len(c.Columns), "column"))
		}
		plans = append(plans, p)
	}
	for _, t := range s.list {
		if m.Class(t.code) != nil {
			continue
		}
		p := &classPlan{code: t.code, old: t.class}
		rows, err := countRows(tx, t.class.Table())
		if err != nil {
			return nil, err
		}
		if rows > 0 {
			p.add("", "the class %s is dropped with its %s", t.code, howMany(rows)).Loses = true
		} else {
			p.add("", "the class %s is dropped; it has no records", t.code)
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// checked is how many rows are looked at before a change is begun. A larger
// table is checked by the run that changes it.
const checked = 20_000

// countRows counts up to checked and one more.
func countRows(tx *db.Tx, table string) (n int64, err error) {
	err = tx.QueryRow(fmt.Sprintf(`SELECT count(*) FROM (SELECT 1 FROM %s LIMIT %d) AS part`, db.Quote(table), checked+1)).Scan(&n)
	return n, err
}

func howMany(rows int64) string {
	if rows > checked {
		return fmt.Sprintf("more than %d records", checked)
	}
	return count(int(rows), "record")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// compare finds what has changed in a class that has a table.
func (s *state) compare(tx *db.Tx, p *classPlan) error {
	rows, err := countRows(tx, p.old.Table())
	if err != nil {
		return err
	}
	d := s.dialect
	var needs bool // whether every row must be looked at
	former := map[string]*class.Column{}
	for _, c := range p.new.Columns {
		o := own(p.old, c.Code)
		if o == nil && c.Was != "" {
			if o = own(p.old, c.Was); o != nil {
				p.rename(o, c)
			}
		}
		if o == nil {
			p.addColumn(c, rows)
			continue
		}
		former[o.Code] = c
		needs = p.changeColumn(d, o, c) || needs
	}
	drops := false
	for _, o := range p.old.Columns {
		if former[o.Code] == nil {
			drops = true
			a := p.add(o.Code, "the column %s is dropped", o.Code)
			a.Loses = rows > 0
			p.define = append(p.define, fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s", db.Quote(p.old.Table()), db.Quote(o.Field())))
			p.byRun = p.byRun || !d.postgres // there it is written anew as a whole
		}
	}
	if drops {
		if err := p.dropsIndexes(tx, d); err != nil {
			return err
		}
	}
	look, err := p.changeIndexes(tx, d, former)
	if err != nil {
		return err
	}
	needs = look || needs
	p.byRun = (p.byRun || needs) && rows > 0
	p.compareRest()
	for i := range p.alterations {
		p.alterations[i].ByRun = p.byRun
	}
	if p.byRun && rows <= checked {
		return s.check(tx, p)
	}
	return nil
}

// own finds a column that is not one of the system's.
func own(c *class.Class, code string) *class.Column {
	if column := c.Column(code); column != nil && !column.System {
		return column
	}
	return nil
}

func (p *classPlan) rename(o, c *class.Column) {
	p.add(c.Code, "the column %s is renamed to %s", o.Code, c.Code)
	if o.Field() != c.Field() {
		p.define = append(p.define, fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", db.Quote(p.old.Table()), db.Quote(o.Field()), db.Quote(c.Field())))
	}
}

func (p *classPlan) addColumn(c *class.Column, rows int64) {
	a := p.add(c.Code, "the column %s is added: %s", c.Code, c.Describe())
	if c.NotNull() && c.Default == nil && rows > 0 {
		a.Problem = fmt.Sprintf("a required column needs a default for the %s that there are; or add it without being required, fill it, and make it required then", howMany(rows))
	}
	if c.Computed != nil && rows > 0 {
		p.byRun = true // it is computed for each
	}
	p.added = append(p.added, c)
}

// changeColumn compares two definitions of a column and reports whether every
// row must be looked at.
func (p *classPlan) changeColumn(d dialect, o, c *class.Column) (look bool) {
	table, name := db.Quote(p.old.Table()), db.Quote(c.Field())
	alter := func(format string, args ...any) {
		if d.postgres {
			p.define = append(p.define, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s ", table, name)+fmt.Sprintf(format, args...))
		} else {
			p.byRun = true
		}
	}
	if o.SQLType(d.postgres) != c.SQLType(d.postgres) || o.Type != c.Type || o.Scale != c.Scale || o.Kind != c.Kind && !alike(o.Kind, c.Kind) {
		wider := o.Type == value.Decimal && c.Type == value.Decimal && o.Scale == c.Scale && o.Precision <= c.Precision
		if wider {
			p.add(c.Code, "%s becomes wider: from %s to %s", c.Code, o.Describe(), c.Describe())
			alter("TYPE %s", c.SQLType(true))
		} else {
			p.add(c.Code, "the type of %s changes from %s to %s", c.Code, o.Describe(), c.Describe())
			look = true
		}
	} else if narrower := narrows(o, c); narrower != "" {
		p.add(c.Code, "%s of %s becomes narrower: from %s to %s", narrower, c.Code, o.Describe(), c.Describe())
		look = true
	} else if o.Describe() != c.Describe() {
		p.add(c.Code, "%s becomes wider: from %s to %s", c.Code, o.Describe(), c.Describe())
	}
	if o.NotNull() != c.NotNull() {
		if c.NotNull() {
			p.add(c.Code, "%s becomes required", c.Code)
			look = true
		} else {
			p.add(c.Code, "%s is no longer required", c.Code)
			alter("DROP NOT NULL")
		}
	}
	if !same(o.Default, c.Default) {
		if c.Default == nil {
			p.add(c.Code, "%s has no default any more", c.Code)
			alter("DROP DEFAULT")
		} else {
			p.add(c.Code, "the default of %s becomes %s", c.Code, c.Default)
			alter("SET DEFAULT %s", c.SQLLiteral(true, *c.Default))
		}
	}
	if expression(o) != expression(c) {
		p.add(c.Code, "%s is computed by another expression", c.Code)
		look = look || c.Computed != nil
	}
	return look
}

// alike reports whether values of one kind are values of the other as they are.
func alike(o, c class.Kind) bool {
	return o == class.Enum && c == class.Text || o == class.Integer && c == class.Autonumber || o == class.Autonumber && c == class.Integer
}

func same(a, b *value.Value) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func expression(c *class.Column) string {
	if c.Computed == nil {
		return ""
	}
	return c.Computed.String()
}

// narrows says what of a column's limits some values that there may be do not
// keep any more; "" when all do.
func narrows(c, to *class.Column) string {
	length := func(c *class.Column) int {
		if c.Length == 0 {
			return class.MaxText
		}
		return c.Length
	}
	gone := func(v string) bool { return !slices.Contains(to.Values, v) }
	switch {
	case to.Kind == class.Text && length(to) < length(c):
		return "the length"
	case to.Pattern != nil && (c.Pattern == nil || c.Pattern.String() != to.Pattern.String()):
		return "the pattern"
	case to.Kind == class.Enum && slices.ContainsFunc(c.Values, gone):
		return "the list of values"
	case to.Min != nil && (c.Min == nil || value.Compare(*to.Min, *c.Min) > 0), to.Max != nil && (c.Max == nil || value.Compare(*to.Max, *c.Max) < 0):
		return "the range"
	case to.Kind == class.Decimal && to.Precision < c.Precision:
		return "the precision"
	case to.Kind == class.Ref && to.Class != c.Class:
		return "the class"
	}
	return ""
}

// changeIndexes compares the indexes and reports whether one is to be made over
// rows that there are. former has the new column of an old one.
func (p *classPlan) changeIndexes(tx *db.Tx, d dialect, former map[string]*class.Column) (look bool, err error) {
	was := map[string]index{}
	for _, i := range indexes(p.old) {
		renamed := index{unique: i.unique, where: i.where}
		for _, field := range i.columns {
			renamed.columns = append(renamed.columns, renamedField(p.old, field, former))
		}
		was[renamed.key()] = i
	}
	for _, i := range indexes(p.new) {
		if _, ok := was[i.key()]; ok {
			delete(was, i.key())
			continue
		}
		look = true
		if i.unique {
			p.add(i.columns[0], "%s must be unique from now on", strings.Join(i.columns, ", "))
		} else if added := own(p.old, i.columns[0]); added != nil {
			p.add(i.columns[0], "%s gets an index", i.columns[0])
		}
	}
	for _, i := range was {
		if i.unique {
			p.add("", "%s need not be unique any more", strings.Join(i.columns, ", "))
		}
		name, err := d.indexName(tx, p.old.Table(), i)
		if err != nil {
			return false, err
		}
		if name != "" {
			p.define = append([]string{"DROP INDEX " + db.Quote(name)}, p.define...)
		}
	}
	return look, nil
}

// dropsIndexes names an administrator's indexes that go with a column.
func (p *classPlan) dropsIndexes(tx *db.Tx, d dialect) error {
	theirs, err := d.foreignIndexes(tx, p.old.Table())
	for _, i := range theirs {
		if _, gone := i.fit(p.old, p.new); gone != "" {
			p.add("", "the index %s, which is not Junctor's, is dropped with %s", i.name, gone)
		}
	}
	return err
}

func renamedField(old *class.Class, field string, former map[string]*class.Column) string {
	for _, o := range old.Columns {
		if o.Field() == field && former[o.Code] != nil {
			return former[o.Code].Field()
		}
	}
	return field
}

// compareRest names what has no place in the table.
func (p *classPlan) compareRest() {
	o, n := p.old, p.new
	if o.Label != n.Label || o.Comment != n.Comment || o.Hard != n.Hard || o.RequireMatch != n.RequireMatch || o.Keep != n.Keep || o.History != n.History {
		p.add("", "the settings of the class change; its table stays")
	}
}

package table

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/run"
)

// Unfinished is a change of one class that follows as a run.
type Unfinished struct {
	Class  string // "" when all that is left is to remove tables that nobody reads
	Number int64  // of the change: a later one of the same class ends it
}

// MigrationProgram is the name of the built-in program that brings a table with
// data to its wanted definition.
const MigrationProgram = "table"

// Start is the run that makes the change: to be accepted once the transaction
// has committed, and by Pending after a start of the server. The same change is
// never made twice.
func (u Unfinished) Start() run.Start {
	key := fmt.Sprintf("table %s %d", u.Class, u.Number)
	return run.Start{
		Program: MigrationProgram, Version: Version, Subject: u.Class, Input: u.input(),
		Once: &run.Once{Key: key, Digest: []byte(key), Window: 24 * time.Hour},
	}
}

// Apply brings the tables to the wanted classes as far as that is done at once:
// new tables, everything about tables without rows, and what leaves the rows as
// they are. What is left follows as runs; until these have ended the classes
// concerned stay as they were, see Applied. The transaction is that in which the
// configuration is written.
//
// Errors: fault.Conflict with the places when something cannot be done, or
// loses data without allowDrop; fault.Unavailable when somebody holds a table
// (the transaction is then repeated by db.Write).
func Apply(tx *db.Tx, m *class.Model, allowDrop bool) (done []Alteration, left []Unfinished, err error) {
	s, err := load(tx)
	if err != nil {
		return nil, nil, err
	}
	plans, err := s.plan(tx, m)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range plans {
		done = append(done, p.alterations...)
	}
	if err := Refused(done, allowDrop); err != nil {
		return nil, nil, err
	}
	if err := s.dialect.impatient(tx); err != nil {
		return nil, nil, err
	}
	a := applying{state: s, tx: tx, wanted: m, changed: map[string]bool{}}
	if err := a.do(plans); err != nil {
		return nil, nil, err
	}
	left, err = cleaning(tx, a.left)
	return done, left, err
}

// impatient keeps a change of a table from holding up those who wait behind it:
// it gives up, and is tried again.
func (d dialect) impatient(tx *db.Tx) error {
	if !d.postgres {
		return nil
	}
	_, err := tx.Exec(`SET LOCAL lock_timeout = '100ms'`)
	return err
}

type applying struct {
	*state
	tx      *db.Tx
	wanted  *class.Model
	changed map[string]bool // classes whose tables have changed, by code
	grants  grants          // of the views that are made again
	left    []Unfinished
}

func (a *applying) do(plans []*classPlan) error {
	later := slices.ContainsFunc(plans, func(p *classPlan) bool { return p.byRun })
	if err := a.unviewed(plans); err != nil {
		return err
	}
	for _, p := range plans {
		var err error
		body := ""
		if p.new != nil {
			body = string(a.wanted.Body(p.code))
		}
		switch {
		case p.old == nil:
			err = a.create(p.new, body)
		case p.new == nil && later: // others may still refer to it
			err = a.postpone(p, "")
		case p.new == nil:
			err = a.drop(p.old)
		case p.byRun:
			err = a.postpone(p, body)
		default:
			err = a.alter(p, body)
		}
		if err != nil {
			return fmt.Errorf("change the table of the class %s: %w", p.code, err)
		}
	}
	return a.review()
}

// unviewed takes the views away that a change of tables would stand in the way of.
func (a *applying) unviewed(plans []*classPlan) (err error) {
	for _, p := range plans {
		if t := a.tables[p.code]; p.byRun || t != nil && p.new != nil && t.body == string(a.wanted.Body(p.code)) {
			continue
		}
		a.changed[p.code] = true
	}
	a.grants, err = a.dropViews(a.tx, a.changed)
	return err
}

// review makes the views again, as the tables are now.
func (a *applying) review() error {
	now, err := load(a.tx)
	if err != nil {
		return err
	}
	return now.createViews(a.tx, a.changed, a.grants)
}

// create makes the table of a new class.
func (a *applying) create(c *class.Class, body string) error {
	generation := stamp()
	if err := a.define(a.dialect.createTable(c, c.Table(), generation)); err != nil {
		return err
	}
	if err := a.define(a.dialect.captureTriggers(c)); err != nil {
		return err
	}
	_, err := a.tx.Exec(`INSERT INTO record_tables (class, body, generation, change, copied, changed_at) VALUES ($1, $2, $3, 0, 0, $4)`,
		c.Code, body, generation, db.Micros(time.Now()))
	return err
}

func (a *applying) define(statements []string) error { return define(a.tx, statements) }

// define executes statements: on PostgreSQL in one go, since others may wait for
// the table meanwhile.
func define(tx *db.Tx, statements []string) error {
	if tx.Postgres() && len(statements) > 0 {
		return tx.Define(strings.Join(statements, ";\n"))
	}
	for _, s := range statements {
		if err := tx.Define(s); err != nil {
			return err
		}
	}
	return nil
}

// drop removes a class with its table.
func (a *applying) drop(c *class.Class) error {
	if err := a.abandon(c.Code); err != nil {
		return err
	}
	if err := discard(a.tx, a.dialect, c.Table()); err != nil {
		return err
	}
	for _, query := range []string{
		`DELETE FROM record_tables WHERE class = $1`,
		`DELETE FROM record_touched WHERE class = $1`,
		`UPDATE record_files SET class = NULL, record_id = NULL WHERE class = $1`, // nobody's from now on, see CollectFiles
	} {
		if _, err := a.tx.Exec(query, c.Code); err != nil {
			return err
		}
	}
	return nil
}

// alter changes a table where it stands, or makes one without rows anew.
func (a *applying) alter(p *classPlan, body string) error {
	t := a.tables[p.code]
	if t.wanted != nil { // a wish of before is over
		if err := a.abandon(p.code); err != nil {
			return err
		}
	}
	if t.body == body && t.wanted == nil {
		return nil
	}
	generation := t.generation
	if len(p.define) > 0 || !slices.Equal(fields(p.old), fields(p.new)) || a.differs(p) {
		rows, err := countRows(a.tx, p.old.Table())
		if err != nil {
			return err
		}
		if rows == 0 {
			generation = stamp()
			err = a.anew(p, generation)
		} else {
			err = a.inPlace(p)
		}
		if err != nil {
			return err
		}
	}
	_, err := a.tx.Exec(`UPDATE record_tables SET body = $2, generation = $3, change = change + 1, wanted = NULL, position = NULL, copied = 0, changed_at = $4 WHERE class = $1`,
		p.code, body, generation, db.Micros(time.Now()))
	return err
}

// differs reports whether the table itself is to become another one.
func (a *applying) differs(p *classPlan) bool {
	was, is := a.dialect.createTable(p.old, "t", 0), a.dialect.createTable(p.new, "t", 0)
	slices.Sort(was[1:])
	slices.Sort(is[1:])
	return strings.Join(was, ";") != strings.Join(is, ";") || strings.Join(a.dialect.captureTriggers(p.old), ";") != strings.Join(a.dialect.captureTriggers(p.new), ";")
}

// anew replaces a table that has no rows.
func (a *applying) anew(p *classPlan, generation int64) error {
	if err := a.define(a.dialect.createTable(p.new, shadow(p.code), generation)); err != nil {
		return err
	}
	if err := a.dialect.carryIndexes(a.tx, p.old, p.new); err != nil {
		return err
	}
	_, err := swap(a.tx, a.dialect, p.old, p.new) // the plan has said which indexes go
	return err
}

// inPlace changes a table that has rows, which stay as they are.
func (a *applying) inPlace(p *classPlan) error {
	if err := a.define(a.dialect.dropCaptureTriggers(p.old)); err != nil {
		return err
	}
	if err := a.define(p.define); err != nil {
		return inTheWay(p.old.Table(), err)
	}
	for _, c := range p.added {
		if err := a.dialect.addColumn(a.tx, p.old.Table(), c); err != nil {
			return err
		}
	}
	return a.define(a.dialect.captureTriggers(p.new))
}

// postpone notes the wish for the run.
func (a *applying) postpone(p *classPlan, body string) error {
	t := a.tables[p.code]
	if t.wanted != nil && *t.wanted == body {
		a.left = append(a.left, Unfinished{Class: p.code, Number: t.change})
		return nil // it is under way
	}
	if err := a.abandon(p.code); err != nil {
		return err
	}
	if _, err := a.tx.Exec(`UPDATE record_tables SET change = change + 1, wanted = $2, position = NULL, copied = 0, changed_at = $3 WHERE class = $1`,
		p.code, body, db.Micros(time.Now())); err != nil {
		return err
	}
	a.left = append(a.left, Unfinished{Class: p.code, Number: t.change + 1})
	return nil
}

// abandon takes back what a run has prepared for a wish that is over.
func (a *applying) abandon(code string) error {
	t := a.tables[code]
	if t == nil || t.position == nil {
		return nil
	}
	if err := a.define(a.dialect.dropTouchTriggers(t.class)); err != nil {
		return err
	}
	if a.dialect.postgres {
		if err := a.tx.Define("ALTER TABLE " + db.Quote(t.class.Table()) + " RESET (autovacuum_enabled)"); err != nil {
			return err
		}
	}
	if _, err := a.tx.Exec(`DELETE FROM record_touched WHERE class = $1`, code); err != nil {
		return err
	}
	return discard(a.tx, a.dialect, shadow(code))
}

// shadow is the name of the table that takes a class's place.
func shadow(code string) string { return "shadow_" + code }

// stamp is a number that no table before has had.
func stamp() int64 { return time.Now().UnixMicro() }

// discard takes a table out of sight. PostgreSQL drops it at once; on SQLite that
// takes as long as reading it, so a full one is removed bit by bit, see sweep.
func discard(tx *db.Tx, d dialect, table string) error {
	rows := int64(0)
	var err error
	if !d.postgres {
		if rows, err = countRows(tx, table); err != nil {
			return err
		}
	}
	if rows == 0 {
		return tx.Define("DROP TABLE " + db.Quote(table))
	}
	if err := dropTriggers(tx, table); err != nil {
		return err
	}
	garbage := fmt.Sprintf("garbage_%s_%d", table, stamp())
	if _, err := tx.Exec(`INSERT INTO record_garbage (name) VALUES ($1)`, garbage); err != nil {
		return err
	}
	return renameTable(tx, table, garbage)
}

// cleaning adds a run that removes what is out of sight, when none of the others
// is there to do it.
func cleaning(tx *db.Tx, left []Unfinished) ([]Unfinished, error) {
	var any bool
	if err := tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM record_garbage)`).Scan(&any); err != nil {
		return nil, err
	}
	if any && len(left) == 0 {
		left = append(left, Unfinished{Number: stamp()})
	}
	return left, nil
}

// addColumn adds a column. SQLite's own statement would read the whole table to
// see whether its values are of their types, and nobody could write meanwhile.
func (d dialect) addColumn(tx *db.Tx, table string, c *class.Column) error {
	if d.postgres {
		return tx.Define(fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s", db.Quote(table), d.definition(c)))
	}
	return rewrite(tx, `UPDATE sqlite_schema SET sql = substr(sql, 1, length(sql) - length(') STRICT')) || $2 || ') STRICT' WHERE type = 'table' AND name = $1 AND sql LIKE '%) STRICT'`,
		table, ", "+d.definition(c))
}

// rewrite changes a statement that SQLite's schema consists of, as
// https://www.sqlite.org/lang_altertable.html#otheralter describes it for changes
// that leave the rows as they are. Other connections hear of it by the triggers
// that are made in the same transaction.
func rewrite(tx *db.Tx, update string, args ...any) error {
	if err := tx.Define("PRAGMA writable_schema = ON"); err != nil {
		return err
	}
	n, err := tx.Exec(update, args...)
	if err == nil && n != 1 {
		err = fmt.Errorf("the schema has no statement that could be changed by %v", args)
	}
	if off := tx.Define("PRAGMA writable_schema = RESET"); err == nil {
		err = off
	}
	return err
}

// renameTable is SQLite's, which by itself would let triggers and views of
// others follow the table to its new name.
func renameTable(tx *db.Tx, from, to string) error {
	if err := tx.Define("PRAGMA legacy_alter_table = ON"); err != nil {
		return err
	}
	err := tx.Define(fmt.Sprintf("ALTER TABLE %s RENAME TO %s", db.Quote(from), db.Quote(to)))
	if off := tx.Define("PRAGMA legacy_alter_table = OFF"); err == nil {
		err = off
	}
	return err
}

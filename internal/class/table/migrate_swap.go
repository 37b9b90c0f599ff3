package table

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
)

// swap copies what was written meanwhile and, when little is left, puts the new
// table in the old one's place.
func (m *Migration) swap(ctx context.Context, u Unfinished) (progress, error) {
	return m.chunks(ctx, u, func(n int, room bool) (done progress, took time.Duration, err error) {
		superseded, err := m.write(ctx, u, func(tx *db.Tx, s *state, t *tableState, c *class.Class) (err error) {
			done = progress{Copied: t.copied}
			if c == nil {
				done.Done = true
				return m.dropped(tx, s, t)
			}
			v := newConversion(s.dialect, t.class, c)
			start := time.Now()
			if room {
				if err := makeRoom(tx, u.Class); err != nil {
					return err
				}
			}
			left, err := v.again(tx, u.Class, n)
			took = time.Since(start)
			if err != nil || left > swapBelow {
				return err
			}
			done.Done = true
			done.Notes, err = m.exchange(tx, s, t, v)
			return err
		})
		if superseded {
			err = errSuperseded
		}
		return done, took, err
	})
}

// exchange is the end of a change: nobody writes while it lasts. notes are what
// became of an administrator's indexes.
func (m *Migration) exchange(tx *db.Tx, s *state, t *tableState, v *conversion) (notes []string, err error) {
	if s.dialect.postgres {
		if err := s.dialect.impatient(tx); err != nil {
			return nil, err
		}
		if err := tx.Define("LOCK TABLE " + db.Quote(t.class.Table()) + " IN ACCESS EXCLUSIVE MODE"); err != nil {
			return nil, err
		}
	}
	for left := int64(1); left > 0; {
		if left, err = v.again(tx, t.code, 10_000); err != nil {
			return nil, err
		}
	}
	changed := map[string]bool{t.code: true}
	kept, err := s.dropViews(tx, changed)
	if err != nil {
		return nil, err
	}
	if err := define(tx, s.dialect.dropTouchTriggers(t.class)); err != nil {
		return nil, err
	}
	if notes, err = swap(tx, s.dialect, t.class, v.new); err != nil {
		return nil, err
	}
	if s.dialect.postgres {
		if err := tx.Define(fmt.Sprintf("ALTER TABLE %s RESET (autovacuum_enabled)", db.Quote(t.class.Table()))); err != nil {
			return nil, err
		}
	}
	if _, err := tx.Exec(`UPDATE record_tables SET body = wanted, change = change + 1, wanted = NULL, position = NULL, generation = $2, changed_at = $3 WHERE class = $1`,
		t.code, stamp(), db.Micros(time.Now())); err != nil {
		return nil, err
	}
	return notes, m.finished(tx, changed, kept)
}

// dropped drops a class that had to wait for others, which refer to it no more.
func (m *Migration) dropped(tx *db.Tx, s *state, t *tableState) error {
	for _, other := range s.model.Classes() {
		if other.Code != t.code && slices.ContainsFunc(other.Columns, func(c *class.Column) bool { return c.Kind == class.Ref && c.Class == t.code }) {
			return fmt.Errorf("the class %s still refers to %s; its own change comes first", other.Code, t.code)
		}
	}
	if err := s.dialect.impatient(tx); err != nil {
		return err
	}
	a := applying{state: s, tx: tx}
	kept, err := s.dropViews(tx, map[string]bool{t.code: true})
	if err != nil {
		return err
	}
	if err := a.drop(t.class); err != nil {
		return inTheWay(t.class.Table(), err)
	}
	return m.finished(tx, nil, kept)
}

func (m *Migration) finished(tx *db.Tx, changed map[string]bool, kept grants) error {
	now, err := load(tx)
	if err != nil {
		return err
	}
	if err := now.createViews(tx, changed, kept); err != nil {
		return err
	}
	if m.Changed == nil {
		return nil
	}
	return m.Changed(tx)
}

// touchTriggers remember which records are written while their table is copied.
func (d dialect) touchTriggers(c *class.Class) []string {
	table, code := db.Quote(c.Table()), db.Literal(c.Code)
	if d.postgres {
		return []string{fmt.Sprintf(`CREATE TRIGGER junctor_touch AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION junctor_touch(%s)`, table, code)}
	}
	var all []string
	for what, rows := range map[string][]string{"INSERT": {"NEW"}, "UPDATE": {"OLD", "NEW"}, "DELETE": {"OLD"}} {
		body := ""
		for _, row := range rows {
			body += fmt.Sprintf("  INSERT INTO record_touched (class, record) VALUES (%s, %s.id);\n", code, row)
		}
		all = append(all, fmt.Sprintf("CREATE TRIGGER %s AFTER %s ON %s BEGIN\n%sEND", db.Quote("junctor_"+c.Code+"_touch_"+strings.ToLower(what)), what, table, body))
	}
	return all
}

func (d dialect) dropTouchTriggers(c *class.Class) []string {
	if d.postgres {
		return []string{"DROP TRIGGER IF EXISTS junctor_touch ON " + db.Quote(c.Table())}
	}
	var all []string
	for _, what := range []string{"insert", "update", "delete"} {
		all = append(all, "DROP TRIGGER IF EXISTS "+db.Quote("junctor_"+c.Code+"_touch_"+what))
	}
	return all
}

// swap puts the shadow in the place of a class's table and makes the triggers
// again: Junctor's own, and those that an administrator has made, whose indexes
// get their names back. notes are the indexes that are not there any more. Views
// are the caller's.
func swap(tx *db.Tx, d dialect, old, new *class.Class) (notes []string, err error) {
	table := old.Table()
	theirs, err := d.foreignTriggers(tx, table)
	if err != nil {
		return nil, err
	}
	indexes, err := d.foreignIndexes(tx, table)
	if err != nil {
		return nil, err
	}
	given, err := d.granted(tx, table, table)
	if err != nil {
		return nil, err
	}
	if err := discard(tx, d, table); err != nil {
		return nil, inTheWay(table, err)
	}
	if d.postgres {
		err = tx.Define(fmt.Sprintf("ALTER TABLE %s RENAME TO %s", db.Quote(shadow(old.Code)), db.Quote(table)))
	} else {
		err = renameTable(tx, shadow(old.Code), table)
	}
	if err != nil {
		return nil, err
	}
	if err := define(tx, append(given, d.captureTriggers(new)...)); err != nil {
		return nil, err
	}
	if notes, err = d.adoptIndexes(tx, old, new, indexes); err != nil {
		return nil, err
	}
	for _, t := range theirs {
		if err := tx.Define(t.sql); err != nil {
			return nil, misfitting(t, table, err)
		}
	}
	return notes, d.tryTriggers(tx, table, theirs)
}

// inTheWay says what an administrator has hung on a table that has to go.
func inTheWay(table string, err error) error {
	if strings.Contains(err.Error(), "2BP01") || strings.Contains(err.Error(), "0A000") {
		return fault.Wrap(err, fault.Conflict, "Something that is not Junctor's depends on the table %s, a view or a foreign key. Drop it, apply, and make it again; views are best made over the api_ views.", table)
	}
	return err
}

type trigger struct{ name, sql string }

// foreignTriggers are the triggers on a table that are not Junctor's.
func (d dialect) foreignTriggers(tx *db.Tx, table string) ([]trigger, error) {
	query := `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = $1 AND name NOT LIKE 'junctor\_%' ESCAPE '\' ORDER BY name`
	if d.postgres {
		query = `SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
			WHERE tgrelid = to_regclass(quote_ident($1)) AND NOT tgisinternal AND tgname NOT LIKE 'junctor\_%' ORDER BY tgname`
	}
	rows, err := tx.Query(query, table)
	if err != nil {
		return nil, fmt.Errorf("look for the triggers of %s: %w", table, err)
	}
	defer rows.Close()
	var all []trigger
	for rows.Next() {
		var t trigger
		if err := rows.Scan(&t.name, &t.sql); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// tryTriggers finds triggers that name columns which are gone: SQLite does not
// look before they fire, and every write would fail then. It does look when a
// column is renamed, which is taken back here.
func (d dialect) tryTriggers(tx *db.Tx, table string, theirs []trigger) error {
	if d.postgres || len(theirs) == 0 {
		return nil
	}
	if err := tx.Define("SAVEPOINT probe"); err != nil {
		return err
	}
	found := tx.Define(fmt.Sprintf("ALTER TABLE %s RENAME COLUMN version TO version_probe", db.Quote(table)))
	if err := tx.Define("ROLLBACK TO probe; RELEASE probe"); err != nil || found == nil {
		return err
	}
	for _, t := range theirs {
		if strings.Contains(found.Error(), "trigger "+t.name) {
			return misfitting(t, table, found)
		}
	}
	return nil // somebody's trigger on another table has been broken before
}

func misfitting(t trigger, table string, err error) error {
	return fault.Wrap(err, fault.Conflict, "The trigger %s on %s, which is not Junctor's, does not fit the table as it is to be. Change or drop it, apply, and make it again.", t.name, table)
}

// dropTriggers takes all triggers off a table, on SQLite: they would stay with
// it under its new name.
func dropTriggers(tx *db.Tx, table string) error {
	rows, err := tx.Query(`SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = $1`, table)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range names {
		if err := tx.Define("DROP TRIGGER " + db.Quote(name)); err != nil {
			return err
		}
	}
	return nil
}

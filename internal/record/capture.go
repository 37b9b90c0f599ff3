package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/value"
)

// Foreign is a change of a record that a foreign program has made directly in
// the database.
type Foreign struct {
	Class         *Class
	ID            string
	Operation     string                 // created, updated, deleted
	Before, After map[string]value.Value // by column code, those of the system too; nil where there is none
}

// How the database knows who writes: on PostgreSQL Junctor's connections carry
// a setting that a trigger's condition reads. SQLite has nothing of the kind
// that a trigger could see; there each of Junctor's writes moves version, and a
// row that is removed for good has been marked as deleted before, and what does
// neither is foreign. That costs our own writes 2 to 3 us a row on SQLite, and
// less than can be measured on PostgreSQL (BenchmarkOwnWrites).
const foreignPostgres = `current_setting('junctor.writer', true) IS DISTINCT FROM 'on'`

// captureTriggers are the statements that make a class's triggers.
func (d dialect) captureTriggers(c *Class) []string {
	table := quote(c.Table())
	if d.postgres {
		code := literal(c.Code)
		return []string{
			fmt.Sprintf(`CREATE TRIGGER junctor_foreign BEFORE INSERT OR UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION junctor_foreign()`, table, foreignPostgres),
			fmt.Sprintf(`CREATE TRIGGER junctor_capture AFTER INSERT OR UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION junctor_capture(%s)`, table, foreignPostgres, code),
			fmt.Sprintf(`CREATE TRIGGER junctor_capture_delete AFTER DELETE ON %s FOR EACH ROW WHEN (%s AND OLD.deleted_at IS NULL) EXECUTE FUNCTION junctor_capture(%s)`, table, foreignPostgres, code),
		}
	}
	insert := `INSERT INTO record_captured (class, record, operation, before, after) VALUES (` + literal(c.Code) + `, `
	return []string{
		fmt.Sprintf(`CREATE TRIGGER %s AFTER INSERT ON %s WHEN NEW.version <> 1 BEGIN
  %sUPDATE %s SET version = 1 WHERE rowid = NEW.rowid;
  %sNEW.id, 'created', NULL, %s);
END`, quote("junctor_"+c.Code+"_insert"), table, c.refusals(), table, insert, c.rowJSON("NEW", map[string]string{"version": "1"})),
		fmt.Sprintf(`CREATE TRIGGER %s AFTER UPDATE ON %s WHEN NEW.version IS OLD.version BEGIN
  SELECT RAISE(ABORT, 'the id of a record does not change') WHERE NEW.id IS NOT OLD.id;
  %sUPDATE %s SET version = OLD.version + 1, modified_at = %s, modified_by = '%s' WHERE rowid = NEW.rowid;
  %sNEW.id, 'updated', %s, %s);
END`, quote("junctor_"+c.Code+"_update"), table, c.refusals(), table, d.now(), ByDatabase, insert, c.rowJSON("OLD", nil),
			c.rowJSON("NEW", map[string]string{"version": "OLD.version + 1", "modified_at": d.now(), "modified_by": literal(ByDatabase)})),
		fmt.Sprintf(`CREATE TRIGGER %s AFTER DELETE ON %s WHEN OLD.deleted_at IS NULL BEGIN
  %sOLD.id, 'deleted', %s, NULL);
END`, quote("junctor_"+c.Code+"_delete"), table, insert, c.rowJSON("OLD", nil)),
	}
}

func (d dialect) dropCaptureTriggers(c *Class) []string {
	if d.postgres {
		var all []string
		for _, name := range []string{"junctor_foreign", "junctor_capture", "junctor_capture_delete"} {
			all = append(all, fmt.Sprintf("DROP TRIGGER IF EXISTS %s ON %s", name, quote(c.Table())))
		}
		return all
	}
	var all []string
	for _, what := range []string{"insert", "update", "delete"} {
		all = append(all, "DROP TRIGGER IF EXISTS "+quote("junctor_"+c.Code+"_"+what))
	}
	return all
}

// refusals are statements of a SQLite trigger that refuse values which could
// not be read.
func (c *Class) refusals() string {
	var b strings.Builder
	for _, column := range slices.Concat(system, c.Columns) {
		name := "NEW." + quote(column.Field())
		if valid := column.sqlValid(name); valid != "" {
			fmt.Fprintf(&b, "SELECT RAISE(ABORT, %s) WHERE %s IS NOT NULL AND NOT coalesce(%s, 0);\n  ",
				literal(fmt.Sprintf("%s.%s: not a value of the column's type, %s", c.Table(), column.Field(), column.describe())), name, valid)
		}
	}
	return b.String()
}

// rowJSON is an expression for a row as a JSON object, on SQLite, whose
// functions take too few arguments for all columns.
func (c *Class) rowJSON(row string, instead map[string]string) string {
	var parts []string
	add := func(field string) {
		expr, ok := instead[field]
		if !ok {
			expr = row + "." + quote(field)
		}
		before := ","
		if len(parts) == 0 {
			before = "{"
		}
		parts = append(parts, literal(before+`"`+field+`":`)+` || json_quote(`+expr+`)`)
	}
	for _, column := range system {
		add(column.Field())
	}
	for _, column := range c.Columns {
		add(column.Field())
	}
	return balanced(parts) + ` || '}'`
}

// balanced joins texts so that the expression stays shallow.
func balanced(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	half := len(parts) / 2
	return "(" + balanced(parts[:half]) + ") || (" + balanced(parts[half:]) + ")"
}

// Capturer hands the changes that foreign programs have made to those who tell
// them on.
type Capturer struct {
	DB    *db.DB
	Model func() *Model // the present one
	// Take gets changes in the order in which they were made, in the transaction
	// in which they are taken off the list; it may be called again after a rollback.
	Take  func(tx *db.Tx, changes []Foreign) error
	Log   *slog.Logger
	Clock clock.Clock
}

const (
	captureEvery = 500 * time.Millisecond
	captureBatch = 200
)

// Run looks for changes until ctx ends.
func (c *Capturer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := c.Once(ctx)
		if err != nil && ctx.Err() == nil {
			c.Log.Error("what foreign programs have written could not be taken over; trying again", "error", err)
		}
		if n == captureBatch && err == nil {
			continue
		}
		due, stop := c.Clock.After(captureEvery)
		select {
		case <-due:
		case <-ctx.Done():
		}
		stop()
	}
}

// Once takes over what there is, up to a batch, and returns how many changes
// that were.
func (c *Capturer) Once(ctx context.Context) (n int, err error) {
	any := false
	err = c.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM record_captured)`).Scan(&any)
	})
	if err != nil || !any {
		return 0, err
	}
	err = c.DB.Write(ctx, func(tx *db.Tx) error {
		changes, taken, err := c.read(tx)
		if n = len(taken); err != nil || n == 0 {
			return err
		}
		if _, err := tx.Many(stmtTaken, taken); err != nil {
			return err
		}
		if len(changes) == 0 {
			return nil
		}
		return c.Take(tx, changes)
	})
	return n, err
}

// stmtTaken names each row: on PostgreSQL one with a lower number may be
// committed after those that were read.
var stmtTaken = db.NewStmt(0, `DELETE FROM record_captured WHERE seq IN (SELECT r.seq FROM {rows} AS r)`, db.Int("seq"))

// read reads a batch; changes of classes that are gone are left out.
func (c *Capturer) read(tx *db.Tx) (changes []Foreign, taken [][]any, err error) {
	err = eachCaptured(tx, c.Model(), func(seq int64, f Foreign, err error) {
		taken = append(taken, []any{seq})
		if err != nil {
			c.Log.Error("a change that a foreign program made cannot be read", "class", f.Class.Code, "record", f.ID, "error", err)
		} else if f.Class != nil {
			changes = append(changes, f)
		}
	}, `ORDER BY seq LIMIT $1 `, captureBatch)
	return changes, taken, err
}

// overtake tells what foreign programs have done to the record that has been
// loaded and nobody has told yet, so that it is told before what is done to it
// now. Only a record that was last written by them, or is as it was made, can have
// such changes; the others cost nothing.
func (w *write) overtake() error {
	if w.old[atVersion].Int() != 1 && w.old[atModifiedBy].Text() != ByDatabase {
		return nil
	}
	var changes []Foreign
	var taken [][]any
	err := eachCaptured(w.tx, w.model, func(seq int64, f Foreign, err error) {
		if err == nil { // another one is left to the Capturer, which says so
			changes, taken = append(changes, f), append(taken, []any{seq})
		}
	}, `WHERE class = $1 AND record = $2 ORDER BY seq `, w.class.Code, w.old[atID].Text())
	if err != nil || len(taken) == 0 {
		return err
	}
	if _, err := w.tx.Many(stmtTaken, taken); err != nil {
		return err
	}
	return w.store.Foreign(w.tx, w.model, changes)
}

// eachCaptured reads captured changes and keeps others from taking them. A change
// of a class that is gone has none; err is that of a change which cannot be read.
func eachCaptured(tx *db.Tx, m *Model, take func(seq int64, f Foreign, err error), which string, args ...any) error {
	rows, err := tx.Query(`SELECT seq, class, record, operation, before, after FROM record_captured `+which+tx.LockRows(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var class string
		var seq int64
		var before, after []byte
		var f Foreign
		if err := rows.Scan(&seq, &class, &f.ID, &f.Operation, &before, &after); err != nil {
			return err
		}
		if f.Class = m.Class(class); f.Class == nil {
			take(seq, f, nil)
			continue
		}
		if f.Before, err = f.Class.captured(tx.Postgres(), before); err == nil {
			f.After, err = f.Class.captured(tx.Postgres(), after)
		}
		if err == nil {
			f.judge()
		}
		take(seq, f, err)
	}
	return errors.Join(rows.Err(), rows.Close())
}

// judge gives an update that sets or clears deleted_at its meaning.
func (f *Foreign) judge() {
	if f.Operation != "updated" {
		return
	}
	was, is := !f.Before["deleted_at"].IsNull(), !f.After["deleted_at"].IsNull()
	switch {
	case is && !was:
		f.Operation = "deleted"
	case was && !is:
		f.Operation = "created"
	}
}

// captured reads a row as a trigger has written it. A column that is gone
// meanwhile is left out.
func (c *Class) captured(postgres bool, row []byte) (map[string]value.Value, error) {
	if row == nil {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(row, &members); err != nil {
		return nil, err
	}
	values := map[string]value.Value{}
	for _, list := range [][]*Column{system, c.Columns} {
		for _, column := range list {
			raw, ok := members[column.Field()]
			if !ok {
				continue
			}
			v, err := column.captured(postgres, raw)
			if err != nil {
				return nil, fmt.Errorf("column %s: %w", column.Field(), err)
			}
			values[column.Code] = v
		}
	}
	return values, nil
}

func (c *Column) captured(postgres bool, raw json.RawMessage) (value.Value, error) {
	if postgres {
		v, err := value.FromJSON(c.Type, raw)
		if err != nil || c.Type != value.Decimal {
			return v, err
		}
		return value.Fit(v, value.MaxDigits, c.Scale)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var any any
	if err := d.Decode(&any); err != nil {
		return value.Value{}, err
	}
	if number, ok := any.(json.Number); ok {
		n, err := number.Int64()
		if err != nil {
			return value.Value{}, err
		}
		return c.read(n)
	}
	return c.read(any)
}

package table

import (
	"fmt"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
)

// How the database knows who writes: on PostgreSQL Junctor's connections carry
// a setting that a trigger's condition reads. SQLite has nothing of the kind
// that a trigger could see; there each of Junctor's writes moves version, and a
// row that is removed for good has been marked as deleted before, and what does
// neither is foreign. That costs our own writes 2 to 3 us a row on SQLite, and
// less than can be measured on PostgreSQL (BenchmarkOwnWrites of package record).
const foreignPostgres = `current_setting('junctor.writer', true) IS DISTINCT FROM 'on'`

// captureTriggers are the statements that make a class's triggers.
func (d dialect) captureTriggers(c *class.Class) []string {
	table := db.Quote(c.Table())
	if d.postgres {
		code := db.Literal(c.Code)
		return []string{
			fmt.Sprintf(`CREATE TRIGGER junctor_foreign BEFORE INSERT OR UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION junctor_foreign()`, table, foreignPostgres),
			fmt.Sprintf(`CREATE TRIGGER junctor_capture AFTER INSERT OR UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION junctor_capture(%s)`, table, foreignPostgres, code),
			fmt.Sprintf(`CREATE TRIGGER junctor_capture_delete AFTER DELETE ON %s FOR EACH ROW WHEN (%s AND OLD.deleted_at IS NULL) EXECUTE FUNCTION junctor_capture(%s)`, table, foreignPostgres, code),
		}
	}
	insert := `INSERT INTO record_captured (class, record, operation, before, after) VALUES (` + db.Literal(c.Code) + `, `
	return []string{
		fmt.Sprintf(`CREATE TRIGGER %s AFTER INSERT ON %s WHEN NEW.version <> 1 BEGIN
  %sUPDATE %s SET version = 1 WHERE rowid = NEW.rowid;
  %sNEW.id, 'created', NULL, %s);
END`, db.Quote("junctor_"+c.Code+"_insert"), table, refusals(c), table, insert, rowJSON(c, "NEW", map[string]string{"version": "1"})),
		fmt.Sprintf(`CREATE TRIGGER %s AFTER UPDATE ON %s WHEN NEW.version IS OLD.version BEGIN
  SELECT RAISE(ABORT, 'the id of a record does not change') WHERE NEW.id IS NOT OLD.id;
  %sUPDATE %s SET version = OLD.version + 1, modified_at = %s, modified_by = '%s' WHERE rowid = NEW.rowid;
  %sNEW.id, 'updated', %s, %s);
END`, db.Quote("junctor_"+c.Code+"_update"), table, refusals(c), table, d.now(), class.ByDatabase, insert, rowJSON(c, "OLD", nil),
			rowJSON(c, "NEW", map[string]string{"version": "OLD.version + 1", "modified_at": d.now(), "modified_by": db.Literal(class.ByDatabase)})),
		fmt.Sprintf(`CREATE TRIGGER %s AFTER DELETE ON %s WHEN OLD.deleted_at IS NULL BEGIN
  %sOLD.id, 'deleted', %s, NULL);
END`, db.Quote("junctor_"+c.Code+"_delete"), table, insert, rowJSON(c, "OLD", nil)),
	}
}

func (d dialect) dropCaptureTriggers(c *class.Class) []string {
	if d.postgres {
		var all []string
		for _, name := range []string{"junctor_foreign", "junctor_capture", "junctor_capture_delete"} {
			all = append(all, fmt.Sprintf("DROP TRIGGER IF EXISTS %s ON %s", name, db.Quote(c.Table())))
		}
		return all
	}
	var all []string
	for _, what := range []string{"insert", "update", "delete"} {
		all = append(all, "DROP TRIGGER IF EXISTS "+db.Quote("junctor_"+c.Code+"_"+what))
	}
	return all
}

// refusals are statements of a SQLite trigger that refuse values which could
// not be read.
func refusals(c *class.Class) string {
	var b strings.Builder
	for _, column := range slices.Concat(class.System(), c.Columns) {
		name := "NEW." + db.Quote(column.Field())
		if valid := column.SQLValid(name); valid != "" {
			fmt.Fprintf(&b, "SELECT RAISE(ABORT, %s) WHERE %s IS NOT NULL AND NOT coalesce(%s, 0);\n  ",
				db.Literal(fmt.Sprintf("%s.%s: not a value of the column's type, %s", c.Table(), column.Field(), column.Describe())), name, valid)
		}
	}
	return b.String()
}

// rowJSON is an expression for a row as a JSON object, on SQLite, whose
// functions take too few arguments for all columns.
func rowJSON(c *class.Class, row string, instead map[string]string) string {
	var parts []string
	add := func(field string) {
		expr, ok := instead[field]
		if !ok {
			expr = row + "." + db.Quote(field)
		}
		before := ","
		if len(parts) == 0 {
			before = "{"
		}
		parts = append(parts, db.Literal(before+`"`+field+`":`)+` || json_quote(`+expr+`)`)
	}
	for _, column := range class.System() {
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

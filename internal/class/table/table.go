// Package table makes the tables of classes: it plans what becomes of them when
// the configuration changes, changes them at once or, where there is data, by a
// run, keeps the API views beside them, and the triggers that note what foreign
// programs write.
//
// It must not know what records are for: it copies rows, and tells nobody of them.
package table

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
)

// dialect is the database that SQL is for: what differs between class tables on
// the two is asked of it.
type dialect struct{ postgres bool }

// now is the present moment as a datetime column keeps it.
func (d dialect) now() string {
	if d.postgres {
		return "clock_timestamp()"
	}
	return "(CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000)" // no newer function: the sqlite3 of others may be old
}

// newID is an identifier made by the database, for rows that foreign programs
// insert without one: rec_, 14 hexadecimal digits of time, 10 random ones.
func (d dialect) newID() string {
	if d.postgres {
		return `('rec_' || lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000000)::bigint), 14, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 1, 10))`
	}
	return `('rec_' || printf('%014x', ` + d.now() + `) || lower(hex(randomblob(5))))`
}

// systemColumns are the definitions of the columns that every class has. What a
// foreign program leaves out is filled in. Its rows come with version 0 on
// SQLite, which is how the triggers there know them.
func (d dialect) systemColumns(table string) []string {
	text, moment, first := "TEXT", "INTEGER", "0"
	if d.postgres {
		text, moment, first = `TEXT COLLATE "C"`, "TIMESTAMPTZ", "1"
	}
	return []string{
		fmt.Sprintf(`"id" %s NOT NULL DEFAULT %s CONSTRAINT %s PRIMARY KEY`, text, d.newID(), db.Quote(table)),
		fmt.Sprintf(`"version" %s NOT NULL DEFAULT %s`, map[bool]string{true: "BIGINT", false: "INTEGER"}[d.postgres], first),
		fmt.Sprintf(`"created_at" %s NOT NULL DEFAULT %s`, moment, d.now()),
		fmt.Sprintf(`"created_by" %s NOT NULL DEFAULT '%s'`, text, class.ByDatabase),
		fmt.Sprintf(`"modified_at" %s NOT NULL DEFAULT %s`, moment, d.now()),
		fmt.Sprintf(`"modified_by" %s NOT NULL DEFAULT '%s'`, text, class.ByDatabase),
		fmt.Sprintf(`"deleted_at" %s`, moment),
	}
}

// definition is a column as CREATE TABLE and ADD COLUMN take it.
func (d dialect) definition(c *class.Column) string {
	parts := []string{db.Quote(c.Field()), c.SQLType(d.postgres)}
	if c.NotNull() {
		parts = append(parts, "NOT NULL")
	}
	if c.Default != nil {
		parts = append(parts, "DEFAULT "+c.SQLLiteral(d.postgres, *c.Default))
	}
	return strings.Join(parts, " ")
}

// createTable makes a class's table under the given name; generation tells the
// names of its constraints and indexes from those of the table before it.
func (d dialect) createTable(c *class.Class, name string, generation int64) []string {
	columns := d.systemColumns(objectName(c.Code, "id", generation))
	for _, column := range c.Columns {
		columns = append(columns, d.definition(column))
	}
	create := fmt.Sprintf("CREATE TABLE %s (\n  %s\n)", db.Quote(name), strings.Join(columns, ",\n  "))
	if !d.postgres {
		create += " STRICT"
	}
	statements := []string{create}
	for _, i := range indexes(c) {
		statements = append(statements, i.create(c, name, generation))
	}
	return statements
}

// index is one index of a class's table.
type index struct {
	unique  bool
	columns []string // fields
	where   string
}

// indexes are those of keys, unique columns, refs, columns that ask for one, and
// of deleted rows, which the purge looks for. Deleted rows do not count for
// uniqueness.
func indexes(c *class.Class) (all []index) {
	first := map[string]bool{} // fields that an index begins with
	add := func(i index) {
		if !slices.ContainsFunc(all, func(have index) bool { return have.unique && slices.Equal(have.columns, i.columns) }) {
			all = append(all, i)
			first[i.columns[0]] = true
		}
	}
	for _, key := range c.Keys {
		var fields []string
		for _, code := range key {
			fields = append(fields, c.Column(code).Field())
		}
		add(index{unique: true, columns: fields, where: class.Alive})
	}
	for _, column := range c.Columns {
		if column.Unique {
			add(index{unique: true, columns: []string{column.Field()}, where: class.Alive})
		}
	}
	for _, column := range c.Columns {
		if column.Index || column.Kind == class.Ref && !first[column.Field()] {
			add(index{columns: []string{column.Field(), "id"}})
		}
	}
	add(index{columns: []string{"deleted_at"}, where: `"deleted_at" IS NOT NULL`})
	return all
}

// key tells two indexes of a class apart.
func (i index) key() string {
	return fmt.Sprint(i.unique, " ", strings.Join(i.columns, ","), " ", i.where)
}

func (i index) name(c *class.Class, generation int64) string {
	return objectName(c.Code, fmt.Sprint(strings.Join(i.columns, "_"), map[bool]string{true: "_key", false: ""}[i.unique]), generation)
}

func (i index) create(c *class.Class, table string, generation int64) string {
	columns := make([]string, len(i.columns))
	for n, field := range i.columns {
		columns[n] = db.Quote(field)
	}
	unique := ""
	if i.unique {
		unique = "UNIQUE "
	}
	text := fmt.Sprintf("CREATE %sINDEX %s ON %s (%s)", unique, db.Quote(i.name(c, generation)), db.Quote(table), strings.Join(columns, ", "))
	if i.where != "" {
		text += " WHERE " + i.where
	}
	return text
}

// objectName names an index or a constraint: readable, at most 63 bytes, and
// not that of the table before.
func objectName(class, what string, generation int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", class, what, generation))
	return fmt.Sprintf("class_%.20s_%.24s_%s", class, what, hex.EncodeToString(sum[:4]))
}

// fields are the names of all columns of the class's table.
func fields(c *class.Class) []string {
	var names []string
	for _, column := range slices.Concat(class.System(), c.Columns) {
		names = append(names, db.Quote(column.Field()))
	}
	return names
}

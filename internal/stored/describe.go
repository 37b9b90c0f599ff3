package stored

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
)

// Describe asks the database what stored queries answer, and whether they only
// read, and only the tables and views of classes. Columns and Refused of each are
// set; what is wrong has pointers such as /CODE/sql. The transaction is one of
// Write, and nothing of it stays.
func Describe(tx *db.Tx, m *class.Model, queries []*Query) (found []fault.Field, err error) {
	for _, q := range queries {
		if err := tx.Define("SAVEPOINT stored"); err != nil {
			return nil, err
		}
		err := q.describe(tx, m)
		if back := tx.Define("ROLLBACK TO SAVEPOINT stored; RELEASE SAVEPOINT stored"); back != nil {
			return nil, errors.Join(err, back)
		}
		if err != nil {
			q.Columns, q.Refused = nil, fault.Wrap(err, fault.Unavailable, "The stored query %q cannot be used as things are; the server's log says more.", q.Code)
			found = append(found, fault.Field{Pointer: "/" + q.Code + "/sql", Detail: err.Error()})
		}
	}
	return found, nil
}

const view = "junctor_stored"

func (q *Query) describe(tx *db.Tx, m *class.Model) error {
	postgres := tx.Postgres()
	text := q.sql(func(name string) string {
		if p := q.Param(name); p != nil && postgres {
			return "(NULL" + p.Cast(true) + ")"
		} else if postgres {
			return "(NULL::text)"
		}
		return "NULL"
	})
	// A view is what both databases make of reading alone, without parameters.
	if err := tx.Define("CREATE TEMPORARY VIEW " + view + " AS " + text + "\n"); err != nil {
		return plainError(err)
	}
	var err error
	if postgres {
		err = q.describePostgres(tx, m)
	} else {
		err = q.describeSQLite(tx, m)
	}
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, c := range q.Columns {
		if !class.IsCode(c.Code) {
			return fmt.Errorf("its column %d is called %q, which is not usable: give it a name with AS, of letters, digits and underscores", i+1, c.Code)
		}
		if seen[strings.ToLower(c.Code)] {
			return fmt.Errorf("has two columns called %q", c.Code)
		}
		seen[strings.ToLower(c.Code)] = true
		if d := q.declared[c.Code]; d != nil {
			q.Columns[i] = d
		}
	}
	for code := range q.declared {
		if !slices.ContainsFunc(q.Columns, func(c *class.Column) bool { return c.Code == code }) {
			return fmt.Errorf("answers no column %q, for which columns has a type", code)
		}
	}
	return nil
}

// storable are the relations that a stored query may read, in lower case.
func storable(m *class.Model) map[string]bool {
	names := map[string]bool{}
	for _, c := range m.Classes() {
		names[strings.ToLower(c.Table())], names[strings.ToLower(c.View())] = true, true
	}
	return names
}

func foreignTable(name string) error {
	return fmt.Errorf("reads %s; a stored query reads the views api_CLASS and the tables class_CLASS", name)
}

// numbers of things in the rule of a view: relations and functions, of which
// nothing is left out, within whatever they stand.
var (
	relations = regexp.MustCompile(`:relid (\d+)`)
	functions = regexp.MustCompile(`:(?:funcid|opfuncid|aggfnoid|winfnoid|hashfuncid|tsmhandler) (\d+)`)
)

func (q *Query) describePostgres(tx *db.Tx, m *class.Model) error {
	var rule string
	err := tx.QueryRow(`SELECT r.ev_action::text FROM pg_rewrite AS r WHERE r.ev_class = 'pg_temp.` + view + `'::regclass`).Scan(&rule)
	if err != nil {
		return err
	}
	allowed := storable(m)
	rows, err := tx.Query(`SELECT c.relname, c.relnamespace = current_schema()::regnamespace FROM pg_class AS c
		WHERE c.oid::bigint = ANY (string_to_array($1, ',')::bigint[]) AND c.oid <> 'pg_temp.`+view+`'::regclass`, numbers(relations, rule))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var own bool
		if err := rows.Scan(&name, &own); err != nil {
			return err
		}
		if !own || !allowed[strings.ToLower(name)] {
			return foreignTable(name)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	var function string
	err = tx.QueryRow(`SELECT p.proname FROM pg_proc AS p WHERE p.oid::bigint = ANY (string_to_array($1, ',')::bigint[])
		AND (p.provolatile = 'v' OR p.pronamespace <> 'pg_catalog'::regnamespace OR p.proname ~ '^pg_|_to_xml|^current_setting$|^txid_|^ts_(stat|rewrite)$')
		ORDER BY 1 LIMIT 1`, numbers(functions, rule)).Scan(&function)
	if err == nil {
		return fmt.Errorf("calls %s(), which does more than calculate", function)
	}
	if !errors.Is(err, db.ErrNoRows) {
		return err
	}
	columns, err := tx.Query(`SELECT a.attname, a.atttypid::regtype::text, a.atttypmod FROM pg_attribute AS a
		WHERE a.attrelid = 'pg_temp.` + view + `'::regclass AND a.attnum > 0 ORDER BY a.attnum`)
	if err != nil {
		return err
	}
	defer columns.Close()
	q.Columns = nil
	for columns.Next() {
		var name, typ string
		var modifier int
		if err := columns.Scan(&name, &typ, &modifier); err != nil {
			return err
		}
		q.Columns = append(q.Columns, postgresColumn(name, typ, modifier))
	}
	return columns.Err()
}

func numbers(pattern *regexp.Regexp, text string) string {
	found := map[string]bool{}
	var all []string
	for _, n := range pattern.FindAllStringSubmatch(text, -1) {
		if !found[n[1]] && n[1] != "0" {
			all = append(all, n[1])
		}
		found[n[1]] = true
	}
	return strings.Join(all, ",")
}

// postgresColumn is a column by its type; what is none of a class's is text.
func postgresColumn(name, typ string, modifier int) *class.Column {
	const header = 4
	switch typ {
	case "smallint", "integer", "bigint":
		return plainColumn(name, class.Integer)
	case "numeric":
		c := plainColumn(name, class.Decimal)
		if modifier >= header {
			c.Precision, c.Scale = (modifier-header)>>16&0xffff, (modifier-header)&0x7ff
		}
		return c
	case "real", "double precision":
		return plainColumn(name, class.Decimal)
	case "boolean":
		return plainColumn(name, class.Boolean)
	case "date":
		return plainColumn(name, class.Date)
	case "timestamp with time zone", "timestamp without time zone":
		return plainColumn(name, class.DateTime)
	case "json", "jsonb":
		return plainColumn(name, class.JSON)
	}
	return plainColumn(name, class.Text)
}

// plainColumn is a column of a query: a decimal's Scale is 0 and its Precision
// too where nobody knows them.
func plainColumn(name string, kind class.Kind) *class.Column {
	return &class.Column{Code: name, Kind: kind, Type: kind.Type()}
}

func (q *Query) describeSQLite(tx *db.Tx, m *class.Model) error {
	rows, err := tx.Query(`SELECT name, type FROM pragma_table_info('` + view + `') ORDER BY cid`)
	if err != nil {
		return plainError(err)
	}
	defer rows.Close()
	q.Columns = nil
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			return err
		}
		q.Columns = append(q.Columns, q.sqliteColumn(m, name, typ))
	}
	if err := rows.Err(); err != nil {
		return plainError(err)
	}
	return readsOnly(tx, m)
}

// sqliteColumn is a column by the type that SQLite tells, which is that of a
// table's column or of a CAST, and nothing for what is calculated. SQLite keeps
// moments and dates as other types: a column that has the name of one of a class
// it reads is taken for that.
func (q *Query) sqliteColumn(m *class.Model, name, typ string) *class.Column {
	for _, c := range slices.Concat(m.Classes()) {
		if !strings.Contains(strings.ToLower(q.SQL), strings.ToLower(c.View())) {
			continue
		}
		if column := c.Column(name); column != nil && column.Kind != class.Ref && column.Kind != class.File {
			same := *column
			return plainLike(name, &same)
		}
	}
	switch typ = strings.ToUpper(typ); {
	case strings.Contains(typ, "INT"):
		return plainColumn(name, class.Integer)
	case strings.Contains(typ, "NUM"), strings.Contains(typ, "DEC"), strings.Contains(typ, "REAL"), strings.Contains(typ, "FLOA"), strings.Contains(typ, "DOUBLE"):
		return plainColumn(name, class.Decimal)
	case strings.Contains(typ, "BOOL"):
		return plainColumn(name, class.Boolean)
	}
	return plainColumn(name, class.Text)
}

// plainLike is a column of another's type, without what is about writing it.
func plainLike(name string, c *class.Column) *class.Column {
	like := plainColumn(name, c.Kind)
	if like.Kind == class.Autonumber || like.Kind == class.Enum {
		like.Kind = class.Text
		if c.Type != like.Type && c.Kind == class.Autonumber {
			like.Kind = class.Integer
		}
	}
	like.Type, like.Precision, like.Scale = c.Type, c.Precision, c.Scale
	if c.Kind == class.Autonumber && c.Numbering == nil {
		like.Kind = class.Integer
	}
	return like
}

// readsOnly looks at the program that SQLite has made of the view: which tables
// it opens, and whether it writes.
func readsOnly(tx *db.Tx, m *class.Model) error {
	allowed := storable(m)
	pages := map[int64]string{}
	roots, err := tx.Query(`SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0`)
	if err != nil {
		return err
	}
	defer roots.Close()
	for roots.Next() {
		var page int64
		var name string
		if err := roots.Scan(&page, &name); err != nil {
			return err
		}
		pages[page] = name
	}
	if err := roots.Err(); err != nil {
		return err
	}
	steps, err := tx.Query(`EXPLAIN SELECT * FROM ` + view)
	if err != nil {
		return plainError(err)
	}
	defer steps.Close()
	for steps.Next() {
		var at, p1, p2, p3, p5 int64
		var code string
		var p4, comment *string
		if err := steps.Scan(&at, &code, &p1, &p2, &p3, &p4, &p5, &comment); err != nil {
			return err
		}
		switch {
		case code == "OpenWrite" || code == "Transaction" && p2 != 0 || code == "VUpdate" || code == "Destroy":
			return errors.New("writes; a stored query only reads")
		case code == "VOpen" || code == "OpenRead" && p3 > 1:
			return foreignTable("what is no table of a class")
		case code == "OpenRead" && p3 == 0 && !allowed[strings.ToLower(pages[p2])]:
			name := pages[p2]
			if name == "" {
				name = "sqlite_schema"
			}
			return foreignTable(name)
		case (code == "Function" || code == "PureFunc") && p4 != nil:
			name, _, _ := strings.Cut(*p4, "(")
			if slices.Contains([]string{"load_extension", "junctor_call", "random", "randomblob"}, name) || strings.HasPrefix(name, "sqlite_") {
				return fmt.Errorf("calls %s(), which does more than calculate", name)
			}
		}
	}
	return steps.Err()
}

// plainError is the database's sentence alone, for whoever has written the SQL.
func plainError(err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, " (in: "); i >= 0 {
		text = text[:i]
	}
	text = strings.TrimPrefix(text, "SQL logic error: ")
	return errors.New("the database does not take it: " + strings.ReplaceAll(text, view, "the query"))
}

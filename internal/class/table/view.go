package table

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/value"
)

// View is a class's API view as it is in the database.
type View struct {
	Class string    `json:"class"`
	Name  string    `json:"name"`
	State ViewState `json:"state"`
}

// ViewState says what a view is beside the class that it shows.
type ViewState string

// The states.
const (
	ViewCurrent  ViewState = "current"
	ViewOutdated ViewState = "outdated" // somebody has changed it
	ViewMissing  ViewState = "missing"  // somebody has dropped it
)

// Views says which API views are as the classes want them.
func Views(tx *db.Tx) ([]View, error) {
	s, err := load(tx)
	if err != nil {
		return nil, err
	}
	views := []View{}
	for _, c := range s.model.Classes() {
		v := View{Class: c.Code, Name: c.View(), State: ViewCurrent}
		has, err := s.dialect.viewMark(tx, c)
		switch {
		case errors.Is(err, db.ErrNoRows):
			v.State = ViewMissing
		case err != nil:
			return nil, fmt.Errorf("look at the view %s: %w", v.Name, err)
		case has != s.dialect.mark(s.viewText(c)):
			v.State = ViewOutdated
		}
		views = append(views, v)
	}
	return views, nil
}

// RefreshViews makes all API views again.
func RefreshViews(tx *db.Tx) error {
	s, err := load(tx)
	if err != nil {
		return err
	}
	if err := s.dialect.impatient(tx); err != nil {
		return err
	}
	all := map[string]bool{}
	for _, c := range s.model.Classes() {
		all[c.Code] = true
	}
	kept, err := s.dropViews(tx, all)
	if err != nil {
		return err
	}
	return s.createViews(tx, all, kept)
}

// viewMark is what the database has of a view: on SQLite its text, on PostgreSQL,
// which keeps none, the digest in its comment.
func (d dialect) viewMark(tx *db.Tx, c *class.Class) (mark string, err error) {
	query := `SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = $1`
	if d.postgres {
		query = `SELECT coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class AS c
			WHERE c.relkind = 'v' AND c.relname = $1 AND c.relnamespace = current_schema()::regnamespace`
	}
	err = tx.QueryRow(query, c.View()).Scan(&mark)
	return mark, err
}

func (d dialect) mark(text string) string {
	if !d.postgres {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "made by Junctor for reading, " + hex.EncodeToString(sum[:8])
}

// shown are the classes whose views read a table of changed: the classes
// themselves and those that refer to them.
func (s *state) shown(changed map[string]bool) (classes []*class.Class) {
	for _, c := range s.model.Classes() {
		if changed[c.Code] || slices.ContainsFunc(c.Columns, func(column *class.Column) bool { return column.Kind == class.Ref && changed[column.Class] }) {
			classes = append(classes, c)
		}
	}
	return classes
}

// grants are statements that give back who may read a view, by its name.
type grants map[string][]string

// dropViews takes away the views that read a table of changed, and remembers who
// may read them.
func (s *state) dropViews(tx *db.Tx, changed map[string]bool) (grants, error) {
	kept := grants{}
	for _, c := range s.shown(changed) {
		var err error
		if kept[c.View()], err = s.dialect.granted(tx, c.View(), c.View()); err != nil {
			return nil, err
		}
		if err := tx.Define("DROP VIEW IF EXISTS " + db.Quote(c.View())); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// createViews makes the views that read a table of changed.
func (s *state) createViews(tx *db.Tx, changed map[string]bool, kept grants) error {
	reader, err := s.dialect.reader(tx)
	if err != nil {
		return err
	}
	for _, c := range s.shown(changed) {
		text := s.viewText(c)
		statements := append([]string{text}, kept[c.View()]...)
		if s.dialect.postgres {
			statements = append(statements, fmt.Sprintf("COMMENT ON VIEW %s IS %s", db.Quote(c.View()), db.Literal(s.dialect.mark(text))))
		}
		if reader != "" {
			statements = append(statements, fmt.Sprintf("GRANT SELECT ON %s TO %s", db.Quote(c.View()), db.Quote(reader)))
		}
		if err := define(tx, statements); err != nil {
			return fmt.Errorf("make the view %s: %w", c.View(), err)
		}
	}
	return nil
}

// reader is the PostgreSQL role that may read every API view, SCHEMA_reader; ""
// when an administrator has made none.
func (d dialect) reader(tx *db.Tx) (role string, err error) {
	if !d.postgres {
		return "", nil
	}
	err = tx.QueryRow(`SELECT rolname FROM pg_roles WHERE rolname = current_schema() || '_reader'`).Scan(&role)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return role, err
}

// granted are the statements that give on what there was given on one relation
// to others than its owner.
func (d dialect) granted(tx *db.Tx, relation, to string) ([]string, error) {
	if !d.postgres {
		return nil, nil
	}
	rows, err := tx.Query(`SELECT a.privilege_type, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END
		FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee
		WHERE c.relname = $1 AND c.relnamespace = current_schema()::regnamespace AND a.grantee <> c.relowner
			AND (a.grantee = 0 OR r.oid IS NOT NULL) ORDER BY 1, 2`, relation)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var statements []string
	for rows.Next() {
		var privilege, who string
		if err := rows.Scan(&privilege, &who); err != nil {
			return nil, err
		}
		statements = append(statements, fmt.Sprintf("GRANT %s ON %s TO %s", privilege, db.Quote(to), who))
	}
	return statements, rows.Err()
}

// viewText makes a class's view: its records that are not deleted, each column
// under its code, a ref as the key of what it refers to and its id beside it.
func (s *state) viewText(c *class.Class) string {
	d := s.dialect
	columns := []string{"r.id", "r.version"}
	joins := ""
	for _, column := range c.Columns {
		if column.Kind != class.Ref {
			columns = append(columns, d.readable(column, "r."+db.Quote(column.Field()))+" AS "+db.Quote(column.Code))
			continue
		}
		key := "r." + db.Quote(column.Field())
		if other := s.model.Class(column.Class); other != nil && len(other.Keys) > 0 {
			alias := db.Quote("of_" + column.Code)
			joins += fmt.Sprintf("\n  LEFT JOIN %s AS %s ON %s.id = r.%s AND %s.deleted_at IS NULL", db.Quote(other.Table()), alias, alias, db.Quote(column.Field()), alias)
			key = d.keyText(other, alias)
		}
		columns = append(columns, key+" AS "+db.Quote(column.Code), "r."+db.Quote(column.Field())+" AS "+db.Quote(column.Field()))
	}
	for _, column := range class.System()[2:6] {
		columns = append(columns, d.readable(column, "r."+column.Code)+" AS "+column.Code)
	}
	return fmt.Sprintf("CREATE VIEW %s AS SELECT\n  %s\nFROM %s AS r%s\nWHERE r.deleted_at IS NULL", db.Quote(c.View()), strings.Join(columns, ",\n  "), db.Quote(c.Table()), joins)
}

// keyText is a record's first key as one text; the parts of a composite one
// stand beside each other with a slash.
func (d dialect) keyText(c *class.Class, alias string) string {
	var parts []string
	for _, code := range c.Keys[0] {
		column := c.Column(code)
		expr := d.readable(column, alias+"."+db.Quote(column.Field()))
		if len(c.Keys[0]) == 1 {
			return expr
		}
		parts = append(parts, "CAST("+expr+" AS TEXT)")
	}
	return strings.Join(parts, " || '/' || ")
}

// readable is a column as a person reads it, where SQLite keeps it otherwise:
// decimals with their point and moments as text.
func (d dialect) readable(c *class.Column, name string) string {
	if d.postgres {
		return name
	}
	switch {
	case c.Type == value.DateTime:
		// The remainder of a moment before 1970 is negative: it is brought above 0.
		rest := fmt.Sprintf("((%s %% 1000000 + 1000000) %% 1000000)", name)
		return fmt.Sprintf("strftime('%%Y-%%m-%%dT%%H:%%M:%%S', (%s - %s) / 1000000, 'unixepoch') || printf('.%%06dZ', %s)", name, rest, rest)
	case c.Type == value.Decimal && c.Scale == 0 && c.Precision <= class.ScaledDigits:
		return "CAST(" + name + " AS TEXT)"
	case c.Type == value.Decimal && c.Precision <= class.ScaledDigits:
		unit := "1" + strings.Repeat("0", c.Scale)
		return fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN CASE WHEN %s < 0 THEN '-' ELSE '' END || printf('%%d.%%0%dd', abs(%s) / %s, abs(%s) %% %s) END",
			name, name, c.Scale, name, unit, name, unit) // printf makes 0 of null
	case c.Type == value.Decimal:
		digits := fmt.Sprintf("CASE substr(%s, 1, 1) WHEN '1' THEN substr(%s, 2) ELSE %s END", name, name, nines("substr("+name+", 2)"))
		whole := fmt.Sprintf("coalesce(nullif(ltrim(substr(%s, 1, %d), '0'), ''), '0')", digits, c.Precision-c.Scale)
		text := fmt.Sprintf("CASE substr(%s, 1, 1) WHEN '0' THEN '-' ELSE '' END || %s", name, whole)
		if c.Scale > 0 {
			text += fmt.Sprintf(" || '.' || substr(%s, %d)", digits, c.Precision-c.Scale+1)
		}
		return fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN %s END", name, text)
	}
	return name
}

// nines is the complement of digits to nine: 0 and 9 change places by way of a
// letter, and so on.
func nines(text string) string {
	for digit := range 5 {
		text = fmt.Sprintf("replace(replace(replace(%s, '%d', 'x'), '%d', '%d'), 'x', '%d')", text, digit, 9-digit, digit, 9-digit)
	}
	return text
}

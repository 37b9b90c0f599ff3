package table

import (
	"fmt"
	"strings"
	"time"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/value"
)

// conversion makes rows of a class's new definition from rows of the old one.
type conversion struct {
	dialect  dialect
	old, new *class.Class
	read     []*class.Column // what is selected of the old table: the system's columns, then its own
	from     []*class.Column // by column of the new class: the old one, nil for one that is added
	write    []*class.Column // what is written: the system's columns, then the new class's
	insert   *db.Stmt
	remove   *db.Stmt
}

// misfit is a row that the new definition does not take. It lasts until
// somebody changes the row or the definition.
type misfit struct{ text string }

func (m *misfit) Error() string { return m.text }

func newConversion(d dialect, old, new *class.Class) *conversion {
	v := &conversion{dialect: d, old: old, new: new}
	v.read = append(append(v.read, class.System()...), old.Columns...)
	v.write = append(append(v.write, class.System()...), new.Columns...)
	for _, c := range new.Columns {
		o := own(old, c.Code)
		if o == nil && c.Was != "" {
			o = own(old, c.Was)
		}
		v.from = append(v.from, o)
	}
	var names, places []string
	var columns []db.Column
	for i, c := range v.write {
		name := fmt.Sprintf("c%d", i)
		names = append(names, db.Quote(c.Field()))
		if d.postgres {
			places = append(places, "CAST(r."+name+" AS "+strings.TrimPrefix(c.Cast(true), "::")+")")
		} else {
			places = append(places, "r."+name)
		}
		columns = append(columns, c.Source(d.postgres, name))
	}
	table := db.Quote(shadow(new.Code))
	v.insert = db.NewStmt(0, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM {rows} AS r", table, strings.Join(names, ", "), strings.Join(places, ", ")), columns...)
	v.remove = db.NewStmt(0, fmt.Sprintf("DELETE FROM %s WHERE id IN (SELECT r.id FROM {rows} AS r)", table), db.Text("id"))
	return v
}

// rows reads rows of the old table; the condition stands behind FROM.
func (v *conversion) rows(tx *db.Tx, condition string, args ...any) ([][]value.Value, error) {
	rows, err := tx.Query(fmt.Sprintf("SELECT %s FROM %s %s", strings.Join(fields(v.old), ", "), db.Quote(v.old.Table()), condition), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cells, places := make([]class.Cell, len(v.read)), make([]any, len(v.read))
	for i, c := range v.read {
		cells[i].Column = c
		places[i] = &cells[i]
	}
	var all [][]value.Value
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		row := make([]value.Value, len(cells))
		for i := range cells {
			row[i] = cells[i].Value
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// convert makes the new table's row. Its error is a *misfit.
func (v *conversion) convert(row []value.Value) ([]any, error) {
	id := row[0].Text()
	old := make(map[*class.Column]value.Value, len(row))
	for i, c := range v.read {
		old[c] = row[i]
	}
	values := make(map[string]value.Value, len(v.write))
	for i, c := range class.System() {
		values[c.Code] = row[i]
	}
	for i, c := range v.new.Columns {
		if c.Computed != nil {
			continue
		}
		got, err := v.value(v.from[i], c, old)
		if err == nil && (!got.IsNull() || c.NotNull()) {
			err = c.Check(got)
		}
		if err != nil {
			return nil, &misfit{fmt.Sprintf("the record %s does not fit: %s %s", id, c.Code, err)}
		}
		values[c.Code] = got
	}
	if err := v.new.Compute(values, value.At(time.Now())); err != nil {
		return nil, &misfit{fmt.Sprintf("the record %s does not fit: %s", id, err)}
	}
	args := make([]any, len(v.write))
	for i, c := range v.write {
		args[i] = c.Arg(v.dialect.postgres, values[c.Code])
	}
	return args, nil
}

// value is one column's value in the new row.
func (v *conversion) value(from, to *class.Column, old map[*class.Column]value.Value) (value.Value, error) {
	var got value.Value
	if from != nil {
		got = old[from]
	}
	if got.IsNull() {
		if to.Default != nil && (from == nil || to.Required) {
			return *to.Default, nil
		}
		return got, nil
	}
	if from.Type == to.Type {
		return to.Fit(got)
	}
	if from.Type == value.JSON && to.Type == value.Text { // a JSON text becomes its content
		if plain, err := value.FromJSON(value.Text, []byte(got.Text())); err == nil {
			return plain, nil
		}
	}
	text := got.String()
	switch {
	case from.Type == value.Date && to.Type == value.DateTime:
		text += "T00:00:00Z"
	case from.Type == value.DateTime && to.Type == value.Date:
		day, midnight := strings.CutSuffix(text, "T00:00:00Z")
		if !midnight {
			return got, fmt.Errorf("%s is not midnight, UTC: as a date it would lose its time", text)
		}
		text = day
	case to.Type == value.JSON && from.Type != value.JSON:
		return value.FromJSON(value.JSON, got.AppendJSON(nil))
	}
	return to.FromText(text)
}

// check looks whether all rows take the change, of a table that is small enough.
func (s *state) check(tx *db.Tx, p *classPlan) error {
	v := newConversion(s.dialect, p.old, p.new)
	rows, err := v.rows(tx, "")
	if err != nil {
		return err
	}
	problem := ""
	bad := 0
	seen := map[string]map[string]string{}
	for _, row := range rows {
		args, err := v.convert(row)
		if err != nil {
			if bad++; bad == 1 {
				problem = err.Error()
			}
			continue
		}
		if twice := v.twice(seen, args); twice != "" && problem == "" {
			bad, problem = 1, twice
		}
	}
	if bad > 1 {
		problem += fmt.Sprintf("; so do %d others", bad-1)
	}
	if problem != "" {
		for i := range p.alterations {
			if a := &p.alterations[i]; a.ByRun && a.Problem == "" && !a.Loses {
				a.Problem = a.Text + ", and " + problem
				break
			}
		}
	}
	return nil
}

// twice says which records have the same value where it must be unique.
func (v *conversion) twice(seen map[string]map[string]string, args []any) string {
	if args[6] != nil { // deleted
		return ""
	}
	place := map[string]int{}
	for i, c := range v.write {
		place[c.Field()] = i
	}
	for _, i := range indexes(v.new) {
		if !i.unique {
			continue
		}
		key, null := "", false
		for _, field := range i.columns {
			arg := args[place[field]]
			null = null || arg == nil
			key += fmt.Sprintf("%v\x00", arg)
		}
		if null {
			continue
		}
		of := strings.Join(i.columns, ", ")
		if seen[of] == nil {
			seen[of] = map[string]string{}
		}
		id := args[0].(string)
		if other, ok := seen[of][key]; ok {
			return fmt.Sprintf("the records %s and %s have the same %s", other, id, of)
		}
		seen[of][key] = id
	}
	return ""
}

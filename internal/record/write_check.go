package record

import (
	"errors"
	"fmt"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/right"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// check brings the row to what is to be stored, and finds everything that is
// wrong with it. Nothing is written yet.
func (w *write) check(when moment) error {
	if err := w.before(when); err != nil {
		return err
	}
	w.compute()
	w.checkColumns()
	if err := w.checkRefs(); err != nil {
		return err
	}
	if err := w.checkFiles(); err != nil {
		return err
	}
	if len(w.found) > 0 || w.numbered() {
		taken, err := w.taken()
		if err != nil {
			return err
		}
		if taken != nil && len(w.found) == 0 {
			return &overtakenError{said: taken}
		}
		if taken != nil {
			w.found = append(w.found, taken.Fields...)
		}
	}
	if len(w.found) > 0 {
		return w.refused()
	}
	rows, what := w.rights.Update, "change records of the class %s to this"
	if when == onCreated {
		rows, what = w.rights.Create, "create such a record of the class %s"
	}
	ok, err := w.fit(rows, w.row)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Forbidden, "You may not "+what+".", w.class.Code)
	}
	return nil
}

// compute fills in the computed columns.
func (w *write) compute() {
	if len(w.class.Computed) == 0 {
		return
	}
	row := make(map[string]value.Value, len(w.row))
	for i, c := range w.layout.columns {
		row[c.Code] = w.row[i]
	}
	err := w.class.Compute(row, w.now)
	if err != nil && len(w.found) == 0 { // with other mistakes it is no wonder
		w.wrong("", "%s", w.hidden(err))
	}
	for _, c := range w.class.Computed {
		w.row[w.layout.at[c.Field()]] = row[c.Code]
	}
}

// hidden keeps the names of what the caller cannot see out of an error.
func (w *write) hidden(err error) string {
	for _, c := range w.class.Computed {
		if !w.rights.Sees(c.Code) {
			return "a column cannot be computed"
		}
	}
	return err.Error()
}

// checkColumns checks what is new against the columns' limits.
func (w *write) checkColumns() {
	for i := w.layout.own; i < len(w.row); i++ {
		c := w.layout.columns[i]
		if c.Kind == class.Autonumber || c.Computed != nil || w.refusedAlready(i) {
			continue
		}
		if w.old != nil && sameValue(w.row[i], w.old[i]) && !w.placed[i] {
			continue
		}
		err := c.Check(w.row[i])
		switch {
		case err == nil:
		case w.rights.Sees(c.Code):
			w.wrong(w.pointer(i), "%s", err.Error())
		default:
			w.wrong("", "a column that you cannot see needs another value")
		}
	}
}

// refusedAlready reports whether the body's value of a column could not be read,
// or was refused.
func (w *write) refusedAlready(i int) bool {
	if !w.placed[i] {
		return false
	}
	for _, g := range w.given {
		if g.at == i {
			return false
		}
	}
	c := w.layout.columns[i]
	for _, f := range w.found {
		name := strings.TrimPrefix(f.Pointer, "/")
		if name == c.Field() || name == c.Code || strings.HasPrefix(name, c.Code+"@") || strings.HasPrefix(name, c.Code+"/") {
			return true
		}
	}
	return false
}

// pointer is the member that gave a column its value.
func (w *write) pointer(i int) string {
	for _, g := range w.given {
		if g.at == i {
			return g.pointer
		}
	}
	return strict.Pointer("", w.layout.columns[i].Field())
}

// checkRefs finds refs to records that are not there. A record that the caller
// may not see is not there, unless it may see none of the class at all. A rule
// sees every record, and what it names is not told to the caller.
func (w *write) checkRefs() error {
	for _, ref := range w.layout.refs {
		i := w.layout.at[ref.Field()]
		v := w.row[i]
		if v.IsNull() || w.old != nil && sameValue(v, w.old[i]) {
			continue
		}
		to := w.model.Class(ref.Class)
		if to == nil {
			continue
		}
		eyes := asSystem
		if !w.ruled(i) && !rightsOf(w.actor, to.Code).Read.None() {
			eyes = asCaller
		}
		id, err := w.idOf(to, Address{ID: v.Text()}, eyes)
		if err != nil {
			return err
		}
		switch {
		case id == "" && w.ruled(i):
			return fault.Wrap(fmt.Errorf("there is no record %s(%s)", to.Code, literal(v.Text())), fault.ScenarioFailed,
				"A rule of the class %s returned what cannot be stored: a ref to a record that is not there.", w.class.Code)
		case id == "":
			w.wrong(w.pointer(i), "there is no record %s(%s)", to.Code, literal(v.Text()))
		}
	}
	return nil
}

// idOf finds the id of a record, "" when there is none. On PostgreSQL the record
// cannot be removed until the transaction has ended.
func (w *write) idOf(c *class.Class, at Address, eyes sight) (id string, err error) {
	b := w.store.build(w.tx, w.model, w.actor, c, eyes)
	where, err := b.at(b.root, at)
	if err != nil {
		return "", err
	}
	rights, err := b.rowFilter(b.root, b.root.rights.Read)
	if err != nil {
		return "", err
	}
	sql := "SELECT " + b.root.alias + ".id FROM " + b.from() + " WHERE " + where + and(b.live(b.root)) + and(rights)
	if b.postgres {
		sql += " FOR KEY SHARE OF " + b.root.alias
	}
	err = w.tx.QueryRow(sql, b.args...).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// fit reports whether a row fits the rows of a right. Paths are followed as they
// are now, with the role's own eyes.
func (w *write) fit(rows right.Row, row []value.Value) (bool, error) {
	if rows.All || rows.Filter == nil {
		return rows.All, nil
	}
	e, err := w.store.bound(w.actor, w.view.root, rows)
	if err != nil {
		return false, err
	}
	return filter.Match(e, w.scope(row))
}

// scope gives expressions the columns of a row, and of the records that its refs
// lead to.
func (w *write) scope(row []value.Value) filter.Scope {
	return filter.Scope{Now: w.now, Column: func(path []string) (value.Value, error) {
		if i, ok := w.layout.at[path[0]]; ok && len(path) == 1 {
			return row[i], nil
		}
		ref := w.layout.refs[path[0]]
		if ref == nil {
			return value.Value{}, nil
		}
		id := row[w.layout.at[ref.Field()]]
		if id.IsNull() {
			return id, nil
		}
		rest := path[1:]
		if len(rest) == 0 {
			rest = []string{"id"}
		}
		return w.follow(w.model.Class(ref.Class), id.Text(), rest)
	}}
}

// follow reads one value of another record.
func (w *write) follow(c *class.Class, id string, path []string) (value.Value, error) {
	b := w.store.build(w.tx, w.model, w.actor, c, asSystem)
	found, err := b.resolve(b.root, path)
	if err != nil {
		return value.Value{}, err
	}
	cell := class.Cell{Column: found.Column}
	where := b.root.alias + ".id = " + b.arg(plain(id), "::text")
	err = w.tx.QueryRow("SELECT "+found.sql+" FROM "+b.from()+" WHERE "+where+and(b.live(b.root)), b.args...).Scan(&cell)
	if errors.Is(err, db.ErrNoRows) {
		return value.Value{}, nil
	}
	return cell.Value, err
}

// taken finds another record that has one of the row's keys or unique values; nil
// when there is none.
func (w *write) taken() (*fault.Error, error) {
	var found []fault.Field
	keys := append([][]string(nil), w.class.Keys...)
	for _, c := range w.class.Columns {
		if c.Unique {
			keys = append(keys, []string{c.Code})
		}
	}
	for _, key := range keys {
		is, err := w.takenKey(key)
		if err != nil {
			return nil, err
		}
		if !is {
			continue
		}
		f := fault.Field{Detail: "another record has the same " + strings.Join(key, ", ")}
		if !w.view.root.seesKey(key) {
			f.Detail = "another record has the same values in a key that you cannot see"
		} else {
			f.Pointer = w.pointer(w.layout.at[w.class.Column(key[0]).Field()])
		}
		found = append(found, f)
	}
	if w.old == nil {
		var one int
		err := w.tx.QueryRow(`SELECT 1 FROM `+db.Quote(w.class.Table())+` WHERE id = $1`, w.row[atID].Text()).Scan(&one)
		if err == nil {
			found = append(found, fault.Field{Pointer: "/id", Detail: "another record has this id, or had it before it was deleted"})
		} else if !errors.Is(err, db.ErrNoRows) {
			return nil, err
		}
	}
	if found == nil {
		return nil, nil
	}
	return fault.New(fault.Conflict, "The class %s has a record like this one already.", w.class.Code).WithFields(found...), nil
}

func (w *write) takenKey(key []string) (bool, error) {
	b := w.store.build(w.tx, w.model, w.actor, w.class, asSystem)
	where := []string{b.live(b.root)}
	moved := w.old == nil
	for _, code := range key {
		c := w.class.Column(code)
		i := w.layout.at[c.Field()]
		if w.row[i].IsNull() { // null is nobody's
			return false, nil
		}
		moved = moved || !sameValue(w.row[i], w.old[i])
		where = append(where, b.root.alias+"."+db.Quote(c.Field())+" = "+b.stored(c, w.row[i]))
	}
	if !moved {
		return false, nil
	}
	if w.old != nil {
		where = append(where, b.root.alias+".id <> "+b.arg(w.old[atID].Text(), "::text"))
	}
	var one int
	err := w.tx.QueryRow("SELECT 1 FROM "+b.from()+" WHERE "+strings.Join(where, " AND ")+" LIMIT 1", b.args...).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// unreferenced refuses to remove for good what other records refer to.
func (w *write) unreferenced() error {
	for _, c := range w.model.Classes() {
		for _, ref := range c.Columns {
			if ref.Kind != class.Ref || ref.Class != w.class.Code {
				continue
			}
			var one int
			err := w.tx.QueryRow(`SELECT 1 FROM `+db.Quote(c.Table())+` WHERE `+db.Quote(ref.Field())+` = $1 AND `+class.Alive+` LIMIT 1`, w.old[atID].Text()).Scan(&one)
			if errors.Is(err, db.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			who := "Other records refer"
			if r := rightsOf(w.actor, c.Code); !r.Read.None() && r.Sees(ref.Code) {
				who = "Records of the class " + c.Code + " refer"
			}
			return fault.New(fault.Conflict, "%s to the record, which would go for good: change or delete them first.", who)
		}
	}
	return nil
}

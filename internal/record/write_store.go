package record

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/right"
	"junctor/internal/value"
)

// load reads the present record, every column of it, and keeps others from
// changing it until the transaction has ended. It is false when there is none.
func (w *write) load(at Address) (bool, error) {
	w.at = at
	b := w.store.build(w.tx, w.model, w.actor, w.class, asCaller)
	where, err := b.at(b.root, at)
	if err != nil {
		return false, err
	}
	var text strings.Builder
	cells := make([]class.Cell, len(w.layout.columns))
	targets := make([]any, 0, len(cells)+3)
	for i, c := range w.layout.columns {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(b.root.alias + "." + db.Quote(c.Field()))
		cells[i].Column = c
		targets = append(targets, &cells[i])
	}
	for _, r := range []struct {
		fits *bool
		rows right.Row
	}{{&w.fits.read, w.rights.Read}, {&w.fits.update, w.rights.Update}, {&w.fits.delete, w.rights.Delete}} {
		if *r.fits = r.rows.All; r.rows.Filter == nil {
			continue
		}
		condition, err := b.rowFilter(b.root, r.rows)
		if err != nil {
			return false, err
		}
		text.WriteString(", coalesce(" + condition + ", false)")
		targets = append(targets, r.fits)
	}
	sql := "SELECT " + text.String() + " FROM " + b.from() + " WHERE " + where + and(b.live(b.root))
	if b.postgres {
		lock := " FOR NO KEY UPDATE OF "
		if w.class.Hard { // who is about to refer to the record is waited for, or waits
			lock = " FOR UPDATE OF "
		}
		sql += lock + b.root.alias
	}
	rows, err := w.tx.Query(sql, b.args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return false, errors.Join(rows.Err(), rows.Close())
	}
	if err := rows.Scan(targets...); err != nil {
		return false, err
	}
	if err := rows.Close(); err != nil {
		return false, err
	}
	w.old = make([]value.Value, len(cells))
	for i := range cells {
		w.old[i] = cells[i].Value
	}
	return true, w.overtake()
}

// insert stores the row; false when one with the same key or id is there.
func (w *write) insert() (bool, error) {
	stmt := w.layout.insert(w.view.postgres)
	row := make([]any, len(w.row))
	for i, c := range w.layout.columns {
		row[i] = c.Arg(w.view.postgres, w.row[i])
	}
	return w.tx.Insert(stmt, row)
}

// insert is the statement that stores a row. Its columns go over in the few
// types that a Stmt knows.
func (l *layout) insert(postgres bool) *db.Stmt {
	l.once.Do(func() {
		var fields, values []string
		var columns []db.Column
		for i, c := range l.columns {
			place := "c" + strconv.Itoa(i)
			fields, values = append(fields, db.Quote(c.Field())), append(values, "r."+place+c.Cast(postgres))
			columns = append(columns, c.Source(postgres, place))
		}
		l.inserts = db.NewStmt(0, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM {rows} AS r WHERE true ON CONFLICT DO NOTHING",
			db.Quote(l.class.Table()), strings.Join(fields, ", "), strings.Join(values, ", ")), columns...)
	})
	return l.inserts
}

// save stores the columns that have changed. Others with the same key are found
// before; on PostgreSQL one that comes at the same moment makes the transaction
// fail.
func (w *write) save() error {
	if taken, err := w.taken(); err != nil {
		return err
	} else if taken != nil {
		return taken
	}
	args := []any{w.old[atID].Text(), w.old[atVersion].Int()}
	var set []string
	for i := atVersion; i < len(w.row); i++ {
		if sameValue(w.row[i], w.old[i]) {
			continue
		}
		c := w.layout.columns[i]
		args = append(args, c.Arg(w.view.postgres, w.row[i]))
		set = append(set, db.Quote(c.Field())+" = $"+strconv.Itoa(len(args))+c.Cast(w.view.postgres))
	}
	n, err := w.tx.Exec("UPDATE "+db.Quote(w.class.Table())+" SET "+strings.Join(set, ", ")+" WHERE id = $1 AND version = $2", args...)
	if err == nil && n != 1 {
		err = fault.New(fault.Conflict, "The record was changed by somebody else at the same moment; try again.")
	}
	return err
}

// remove deletes the record. One that goes for good is marked before, by which
// SQLite's triggers know that it is us.
func (w *write) remove() error {
	moment := &class.Column{Kind: class.DateTime, Type: value.DateTime}
	at := moment.Arg(w.view.postgres, w.now)
	cast := moment.Cast(w.view.postgres)
	_, err := w.tx.Exec("UPDATE "+db.Quote(w.class.Table())+" SET version = version + 1, deleted_at = $2"+cast+", modified_at = $2"+cast+", modified_by = $3 WHERE id = $1",
		w.old[atID].Text(), at, w.actor.By)
	if err != nil || !w.class.Hard {
		return err
	}
	if _, err = w.tx.Exec("DELETE FROM "+db.Quote(w.class.Table())+" WHERE id = $1", w.old[atID].Text()); err != nil {
		return err
	}
	return dropFilesOf(w.tx, w.class, w.old[atID].Text())
}

// numbered reports whether the record gets a number that it has not yet.
func (w *write) numbered() bool { return w.old == nil && w.class.Autonumbers() }

// number gives the record its numbers. The counter's row is locked until the
// transaction has ended, so numbers follow each other without gaps in the order
// of commits; a transaction that is taken back gives its numbers back.
func (w *write) number() error {
	for i := w.layout.own; i < len(w.row); i++ {
		c := w.layout.columns[i]
		if c.Kind != class.Autonumber {
			continue
		}
		var n int64
		err := w.tx.QueryRow(`INSERT INTO record_counters (class, column_code, value) VALUES ($1, $2, 1)
			ON CONFLICT (class, column_code) DO UPDATE SET value = record_counters.value + 1 RETURNING value`, w.class.Code, c.Code).Scan(&n)
		if err != nil {
			return err
		}
		if c.Numbering != nil {
			w.row[i] = value.String(c.Numbering.Format(n))
		} else {
			w.row[i] = value.Int(n)
		}
	}
	if w.numbered() && len(w.class.Computed) > 0 {
		w.compute() // what is computed from the number
	}
	if len(w.found) > 0 {
		return w.refused()
	}
	return nil
}

package table

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"junctor/internal/class"
	"junctor/internal/db"
)

// duplicates says which values are not unique. It is nil when that is an
// administrator's index, which does without from then on.
func (m *Migration) duplicates(ctx context.Context, u Unfinished, cause error) error {
	bad := &misfit{}
	err := m.DB.Read(ctx, func(tx *db.Tx) error {
		s, t, c, err := m.current(tx, u)
		if err != nil {
			return err
		}
		for _, i := range indexes(c) {
			if !i.unique {
				continue
			}
			if bad.text, err = s.duplicate(tx, newConversion(s.dialect, t.class, c), i); err != nil || bad.text != "" {
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return cause
	case bad.text != "":
		return bad
	}
	_, err = m.write(ctx, u, func(tx *db.Tx, s *state, _ *tableState, _ *class.Class) error {
		any, err := s.dialect.uncarry(tx, u.Class)
		if err == nil && !any {
			err = cause
		}
		return err
	})
	return err
}

// duplicate looks for two records with the same values in the old table.
func (s *state) duplicate(tx *db.Tx, v *conversion, i index) (string, error) {
	var fields []string
	condition := class.Alive
	for _, field := range i.columns {
		n := slices.IndexFunc(v.new.Columns, func(c *class.Column) bool { return c.Field() == field })
		if n < 0 || v.from[n] == nil {
			return "", nil
		}
		name := db.Quote(v.from[n].Field())
		fields = append(fields, name)
		condition += " AND " + name + " IS NOT NULL"
	}
	var first, last string
	query := fmt.Sprintf("SELECT min(id), max(id) FROM %s WHERE %s GROUP BY %s HAVING count(*) > 1 LIMIT 1", db.Quote(v.old.Table()), condition, strings.Join(fields, ", "))
	err := tx.QueryRow(query).Scan(&first, &last)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return fmt.Sprintf("the records %s and %s have the same %s", first, last, strings.Join(i.columns, ", ")), err
}

// clean removes tables that nobody reads any more, bit by bit: on SQLite
// dropping one takes as long as reading it.
func (m *Migration) clean(ctx context.Context, _ Unfinished) (progress, error) {
	n := chunkFirst
	for began := time.Now(); time.Since(began) < stepTime; {
		var done bool
		start := time.Now()
		err := m.DB.Write(ctx, func(tx *db.Tx) (err error) {
			done, err = sweep(tx, n)
			return err
		})
		if err != nil || done {
			return progress{Done: done}, err
		}
		took := time.Since(start)
		n = adapt(n, took)
		m.pause(ctx, took)
	}
	return progress{}, ctx.Err()
}

// sweep removes some of what is left; done when nothing is.
func sweep(tx *db.Tx, n int) (done bool, err error) {
	var name string
	err = tx.QueryRow(`SELECT name FROM record_garbage ORDER BY name LIMIT 1`).Scan(&name)
	if errors.Is(err, db.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	var index string
	err = tx.QueryRow(`SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL LIMIT 1`, name).Scan(&index)
	if err == nil {
		return false, tx.Define("DROP INDEX " + db.Quote(index))
	}
	if !errors.Is(err, db.ErrNoRows) {
		return false, err
	}
	gone, err := tx.Exec(fmt.Sprintf(`DELETE FROM %s WHERE rowid IN (SELECT rowid FROM %s LIMIT $1)`, db.Quote(name), db.Quote(name)), n)
	if err != nil || gone == int64(n) {
		return false, err
	}
	if err := tx.Define("DROP TABLE " + db.Quote(name)); err != nil {
		return false, err
	}
	_, err = tx.Exec(`DELETE FROM record_garbage WHERE name = $1`, name)
	return false, err
}

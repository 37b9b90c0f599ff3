// Package classtest makes classes with their tables for the tests of those who
// stand on them: applies them, fills and reads their tables, makes what is left
// for runs without an engine, and opens a database together with other programs.
package classtest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/run"
	"junctor/internal/value"
)

// Bodies makes classes of JSON: a code and a body, and so on.
func Bodies(pairs ...string) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return all
}

// Model makes a Model, which must be right.
func Model(t *testing.T, pairs ...string) *class.Model {
	t.Helper()
	m, found := class.NewModel(Bodies(pairs...))
	if len(found) > 0 {
		t.Fatalf("classes that should be right: %v", found)
	}
	return m
}

// Apply applies classes and returns what is left for runs.
func Apply(t *testing.T, d *db.DB, allowDrop bool, pairs ...string) []table.Unfinished {
	t.Helper()
	left, err := TryApply(t, d, allowDrop, pairs...)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return left
}

// TryApply is Apply where it may be refused.
func TryApply(t *testing.T, d *db.DB, allowDrop bool, pairs ...string) (left []table.Unfinished, err error) {
	t.Helper()
	m := Model(t, pairs...)
	err = d.Write(context.Background(), func(tx *db.Tx) (err error) {
		_, left, err = table.Apply(tx, m, allowDrop)
		return err
	})
	return left, err
}

// Read is a transaction that reads and must not fail.
func Read(t *testing.T, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

// Write is a transaction that must not fail.
func Write(t *testing.T, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

// Applied is the classes as the tables are.
func Applied(t *testing.T, d *db.DB) (m *class.Model) {
	t.Helper()
	Read(t, d, func(tx *db.Tx) (err error) {
		m, err = table.Applied(tx)
		return err
	})
	return m
}

// Put inserts a row as Junctor's own writes do; values are JSON by column code.
func Put(t *testing.T, d *db.DB, class, id, values string) {
	t.Helper()
	if err := tryPut(d, Applied(t, d).Class(class), id, values); err != nil {
		t.Fatalf("put %s into %s: %v", values, class, err)
	}
}

func tryPut(d *db.DB, c *class.Class, id, values string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(values), &members); err != nil {
		return err
	}
	row := map[string]value.Value{
		"id": value.String(id), "version": value.Int(1), "created_at": value.At(time.Now()), "created_by": value.String("test"),
		"modified_at": value.At(time.Now()), "modified_by": value.String("test"),
	}
	for code, raw := range members {
		column := c.Column(code)
		if column == nil {
			return fmt.Errorf("no column %s", code)
		}
		v, err := column.FromJSON(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", code, err)
		}
		row[code] = v
	}
	return d.Write(context.Background(), func(tx *db.Tx) error {
		var names, places []string
		var args []any
		for code, v := range row {
			column := c.Column(code)
			names = append(names, `"`+column.Field()+`"`)
			args = append(args, column.Arg(tx.Postgres(), v))
			places = append(places, fmt.Sprintf("$%d", len(args)))
		}
		_, err := tx.Exec(fmt.Sprintf(`INSERT INTO %q (%s) VALUES (%s)`, c.Table(), strings.Join(names, ", "), strings.Join(places, ", ")), args...)
		return err
	})
}

// Rows are a class's own columns as JSON, by id.
func Rows(t *testing.T, d *db.DB, code string) map[string]string {
	t.Helper()
	c := Applied(t, d).Class(code)
	all := map[string]string{}
	Read(t, d, func(tx *db.Tx) error {
		names := []string{"id"}
		cells := make([]class.Cell, len(c.Columns))
		var id string
		places := []any{&id}
		for i, column := range c.Columns {
			names = append(names, `"`+column.Field()+`"`)
			cells[i].Column = column
			places = append(places, &cells[i])
		}
		r, err := tx.Query(fmt.Sprintf(`SELECT %s FROM %q ORDER BY id`, strings.Join(names, ", "), c.Table()))
		if err != nil {
			return err
		}
		defer r.Close()
		for r.Next() {
			if err := r.Scan(places...); err != nil {
				return err
			}
			var b []byte
			for i, cell := range cells {
				b = append(b, map[bool]string{true: "{", false: ","}[i == 0]...)
				b = append(b, fmt.Sprintf("%q:", c.Columns[i].Code)...)
				b = cell.Value.AppendJSON(b)
			}
			all[id] = string(b) + "}"
		}
		return r.Err()
	})
	return all
}

// Finish makes what is left for runs, step by step, without an engine.
func Finish(t *testing.T, d *db.DB, left []table.Unfinished) error {
	t.Helper()
	m := &table.Migration{DB: d, Pause: func(context.Context, time.Duration) {}}
	return FinishBy(m, left)
}

// FinishBy makes the steps of changes as the program does.
func FinishBy(m *table.Migration, left []table.Unfinished) error {
	_, err := NotedBy(m, left)
	return err
}

// NotedBy is FinishBy with what the run's log gets.
func NotedBy(m *table.Migration, left []table.Unfinished) (notes []string, err error) {
	handlers := m.Handlers()
	for _, u := range left {
		for _, name := range []string{"table.prepare", "table.copy", "table.swap", "table.clean"} {
			for done, tries := false, 0; !done; tries++ {
				result, err := handlers[name].External(context.Background(), &run.Call{Args: u.Start().Input, Name: name})
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				var progress struct {
					Done, Superseded bool
					Notes            []string
				}
				if err := json.Unmarshal(result, &progress); err != nil {
					return nil, err
				}
				notes = append(notes, progress.Notes...)
				done = progress.Done || progress.Superseded
			}
		}
	}
	return notes, nil
}

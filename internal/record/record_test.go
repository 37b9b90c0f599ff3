package record_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/record"
	"junctor/internal/run"
	"junctor/internal/value"
)

// bodies makes classes of JSON: a code and a body, and so on.
func bodies(t *testing.T, pairs ...string) map[string]json.RawMessage {
	t.Helper()
	return bodiesOf(pairs...)
}

func bodiesOf(pairs ...string) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return all
}

// model makes a Model, which must be right.
func model(t *testing.T, pairs ...string) *record.Model {
	t.Helper()
	m, found := record.NewModel(bodies(t, pairs...))
	if len(found) > 0 {
		t.Fatalf("classes that should be right: %v", found)
	}
	return m
}

// apply applies classes and returns what is left for runs.
func apply(t *testing.T, d *db.DB, allowDrop bool, pairs ...string) []record.Unfinished {
	t.Helper()
	left, err := tryApply(t, d, allowDrop, pairs...)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return left
}

func tryApply(t *testing.T, d *db.DB, allowDrop bool, pairs ...string) (left []record.Unfinished, err error) {
	t.Helper()
	m := model(t, pairs...)
	err = d.Write(context.Background(), func(tx *db.Tx) (err error) {
		_, left, err = record.Apply(tx, m, allowDrop)
		return err
	})
	return left, err
}

func read(t *testing.T, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

// applied is the classes as the tables are.
func applied(t *testing.T, d *db.DB) (m *record.Model) {
	t.Helper()
	read(t, d, func(tx *db.Tx) (err error) {
		m, err = record.Applied(tx)
		return err
	})
	return m
}

// put inserts a row as Junctor's own writes do; values are JSON by column code.
func put(t *testing.T, d *db.DB, class, id, values string) {
	t.Helper()
	if err := tryPut(d, applied(t, d).Class(class), id, values); err != nil {
		t.Fatalf("put %s into %s: %v", values, class, err)
	}
}

func tryPut(d *db.DB, c *record.Class, id, values string) error {
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

// rows are a class's own columns as JSON, by id.
func rows(t *testing.T, d *db.DB, class string) map[string]string {
	t.Helper()
	c := applied(t, d).Class(class)
	all := map[string]string{}
	read(t, d, func(tx *db.Tx) error {
		names := []string{"id"}
		cells := make([]record.Cell, len(c.Columns))
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

// finish makes what is left for runs, step by step, without an engine.
func finish(t *testing.T, d *db.DB, left []record.Unfinished) error {
	t.Helper()
	m := &record.Migration{DB: d, Pause: func(context.Context, time.Duration) {}}
	return finishBy(m, left)
}

// finishBy makes the steps of changes as the program does.
func finishBy(m *record.Migration, left []record.Unfinished) error {
	_, err := notedBy(m, left)
	return err
}

// notedBy is finishBy with what the run's log gets.
func notedBy(m *record.Migration, left []record.Unfinished) (notes []string, err error) {
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

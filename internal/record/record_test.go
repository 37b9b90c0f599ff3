package record_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
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

// plan is the sentences of a plan, sorted; a run's begin with "run: ", a refusal
// stands behind it.
func plan(t *testing.T, d *db.DB, pairs ...string) []string {
	t.Helper()
	var lines []string
	read(t, d, func(tx *db.Tx) error {
		lines = nil
		all, err := record.Plan(tx, model(t, pairs...))
		for _, a := range all {
			line := a.Text
			if a.ByRun {
				line = "run: " + line
			}
			if a.Loses {
				line += " (loses)"
			}
			if a.Problem != "" {
				line += " -- " + a.Problem
			}
			lines = append(lines, line)
		}
		return err
	})
	sort.Strings(lines)
	return lines
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

func mustFail(t *testing.T, err error, code fault.Code, part string) {
	t.Helper()
	if !fault.Is(err, code) || !strings.Contains(err.Error(), part) {
		t.Errorf("want %s with %q, got %v", code, part, err)
	}
}

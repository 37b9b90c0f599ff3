package csv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// maxCells bounds a table: a row needs none of the columns that it is written
// with.
const maxCells = 1_000_000

// Table makes rows of a JSON value, the first of them the names of the columns:
// an array of flat objects, or one flat object. The columns are the members of
// all objects in the order of their first appearance; null and an absent member
// are an empty field, numbers and booleans their JSON text. An empty array has
// no rows. Errors are any other value, and more than a million fields.
func Table(data []byte) ([][]string, error) {
	data = bytes.TrimSpace(data)
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	t := table{columns: map[string]int{}}
	switch {
	case bytes.HasPrefix(data, []byte("{")):
		if err := t.row(d); err != nil {
			return nil, err
		}
	case bytes.HasPrefix(data, []byte("[")):
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		for d.More() {
			if err := t.row(d); err != nil {
				return nil, err
			}
		}
	default:
		return nil, errors.New("it is neither an object nor a list of objects")
	}
	return t.all()
}

var errCells = fmt.Errorf("there would be more than %d fields", maxCells)

type table struct {
	names   []string
	columns map[string]int
	rows    [][]string
	cells   int // of all rows
}

// row reads one object.
func (t *table) row(d *json.Decoder) error {
	at := len(t.rows) + 1
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return fmt.Errorf("row %d is not an object", at)
	}
	var row []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		value, err := d.Token()
		if err != nil {
			return err
		}
		if _, nested := value.(json.Delim); nested {
			return fmt.Errorf("row %d: the member %q is an object or a list", at, name)
		}
		column, known := t.columns[name.(string)] // members have text names
		if !known {
			column = len(t.names)
			t.columns[name.(string)] = column
			t.names = append(t.names, name.(string))
		}
		if t.cells+column >= maxCells {
			return errCells
		}
		row = append(row, make([]string, max(0, column+1-len(row)))...)
		row[column] = cell(value)
	}
	if t.cells += len(row); len(t.rows) >= maxCells {
		return errCells
	}
	t.rows = append(t.rows, row)
	_, err = d.Token()
	return err
}

func (t *table) all() ([][]string, error) {
	if len(t.names) == 0 {
		return nil, nil
	}
	if len(t.names)*(len(t.rows)+1) > maxCells {
		return nil, errCells
	}
	for i, row := range t.rows {
		t.rows[i] = append(row, make([]string, len(t.names)-len(row))...)
	}
	return append([][]string{t.names}, t.rows...), nil
}

func cell(value json.Token) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return "" // null
}

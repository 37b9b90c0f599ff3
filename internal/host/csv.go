package host

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"junctor/internal/format/csv"
	"junctor/internal/script"
)

//go:embed csv.js
var csvJS string

// Bounds of what a small text or a short list can be blown up to: a long header
// is repeated in every object, and a row needs none of the columns it is
// written with.
const (
	maxCSVObjects = 32 << 20 // bytes that the names take in parsed objects
	maxCSVCells   = 5_000_000
)

// csvForm are the options that parse and stringify have in common, as csv.js hands
// them over: checked by name, not by type.
type csvForm struct {
	Delimiter string   `json:"delimiter"`
	Quote     *string  `json:"quote"` // "" for none
	Columns   []string `json:"columns"`
	Header    *bool    `json:"header"`
	Trim      bool     `json:"trim"`
	Ragged    bool     `json:"ragged"`
	QuoteAll  bool     `json:"quoteAll"`
	Newline   string   `json:"newline"`
	BOM       bool     `json:"bom"`
	Formulas  bool     `json:"neutraliseFormulas"`
}

// csvPure reads to JSON and writes from JSON.
func csvPure() map[string]script.Pure {
	return map[string]script.Pure{
		"csvParse": pure(func(a values) (any, error) { // text, options as JSON
			form, o, err := csvOptions(a.text(1))
			if err != nil {
				return nil, err
			}
			rows, err := csv.Parse(a.text(0), o)
			if err != nil {
				return nil, err
			}
			if form.Header != nil && !*form.Header && form.Columns == nil {
				return csvArrays(rows)
			}
			return csvObjects(rows, form)
		}),
		"csvStringify": pure(func(a values) (any, error) { // rows as JSON, columns as JSON, options as JSON
			form, o, err := csvOptions(a.text(2))
			if err != nil {
				return nil, err
			}
			var columns []string
			if err := json.Unmarshal([]byte(a.text(1)), &columns); err != nil {
				return nil, errors.New("the option columns is a list of names")
			}
			rows, err := csvCells(a.text(0), columns)
			if err != nil {
				return nil, err
			}
			if len(columns) > 0 && (form.Header == nil || *form.Header) {
				rows = append([][]string{columns}, rows...)
			}
			return csv.Write(rows, o)
		}),
	}
}

func csvOptions(text string) (csvForm, csv.Options, error) {
	var f csvForm
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, csv.Options{}, errors.New("the options are delimiter, quote, newline: a text, columns: a list of names, and true or false for the others")
	}
	o := csv.Options{Trim: f.Trim, Ragged: f.Ragged, QuoteAll: f.QuoteAll, Newline: f.Newline, BOM: f.BOM, Formulas: f.Formulas}
	if utf8.RuneCountInString(f.Delimiter) > 1 {
		return f, o, fmt.Errorf("the delimiter %q is not one character", f.Delimiter)
	}
	o.Delimiter, _ = utf8.DecodeRuneInString(f.Delimiter)
	if f.Delimiter == "" {
		o.Delimiter = 0
	}
	switch {
	case f.Quote == nil:
	case *f.Quote == "":
		o.Quote = csv.NoQuote
	case utf8.RuneCountInString(*f.Quote) > 1:
		return f, o, fmt.Errorf("the quote %q is not one character", *f.Quote)
	default:
		o.Quote, _ = utf8.DecodeRuneInString(*f.Quote)
	}
	return f, o, nil
}

func csvArrays(rows []csv.Row) (any, error) {
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = r.Fields
	}
	text, err := json.Marshal(out)
	return string(text), err
}

// csvObjects makes an object of each row, its members in the order of columns.
func csvObjects(rows []csv.Row, form csvForm) (any, error) {
	columns := form.Columns
	if columns == nil {
		if len(rows) == 0 {
			return "[]", nil
		}
		columns, rows = rows[0].Fields, rows[1:]
	} else if form.Header != nil && *form.Header && len(rows) > 0 {
		rows = rows[1:] // columns renames those of the header
	}
	keys, size := make([][]byte, len(columns)), 0
	seen := map[string]bool{}
	for i, name := range columns {
		if name == "" {
			return nil, fmt.Errorf("column %d has no name: give names by the option columns", i+1)
		}
		if seen[name] {
			return nil, fmt.Errorf("column %d has the name %q of another: give names by the option columns", i+1, name)
		}
		seen[name] = true
		keys[i] = append(jsonText(name), ':')
		size += len(keys[i]) + 3 // at least a comma and an empty text
	}
	if size*len(rows) > maxCSVObjects {
		return nil, fmt.Errorf("the names of %d columns in %d rows take more than 32 MiB: use header: false, or shorter names by the option columns", len(columns), len(rows))
	}
	var b bytes.Buffer
	b.WriteByte('[')
	for i, r := range rows {
		if len(r.Fields) > len(columns) || len(r.Fields) < len(columns) && !form.Ragged {
			return nil, fmt.Errorf("line %d has %d fields for %d columns", r.Line, len(r.Fields), len(columns))
		}
		if i > 0 {
			b.WriteByte(',')
		}
		for j, key := range keys {
			field := ""
			if j < len(r.Fields) {
				field = r.Fields[j]
			}
			b.WriteByte("{,"[min(j, 1)])
			b.Write(key)
			b.Write(jsonText(field))
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return b.String(), nil
}

// csvCells makes texts of the rows that stringify was given: arrays, or objects of
// which columns chooses the members.
func csvCells(text string, columns []string) ([][]string, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, errors.New("a list of rows is expected")
	}
	if len(raw)*max(len(columns), 1) > maxCSVCells {
		return nil, fmt.Errorf("%d rows of %d columns are more than %d fields: write them in parts", len(raw), len(columns), maxCSVCells)
	}
	rows := make([][]string, len(raw))
	for i, r := range raw {
		var cells []json.RawMessage
		if r[0] == '{' {
			var members map[string]json.RawMessage
			if err := json.Unmarshal(r, &members); err != nil {
				return nil, fmt.Errorf("row %d: %w", i+1, err)
			}
			for _, name := range columns {
				cells = append(cells, members[name])
			}
		} else if err := json.Unmarshal(r, &cells); err != nil || r[0] != '[' {
			return nil, fmt.Errorf("row %d is neither an object nor a list", i+1)
		}
		rows[i] = make([]string, len(cells))
		for j, cell := range cells {
			var err error
			if rows[i][j], err = csvCell(cell); err != nil {
				return nil, fmt.Errorf("row %d, field %d: %w", i+1, j+1, err)
			}
		}
	}
	return rows, nil
}

func csvCell(raw json.RawMessage) (string, error) {
	switch {
	case len(raw) == 0 || raw[0] == 'n':
		return "", nil
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case raw[0] == '{' || raw[0] == '[':
		return "", errors.New("an object or a list does not fit into a field")
	}
	return string(raw), nil // a number or boolean as it is
}

// jsonText is a text as JSON. Most need no escapes.
func jsonText(s string) []byte {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		return append(append(append(make([]byte, 0, len(s)+3), '"'), s...), '"')
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic("host: " + err.Error()) // a string cannot fail
	}
	return text
}

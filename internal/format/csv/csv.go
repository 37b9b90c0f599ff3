// Package csv reads and writes delimited text: RFC 4180, with the delimiters
// and quotes that are met in practice.
//
// Text is UTF-8; package charset decodes other encodings before and encodes
// them after. Nothing is guessed and nothing dropped in silence: what does not
// fit is an error with its line.
//
// It is a leaf: it knows nothing of Junctor.
package csv

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxFields is how many fields a text may have: a comma is enough for one.
const MaxFields = 2_000_000

// NoQuote as Options.Quote says that the text uses no quotes at all.
const NoQuote rune = -1

// Options describe the form of the text. The zero value is RFC 4180.
type Options struct {
	Delimiter rune // , when 0
	Quote     rune // " when 0
	Trim      bool // reading: leave out spaces and tabs around fields that are not quoted
	Ragged    bool // reading: let rows have fewer or more fields than the first

	QuoteAll bool   // writing: quote every field
	Newline  string // writing: CRLF when empty
	Formulas bool   // writing: put ' before what a spreadsheet would compute (see Neutralise)
	BOM      bool   // writing: begin with a byte order mark, for Excel
}

// Row is a record and the line it begins on, counted from 1.
type Row struct {
	Line   int
	Fields []string
}

func (o Options) normal() (Options, error) {
	if o.Delimiter == 0 {
		o.Delimiter = ','
	}
	if o.Quote == 0 {
		o.Quote = '"'
	}
	if o.Newline == "" {
		o.Newline = "\r\n"
	}
	for _, r := range []rune{o.Delimiter, o.Quote} {
		if r != NoQuote && (!utf8.ValidRune(r) || strings.ContainsRune("\r\n\ufeff\ufffd", r)) {
			return o, fmt.Errorf("%q cannot be a delimiter or quote", r)
		}
	}
	if strings.ContainsRune(" \t", o.Quote) {
		return o, errors.New("a space or tab cannot be a quote")
	}
	if o.Delimiter == NoQuote || o.Delimiter == o.Quote {
		return o, errors.New("delimiter and quote must be two different characters")
	}
	if strings.Trim(o.Newline, "\r\n") != "" {
		return o, fmt.Errorf("%q is not a line end", o.Newline)
	}
	return o, nil
}

// Parse reads every row. A byte order mark at the start and empty lines are
// left out; a row's fields may hold line ends inside quotes. Lines end in LF,
// CRLF or CR. Unless Ragged is set, every row has as many fields as the first.
// A text of more than MaxFields is an error.
func Parse(text string, o Options) ([]Row, error) {
	o, err := o.normal()
	if err != nil {
		return nil, err
	}
	p := parser{Options: o, rest: strings.TrimPrefix(text, "\ufeff"), line: 1}
	var rows []Row
	for p.rest != "" {
		row := Row{Line: p.line}
		if row.Fields, err = p.row(); err != nil {
			return nil, err
		}
		if row.Fields == nil {
			continue
		}
		if len(rows) > 0 && !o.Ragged && len(row.Fields) != len(rows[0].Fields) {
			return nil, fmt.Errorf("line %d has %s, line %d has %d", row.Line, fields(len(row.Fields)), rows[0].Line, len(rows[0].Fields))
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func fields(n int) string {
	if n == 1 {
		return "1 field"
	}
	return fmt.Sprintf("%d fields", n)
}

type parser struct {
	Options
	rest string // what is not read yet
	line int
	read int // fields
}

// row reads up to and including the line's end; nil for an empty line.
func (p *parser) row() ([]string, error) {
	if p.lineEnd() {
		return nil, nil
	}
	var row []string
	for {
		field, err := p.field(len(row) + 1)
		if err != nil {
			return nil, err
		}
		if p.read++; p.read > MaxFields {
			return nil, fmt.Errorf("line %d: the text has more than %d fields", p.line, MaxFields)
		}
		row = append(row, field)
		if p.rest == "" || p.lineEnd() {
			return row, nil
		}
		p.rest = p.rest[utf8.RuneLen(p.Delimiter):] // field stops at nothing else
	}
}

// lineEnd consumes one line end if there is one.
func (p *parser) lineEnd() bool {
	switch {
	case strings.HasPrefix(p.rest, "\r\n"):
		p.rest = p.rest[2:]
	case strings.HasPrefix(p.rest, "\n"), strings.HasPrefix(p.rest, "\r"):
		p.rest = p.rest[1:]
	default:
		return false
	}
	p.line++
	return true
}

// field reads one field and stops before a delimiter, a line end or the end.
func (p *parser) field(column int) (string, error) {
	start := p.rest
	if p.Trim {
		start = strings.TrimLeft(start, p.blanks())
	}
	if p.Quote != NoQuote && strings.HasPrefix(start, string(p.Quote)) {
		p.rest = start[utf8.RuneLen(p.Quote):]
		return p.quoted(column)
	}
	end := strings.IndexFunc(p.rest, p.stops)
	if end < 0 {
		end = len(p.rest)
	}
	field := p.rest[:end]
	p.rest = p.rest[end:]
	if p.Quote != NoQuote && strings.ContainsRune(field, p.Quote) {
		return "", fmt.Errorf("line %d, field %d: a quote inside a field that does not begin with one; set quote to \"\" if the text does not use quotes", p.line, column)
	}
	if p.Trim {
		field = strings.Trim(field, p.blanks())
	}
	return field, nil
}

// quoted reads the rest of a field after its opening quote.
func (p *parser) quoted(column int) (string, error) {
	var b strings.Builder
	opened, quote := p.line, string(p.Quote)
	for {
		end := strings.Index(p.rest, quote)
		if end < 0 {
			return "", fmt.Errorf("line %d, field %d: the quote that opens here is never closed", opened, column)
		}
		b.WriteString(p.rest[:end])
		p.line += lineEnds(p.rest[:end])
		p.rest = p.rest[end+len(quote):]
		if !strings.HasPrefix(p.rest, quote) {
			break
		}
		b.WriteString(quote) // doubled: one of the field's own
		p.rest = p.rest[len(quote):]
	}
	if p.Trim {
		p.rest = strings.TrimLeft(p.rest, p.blanks())
	}
	if p.rest != "" {
		if next, _ := utf8.DecodeRuneInString(p.rest); !p.stops(next) {
			return "", fmt.Errorf("line %d, field %d: %q after the closing quote, where the delimiter %q or the line's end is expected", p.line, column, next, p.Delimiter)
		}
	}
	return b.String(), nil
}

func (p *parser) stops(r rune) bool { return r == p.Delimiter || r == '\n' || r == '\r' }

// blanks is what Trim leaves out; not a tab where that is the delimiter.
func (p *parser) blanks() string {
	return strings.ReplaceAll(" \t", string(p.Delimiter), "")
}

// lineEnds counts LF, CRLF and CR.
func lineEnds(text string) int {
	return strings.Count(text, "\n") + strings.Count(text, "\r") - strings.Count(text, "\r\n")
}

package csv

import (
	"regexp"
	"strings"
)

// Write writes rows; Parse with the same options reads them back, unless
// Formulas changed some.
func Write(rows [][]string, o Options) (string, error) {
	o, err := o.normal()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if o.BOM {
		b.WriteString("\ufeff")
	}
	for i, row := range rows {
		for j, field := range row {
			if j > 0 {
				b.WriteRune(o.Delimiter)
			}
			if o.Formulas {
				field = Neutralise(field)
			}
			if err := o.write(&b, field, len(row) == 1 || i+j == 0); err != nil {
				return "", &FieldError{Row: i + 1, Column: j + 1, Err: err}
			}
		}
		b.WriteString(o.Newline)
	}
	return b.String(), nil
}

// write writes one field. A lone empty field and a leading byte order mark are
// quoted, since reading would take them for an empty line and for the text's.
func (o Options) write(b *strings.Builder, field string, delicate bool) error {
	special := strings.ContainsAny(field, "\r\n") || strings.ContainsRune(field, o.Delimiter) ||
		o.Quote != NoQuote && strings.ContainsRune(field, o.Quote)
	if o.Quote == NoQuote {
		if special {
			return errUnquotable
		}
		b.WriteString(field)
		return nil
	}
	padded := field != strings.Trim(field, " \t") // kept by readers that trim
	delicate = delicate && (field == "" || strings.HasPrefix(field, "\ufeff"))
	if !special && !padded && !delicate && !o.QuoteAll {
		b.WriteString(field)
		return nil
	}
	quote := string(o.Quote)
	b.WriteString(quote + strings.ReplaceAll(field, quote, quote+quote) + quote)
	return nil
}

// plainNumber is harmless although it may begin with a sign.
var plainNumber = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?$`)

// Neutralise puts an apostrophe before a field that spreadsheets take for a
// formula: one that begins, spaces aside, with = + - @, a tab or a line end, and
// is not a plain number. Data for machines should not be neutralised: the
// apostrophe becomes part of it.
func Neutralise(field string) string {
	trimmed := strings.TrimLeft(field, " ")
	if trimmed == "" || !strings.ContainsAny(trimmed[:1], "=+-@\t\r\n") || plainNumber.MatchString(trimmed) {
		return field
	}
	return "'" + field
}

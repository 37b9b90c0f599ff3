package host

import (
	"slices"
	"strconv"

	"junctor/internal/class"
	"junctor/internal/record"
	"junctor/internal/value"
)

// JavaScript's numbers hold whole numbers up to here exactly.
const safeInteger = 1<<53 - 1

// Columns whose values JSON's numbers would not carry unharmed into JavaScript
// go as texts, and a member that no column can have names them for records.js.
const (
	markDecimals = "$decimals"
	markIntegers = "$integers"
	markResult   = "$result"
)

// marks are the paths of such columns.
type marks struct{ decimals, integers []string }

// appendRecord writes a record as records.js reads it. result is what a write
// has done, "" for a read.
func appendRecord(b []byte, r *record.Record, result record.Result) []byte {
	var m marks
	b = appendMembers(b, r, "", &m)
	b = m.append(b)
	if result != "" {
		b = append(b, `,"`+markResult+`":"`+string(result)+`"`...)
	}
	return append(b, '}')
}

// appendMembers leaves the object open.
func appendMembers(b []byte, r *record.Record, path string, m *marks) []byte {
	b = append(b, '{')
	comma := func() {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
	}
	r.Columns(func(name string, _ *class.Column, v value.Value) {
		comma()
		b = append(strconv.AppendQuote(b, name), ':')
		b = m.appendValue(b, path+name, v)
	})
	r.Expanded(func(name string, to *record.Record) {
		comma()
		b = append(strconv.AppendQuote(b, name), ':')
		if to == nil {
			b = append(b, "null"...)
			return
		}
		b = append(appendMembers(b, to, path+name+"/", m), '}')
	})
	return b
}

func (m *marks) appendValue(b []byte, path string, v value.Value) []byte {
	exact := &m.decimals
	switch {
	case v.Type() == value.Decimal:
	case v.Type() == value.Integer && (v.Int() > safeInteger || v.Int() < -safeInteger):
		exact = &m.integers
	default:
		return v.AppendJSON(b)
	}
	if !slices.Contains(*exact, path) {
		*exact = append(*exact, path)
	}
	return append(v.AppendJSON(append(b, '"')), '"')
}

func (m *marks) append(b []byte) []byte {
	for _, mark := range []struct {
		name  string
		paths []string
	}{{markDecimals, m.decimals}, {markIntegers, m.integers}} {
		for i, path := range mark.paths {
			if i == 0 {
				b = append(b, `,"`+mark.name+`":[`...)
			} else {
				b = append(b, ',')
			}
			b = strconv.AppendQuote(b, path)
		}
		if mark.paths != nil {
			b = append(b, ']')
		}
	}
	return b
}

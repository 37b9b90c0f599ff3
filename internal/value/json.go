package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// AppendJSON writes v as a member of a JSON document: a Decimal as a number with
// all digits of its scale (10.10), a Date as "2026-11-22", a DateTime as RFC
// 3339 in UTC with as many of six digits of a second as there are.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case Null:
		return append(b, "null"...)
	case Text:
		return appendQuoted(b, v.s)
	case Date, DateTime:
		return append(v.AppendText(append(b, '"')), '"')
	}
	return v.AppendText(b)
}

// MarshalJSON is AppendJSON.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

const hex = "0123456789abcdef"

// appendQuoted escapes what RFC 8259 demands and nothing else. What is not UTF-8
// becomes U+FFFD.
func appendQuoted(b []byte, text string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, text[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			b = append(b, text[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			start = i + 1
		}
		i++
	}
	return append(append(b, text[start:]...), '"')
}

// FromJSON reads one JSON value as a value of the type; null is null for every
// type. It refuses what the type cannot hold exactly, with an error that says
// what is expected ("a whole number is expected, not 1.5"):
//
//   - Integer: a number without a fraction within 64 bits, also as text, which
//     is how OData writes it under IEEE754Compatible;
//   - Decimal: a number or a text with one, as number says; the scale is the
//     digits that are written behind the point;
//   - Text: without U+0000, which databases cannot hold, and without half of a
//     surrogate pair;
//   - Date and DateTime: texts, as FromText says;
//   - JSON: anything.
func FromJSON(t Type, raw []byte) (Value, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return Value{}, errors.New("a value is expected")
	}
	if string(raw) == "null" {
		return Value{}, nil
	}
	switch t {
	case Boolean:
		switch string(raw) {
		case "true":
			return Bool(true), nil
		case "false":
			return Bool(false), nil
		}
	case Integer, Decimal:
		switch raw[0] {
		case '"':
			text, err := unquoted(raw)
			if err != nil {
				return Value{}, err
			}
			return FromText(t, text)
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			return FromText(t, string(raw))
		}
	case Text, Date, DateTime:
		if raw[0] == '"' {
			text, err := unquoted(raw)
			if err != nil {
				return Value{}, err
			}
			return FromText(t, text)
		}
	case JSON:
		return FromText(JSON, string(raw))
	case Null:
	}
	return Value{}, fmt.Errorf("%s is expected, not %s", wanted[t], found(raw))
}

// Infer reads one JSON value as what it is by itself: a Text, a Boolean, null, a
// number as Number says, and JSON for an object or a list.
func Infer(raw []byte) (Value, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return Value{}, errors.New("a value is expected")
	}
	switch raw[0] {
	case '"':
		return FromJSON(Text, raw)
	case 't', 'f', 'n':
		return FromJSON(Boolean, raw)
	case '{', '[':
		return FromJSON(JSON, raw)
	}
	return Number(string(raw))
}

var wanted = [...]string{
	Null: "null", Boolean: "true or false", Integer: "a whole number", Decimal: "a number", Text: "a text",
	Date: "a date like \"2026-11-22\"", DateTime: "a moment like \"2026-11-22T13:45:00Z\"", JSON: "JSON",
}

// found is what raw is, in words; a number as it is.
func found(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return shown(string(raw))
}

func unquoted(raw []byte) (string, error) {
	if text := raw[1:]; len(text) > 0 && bytes.IndexByte(text, '\\') < 0 && bytes.IndexByte(text, '"') == len(text)-1 && utf8.Valid(text) && !bytes.ContainsFunc(text, isControl) {
		return string(text[:len(text)-1]), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", errors.New("is not a text of JSON")
	}
	if strings.ContainsRune(text, utf8.RuneError) && !bytes.Contains(raw, []byte("\ufffd")) && !bytes.Contains(bytes.ToLower(raw), []byte(`\ufffd`)) {
		return "", errors.New("has half of a surrogate pair, which is no character")
	}
	return text, nil
}

func isControl(r rune) bool { return r < ' ' }

func compact(raw string) (Value, error) {
	if !utf8.ValidString(raw) {
		return Value{}, errors.New("is not UTF-8")
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(raw)); err != nil {
		return Value{}, fmt.Errorf("is not JSON: %w", err)
	}
	if b.String() == "null" {
		return Value{}, nil
	}
	return Value{kind: JSON, s: b.String()}, nil
}

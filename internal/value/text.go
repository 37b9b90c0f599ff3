package value

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// AppendText writes v as the Edm types of OData are written where no quotes are
// around them: in XML, in CSV, in a URL. Null writes nothing.
func (v Value) AppendText(b []byte) []byte {
	switch v.kind {
	case Boolean:
		return strconv.AppendBool(b, v.n == 1)
	case Integer:
		return strconv.AppendInt(b, v.n, 10)
	case Decimal:
		return v.appendDecimal(b)
	case Text, JSON:
		return append(b, v.s...)
	case Date:
		return v.Time().AppendFormat(b, time.DateOnly)
	case DateTime:
		return v.Time().AppendFormat(b, "2006-01-02T15:04:05.999999Z07:00")
	case Null:
	}
	return b
}

// FromText reads what AppendText writes, and the other spellings that OData's
// ABNF and XML Schema have for the same:
//
//   - Boolean: true, false, 1, 0;
//   - Integer: digits with a sign or without; a fraction of zeros and an
//     exponent too, as long as the number is whole;
//   - Decimal: digits, with sign, fraction and exponent where they are wanted,
//     up to MaxDigits;
//   - Text: everything but U+0000 and what is not UTF-8;
//   - Date: 2026-11-22;
//   - DateTime: 2026-11-22T13:45:00.123456Z, with any offset in place of Z, with
//     or without seconds; what is below a microsecond is cut off;
//   - JSON: a JSON document.
//
// INF and NaN do not exist. The error says what is expected.
func FromText(t Type, text string) (Value, error) {
	switch t {
	case Boolean:
		switch text {
		case "true", "1":
			return Bool(true), nil
		case "false", "0":
			return Bool(false), nil
		}
		return Value{}, fmt.Errorf("%s is expected, not %s", wanted[t], shown(text))
	case Integer:
		return whole64(text)
	case Decimal:
		v, err := number(text)
		if errors.Is(err, errNumber) {
			err = fmt.Errorf("%s is not a number: %w", shown(text), err)
		}
		return v, err
	case Text:
		if strings.IndexByte(text, 0) >= 0 {
			return Value{}, errors.New("has the character U+0000, which cannot be stored")
		}
		if !utf8.ValidString(text) {
			return Value{}, errors.New("is not UTF-8")
		}
		return String(text), nil
	case Date:
		return parseDate(text)
	case DateTime:
		return parseDateTime(text)
	case JSON:
		return compact(text)
	}
	return Value{}, errors.New("nothing can be read as null")
}

// FromXML is FromText for the content of an XML element or attribute, where XML
// Schema allows more: white space around what is no text, decimals such as .5
// and 5., a time zone behind a date, which is left out because a day has none.
func FromXML(t Type, text string) (Value, error) {
	if t == Text || t == JSON {
		return FromText(t, text)
	}
	text = strings.Trim(text, " \t\r\n")
	switch {
	case t == Decimal && !strings.ContainsAny(text, "eE"):
		sign := text[:len(text)-len(strings.TrimLeft(text, "+-"))]
		if before, behind, point := strings.Cut(text[len(sign):], "."); point && before+behind != "" {
			text = sign + "0" + before + "." + behind
			if behind == "" {
				text = sign + before
			}
		}
	case t == Date && len(text) > len(time.DateOnly):
		if zone := text[len(time.DateOnly):]; zone == "Z" || isOffset(zone) {
			text = text[:len(time.DateOnly)]
		}
	}
	return FromText(t, text)
}

func isOffset(text string) bool {
	r := reader{rest: text}
	_, err := r.offset()
	return err == nil
}

// Number reads digits alone, within 64 bits, as an Integer, and every other
// number as a Decimal.
func Number(text string) (Value, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Int(n), nil
	}
	return FromText(Decimal, text)
}

func whole64(text string) (Value, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Int(n), nil
	}
	v, err := number(text)
	if err == nil {
		v, err = Fit(v, MaxDigits, 0)
	}
	if err != nil {
		return Value{}, fmt.Errorf("a whole number is expected, not %s", shown(text))
	}
	if v.s != "" {
		return Value{}, fmt.Errorf("%s is beyond 64 bits", shown(text))
	}
	return Int(v.n), nil
}

// shown is text from outside, for an error.
func shown(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "..."
	}
	return strconv.Quote(text)
}

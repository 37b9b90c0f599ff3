package realm

import (
	"strconv"
	"strings"
)

type tokenKind byte

const (
	atEnd tokenKind = iota
	number
	word
	blank
	symbol
)

// dateToken is a number, a word of letters in lower case, a run of blanks, one
// other byte, or the end.
type dateToken struct {
	kind  tokenKind
	text  string
	value int
}

func (t dateToken) is(text string) bool { return t.kind == symbol && t.text == text }
func (t dateToken) isWord(text string) bool {
	return t.kind == word && t.text == text
}
func (t dateToken) sign() bool { return t.is("+") || t.is("-") }

// fixed says whether t is a number of so many digits within low and high.
func (t dateToken) fixed(digits, low, high int) bool {
	return t.kind == number && len(t.text) == digits && t.value >= low && t.value <= high
}

func scanDate(text string) []dateToken {
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	isLetter := func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
	isBlank := func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
	var tokens []dateToken
	for i := 0; i < len(text); {
		start := i
		run := func(of func(byte) bool) string {
			for i < len(text) && of(text[i]) {
				i++
			}
			return text[start:i]
		}
		switch c := text[i]; {
		case isDigit(c):
			s := run(isDigit)
			tokens = append(tokens, dateToken{number, s, significant(s)})
		case isLetter(c):
			tokens = append(tokens, dateToken{word, strings.ToLower(run(isLetter)), 0})
		case isBlank(c):
			tokens = append(tokens, dateToken{blank, run(isBlank), 0})
		default:
			i++
			tokens = append(tokens, dateToken{symbol, text[start:i], 0})
		}
	}
	return append(tokens, dateToken{kind: atEnd})
}

// significant is the value of the first nine significant digits, as V8 has it.
func significant(digits string) int {
	digits = strings.TrimLeft(digits, "0")
	n, _ := strconv.Atoi("0" + digits[:min(len(digits), 9)]) // only digits
	return n
}

// milliseconds reads what stands after the point of a second.
func milliseconds(digits string) int {
	n, _ := strconv.Atoi((digits + "000")[:3]) // only digits
	return n
}

// dateWord is what a word in a date means: a month, half of a day or a zone.
type dateWord struct {
	kind  byte // 'm', 'h', 'z', or 0 for none
	value int
}

// lookupWord knows months by their first three letters, everything else whole.
func lookupWord(w string) dateWord {
	if len(w) >= 3 {
		if i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", w[:3]); i >= 0 && i%3 == 0 {
			return dateWord{'m', i/3 + 1}
		}
	}
	switch w {
	case "am":
		return dateWord{'h', 0}
	case "pm":
		return dateWord{'h', 12}
	case "ut", "utc", "gmt", "z":
		return dateWord{'z', 0}
	case "edt":
		return dateWord{'z', -4}
	case "est", "cdt":
		return dateWord{'z', -5}
	case "cst", "mdt":
		return dateWord{'z', -6}
	case "mst", "pdt":
		return dateWord{'z', -7}
	case "pst":
		return dateWord{'z', -8}
	}
	return dateWord{}
}

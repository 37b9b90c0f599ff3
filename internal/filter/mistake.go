package filter

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// misread says what is wrong with a literal, and how else it is written.
func misread(text, rest string, err error) string {
	switch last := text[len(text)-1] | 0x20; {
	case len(text) > 10 && text[10]|0x20 == 't' && strings.HasPrefix(rest, " ") && len(rest) > 3 && isDigit(rest[1]) && rest[3] == ':':
		return strconv.Quote(text) + ": there is a space before the offset: + is written %2B in a URL"
	case strings.IndexByte("mldf", last) >= 0 && strings.Trim(text[:len(text)-1], "0123456789.-+") == "":
		return strconv.Quote(text) + " is not a number: OData 4 has no letter behind numbers"
	case len(text) > 2 && text[2] == ':':
		return strconv.Quote(text) + ": a time of day is not supported; hour(), minute() and second() of a datetime are"
	case strings.Trim(strings.ToLower(text), "0123456789abcdef-") == "" && strings.Count(text, "-") == 4:
		return strconv.Quote(text) + ": ids are text, write them in quotes"
	case strings.LastIndexAny(text, "+-") > 0 && strings.Trim(text, "0123456789.-+") == "" && text[min(4, len(text)-1)] != '-':
		return strconv.Quote(text) + " is not a number: write add and sub, with spaces, for + and -"
	}
	return err.Error()
}

// found is what stands here, for an error.
func (p *parser) found() string {
	if p.at >= len(p.text) {
		return "the end"
	}
	start := p.at
	word := p.word()
	if p.at = start; word != "" {
		return strconv.Quote(word)
	}
	_, size := utf8.DecodeRuneInString(p.text[p.at:])
	return strconv.Quote(p.text[p.at : p.at+size])
}

// signs are how other languages write what is a word here.
var signs = []struct{ sign, word string }{
	{"&&", "and"}, {"||", "or"}, {"==", "eq"}, {"=", "eq"}, {"!=", "ne"}, {"<>", "ne"}, {">=", "ge"}, {"<=", "le"}, {">", "gt"}, {"<", "lt"},
	{"!", "not"}, {"+", "add"}, {"-", "sub"}, {"*", "mul"}, {"/", "div"}, {"%", "mod"},
}

// elsewhere are the words of other languages, and what to write for them.
var elsewhere = map[string]string{
	"has":     "has is not supported; an enum is compared as text",
	"gte":     "gte is written ge",
	"lte":     "lte is written le",
	"neq":     "neq is written ne",
	"is":      "whether something is null is asked by x eq null",
	"not":     "not stands before the whole: not (x in (1,2))",
	"like":    "there is no like: contains(x,'a'), startswith(x,'a') and endswith(x,'a') are there",
	"between": "there is no between: x ge 1 and x le 5",
}

// behind says what is wrong with what stands behind a whole operand.
func (p *parser) behind() {
	for _, s := range signs {
		if strings.HasPrefix(p.text[p.at:], s.sign) {
			p.fail("expected an operator, found %q: it is written %s", s.sign, s.word)
			return
		}
	}
	start := p.at
	word := strings.ToLower(p.word())
	p.at = start
	switch {
	case elsewhere[word] != "":
		p.fail("%s", elsewhere[word])
	case functions[word].do != nil:
		p.fail("%s is a function: %s(x,y)", word, word)
	case word != "":
		p.fail("expected an operator such as eq, found %s%s", p.found(), meant("", word, operators))
	case p.ahead(')'):
		p.fail("there is a ) without its (")
	default:
		p.expected("an operator such as eq")
	}
}

var operators = []string{"eq", "ne", "gt", "ge", "lt", "le", "and", "or", "in", "add", "sub", "mul", "div", "divby", "mod"}

// strange says what is wrong with what cannot begin an operand.
func (p *parser) strange() *Expr {
	switch c := p.text[p.at]; c {
	case '$':
		p.at++
		word := p.word()
		p.at -= len(word) + 1
		return p.fail("$%s is not supported", word)
	case '"':
		return p.fail("expected a value, found \": text is written in single quotes")
	case '!':
		return p.fail("expected a value, found !: it is written not")
	case '[', '{':
		return p.fail("expected a value, found %c: lists and objects are not supported", c)
	}
	return p.expected("a value, a name or a function")
}

// typed says what is wrong with a word that has a quote or a dot behind it.
func (p *parser) typed() *Expr {
	start := p.at
	for p.word(); p.take('.'); {
		p.word()
	}
	word, quote := p.text[start:p.at], p.ahead('\'')
	p.at = start
	switch {
	case !quote:
		return p.fail("%s is not supported: names have no dots", word)
	case strings.EqualFold(word, "guid"):
		return p.fail("ids are text: write them in quotes, without %s", word)
	case strings.EqualFold(word, "datetime"), strings.EqualFold(word, "datetimeoffset"), strings.EqualFold(word, "date"):
		return p.fail("dates and moments are written without %s and without quotes: 2026-11-22, 2026-11-22T13:45:00Z", word)
	case strings.EqualFold(word, "duration"), strings.EqualFold(word, "binary"), strings.EqualFold(word, "timeofday"),
		strings.EqualFold(word, "geography"), strings.EqualFold(word, "geometry"):
		return p.fail("literals of %s are not supported", word)
	}
	return p.fail("values of an enum are text: write them in quotes, without %s", word)
}

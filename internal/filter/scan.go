package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"junctor/internal/value"
)

// parser reads the text once from front to back. After its first error it
// reads nothing more: every method then returns at once.
type parser struct {
	text string
	at   int // bytes read
	err  *Error

	counted, characters int    // so many characters are in text[:counted]
	nodes               []Expr // made in advance, several at a time
}

func begin(text string) (*parser, error) {
	p := &parser{text: text}
	switch {
	case len(text) > MaxLength:
		return nil, wrong(1, "an expression has at most %d bytes, this one has %d", MaxLength, len(text))
	case !utf8.ValidString(text):
		return nil, wrong(1, "is not UTF-8")
	case strings.IndexByte(text, 0) >= 0:
		p.at = strings.IndexByte(text, 0)
		return nil, wrong(p.here(), "the character U+0000 cannot be stored nor asked for")
	}
	if p.space(); p.at == len(text) {
		return nil, wrong(p.here(), "is empty, an expression is expected")
	}
	return p, nil
}

// node is a new expression.
func (p *parser) node(e Expr) *Expr {
	const several = 8
	if len(p.nodes) == 0 {
		p.nodes = make([]Expr, several)
	}
	made := &p.nodes[0]
	*made, p.nodes = e, p.nodes[1:]
	return made
}

// done is e unless something was wrong, or e is too deep.
func (p *parser) done(e *Expr) (*Expr, error) {
	if p.err == nil {
		p.err = shallow(e, 1)
	}
	if p.err != nil {
		return nil, p.err
	}
	return e, nil
}

func shallow(e *Expr, level int) *Error {
	if level > MaxDepth {
		return tooDeep(e.At)
	}
	for _, arg := range e.Args {
		if err := shallow(arg, level+1); err != nil {
			return err
		}
	}
	return nil
}

func tooDeep(at int) *Error { return wrong(at, "is nested deeper than %d levels", MaxDepth) }

// here is the character at which the parser stands, from 1.
func (p *parser) here() int {
	if p.at < p.counted {
		p.counted, p.characters = 0, 0
	}
	p.characters += utf8.RuneCountInString(p.text[p.counted:p.at])
	p.counted = p.at
	return p.characters + 1
}

// fail keeps the first error.
func (p *parser) fail(format string, args ...any) *Expr {
	if p.err == nil {
		p.err = wrong(p.here(), format, args...)
	}
	return nil
}

func (p *parser) expected(what string) *Expr { return p.fail("expected %s, found %s", what, p.found()) }

// space skips what may stand between the parts of an expression.
func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) ahead(c byte) bool { return p.err == nil && p.at < len(p.text) && p.text[p.at] == c }

func (p *parser) take(c byte) bool {
	if !p.ahead(c) {
		return false
	}
	p.at++
	return true
}

// word reads what the ABNF calls an odataIdentifier, "" when there is none.
func (p *parser) word() string {
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c < utf8.RuneSelf {
			if c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || p.at > start && isDigit(c) {
				p.at++
				continue
			}
			break
		}
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if !unicode.In(r, unicode.L, unicode.Nl) && (p.at == start || !unicode.In(r, unicode.Nd, unicode.Mn, unicode.Mc, unicode.Pc, unicode.Cf)) {
			break
		}
		p.at += size
	}
	return p.text[start:p.at]
}

// keyword reads a word in any case, and nothing when another is there.
func (p *parser) keyword(word string) bool {
	p.space()
	start := p.at
	if p.err == nil && strings.EqualFold(p.word(), word) && !p.ahead('/') {
		return true
	}
	p.at = start
	return false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// lookup finds a word in any case among words in lower case.
func lookup[T any](words map[string]T, word string) (T, bool) {
	var space [8]byte
	if len(word) > len(space) {
		var none T
		return none, false
	}
	for i := range len(word) {
		c := word[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		space[i] = c
	}
	found, ok := words[string(space[:len(word)])]
	return found, ok
}

// quoted reads a text between quotes, in which a quote is doubled.
func (p *parser) quoted() *Expr {
	at, rest := p.here(), p.text[p.at+1:]
	for end := 0; ; end += 2 {
		n := strings.IndexByte(rest[end:], '\'')
		if n < 0 {
			return p.fail("the quote that opens here is never closed")
		}
		if end += n; end+1 == len(rest) || rest[end+1] != '\'' {
			p.at += end + 2
			return p.node(Expr{Op: Literal, At: at, Value: value.String(strings.ReplaceAll(rest[:end], "''", "'"))})
		}
	}
}

// measure reads a number, a date or a moment, which have no quotes.
func (p *parser) measure() *Expr {
	at, start := p.here(), p.at
	for p.at++; p.at < len(p.text) && isMeasure(p.text[p.at]); {
		p.at++
	}
	text := p.text[start:p.at]
	v, err := read(text)
	if err != nil {
		p.at = start
		return p.fail("%s", misread(text, p.text[start+len(text):], err))
	}
	return p.node(Expr{Op: Literal, At: at, Value: v})
}

func isMeasure(c byte) bool {
	switch c {
	case '.', ':', '+', '-', '_':
		return true
	}
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func read(text string) (value.Value, error) {
	if year, _, dashed := strings.Cut(text, "-"); dashed && len(year) == 4 && strings.Trim(year, "0123456789") == "" {
		if len(text) > 10 && text[10]|0x20 == 't' {
			return value.FromText(value.DateTime, text)
		}
		return value.FromText(value.Date, text)
	}
	return value.Number(text)
}

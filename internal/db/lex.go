package db

import "strings"

// token is a piece of SQL text. All tokens of a text joined are the text.
type token struct {
	kind tokenKind
	text string
}

type tokenKind int

const (
	symbol tokenKind = iota // one character
	word                    // a keyword, a name, a number
	space                   // white space or a comment
	quoted                  // 'text', "name", $$body$$
)

// is compares a word without regard to case.
func (t token) is(w string) bool { return t.kind == word && strings.EqualFold(t.text, w) }

// lex cuts SQL into tokens, so that rules for words do not reach into quoted
// text and comments. What is not closed reaches to the end.
func lex(sql string) []token {
	var tokens []token
	for len(sql) > 0 {
		kind, n := next(sql)
		tokens = append(tokens, token{kind, sql[:n]})
		sql = sql[n:]
	}
	return tokens
}

func next(sql string) (tokenKind, int) {
	switch c := sql[0]; {
	case strings.HasPrefix(sql, "--"):
		return space, through(sql, 2, "\n")
	case strings.HasPrefix(sql, "/*"):
		return space, through(sql, 2, "*/")
	case strings.HasPrefix(sql, "$$"):
		return quoted, through(sql, 2, "$$")
	case c == '\'' || c == '"':
		return quoted, through(sql, 1, string(c)) // '' inside is two quoted tokens side by side, which does no harm
	case isSpace(c):
		return space, span(sql, isSpace)
	case isWord(c):
		return word, span(sql, isWord)
	}
	return symbol, 1
}

func through(sql string, from int, end string) int {
	if i := strings.Index(sql[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(sql)
}

func span(sql string, in func(byte) bool) int {
	n := 1
	for n < len(sql) && in(sql[n]) {
		n++
	}
	return n
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// join is the text again.
func join(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.text)
	}
	return b.String()
}

// significant are the tokens that mean something.
func significant(tokens []token) []token {
	var s []token
	for _, t := range tokens {
		if t.kind != space {
			s = append(s, t)
		}
	}
	return s
}

// statements splits a script at its semicolons, which stay with their
// statement. A last piece without anything significant is left out.
func statements(script string) [][]token {
	var all [][]token
	var one []token
	for _, t := range lex(script) {
		one = append(one, t)
		if t.kind == symbol && t.text == ";" {
			all = append(all, one)
			one = nil
		}
	}
	if len(significant(one)) > 0 {
		all = append(all, one)
	}
	return all
}

// Package stored keeps stored queries: SQL that an administrator has written and
// that reads, with named parameters, whose answer is used like a class. It reads
// their bodies, asks the database what they answer and whether they only read, and
// answers them, filtered and page by page.
//
// It must not know of records and their rights: whoever may use a query sees all
// that it answers.
package stored

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/class/param"
	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// Query is a stored query: SQL that reads, with named parameters, whose answer
// is used like a class that nobody writes.
type Query struct {
	Code, Comment string
	SQL           string
	Params        []*param.Param
	Columns       []*class.Column // in the order of the answer; nil until Describe has asked the database
	Refused       error           // why it cannot be used, nil when it can

	declared map[string]*class.Column // by the configuration, where the database cannot know
	text     []piece
}

// Limits of a stored query.
const (
	maxSQL = 64 << 10 // bytes
)

// Parse reads a stored query's body as it stands under its code in
// junctor.yaml, as JSON. What is wrong has pointers into the body; the Query is
// of use only when nothing is. What only the database knows is for Describe.
func Parse(code string, body json.RawMessage) (*Query, []fault.Field) {
	var w struct {
		SQL     string                     `json:"sql" strict:"required"`
		Comment string                     `json:"comment"`
		Params  map[string]json.RawMessage `json:"params"`
		Columns map[string]json.RawMessage `json:"columns"`
	}
	var found fault.Found
	if !class.IsCode(code) {
		found.Add("", "%q %s", code, class.CodeRule)
	}
	found = append(found, strict.Decode(body, &w)...)
	q := &Query{Code: code, Comment: w.Comment, SQL: w.SQL, declared: map[string]*class.Column{}}
	if len(found) > 0 {
		return q, found
	}
	params, wrong := param.Parse("/params", w.Params)
	q.Params, found = params, append(found, wrong...)
	for _, p := range q.Params {
		if p.List {
			found.Add(strict.Pointer("/params", p.Code), "a stored query takes no lists")
		}
	}
	columns, wrong := param.Parse("/columns", w.Columns)
	found = append(found, wrong...)
	for _, c := range columns {
		if c.List || c.Required || c.Default != nil {
			found.Add(strict.Pointer("/columns", c.Code), "a column of a query has a type and nothing else")
		}
		q.declared[c.Code] = c.Column
	}
	q.split(&found)
	return q, found
}

// Account is what every stored query may ask of its caller, besides its own
// parameters.
var accountParams = []string{"account_id", "account_login", "account_unit"}

// split cuts the text at its parameters.
func (q *Query) split(found *fault.Found) {
	if len(q.SQL) > maxSQL {
		found.Add("/sql", "is longer than %d bytes", maxSQL)
		return
	}
	pieces, err := cut(q.SQL)
	if err != nil {
		found.Add("/sql", "%s", err.Error())
		return
	}
	first := ""
	for _, piece := range pieces {
		if piece.param == "" && first == "" {
			first = firstWord(piece.text)
		}
	}
	if !slices.Contains([]string{"select", "with", "values"}, strings.ToLower(first)) {
		found.Add("/sql", "must begin with SELECT, WITH or VALUES")
		return
	}
	known := slices.Clone(accountParams)
	for _, p := range q.Params {
		if slices.Contains(accountParams, p.Code) {
			found.Add(strict.Pointer("/params", p.Code), "is what every query knows of its caller; choose another name")
		}
		known = append(known, p.Code)
	}
	used := map[string]bool{}
	for _, piece := range pieces {
		if piece.param == "" {
			continue
		}
		used[piece.param] = true
		if !slices.Contains(known, piece.param) {
			found.Add("/sql", ":%s is no parameter of the query: %s", piece.param, strict.Unknown(piece.param, known))
		}
	}
	for _, p := range q.Params {
		if !used[p.Code] {
			found.Add(strict.Pointer("/params", p.Code), "stands nowhere in the SQL, where it would be :%s", p.Code)
		}
	}
	q.text = pieces
}

// TypeOf is the type of a column, by its name alone.
func (q *Query) TypeOf(path []string) (value.Type, error) {
	names := make([]string, len(q.Columns))
	for i, c := range q.Columns {
		if names[i] = c.Code; len(path) == 1 && c.Code == path[0] {
			return c.Type, nil
		}
	}
	return value.Null, fmt.Errorf("of the query %s: %s", q.Code, strict.Unknown(strings.Join(path, "/"), names))
}

// Param finds a parameter by its code; nil when there is none.
func (q *Query) Param(name string) *param.Param {
	if i := slices.IndexFunc(q.Params, func(p *param.Param) bool { return p.Code == name }); i >= 0 {
		return q.Params[i]
	}
	return nil
}

// sql is the statement with what stands for each parameter.
func (q *Query) sql(place func(name string) string) string {
	var b strings.Builder
	for _, piece := range q.text {
		if piece.param != "" {
			b.WriteString(place(piece.param))
		} else {
			b.WriteString(piece.text)
		}
	}
	return b.String()
}

// piece is text of a statement, or the name of a parameter.
type piece struct{ text, param string }

// cut finds the parameters of a statement. What is quoted or a comment has none.
// Only one statement is taken; a semicolon at its end is dropped.
func cut(sql string) ([]piece, error) {
	var pieces []piece
	from := 0
	text := func(to int) {
		if to > from {
			pieces = append(pieces, piece{text: sql[from:to]})
		}
		from = to
	}
	for i := 0; i < len(sql); {
		end, skipped, err := passed(sql, i)
		switch c := sql[i]; {
		case err != nil:
			return nil, err
		case skipped:
			i = end
			continue
		case c == 0:
			return nil, fmt.Errorf("has a character with the code 0")
		case c == ';':
			if rest := strings.Trim(sql[i:], "; \t\r\n"); rest != "" {
				return nil, fmt.Errorf("is more than one statement")
			}
			text(i)
			return pieces, nil
		case c == '?' || c == '$' && i+1 < len(sql) && isDigit(sql[i+1]) || c == '@' && i+1 < len(sql) && isLetter(sql[i+1]):
			return nil, fmt.Errorf("has a parameter that is not written :name, at byte %d", i+1)
		case strings.HasPrefix(sql[i:], "::"):
			i += 2
			continue
		case c == ':' && i+1 < len(sql) && isLetter(sql[i+1]):
			text(i)
			n := i + 1
			for n < len(sql) && (isLetter(sql[n]) || isDigit(sql[n])) {
				n++
			}
			pieces = append(pieces, piece{param: sql[i+1 : n]})
			from, i = n, n
			continue
		case isLetter(c) || isDigit(c): // a word may have a $ within
			for i < len(sql) && (isLetter(sql[i]) || isDigit(sql[i]) || sql[i] == '$') {
				i++
			}
			continue
		}
		i++
	}
	text(len(sql))
	return pieces, nil
}

// passed finds the end of what is quoted or a comment.
func passed(sql string, at int) (end int, skipped bool, err error) {
	rest := sql[at:]
	until := func(begin int, mark string) (int, bool, error) {
		if i := strings.Index(rest[begin:], mark); i >= 0 {
			return at + begin + i + len(mark), true, nil
		}
		return 0, false, fmt.Errorf("what begins with %s at byte %d has no end", rest[:begin], at+1)
	}
	switch {
	case strings.HasPrefix(rest, "--"):
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			return at + i + 1, true, nil
		}
		return len(sql), true, nil
	case strings.HasPrefix(rest, "/*"):
		if end, skipped, err = until(2, "*/"); err == nil && strings.Contains(sql[at+2:end-2], "/*") {
			return 0, false, fmt.Errorf("a comment stands within a comment, at byte %d", at+1)
		}
		return end, skipped, err
	case rest[0] == '\'' || rest[0] == '"':
		if rest[0] == '\'' && at > 0 && strings.ContainsRune("eE", rune(sql[at-1])) && (at < 2 || !isLetter(sql[at-2])) {
			return 0, false, fmt.Errorf("texts with backslashes, E'...', are not taken")
		}
		return until(1, rest[:1])
	case rest[0] == '`' || rest[0] == '[': // one of the databases takes them for quotes
		return 0, false, fmt.Errorf("%c is not taken, at byte %d; names are quoted as \"name\"", rest[0], at+1)
	case rest[0] == '$':
		tag := 1
		for tag < len(rest) && (isLetter(rest[tag]) || isDigit(rest[tag]) && tag > 1) {
			tag++
		}
		if tag < len(rest) && rest[tag] == '$' {
			return 0, false, fmt.Errorf("texts between %s are not taken; write '...'", rest[:tag+1])
		}
	}
	return 0, false, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// firstWord is the first word of a statement, comments aside.
func firstWord(sql string) string {
	for i := 0; i < len(sql); {
		if end, skipped, err := passed(sql, i); err == nil && skipped && strings.ContainsAny(sql[i:i+1], "-/") {
			i = end
			continue
		}
		if n := i; isLetter(sql[i]) {
			for n < len(sql) && isLetter(sql[n]) {
				n++
			}
			return sql[i:n]
		}
		if !strings.ContainsAny(sql[i:i+1], " \t\r\n") {
			return sql[i : i+1]
		}
		i++
	}
	return ""
}

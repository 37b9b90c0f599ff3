package db

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Stmt is a statement that is executed for many rows at once. It never
// changes and is made once, as a package variable or in a constructor.
type Stmt struct {
	stage    int
	source   string
	columns  []Column
	key      []int // the columns that name the row which is changed
	repeats  bool  // whether one execution may be given two rows of the same key
	must     bool  // whether a row that touches nothing is an error
	sqlite   string
	postgres string
}

// Column is one column of a Stmt's row source.
type Column struct {
	name string
	kind columnKind
	key  bool
}

type columnKind int

const (
	textColumn columnKind = iota
	intColumn
	bytesColumn
)

var columnTypes = [...]string{textColumn: "text", intColumn: "bigint", bytesColumn: "bytea"}

// Text is a column of strings. In every column nil is NULL.
func Text(name string) Column { return Column{name: name, kind: textColumn} }

// Int is a column of integers (and bools, as 0 and 1).
func Int(name string) Column { return Column{name: name, kind: intColumn} }

// Bytes is a column of bytes.
func Bytes(name string) Column { return Column{name: name, kind: bytesColumn} }

// Key marks a column that names the row which an UPDATE or DELETE changes.
// Where no column is marked it is the first.
func (c Column) Key() Column {
	c.key = true
	return c
}

// NewStmt makes a statement over a row source, written {rows}:
//
//	INSERT INTO runs (id, epoch) SELECT r.id, r.epoch FROM {rows} AS r
//	UPDATE runs SET state = r.state FROM {rows} AS r WHERE runs.id = r.id
//
// With ON CONFLICT, write WHERE true before it. SQLite executes it once for
// each row, PostgreSQL once for all. PostgreSQL would apply only one of two
// changes to the same row, so rows of the same key (see Key) go into
// executions of their own, in order.
//
// In a group commit, statements of a lower stage are executed first. It panics
// when there is not exactly one {rows} with an alias, or no column: that is a
// mistake in the program.
func NewStmt(stage int, sql string, columns ...Column) *Stmt {
	s := &Stmt{stage: stage, source: sql, columns: columns}
	if strings.Count(sql, "{rows}") != 1 || len(columns) == 0 {
		panic(fmt.Sprintf("db.NewStmt: want one {rows} and at least one column in %q", sql))
	}
	for i, c := range columns {
		if c.key {
			s.key = append(s.key, i)
		}
	}
	if s.key == nil {
		s.key = []int{0}
	}
	tokens := lex(sql)
	words := significant(tokens)
	s.repeats = words[0].is("INSERT") && !slices.ContainsFunc(words, func(t token) bool { return t.is("CONFLICT") })
	s.sqlite = perRow(tokens, columns)
	s.postgres = atOnce(sql, columns)
	return s
}

// Must returns the statement in a form where each row has to touch a row of
// the database; one that touches none is ErrNoRows.
func (s *Stmt) Must() *Stmt {
	strict := *s
	strict.must = true
	return &strict
}

// atOnce makes the row source of arrays.
func atOnce(sql string, columns []Column) string {
	var arrays, names []string
	for i, c := range columns {
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, columnTypes[c.kind]))
		names = append(names, c.name)
	}
	return strings.Replace(sql, "{rows}", fmt.Sprintf("(SELECT * FROM unnest(%s) AS u (%s))",
		strings.Join(arrays, ", "), strings.Join(names, ", ")), 1)
}

// perRow puts the parameters in the place of the row source's columns, which
// SQLite executes several times faster than a subquery: FROM {rows} AS r goes,
// r.id becomes $1.
func perRow(tokens []token, columns []Column) string {
	at, alias, end := rowSource(tokens)
	number := map[string]int{}
	for i, c := range columns {
		number[strings.ToLower(c.name)] = i + 1
	}
	if follows := significant(tokens[end:]); len(follows) > 0 {
		if t := follows[0]; t.text == "," || t.is("JOIN") || t.is("LEFT") || t.is("INNER") || t.is("CROSS") {
			panic(fmt.Sprintf("db.NewStmt: {rows} must be all of FROM in %q; use a subquery for the rest", join(tokens)))
		}
	}
	rest := asValues(append(slices.Clone(tokens[:at]), tokens[end:]...))
	var out []token
	for i := 0; i < len(rest); i++ {
		if rest[i].is(alias) && i+2 < len(rest) && rest[i+1].text == "." {
			n, ok := number[strings.ToLower(rest[i+2].text)]
			if !ok {
				panic(fmt.Sprintf("db.NewStmt: %s.%s is not among the columns of %q", alias, rest[i+2].text, join(tokens)))
			}
			out = append(out, token{word, "$" + strconv.Itoa(n)})
			i += 2
			continue
		}
		out = append(out, rest[i])
	}
	return join(out)
}

// asValues turns INSERT ... SELECT a, b, with WHERE true or nothing behind it,
// into INSERT ... VALUES (a, b). An insert from a SELECT may be of many rows: for
// that SQLite keeps a journal of the statement, which cost a tenth of the insert.
func asValues(tokens []token) []token {
	from, to, rest, depth := -1, len(tokens), len(tokens), 0
	for i, t := range tokens {
		switch {
		case t.text == "(":
			depth++
		case t.text == ")":
			depth--
		case depth > 0 || t.kind != word:
		case from < 0 && t.is("SELECT"):
			from = i
		case from < 0 || to < len(tokens): // before the SELECT, or behind its list
		case t.is("WHERE"):
			if to = i; !significant(tokens[i:])[1].is("true") {
				return tokens
			}
			for rest = i + 1; !tokens[rest].is("true"); rest++ {
			}
			rest++
		case t.is("DISTINCT") || t.is("FROM") || t.is("UNION") || t.is("LIMIT") || t.is("ORDER") || t.is("GROUP"):
			return tokens
		}
	}
	if from < 0 || !significant(tokens)[0].is("INSERT") {
		return tokens
	}
	for tokens[to-1].kind == space {
		to--
	}
	out := append(slices.Clone(tokens[:from]), token{word, "VALUES"}, token{symbol, " ("})
	out = append(out, tokens[from+2:to]...) // without SELECT and the space behind it
	return append(append(out, token{symbol, ")"}), tokens[rest:]...)
}

// rowSource finds "FROM {rows} AS alias" and returns where it begins and ends.
func rowSource(tokens []token) (at int, alias string, end int) {
	rows := slices.IndexFunc(tokens, func(t token) bool { return t.is("rows") })
	at = rows
	for at >= 0 && !tokens[at].is("FROM") {
		at--
	}
	for i := rows + 2; i < len(tokens); i++ { // behind the closing brace
		if t := tokens[i]; t.kind == space || t.is("AS") {
			continue
		} else if t.kind == word && at >= 0 {
			return at, t.text, i + 1
		}
		break
	}
	panic(fmt.Sprintf("db.NewStmt: want FROM {rows} AS r in %q", join(tokens)))
}

// prepare checks rows against the columns and makes their values plain.
func (s *Stmt) prepare(rows [][]any) ([][]any, error) {
	plain := make([][]any, len(rows))
	flat := make([]any, len(rows)*len(s.columns))
	for i, row := range rows {
		if len(row) != len(s.columns) {
			return nil, &rowError{i, fmt.Errorf("%d values for %d columns", len(row), len(s.columns))}
		}
		plain[i] = flat[i*len(row) : (i+1)*len(row) : (i+1)*len(row)]
		for j, v := range row {
			p, err := s.columns[j].value(v)
			if err != nil {
				return nil, &rowError{i, fmt.Errorf("column %s: %w", s.columns[j].name, err)}
			}
			plain[i][j] = p
		}
	}
	return plain, nil
}

func (c Column) value(v any) (any, error) {
	v, err := value(v)
	if err != nil || v == nil {
		return nil, err
	}
	switch x := v.(type) { // v itself goes back: x would be boxed again
	case string:
		switch c.kind {
		case textColumn:
			return v, nil
		case bytesColumn:
			return []byte(x), nil
		}
	case []byte:
		switch c.kind {
		case bytesColumn:
			return v, nil
		case textColumn:
			return string(x), nil
		}
	case int64:
		if c.kind == intColumn {
			return v, nil
		}
	}
	return nil, fmt.Errorf("a %T is no value for %s", v, columnTypes[c.kind])
}

// rounds splits rows so that no round has a key twice.
func (s *Stmt) rounds(rows [][]any) [][][]any {
	if s.repeats || len(rows) == 1 {
		return [][][]any{rows}
	}
	seen := make(map[string]int, len(rows))
	var rounds [][][]any
	var key []byte
	for _, row := range rows {
		key = key[:0]
		for _, k := range s.key {
			key = fmt.Appendf(key, "%v\x00", row[k])
		}
		n := seen[string(key)]
		seen[string(key)]++
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], row)
	}
	return rounds
}

// rowError says which of the rows given to Many was refused.
type rowError struct {
	row   int
	cause error
}

func (e *rowError) Error() string { return e.cause.Error() }
func (e *rowError) Unwrap() error { return e.cause }

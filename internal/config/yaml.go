package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"junctor/internal/fault"
	"junctor/internal/unit"
)

// The bounds of a YAML file. Values, keys and every 64 bytes of text are counted
// with every alias expanded, so that a few lines cannot become gigabytes.
const (
	maxFile   = 4 << 20
	maxDepth  = 100
	maxValues = 200_000
	maxLines  = 50_000 // keys and dashes; the parser's time grows with their square
)

// document is a YAML file as the JSON value it stands for, with the place of
// everything in it.
type document struct {
	file     string
	root     any // map[string]any, []any, string, json.Number, bool or nil
	places   map[string]place
	problems []Problem
}

// place is where a JSON pointer leads to.
type place struct {
	key   *token.Position // nil for elements of lists and the root
	value *token.Position
}

// parseYAML reads one document. What is wrong is in its problems; root holds
// what could be read all the same.
func parseYAML(file string, text []byte) *document {
	d := &document{file: file, places: map[string]place{"": {value: start}}}
	if len(text) > maxFile {
		d.add(nil, "it is %s long, at most %s are read", unit.FormatSize(int64(len(text))), unit.FormatSize(maxFile))
		return d
	}
	if at := invalidUTF8(text); at != nil {
		d.add(at, "this is not UTF-8")
		return d
	}
	parsed := d.parse(strings.TrimPrefix(string(text), "\ufeff")) // a mark that some editors leave
	if parsed == nil {
		return d
	}
	var body ast.Node
	for _, doc := range parsed.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.CommentType:
		case body != nil:
			d.add(position(doc.Body), "a second document begins here; everything belongs into one")
		default:
			body = doc.Body
		}
	}
	if body != nil {
		r := reader{document: d, anchors: map[string]ast.Node{}, open: map[string]bool{}}
		d.root = r.value(body, "", 0)
	}
	return d
}

var start = &token.Position{Line: 1, Column: 1}

// parse makes the syntax tree; nil after a syntax error, of which the parser
// finds the first.
func (d *document) parse(text string) (file *ast.File) {
	defer func() {
		if r := recover(); r != nil { // the parser has bugs on odd input
			d.add(nil, "this cannot be read as YAML (%v)", r)
			file = nil
		}
	}()
	tokens := lexer.Tokenize(text)
	if deep := tooDeep(tokens); deep != nil {
		d.add(deep, "this is nested more than %d levels deep", maxDepth)
		return nil
	}
	if last := tooMany(tokens); last != nil {
		d.add(last, "this file has more than %d keys and list items", maxLines)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file
	}
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		d.add(syntax.GetToken().Position, "%s", syntax.GetMessage())
	} else {
		d.add(nil, "%s", err.Error())
	}
	return nil
}

// tooDeep finds the token at which lists and maps in brackets, or dashes on one
// line, stand too deep in each other for a recursive parser. Indented ones
// cannot within the size of a file that a person wrote.
func tooDeep(tokens token.Tokens) *token.Position {
	flow, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			dashes++
		}
		if flow > maxDepth || dashes > maxDepth {
			return t.Position
		}
	}
	return nil
}

func tooMany(tokens token.Tokens) *token.Position {
	lines := 0
	for _, t := range tokens {
		if t.Type == token.MappingValueType || t.Type == token.SequenceEntryType {
			lines++
		}
		if lines > maxLines {
			return t.Position
		}
	}
	return nil
}

func invalidUTF8(text []byte) *token.Position {
	line, column := 1, 1
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return &token.Position{Line: line, Column: column}
		}
		if i += size; r == '\n' {
			line, column = line+1, 0
		}
		column++
	}
	return nil
}

func (d *document) add(at *token.Position, format string, args ...any) {
	p := Problem{File: d.file, Message: fmt.Sprintf(format, args...)}
	if at != nil {
		p.Line, p.Column = max(1, at.Line), max(1, at.Column)
	}
	d.problems = append(d.problems, p)
}

// report adds what is wrong with a value that was made of the document, at the
// place of its pointer: at the key when the key is what is wrong, otherwise at
// the value; a missing member at what it is missing in.
func (d *document) report(f fault.Field) {
	pointer := f.Pointer
	found, ok := d.places[pointer]
	exact := ok
	for !ok && pointer != "" {
		pointer = pointer[:strings.LastIndexByte(pointer, '/')]
		found, ok = d.places[pointer]
	}
	at := found.value
	if found.key != nil && (!exact || aboutKey(f)) {
		at = found.key
	}
	if f.Detail == "must be a text, not a number" || f.Detail == "must be a text, not true or false" {
		f.Detail += "; put it in quotes"
	}
	d.add(at, "%s", sentence(f.Pointer, f.Detail))
}

// aboutKey tells whether a finding is about the name of a member.
func aboutKey(f fault.Field) bool {
	name := unescape(f.Pointer[strings.LastIndexByte(f.Pointer, '/')+1:])
	return strings.HasPrefix(f.Detail, fmt.Sprintf("%q is not known here", name)) ||
		strings.HasPrefix(f.Detail, notAvailable) || strings.HasPrefix(f.Detail, badCode)
}

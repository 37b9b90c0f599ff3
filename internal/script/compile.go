package script

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"modernc.org/quickjs"
)

// Program is a compiled bundle. It lives in memory only: bytecode belongs to
// one version of the engine and is never trusted from anywhere else.
type Program struct {
	Hash     string // of the bundle
	bytecode []byte
	exports  []string
	uses     []use
	mapping  []byte
	parse    sync.Once
	places   *places
}

// Exports are the names that the scenario exports, sorted; nil when they are
// known only at run time, as for CommonJS.
func (p *Program) Exports() []string { return p.exports }

// lineOffset moves a program's lines behind those of the realm, so that a
// position tells which of the two a frame belongs to.
const lineOffset = 100_000

// The factory is an arrow function: it has neither arguments.callee nor a
// prototype, through which one run could leave something for the next.
const (
	factoryHead = "((module, exports, require, globalThis, global, self) => {\n"
	factoryTail = "\n})"
)

// Compile makes a program of a bundle. It is nil when there are diagnostics:
// code that this release's engine does not understand.
func Compile(b *Bundle) (*Program, []Diagnostic) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return nil, []Diagnostic{{Message: "start the engine: " + err.Error()}}
	}
	defer vm.Close()
	p := &Program{Hash: b.Hash, exports: exportsOf(b.Code), uses: usesOf(b.Code), mapping: b.Map}
	var source strings.Builder
	source.Grow(lineOffset + len(b.Code) + 100)
	source.WriteString(strings.Repeat("\n", lineOffset-1))
	source.WriteString(factoryHead)
	source.Write(b.Code)
	source.WriteString(factoryTail)
	p.bytecode, err = vm.Compile(source.String(), quickjs.EvalGlobal)
	if err != nil {
		return nil, []Diagnostic{p.syntaxError(err)}
	}
	return p, nil
}

// syntaxError places what the engine does not understand; the bundler lets
// hardly anything through that it rejects.
func (p *Program) syntaxError(err error) Diagnostic {
	var e *quickjs.Error
	if !errors.As(err, &e) {
		return Diagnostic{Message: "compile the scenario: " + err.Error()}
	}
	d := Diagnostic{Message: fmt.Sprintf("%s: %s", e.Name, e.Message)}
	if place, ok := p.place(e.LineNumber, e.ColumnNumber); ok {
		d.File, d.Line, d.Column = place.file, place.line, place.column
	}
	return d
}

const exportsMark = "// exports:"

// exportsLine is the first line of a bundle's code. It keeps the names of the
// exports with the code, so that they need no place of their own.
func exportsLine(exports []string) []byte {
	line := exportsMark
	for _, name := range exports {
		line += " " + strconv.Quote(name)
	}
	return []byte(line + "\n")
}

var quotedName = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func exportsOf(code []byte) []string {
	line, _, _ := strings.Cut(string(code), "\n")
	line, ok := strings.CutPrefix(line, exportsMark)
	if !ok {
		return nil
	}
	var out []string
	for _, quoted := range quotedName.FindAllString(line, -1) {
		if name, err := strconv.Unquote(quoted); err == nil {
			out = append(out, name)
		}
	}
	return out
}

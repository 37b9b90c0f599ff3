package script

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"modernc.org/quickjs"
)

// use is the first place in a bundle where a name of the module "junctor" is
// used, in the compiled text.
type use struct {
	name         string
	line, column int
}

// namedImport is how the bundler writes the use of a named import.
var namedImport = regexp.MustCompile(`\bimport_junctor\d*\.([A-Za-z_$][\w$]*)`)

// usesOf finds the names; those behind `import * as` are known only at run time.
func usesOf(code []byte) []use {
	var out []use
	for _, found := range namedImport.FindAllSubmatchIndex(code, -1) {
		name := string(code[found[2]:found[3]])
		if slices.ContainsFunc(out, func(u use) bool { return u.name == name }) {
			continue
		}
		before := code[:found[2]]
		line := bytes.Count(before, []byte("\n")) + 1
		column := found[2] - bytes.LastIndexByte(before, '\n')
		out = append(out, use{name, line + lineOffset + headLines - 2, column})
	}
	return out
}

// Check finds what the program imports from the module "junctor" and the
// module does not have. The bundler cannot: to it the module is a stranger.
func (p *Pool) Check(program *Program) []Diagnostic {
	var out []Diagnostic
	for _, u := range program.uses {
		if slices.Contains(p.exports, u.name) {
			continue
		}
		d := Diagnostic{Message: fmt.Sprintf("%q has no export %q", ModuleName, u.name)}
		if at, ok := program.place(u.line, u.column); ok {
			d.File, d.Line, d.Column = at.file, at.line, at.column
		}
		out = append(out, d)
	}
	return out
}

// exportsOfModule asks a machine what the module "junctor" exports.
func exportsOfModule(v *vm) ([]string, error) {
	text, err := v.exports.Call(quickjs.UndefinedValue)
	if err != nil {
		return nil, fmt.Errorf("list the exports of the module %q: %w", ModuleName, err)
	}
	var names []string
	if s, ok := text.(string); ok {
		err = json.Unmarshal([]byte(s), &names)
	}
	if err != nil {
		return nil, fmt.Errorf("list the exports of the module %q: %w", ModuleName, err)
	}
	return names, nil
}

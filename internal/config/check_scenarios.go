package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"

	"junctor/internal/fault"
	"junctor/internal/scenario"
	"junctor/internal/script"
	"junctor/internal/strict"
)

// checkScenarios compiles every bundle.
func checkScenarios(ctx context.Context, bundles map[string]*script.Bundle) (map[string]*script.Program, []fault.Field) {
	var c checker
	programs := map[string]*script.Program{}
	for _, name := range sorted(bundles) {
		pointer := strict.Pointer("/"+Scenarios, name)
		if wrong := checkCode(name); wrong != "" {
			c.add(pointer, "%s", wrong)
		}
		if ctx.Err() != nil {
			c.add(pointer, "was not checked: %v", ctx.Err())
			return nil, c.found
		}
		if bundles[name] == nil {
			c.add(pointer, "has no content")
			continue
		}
		programs[name] = c.bundle(pointer, name, bundles[name])
	}
	return programs, append(c.found, agreeing(bundles)...)
}

// bundle checks one bundle, which may come from anywhere.
func (c *checker) bundle(pointer, name string, b *script.Bundle) *script.Program {
	for _, path := range sorted(b.Sources) {
		if !fs.ValidPath(path) || path == File {
			c.add(pointer, "its file %s cannot be kept: sources stay within the folder", path)
		}
	}
	if sum := sha256.Sum256(b.Code); b.Hash != hex.EncodeToString(sum[:]) {
		c.add(pointer, "its hash is not that of its code; bundle it again")
	}
	program, diagnostics := script.Compile(b)
	for _, d := range diagnostics {
		c.add(pointer, "%s", diagnosed(d))
	}
	if program != nil && !runnable(program) {
		c.add(pointer, "%s", noDefault(name))
	}
	return program
}

// agreeing demands that a source file has one text, whichever scenario it is a
// part of: an export could write only one of two.
func agreeing(bundles map[string]*script.Bundle) []fault.Field {
	var c checker
	owner := map[string]string{}
	for _, name := range sorted(bundles) {
		if bundles[name] == nil {
			continue
		}
		for _, path := range sorted(bundles[name].Sources) {
			other, taken := owner[path]
			if taken && bundles[other].Sources[path] != bundles[name].Sources[path] {
				c.add(strict.Pointer("/"+Scenarios, name), "its file %s has another text than the same file of scenario %q; change both together", path, other)
			}
			owner[path] = name
		}
	}
	return c.found
}

func runnable(p *script.Program) bool {
	for _, name := range p.Exports() {
		if name == "default" {
			return true
		}
	}
	return false
}

func noDefault(name string) string {
	return fmt.Sprintf("scenario %q exports no default: write \"export default async function (request) { ... }\"", name)
}

func diagnosed(d script.Diagnostic) string {
	text := d.Message
	if d.Hint != "" {
		text += "; " + d.Hint
	}
	if d.File != "" && d.Line > 0 {
		return fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Column, text)
	}
	return text
}

// versionOf is the body of a scenario's object.
func versionOf(b *script.Bundle) json.RawMessage {
	return json.RawMessage(`{"version":"` + scenario.Name(scenario.Hash(b)) + `"}`)
}

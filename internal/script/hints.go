package script

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// String is the line for terminals: file:line:column: message (hint).
func (d Diagnostic) String() string {
	var b strings.Builder
	if d.File != "" {
		b.WriteString(d.File)
		if d.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", d.Line, d.Column)
		}
		b.WriteString(": ")
	}
	b.WriteString(d.Message)
	if d.Hint != "" {
		b.WriteString(" (" + d.Hint + ")")
	}
	return b.String()
}

// insteadOf says what a scenario uses in place of a module of Node.
var insteadOf = map[string]string{
	"assert":         `throw an Error`,
	"buffer":         `use Uint8Array, TextEncoder, or base64 and encoding from "junctor"`,
	"child_process":  `a scenario starts no programs; call a service with http from "junctor"`,
	"crypto":         `use crypto from "junctor"`,
	"dns":            `use http from "junctor" with a connection`,
	"events":         `npm install events`,
	"fs":             `a scenario has no files; use kv from "junctor"`,
	"http":           `use http from "junctor"`,
	"http2":          `use http from "junctor"`,
	"https":          `use http from "junctor"`,
	"net":            `use http from "junctor" with a connection`,
	"os":             `a scenario knows nothing of its machine`,
	"path":           `npm install path-browserify`,
	"process":        `settings come from connections and secrets`,
	"querystring":    `use URLSearchParams`,
	"stream":         `a scenario works on whole messages`,
	"string_decoder": `use TextDecoder`,
	"timers":         `use setTimeout or sleep from "junctor"`,
	"tls":            `use http from "junctor" with a connection`,
	"url":            `use URL and URLSearchParams`,
	"util":           `use TextEncoder, TextDecoder and structuredClone; or npm install util`,
	"worker_threads": `use runs from "junctor"`,
	"zlib":           `bodies are decompressed before a scenario sees them`,
}

// otherNodeModules are modules of Node that nothing takes the place of.
var otherNodeModules = regexp.MustCompile(`^(async_hooks|cluster|console|constants|dgram|diagnostics_channel|domain|inspector|module|perf_hooks|punycode|readline|repl|sqlite|sys|test|trace_events|tty|v8|vm|wasi)$`)

var unresolved = regexp.MustCompile(`^Could not resolve "([^"]*)"`)

// diagnostics turns the bundler's messages into ours.
func (b *build) diagnostics(messages []api.Message) []Diagnostic {
	var out []Diagnostic
	for _, m := range messages {
		d := Diagnostic{Message: m.Text}
		if l := m.Location; l != nil {
			d.File, d.Line, d.Column = l.File, l.Line, l.Column+1
		}
		if found := unresolved.FindStringSubmatch(m.Text); found != nil {
			d.Message, d.Hint = b.missing(found[1])
		} else if strings.HasPrefix(m.Text, "Top-level await") {
			d.Message, d.Hint = "await outside of a function is not available", "move it into the exported function"
		}
		out = append(out, d)
	}
	return out
}

// missing says that an import was not found, and what to do.
func (b *build) missing(name string) (message, hint string) {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/") {
		return fmt.Sprintf("there is no file %q", name), ""
	}
	module := strings.TrimPrefix(name, "node:")
	if first, _, ok := strings.Cut(module, "/"); ok && (strings.HasPrefix(name, "node:") || insteadOf[first] != "") {
		module = first
	}
	hint, known := insteadOf[module]
	if known || otherNodeModules.MatchString(module) || strings.HasPrefix(name, "node:") {
		return fmt.Sprintf("%q is a module of Node, which scenarios do not have", name), hint
	}
	if b.Sources != nil {
		return fmt.Sprintf("the package %q cannot be bundled from here", name), "packages need a folder with node_modules: use junctor apply"
	}
	return fmt.Sprintf("the package %q is not installed", name), fmt.Sprintf("npm install %s in %s", packageOf(name), b.Dir)
}

// packageOf is the package that an import path belongs to.
func packageOf(name string) string {
	parts := strings.Split(name, "/")
	if strings.HasPrefix(name, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// missingGlobal says what to use for a name that other environments have.
var missingGlobal = map[string]string{
	"fetch":                `use http from "junctor"`,
	"XMLHttpRequest":       `use http from "junctor"`,
	"WebSocket":            `use http from "junctor"`,
	"process":              `settings come from connections and secrets`,
	"Buffer":               `use Uint8Array, TextEncoder, or base64 and encoding from "junctor"`,
	"require":              `use import`,
	"setImmediate":         `use queueMicrotask`,
	"clearInterval":        `there is no setInterval; use a loop with sleep() from "junctor"`,
	"localStorage":         `use kv from "junctor"`,
	"sessionStorage":       `use kv from "junctor"`,
	"window":               `use globalThis`,
	"document":             `a scenario has no page; use xml from "junctor"`,
	"performance":          `use now() from "junctor"`,
	"WeakRef":              `what the garbage collector does differs from run to run`,
	"FinalizationRegistry": `what the garbage collector does differs from run to run`,
	"SharedArrayBuffer":    `use ArrayBuffer`,
	"Atomics":              `a scenario has one thread`,
	"__dirname":            `a scenario has no files`,
	"__filename":           `a scenario has no files`,
}

var notDefined = regexp.MustCompile(`^'?([A-Za-z_$][\w$]*)'? is not defined$`)

// explainMissing adds to a ReferenceError what to use instead of the name.
// The names stay undefined, so that `typeof fetch` works as libraries expect.
func explainMissing(message string) string {
	found := notDefined.FindStringSubmatch(message)
	if found == nil {
		return message
	}
	if hint := missingGlobal[found[1]]; hint != "" {
		return found[1] + " is not available: " + hint
	}
	return message
}

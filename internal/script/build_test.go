package script

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// folder writes files below a new folder of the given name.
func folder(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for file, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var severalFiles = map[string]string{
	"scenarios/orders.ts":            `import { total } from "../lib/total"; import tax from "tax"; export default async (text: string) => tax(total(JSON.parse(text))); export const validate = () => true;`,
	"lib/total.ts":                   `import type { Item } from "./types"; import rates from "./rates.json"; export const total = (items: Item[]) => items.reduce((sum, i) => sum + i.qty * rates.price, 0);`,
	"lib/types.ts":                   `export interface Item { qty: number }`,
	"lib/rates.json":                 `{"price": 10}`,
	"node_modules/tax/package.json":  `{"name":"tax","main":"node.js","browser":"browser.js"}`,
	"node_modules/tax/node.js":       `module.exports = require("fs")`,
	"node_modules/tax/browser.js":    `module.exports = x => x * 1.21;`,
	"tsconfig.json":                  `{"compilerOptions":{"target":"ES5","baseUrl":"elsewhere"}}`,
	"node_modules/unused/index.js":   `broken(`,
	"scenarios/unused-and-broken.ts": `not typescript at all {`,
}

func TestBuildIsTheSameInAnyFolder(t *testing.T) {
	one, diagnostics := Build(t.Context(), BuildOptions{Dir: folder(t, "one", severalFiles), Entry: "scenarios/orders.ts"})
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	deep := folder(t, "two/is/deeper", severalFiles)
	two, diagnostics := Build(t.Context(), BuildOptions{Dir: deep, Entry: "./scenarios/orders.ts"})
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("two folders, two bundles:\n%s", diff)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(deep, link); err == nil {
		three, diagnostics := Build(t.Context(), BuildOptions{Dir: link, Entry: "scenarios/orders.ts"})
		if diagnostics != nil {
			t.Fatal(diagnostics)
		}
		if one.Hash != three.Hash {
			t.Error("through a link the bundle is another")
		}
	}
	want := []string{"lib/rates.json", "lib/total.ts", "scenarios/orders.ts"}
	if diff := cmp.Diff(want, names(one.Sources)); diff != "" {
		t.Errorf("sources:\n%s", diff)
	}
	program, diagnostics := Compile(one)
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	if diff := cmp.Diff([]string{"default", "validate"}, program.Exports()); diff != "" {
		t.Errorf("exports:\n%s", diff)
	}
	if got := answer(t, pool(t, Config{}), program, `[{"qty":2}]`); got != "24.2" {
		t.Errorf("answer %s", got)
	}
}

func TestPositionsInAFolder(t *testing.T) {
	dir := folder(t, "x", map[string]string{
		"scenarios/deep/a.ts":           "import { check } from '../../lib/b';\nimport inner from 'pkg';\nexport default () => { inner(() => check(1)); };\n",
		"lib/b.ts":                      "interface X { a: string }\nexport function check(n: number): X {\n  throw new Error('at ' + n);\n}\n",
		"node_modules/pkg/package.json": `{"main":"i.js"}`,
		"node_modules/pkg/i.js":         "module.exports = (f) => {\n  return f();\n};\n",
	})
	b, diagnostics := Build(t.Context(), BuildOptions{Dir: dir, Entry: "scenarios/deep/a.ts"})
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	program, diagnostics := Compile(b)
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	_, turn := start(t, pool(t, Config{}), program)
	if turn.Err == nil {
		t.Fatal("it ended well")
	}
	var places []string
	for line := range strings.Lines(turn.Err.Stack) {
		places = append(places, strings.TrimRight(line[strings.LastIndexByte(line, '(')+1:], ")\n"))
	}
	want := []string{"lib/b.ts:3:13", "scenarios/deep/a.ts:3:36", "node_modules/pkg/i.js:2:3", "scenarios/deep/a.ts:3:24"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("%s\n%s", diff, turn.Err.Stack)
	}
}

func TestSourcesWithoutAFolder(t *testing.T) {
	files := map[string]string{}
	for name, text := range severalFiles {
		if !strings.Contains(name, "node_modules") {
			files[name] = strings.Replace(text, `import tax from "tax";`, `const tax = (x: number) => x * 2;`, 1)
		}
	}
	onDisk, diagnostics := Build(t.Context(), BuildOptions{Dir: folder(t, "x", files), Entry: "scenarios/orders.ts"})
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	virtual, diagnostics := Build(t.Context(), BuildOptions{Sources: files, Entry: "scenarios/orders.ts"})
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	if diff := cmp.Diff(onDisk, virtual); diff != "" {
		t.Errorf("the bundle is another than from a folder:\n%s", diff)
	}
}

func TestDiagnosticsSayEverythingAtOnce(t *testing.T) {
	dir := folder(t, "x", map[string]string{
		"a.ts": "import { readFileSync } from \"node:fs\";\nimport crypto from 'crypto';\nimport _ from \"lodash\";\nimport { x } from \"@scope/pkg/sub\";\nimport \"./missing\";\nimport \"./b\";\nimport vm from 'vm';\nimport http from \"http\";\nexport default () => [readFileSync, crypto, _, x, vm, http];\n",
		"b.ts": "const x: number = ;\n",
	})
	_, diagnostics := Build(t.Context(), BuildOptions{Dir: dir, Entry: "a.ts"})
	var got []string
	for _, d := range diagnostics {
		got = append(got, strings.ReplaceAll(d.String(), dir, "DIR"))
	}
	want := []string{
		`a.ts:1:30: "node:fs" is a module of Node, which scenarios do not have (a scenario has no files; use kv from "junctor")`,
		`a.ts:2:20: "crypto" is a module of Node, which scenarios do not have (use crypto from "junctor")`,
		`a.ts:3:15: the package "lodash" is not installed (npm install lodash in DIR)`,
		`a.ts:4:19: the package "@scope/pkg/sub" is not installed (npm install @scope/pkg in DIR)`,
		`a.ts:5:8: there is no file "./missing"`,
		`a.ts:7:16: "vm" is a module of Node, which scenarios do not have`,
		`a.ts:8:18: "http" is a module of Node, which scenarios do not have (use http from "junctor")`,
		`b.ts:1:19: Unexpected ";"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDiagnosticsOfOtherMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		sources map[string]string
		entry   string
		want    string
	}{
		"no entry":        {map[string]string{"a.ts": ""}, "b.ts", `there is no source "b.ts"`},
		"await outside":   {map[string]string{"a.ts": "export const x = await 1;\n"}, "a.ts", "move it into the exported function"},
		"package":         {map[string]string{"a.ts": "import z from 'zod';\nz();"}, "a.ts", "use junctor apply"},
		"missing export":  {map[string]string{"a.ts": "import { nope } from './b';\nexport default nope;", "b.ts": "export const x = 1;"}, "a.ts", `No matching export`},
		"assign to const": {map[string]string{"a.ts": "const x = 1;\nexport default () => { x = 2 };"}, "a.ts", `Cannot assign to "x"`},
		"out of the root": {map[string]string{"a.ts": "import '../../etc/passwd';"}, "a.ts", `there is no file`},
	} {
		t.Run(name, func(t *testing.T) {
			b, diagnostics := Build(t.Context(), BuildOptions{Sources: c.sources, Entry: c.entry})
			if b != nil || len(diagnostics) != 1 || !strings.Contains(diagnostics[0].String(), c.want) {
				t.Errorf("%v, want %q", diagnostics, c.want)
			}
		})
	}
	if _, diagnostics := Build(t.Context(), BuildOptions{Dir: filepath.Join(t.TempDir(), "none"), Entry: "a.ts"}); len(diagnostics) != 1 {
		t.Errorf("a folder that is not there: %v", diagnostics)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, diagnostics := Build(ctx, BuildOptions{Sources: map[string]string{"a.ts": ""}, Entry: "a.ts"}); len(diagnostics) == 0 ||
		!strings.Contains(diagnostics[0].Message, context.Canceled.Error()) {
		t.Errorf("a cancelled build: %v", diagnostics)
	}
}

func TestWarningsAreKept(t *testing.T) {
	b, diagnostics := Build(t.Context(), BuildOptions{Sources: map[string]string{"a.ts": "export default (x: number) => { if (x === NaN) return 1; return -0 };"}, Entry: "a.ts"})
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	if len(b.Warnings) != 1 || !strings.HasPrefix(b.Warnings[0], "a.ts:1:") {
		t.Errorf("warnings %q", b.Warnings)
	}
}

func TestCommonJSEntry(t *testing.T) {
	b, diagnostics := Build(t.Context(), BuildOptions{Sources: map[string]string{"a.js": "exports.default = () => this === undefined ? 'u' : typeof require;"}, Entry: "a.js"})
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	program, diagnostics := Compile(b)
	if diagnostics != nil {
		t.Fatal(diagnostics)
	}
	if program.Exports() != nil {
		t.Errorf("exports %q", program.Exports())
	}
	if got := answer(t, pool(t, Config{}), program); got != "function" {
		t.Errorf("answer %q", got)
	}
}

func TestCompileRefusesWhatTheEngineDoes(t *testing.T) {
	_, diagnostics := Compile(&Bundle{Code: []byte("// exports:\nlet x = ;\n")})
	if len(diagnostics) != 1 || diagnostics[0].Line != 1 || !strings.Contains(diagnostics[0].Message, "SyntaxError") {
		t.Errorf("%+v", diagnostics)
	}
}

// What other environments have stays undefined, as libraries expect, and an
// error says what to use.
func TestWhatIsNotThereSaysWhatToUse(t *testing.T) {
	p := pool(t, Config{})
	for name, want := range map[string]string{
		"fetch('http://x')":          `fetch is not available: use http from "junctor"`,
		"new XMLHttpRequest()":       `XMLHttpRequest is not available: use http from "junctor"`,
		"process.env.X":              `process is not available: settings come from`,
		"Buffer.from('x')":           `Buffer is not available: use Uint8Array`,
		"setInterval(() => 1, 5)":    `setInterval is not available`,
		"setImmediate(() => 1)":      `setImmediate is not available: use queueMicrotask`,
		"require(String(1))":         `require("1") is not available at run time`,
		"new WeakRef({})":            `WeakRef is not available`,
		"setTimeout('text' as any)":  `setTimeout takes a function`,
		"someName.x":                 `'someName' is not defined`,
		"Promise.reject(7).then()":   `7 was thrown; throw an Error`,
		"(() => { throw {a: 1} })()": `{"a":1}`,
	} {
		program := compile(t, `declare const require: any, Buffer: any, process: any, setImmediate: any, someName: any; export default async function () { return await `+name+` }`)
		_, turn := start(t, p, program)
		if turn.Err == nil || !strings.Contains(turn.Err.Message, want) {
			t.Errorf("%s: %v, want %q", name, turn.Err, want)
		}
	}
	program := compile(t, `declare const process: any, Buffer: any, window: any; export default () => [typeof fetch, typeof process, typeof Buffer, typeof window, typeof WeakRef].join()`)
	if got := answer(t, p, program); got != "undefined,undefined,undefined,undefined,undefined" {
		t.Errorf("their types are %s", got)
	}
}

func TestCheckOfImports(t *testing.T) {
	p := pool(t, Config{})
	program := compile(t, `import { call, htpp, kv } from "junctor";
export default async function () {
  await call("x", "1");
  return htpp.get("x") + kv.get("y") + htpp.z;
}`)
	want := []Diagnostic{
		{File: "scenario.ts", Line: 4, Column: 10, Message: `"junctor" has no export "htpp"`},
		{File: "scenario.ts", Line: 4, Column: 26, Message: `"junctor" has no export "kv"`},
	}
	if diff := cmp.Diff(want, p.Check(program)); diff != "" {
		t.Error(diff)
	}
	if got := p.Check(compile(t, waits)); got != nil {
		t.Error(got)
	}
}

func TestErrorIsAnError(t *testing.T) {
	var err error = &Error{Kind: CPU, Name: "Error", Message: "too long"}
	var e *Error
	if !errors.As(err, &e) || err.Error() != "Error: too long" || (&Error{Message: "x"}).Error() != "x" {
		t.Error(err)
	}
}

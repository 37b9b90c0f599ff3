package host

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"junctor/internal/class"
	"junctor/internal/db/dbtest"
)

// The declarations and the module have the same exports.
func TestDeclarationsNameEveryExport(t *testing.T) {
	var declared []string
	for _, m := range regexp.MustCompile(`(?m)^  export (?:const|function|class) (\w+)`).FindAllStringSubmatch(Declarations(), -1) {
		declared = append(declared, m[1])
	}
	slices.Sort(declared)
	declared = slices.Compact(declared) // overloads
	got := newScenarios(t).run(t, `return Object.keys(junctor).filter((name) => name !== "default").sort();`)
	if want := `["` + strings.Join(declared, `","`) + `"]`; got != want {
		t.Errorf("the module exports\n%s, declared are\n%s", got, want)
	}
}

// The members of what is exported are declared, and what is declared is there.
func TestDeclarationsNameEveryMember(t *testing.T) {
	s := newScenarios(t)
	for _, name := range []string{"http", "kv", "run", "runs", "log", "channel", "links", "schedules", "xml", "csv", "encoding", "base64", "crypto"} {
		block := regexp.MustCompile(`(?ms)^  export const ` + name + `: \{\n(.*?)^  \};`).FindStringSubmatch(Declarations())
		if block == nil {
			t.Errorf("%s is not declared as an object", name)
			continue
		}
		var members []string
		for _, m := range regexp.MustCompile(`(?m)^    (?:readonly )?(\w+)[?:(<]`).FindAllStringSubmatch(block[1], -1) {
			members = append(members, m[1])
		}
		slices.Sort(members)
		members = slices.Compact(members)
		got := s.run(t, `return Object.keys((junctor as any).`+name+`).sort();`)
		if want := `["` + strings.Join(members, `","`) + `"]`; got != want {
			t.Errorf("%s has %s, declared are %s", name, got, want)
		}
	}
}

// What globals.d.ts declares is there, and the scenario that uses it runs.
func TestDeclaredGlobalsExist(t *testing.T) {
	s := newScenarios(t)
	for _, m := range regexp.MustCompile(`(?m)^declare (var|function|class) (\w+)`).FindAllStringSubmatch(Globals(), -1) {
		want := map[string]string{"var": `"object"`, "function": `"function"`, "class": `"function"`}[m[1]]
		if got := s.run(t, `return typeof (globalThis as any).`+m[2]+`;`); got != want {
			t.Errorf("%s is %s, want %s", m[2], got, want)
		}
	}
	for name, block := range map[string]string{"console": "console", "URL.prototype": "URL", "URLSearchParams.prototype": "URLSearchParams", "TextDecoder.prototype": "TextDecoder", "TextEncoder.prototype": "TextEncoder"} {
		text := regexp.MustCompile(`(?ms)^declare (?:var|class) ` + block + `\b.*?^\}`).FindString(Globals())
		for _, m := range regexp.MustCompile(`(?m)^  (?:readonly )?(\w+)[(:<]`).FindAllStringSubmatch(text, -1) {
			if got := s.run(t, `return "`+m[1]+`" in (globalThis as any).`+name+`;`); got != "true" {
				t.Errorf("%s.%s is declared and not there", name, m[1])
			}
		}
	}
}

const typescript = "typescript@6.0.3"

const strictest = `{
  "compilerOptions": {
    "noEmit": true, "strict": true, "noUncheckedIndexedAccess": true, "exactOptionalPropertyTypes": true, "noImplicitOverride": true,
    "noUnusedLocals": true, "noFallthroughCasesInSwitch": true, "skipLibCheck": false,
    "target": "es2023", "lib": ["es2023"], "module": "esnext", "moduleResolution": "bundler", "types": []
  },
  "files": ["junctor.d.ts", "globals.d.ts", "example.ts", "links.ts", "mistakes.ts", "globals.ts", "schedules.ts"]
}`

// examples are the integrations of the repository, without their tests, which
// import another module.
const examples = `{
  "compilerOptions": {
    "noEmit": true, "strict": true, "target": "es2023", "lib": ["es2023"], "module": "esnext", "moduleResolution": "bundler", "types": []
  },
  "include": ["junctor.d.ts", "examples/*/scenarios/**/*.ts"],
  "exclude": ["**/*.test.ts"]
}`

// The declarations pass the strictest checks, and so does a scenario that uses
// all of them; another is full of mistakes that they find. The repository's
// examples pass as well.
func TestDeclarationsPassTheCompiler(t *testing.T) {
	compiler := installTypeScript(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "junctor.d.ts"), []byte(Declarations()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "globals.d.ts"), []byte(Globals()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"example.ts", "links.ts", "mistakes.ts", "globals.ts", "schedules.ts"} {
		text, err := os.ReadFile(filepath.Join("testdata", "types", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join("..", "..", "examples"))); err != nil {
		t.Fatal(err)
	}
	for _, config := range []string{strictest, examples} {
		if err := os.WriteFile(filepath.Join(dir, "tsconfig.json"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "node", compiler, "--project", dir).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// classes are those that testdata/types/records.ts uses.
var classes = map[string]json.RawMessage{
	"countries": json.RawMessage(`{"key":"code","columns":{"code":"text!","name":"text"}}`),
	"customers": json.RawMessage(`{"key":["code"],"comment":"who */ buys","columns":{"code":"text!","country":"ref(countries)","vat":{"type":"text","unique":true}}}`),
	"orders": json.RawMessage(`{"key":["number"],"columns":{"number":"text!","customer":"ref(customers)","total":"decimal(12,2)","pieces":"integer",
		"received":"datetime","paid":"boolean","note":"text","extra":"json","state":"enum(new,done)","serial":"autonumber",
		"twice":{"type":"decimal","precision":14,"scale":2,"computed":"total mul 2"}}}`),
}

// Classes that are declared are known by their columns, and what they are not is
// a mistake that the compiler finds.
func TestClassDeclarationsPassTheCompiler(t *testing.T) {
	compiler := installTypeScript(t)
	model, found := class.NewModel(classes)
	if len(found) > 0 {
		t.Fatal(found)
	}
	dir := t.TempDir()
	scenario, err := os.ReadFile(filepath.Join("testdata", "types", "records.ts"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"junctor.d.ts": Declarations(), "globals.d.ts": Globals(), "classes.d.ts": ClassDeclarations(model), "records.ts": string(scenario),
		"tsconfig.json": strings.Replace(strictest, `"example.ts", "links.ts", "mistakes.ts", "globals.ts", "schedules.ts"`, `"classes.d.ts", "records.ts"`, 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "node", compiler, "--project", dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, ClassDeclarations(model))
	}
}

// installTypeScript returns the compiler's script.
func installTypeScript(t *testing.T) string {
	t.Helper()
	return filepath.Join(dbtest.Packages(t, typescript), "node_modules", "typescript", "lib", "tsc.js")
}

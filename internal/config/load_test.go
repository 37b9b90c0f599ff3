package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/config"
	"junctor/internal/fault"
	"junctor/internal/script"
)

var update = flag.Bool("update", false, "write what is found into the golden files")

func printed(problems []config.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

// Ten mistakes, ten lines, each with its place.
func TestLoadFindsTenMistakes(t *testing.T) {
	const golden = "testdata/ten.txt"
	_, problems := config.Load(t.Context(), "testdata/ten")
	got := printed(problems)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" || len(problems) != 10 {
		t.Error(len(problems), diff)
	}
}

// folder makes a folder of files, a path and its text in turn.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const oneLine = "export default () => 1;\n"

func TestLoadProblems(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"no file":        {[]string{"scenarios/a.ts", oneLine}, "junctor.yaml: is missing: an integration's folder has a junctor.yaml and a folder scenarios\n"},
		"list":           {[]string{"junctor.yaml", "- a\n"}, "junctor.yaml:1:1: this is no map; write keys like channels: below each other\n"},
		"text":           {[]string{"junctor.yaml", "hello\n"}, "junctor.yaml:1:1: this is no map; write keys like channels: below each other\n"},
		"kind of list":   {[]string{"junctor.yaml", "channels: [a]\n"}, "junctor.yaml:1:11: channels: must be a map with a code for each of the channels\n"},
		"null channel":   {[]string{"junctor.yaml", "channels:\n  shop:\n"}, "junctor.yaml:2:3: channels.shop: must be an object, not null\n"},
		"domain":         {[]string{"junctor.yaml", "domain: acme\n"}, "junctor.yaml:1:9: domain: this release has the domain \"default\" only\n"},
		"domain number":  {[]string{"junctor.yaml", "domain: 1\n"}, "junctor.yaml:1:9: domain: must be a text\n"},
		"unknown role":   {[]string{"junctor.yaml", "channels:\n  a: { type: public, scenario: s, websocket_role: x }\n", "scenarios/s.ts", oneLine}, "junctor.yaml:2:51: channels.a.websocket_role: there is no role \"x\"\n"},
		"bad code":       {[]string{"junctor.yaml", "connections:\n  a b: { type: http, url: \"https://a\" }\n"}, "junctor.yaml:2:3: connections.a b: is not usable as a code: write up to 64 letters, digits, dots, dashes and underscores, a letter or digit first\n"},
		"quotes missing": {[]string{"junctor.yaml", "channels:\n  a: { type: public, scenario: s, verify: { bearer: 123 } }\n", "scenarios/s.ts", oneLine}, "junctor.yaml:2:53: channels.a.verify.bearer: must be a text, not a number; put it in quotes\n"},
		"syntax hides only the file": {[]string{"junctor.yaml", "channels: {\n", "scenarios/a.ts", "export default (\n"},
			"junctor.yaml:1:11: could not find flow mapping end token '}'\nscenarios/a.ts:2:1: Unexpected end of file\n"},
		"two files": {[]string{"junctor.yaml", "", "scenarios/a.ts", oneLine, "scenarios/a.js", oneLine},
			"scenarios/a.ts: scenario \"a\" has two files; keep one of .ts and .js\n"},
		"no default": {[]string{"junctor.yaml", "channels: { a: { type: public, scenario: s } }\n", "scenarios/s.ts", "export const x = 1;\n"},
			"junctor.yaml:1:42: channels.a.scenario: scenario \"s\" exports no default: write \"export default async function (request) { ... }\"\n"},
		"broken scenario is not missing too": {[]string{"junctor.yaml", "channels: { a: { type: public, scenario: s } }\n", "scenarios/s.ts", "import './none';\n" + oneLine},
			"scenarios/s.ts:1:8: there is no file \"./none\"\n"},
		"missing members": {[]string{"junctor.yaml", "channels:\n  a:\n    comment: x\n"}, "junctor.yaml:2:3: channels.a.type: is required\njunctor.yaml:2:3: channels.a.scenario: is required, or a websocket_scenario\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := config.Load(t.Context(), folder(t, c.files...))
			if diff := cmp.Diff(c.want, printed(problems)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadNothing(t *testing.T) {
	if _, problems := config.Load(t.Context(), filepath.Join(t.TempDir(), "none")); len(problems) != 1 || !strings.Contains(problems[0].Message, "there is no folder") {
		t.Errorf("no folder: %v", problems)
	}
	for name, text := range map[string]string{"empty": "", "comment": "# soon\n", "sections": "settings:\nconnections:\nchannels:\n"} {
		set, problems := config.Load(t.Context(), folder(t, "junctor.yaml", text))
		if len(problems) > 0 || len(set.Settings) > 0 || len(set.Objects[config.Channels]) > 0 || len(set.Scenarios) > 0 {
			t.Errorf("%s: %+v, %v", name, set, problems)
		}
	}
}

// A scenario that uses an npm package is bundled with it, and keeps what is
// needed to install it again.
func TestLoadPackages(t *testing.T) {
	dir := folder(t, "junctor.yaml", "",
		"package.json", `{"dependencies":{"tiny":"1.0.0"}}`,
		"node_modules/tiny/package.json", `{"name":"tiny","version":"1.0.0","main":"index.js"}`,
		"node_modules/tiny/index.js", "exports.one = 1;\n",
		"scenarios/a.ts", "import { one } from 'tiny';\nexport default () => one;\n",
		"scenarios/b.ts", oneLine)
	set := load(t, dir)
	a, b := set.Scenarios["a"].Sources, set.Scenarios["b"].Sources
	if a["package.json"] != `{"dependencies":{"tiny":"1.0.0"}}` || len(a) != 2 || len(b) != 1 {
		t.Errorf("sources of a %v, of b %v", a, b)
	}
}

func TestWrite(t *testing.T) {
	set := load(t, "testdata/shop")
	dir := folder(t, "scenarios/old.ts", oneLine, "scenarios/old.test.ts", "x", "README.md", "mine")
	leftover, err := config.Write(set, dir)
	if err != nil || !slices.Equal(leftover, []string{"scenarios/old.ts"}) {
		t.Errorf("leftover %v (%v)", leftover, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "README.md")); err != nil || string(text) != "mine" {
		t.Errorf("a file that is not the configuration's became %q (%v)", text, err)
	}
	first, err := os.ReadFile(filepath.Join(dir, config.File))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Write(load(t, "testdata/shop"), dir); err != nil {
		t.Fatal(err)
	}
	if second, err := os.ReadFile(filepath.Join(dir, config.File)); err != nil || string(first) != string(second) {
		t.Errorf("written twice, two texts (%v):\n%s\n%s", err, first, second)
	}
}

func TestWriteStaysInTheFolder(t *testing.T) {
	for _, path := range []string{"../out.ts", "/tmp/out.ts", "link/out.ts"} {
		dir, outside := t.TempDir(), t.TempDir()
		if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		set := &config.Set{Scenarios: map[string]*script.Bundle{"a": {Sources: map[string]string{path: "x"}}}}
		if _, err := config.Write(set, dir); err == nil {
			t.Errorf("%s was written", path)
		}
	}
}

func TestWriteRefusesTwoTexts(t *testing.T) {
	set := &config.Set{Scenarios: map[string]*script.Bundle{
		"a": {Sources: map[string]string{"scenarios/lib.ts": "1"}}, "b": {Sources: map[string]string{"scenarios/lib.ts": "2"}},
	}}
	if _, err := config.Write(set, t.TempDir()); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
}

// Package docs_test keeps the documentation true as far as a machine can tell:
// its links lead somewhere, its configuration is valid, its scenarios compile.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"junctor/internal/config"
)

// pages are all Markdown files that people read, from the repository's root.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/RESULTS.md"}
	for _, dir := range []string{"docs", "examples"} {
		err := fs.WalkDir(os.DirFS(".."), dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".md") {
				all = append(all, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func read(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(read(t, page), -1) {
			target, _, _ := strings.Cut(found[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join("..", filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, found[1])
			}
		}
	}
}

// blocks are the pieces of code in one language.
func blocks(text, language string) (all []string) {
	_, rest, more := strings.Cut(text, "\n```"+language+"\n")
	for more {
		var code string
		if code, rest, more = strings.Cut(rest, "\n```"); more {
			all = append(all, code+"\n")
			_, rest, more = strings.Cut(rest, "\n```"+language+"\n")
		}
	}
	return all
}

func TestReadmeIntegrationIsValid(t *testing.T) {
	text := read(t, "README.md")
	yaml, ts := blocks(text, "yaml"), blocks(text, "ts")
	if len(yaml) != 1 || len(ts) != 1 {
		t.Fatalf("the tutorial has %d pieces of YAML and %d of TypeScript, want one each", len(yaml), len(ts))
	}
	load(t, yaml[0], map[string]string{"greet": ts[0]})
}

func TestGuideConfigurationIsValid(t *testing.T) {
	count := 0
	for _, page := range pages(t) {
		if !strings.HasPrefix(page, "docs/") {
			continue
		}
		for _, block := range blocks(read(t, page), "yaml") {
			if strings.Contains(block, "{ ... }") || strings.HasPrefix(block, "# answers") {
				continue // shortened, or a file of another kind
			}
			for _, whole := range complete(block) {
				count++
				t.Run(page, func(t *testing.T) { load(t, whole, stubs(whole)) })
			}
		}
	}
	if count < 5 {
		t.Errorf("only %d pieces of configuration were found", count)
	}
}

// complete makes whole files of what a page shows in part: members of a channel
// are shown with their indentation, alternatives one per line.
func complete(block string) []string {
	switch {
	case strings.HasPrefix(block, "domain:"):
		return []string{block}
	case strings.HasPrefix(block, "    "):
		var all []string
		for line := range strings.Lines(block) {
			all = append(all, "channels:\n  x:\n    type: public\n    scenario: stub\n"+line)
		}
		return all
	default:
		return []string{"domain: default\n" + block}
	}
}

var scenario = regexp.MustCompile(`scenario: (\w+)`)

// stubs are empty scenarios for all names that a configuration refers to.
func stubs(yaml string) map[string]string {
	all := map[string]string{}
	for _, found := range scenario.FindAllStringSubmatch(yaml, -1) {
		all[found[1]] = "export default function () {}"
	}
	return all
}

func TestGuideScenariosCompile(t *testing.T) {
	for _, page := range pages(t) {
		for _, block := range blocks(read(t, page), "ts") {
			if strings.Contains(block, "import") && strings.Contains(block, "export default") {
				t.Run(page, func(t *testing.T) { load(t, "domain: default\n", map[string]string{"shown": block}) })
			}
		}
	}
}

func load(t *testing.T, yaml string, scenarios map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"junctor.yaml": yaml}
	for name, text := range scenarios {
		files["scenarios/"+name+".ts"] = text
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, problems := config.Load(t.Context(), dir)
	for _, p := range problems {
		t.Errorf("%s:%d:%d: %s\nin\n%s", p.File, p.Line, p.Column, p.Message, files[p.File])
	}
}

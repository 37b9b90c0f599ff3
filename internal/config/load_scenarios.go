package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"junctor/internal/script"
)

// folder is where scenarios are; sub-folders hold what they import.
const folder = "scenarios"

// loadScenarios bundles the scenarios of a folder into the set. known has every
// file that could be meant as a scenario, with the reason why it is none.
func loadScenarios(ctx context.Context, dir string, set *Set) (known map[string]string, problems []Problem) {
	known = map[string]string{}
	entries, err := os.ReadDir(filepath.Join(dir, folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return known, []Problem{{File: folder, Message: "cannot be read: " + err.Error()}}
	}
	for _, e := range entries {
		name, ok := scenarioName(e.Name())
		if !ok || e.IsDir() {
			continue
		}
		file := folder + "/" + e.Name()
		if _, twice := known[name]; twice {
			problems = append(problems, Problem{File: file, Message: fmt.Sprintf("scenario %q has two files; keep one of .ts and .js", name)})
			continue
		}
		if wrong := checkCode(name); wrong != "" {
			problems = append(problems, Problem{File: file, Message: fmt.Sprintf("%q %s", name, wrong)})
		}
		bundle, program, found := build(ctx, dir, file)
		problems = append(problems, found...)
		switch known[name] = ""; {
		case program == nil: // reported
		case !runnable(program):
			known[name] = noDefault(name)
		default:
			set.Scenarios[name] = bundle
		}
	}
	return known, problems
}

// scenarioName is the code of the scenario in a file; false for tests, type
// declarations and everything else.
func scenarioName(file string) (string, bool) {
	for _, other := range []string{".d.ts", ".test.ts", ".test.js"} {
		if strings.HasSuffix(file, other) {
			return "", false
		}
	}
	for _, extension := range []string{".ts", ".js"} {
		if name, ok := strings.CutSuffix(file, extension); ok && name != "" {
			return name, true
		}
	}
	return "", false
}

// build bundles and compiles one file. Bundle and program are nil when there
// are problems.
func build(ctx context.Context, dir, file string) (*script.Bundle, *script.Program, []Problem) {
	bundle, diagnostics := script.Build(ctx, script.BuildOptions{Dir: dir, Entry: file})
	var program *script.Program
	if len(diagnostics) == 0 {
		program, diagnostics = script.Compile(bundle)
	}
	if len(diagnostics) == 0 {
		addManifest(dir, bundle)
		return bundle, program, nil
	}
	problems := make([]Problem, len(diagnostics))
	for i, d := range diagnostics {
		problems[i] = Problem{File: d.File, Line: d.Line, Column: d.Column, Message: d.Message}
		if d.File == "" {
			problems[i].File = file
		}
		if d.Hint != "" {
			problems[i].Message += "; " + d.Hint
		}
	}
	return nil, nil, problems
}

// addManifest keeps with a scenario that uses npm packages which ones these
// are, so that its exported folder can be installed and built again.
func addManifest(dir string, bundle *script.Bundle) {
	if !bytes.Contains(bundle.Map, []byte("node_modules/")) {
		return
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			bundle.Sources[name] = string(text)
		}
	}
}

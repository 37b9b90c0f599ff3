package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// What needs no installation: scenarios tried in their folder, and load.
func TestTrials(t *testing.T) { tell(t, "testdata/trials", "") }

// The tests of the repository's examples pass, and each has some.
func TestExamples(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*/junctor.yaml")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range dirs {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			out, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			err = testAll{Dir: filepath.Dir(file)}.Run(t.Context(), newConsole(os.Stdin, out, out))
			text, readErr := os.ReadFile(path)
			if err != nil || readErr != nil || !passed.Match(text) {
				t.Errorf("%v %v\n%s", err, readErr, text)
			}
		})
	}
}

var passed = regexp.MustCompile(`(?m)^\d+ tests? passed\.$`)

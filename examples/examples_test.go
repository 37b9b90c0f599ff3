// Package examples_test keeps every example, and the integrations of the
// benchmark and the torture, free of mistakes.
package examples_test

import (
	"os"
	"path/filepath"
	"testing"

	"junctor/internal/config"
)

func TestEveryIntegrationHasNoMistake(t *testing.T) {
	dirs, err := filepath.Glob("*")
	if err != nil {
		t.Fatal(err)
	}
	dirs = append(dirs, "../bench/integration", "../test/torture/integration")
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		t.Run(dir, func(t *testing.T) {
			set, problems := config.Load(t.Context(), dir)
			for _, p := range problems {
				t.Errorf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
			}
			if len(set.Scenarios) == 0 || len(set.Objects["channels"])+len(set.Objects["functions"]) == 0 {
				t.Errorf("%d scenarios and nothing that starts them", len(set.Scenarios))
			}
		})
	}
}

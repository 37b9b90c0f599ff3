package config_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/config"
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

package example_test

import (
	"os"
	"testing"

	"junctor/test/outside"
)

// built is the binary, for all tests of this package.
var built outside.Once

func TestMain(m *testing.M) {
	code := m.Run()
	built.Remove()
	os.Exit(code)
}

func binary(t *testing.T) string {
	t.Helper()
	path, err := built.Binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

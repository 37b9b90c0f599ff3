package example_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"junctor/test/outside"
)

// build makes the binary once for all tests of this package.
var build = sync.OnceValues(func() (string, error) {
	return outside.Build(context.Background(), built, "./cmd/junctor")
})

var built string // of the binary, removed after the last test

func TestMain(m *testing.M) {
	var err error
	if built, err = os.MkdirTemp("", "junctor-example-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(built) //nolint:errcheck // what is left is in the place for temporary things
	os.Exit(code)
}

func binary(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

package example_test

import (
	"testing"

	"junctor/test/outside"
)

// built is the binary, for all tests of this package.
var built outside.Once

func TestMain(m *testing.M) { built.Main(m.Run) }

package hub

import (
	"runtime"
	"testing"
)

// The thread that is there for waiting is no core that a script could hold.
func TestOneMoreThreadIsNotOneMoreCore(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	if n := computing(); n != cores {
		t.Errorf("of %d cores %d compute", cores, n)
	}
	runtime.GOMAXPROCS(cores + 1)
	if n := computing(); n != cores {
		t.Errorf("with one more thread, of %d cores %d compute", cores, n)
	}
}

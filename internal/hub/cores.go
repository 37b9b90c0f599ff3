package hub

import (
	"os"
	"runtime"
	"sync"
)

// cores is how many of the machine's this process may use.
var cores = runtime.GOMAXPROCS(0)

// oneMore lets the runtime work on one more thread than there are cores: one is
// nearly always in a call that waits for the disk, and what waits behind it on
// the same thread would wait as well. GOMAXPROCS in the environment goes before.
var oneMore = sync.OnceFunc(func() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) == cores {
		runtime.GOMAXPROCS(cores + 1)
	}
})

// computing is how many threads there are for what computes: without the one
// that oneMore has added.
func computing() int {
	if n := runtime.GOMAXPROCS(0); n > cores {
		return n - 1
	}
	return cores
}

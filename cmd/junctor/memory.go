package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A heap may grow by heapGrowth percent between two collections, or at least by as
// much as is in use, when that is more than heapGarbage bytes.
const (
	heapGrowth  = 300
	heapGarbage = 512 << 20
)

// tuneMemory lets the heap grow further between two collections than Go does by
// itself: a server's is small, and collecting it is a tenth of its work. A large
// one grows as Go lets it, or three quarters of the memory were garbage. GOGC goes
// before.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
		collected(heapGrowth)
	}
}

// collected is called after each collection, when percent is how far the heap may
// grow, and sees to it that it is called after the next one.
func collected(percent int) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if next := growth(live[0].Value.Uint64()); next != percent {
		debug.SetGCPercent(next)
		percent = next
	}
	runtime.AddCleanup(new([32]byte), collected, percent) // nobody holds it: the next collection finds it
}

// growth is by how many percent a heap may grow of which so many bytes are in use.
func growth(live uint64) int {
	return int(min(heapGrowth, max(100, heapGarbage*100/max(live, 1))))
}

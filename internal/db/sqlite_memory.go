package db

import (
	"sync"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/memory"
	sqlite3 "modernc.org/sqlite/lib"
)

// memoryOfItsOwn gives SQLite an allocator that nothing else uses. All else that
// was made from C takes its memory from one allocator behind one lock, and so
// does every function call of a script: the committer stood in that queue for
// longer than it worked.
var memoryOfItsOwn = sync.OnceFunc(func() {
	tls := libc.NewTLS()
	defer tls.Close()
	list := allocate(tls, 16)
	defer release(tls, list)
	// Once SQLite is in use it refuses, and goes on with what it has.
	sqlite3.Xsqlite3_config(tls, sqlite3.SQLITE_CONFIG_MALLOC, libc.VaList(list, uintptr(unsafe.Pointer(&sqliteMemory))))
	sqlite3.Xsqlite3_config(tls, sqlite3.SQLITE_CONFIG_MEMSTATUS, libc.VaList(list, int32(0)))
})

// memoryMethods is sqlite3_mem_methods.
type memoryMethods struct {
	malloc, free, realloc, size, roundup, init, shutdown, data uintptr
}

var sqliteMemory = memoryMethods{
	malloc:   function(allocate),
	free:     function(release),
	realloc:  function(reallocate),
	size:     function(sizeOfBlock),
	roundup:  function(roundUp),
	init:     function(func(*libc.TLS, uintptr) int32 { return sqlite3.SQLITE_OK }),
	shutdown: function(func(*libc.TLS, uintptr) {}),
}

// function is what C code made into Go keeps as a pointer to f.
func function[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f F }{f})) }

var (
	heap   memory.Allocator
	heapMu sync.Mutex // guards heap
)

func allocate(_ *libc.TLS, n int32) uintptr {
	heapMu.Lock()
	defer heapMu.Unlock()
	p, err := heap.UintptrMalloc(int(n))
	if err != nil {
		return 0
	}
	return p
}

func release(_ *libc.TLS, p uintptr) {
	heapMu.Lock()
	defer heapMu.Unlock()
	heap.UintptrFree(p) //nolint:errcheck // the system does not take the pages back: they stay
}

func reallocate(_ *libc.TLS, p uintptr, n int32) uintptr {
	heapMu.Lock()
	defer heapMu.Unlock()
	q, err := heap.UintptrRealloc(p, int(n))
	if err != nil {
		return 0
	}
	return q
}

func sizeOfBlock(_ *libc.TLS, p uintptr) int32 { return int32(memory.UintptrUsableSize(p)) }

func roundUp(_ *libc.TLS, n int32) int32 { return (n + 15) &^ 15 }

// outside is n bytes of SQLite's memory, nil when there are none. release takes
// the address of its first.
func outside(n int) []byte {
	heapMu.Lock()
	defer heapMu.Unlock()
	b, err := heap.Malloc(n)
	if err != nil {
		return nil
	}
	return b
}

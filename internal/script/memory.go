package script

import (
	"errors"
	"reflect"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libquickjs"
	"modernc.org/quickjs"
)

// heap is one engine's memory. Scripts can catch "out of memory", and when it
// comes depends on what else is on the heap, so a run that went on would not be
// deterministic: the heap notes each allocation that failed. The engine offers
// no way to ask, so this reaches into the runtime of the pinned version; newHeap
// fails if it finds anything else.
type heap struct {
	runtime   *libquickjs.TJSRuntime
	exhausted atomic.Bool
	// Kept here, since the engine's C memory points at them.
	malloc  func(*libc.TLS, uintptr, libquickjs.Tsize_t) uintptr
	realloc func(*libc.TLS, uintptr, uintptr, libquickjs.Tsize_t) uintptr
}

var errLayout = errors.New("the engine's memory cannot be watched: this version of modernc.org/quickjs is laid out differently")

func newHeap(vm *quickjs.VM) (*heap, error) {
	state := reflect.ValueOf(vm).Elem().FieldByName("state")
	if !state.IsValid() {
		return nil, errLayout
	}
	runtime := state.FieldByName("runtime")
	if !runtime.IsValid() || runtime.Kind() != reflect.Pointer {
		return nil, errLayout
	}
	address := runtime.Elem().FieldByName("cRuntime")
	if !address.IsValid() || address.Kind() != reflect.Uintptr {
		return nil, errLayout
	}
	at := uintptr(address.Uint())
	h := &heap{runtime: *(**libquickjs.TJSRuntime)(unsafe.Pointer(&at))}
	functions := &h.runtime.Fmalloc_ctx.Fmf
	if functions.Fjs_malloc == 0 || functions.Fjs_realloc == 0 || h.used() <= 0 {
		return nil, errLayout
	}
	malloc := *(*func(*libc.TLS, uintptr, libquickjs.Tsize_t) uintptr)(unsafe.Pointer(&functions.Fjs_malloc))
	realloc := *(*func(*libc.TLS, uintptr, uintptr, libquickjs.Tsize_t) uintptr)(unsafe.Pointer(&functions.Fjs_realloc))
	h.malloc = func(tls *libc.TLS, s uintptr, size libquickjs.Tsize_t) uintptr {
		p := malloc(tls, s, size)
		if p == 0 {
			h.exhausted.Store(true)
		}
		return p
	}
	h.realloc = func(tls *libc.TLS, s, old uintptr, size libquickjs.Tsize_t) uintptr {
		p := realloc(tls, s, old, size)
		if p == 0 && size != 0 {
			h.exhausted.Store(true)
		}
		return p
	}
	functions.Fjs_malloc = *(*uintptr)(unsafe.Pointer(&h.malloc))
	functions.Fjs_realloc = *(*uintptr)(unsafe.Pointer(&h.realloc))
	return h, nil
}

// used is the size of the heap in bytes.
func (h *heap) used() int64 { return int64(h.runtime.Fmalloc_ctx.Fmalloc_state.Fmalloc_size) }

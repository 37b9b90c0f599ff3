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

// internals is what must be known of an engine and what it has no way to ask
// for. It reaches into the pinned version of modernc.org/quickjs; newInternals
// fails if that is laid out differently.
//
// A script can catch "out of memory", and when it comes depends on what else is
// on the heap, so a run that went on would not be deterministic: each failed
// allocation is noted. And the engine looks for an interrupt at every ten
// thousandth jump only: a loop around an expensive native would go on for
// seconds.
type internals struct {
	tls       *libc.TLS
	runtime   *libquickjs.TJSRuntime
	context   *libquickjs.TJSContext
	exhausted atomic.Bool // an allocation failed
	// The engine's C memory points at these, the garbage collector must not take them.
	malloc  func(*libc.TLS, uintptr, libquickjs.Tsize_t) uintptr
	realloc func(*libc.TLS, uintptr, uintptr, libquickjs.Tsize_t) uintptr
	argv    uintptr // of call, in C memory
	scratch uintptr // of string, in C memory
}

var errLayout = errors.New("this version of modernc.org/quickjs is laid out differently than the one Junctor was made for")

func newInternals(vm *quickjs.VM) (*internals, error) {
	state := reflect.ValueOf(vm).Elem().FieldByName("state")
	if !state.IsValid() {
		return nil, errLayout
	}
	context, runtime := state.FieldByName("cContext"), state.FieldByName("runtime")
	if !context.IsValid() || context.Kind() != reflect.Uintptr || !runtime.IsValid() || runtime.Kind() != reflect.Pointer {
		return nil, errLayout
	}
	inner, tls := runtime.Elem().FieldByName("cRuntime"), runtime.Elem().FieldByName("tls")
	if !inner.IsValid() || inner.Kind() != reflect.Uintptr || !tls.IsValid() || tls.Type() != reflect.TypeFor[*libc.TLS]() {
		return nil, errLayout
	}
	if valueField.Type != reflect.TypeFor[libquickjs.TJSValue]() {
		return nil, errLayout
	}
	runtimeAt, contextAt := uintptr(inner.Uint()), uintptr(context.Uint())
	in := &internals{
		tls:     (*libc.TLS)(tls.UnsafePointer()),
		runtime: *(**libquickjs.TJSRuntime)(unsafe.Pointer(&runtimeAt)),
		context: *(**libquickjs.TJSContext)(unsafe.Pointer(&contextAt)),
	}
	if in.context.Frt != runtimeAt || in.heap() <= 0 {
		return nil, errLayout
	}
	in.watchAllocations()
	in.argv = libc.Xmalloc(in.tls, libquickjs.Tsize_t(maxArguments*unsafe.Sizeof(jsUndefined)))
	in.scratch = libc.Xmalloc(in.tls, scratchSize)
	if in.argv == 0 || in.scratch == 0 {
		return nil, errors.New("out of memory")
	}
	return in, nil
}

func (in *internals) free() {
	libc.Xfree(in.tls, in.argv)
	libc.Xfree(in.tls, in.scratch)
}

// watchAllocations puts itself between the engine and its allocator. Only large
// blocks and arenas come by here, so it costs nothing that could be measured.
func (in *internals) watchAllocations() {
	functions := &in.runtime.Fmalloc_ctx.Fmf
	malloc := *(*func(*libc.TLS, uintptr, libquickjs.Tsize_t) uintptr)(unsafe.Pointer(&functions.Fjs_malloc))
	realloc := *(*func(*libc.TLS, uintptr, uintptr, libquickjs.Tsize_t) uintptr)(unsafe.Pointer(&functions.Fjs_realloc))
	in.malloc = func(tls *libc.TLS, s uintptr, size libquickjs.Tsize_t) uintptr {
		p := malloc(tls, s, size)
		if p == 0 {
			in.exhausted.Store(true)
		}
		return p
	}
	in.realloc = func(tls *libc.TLS, s, old uintptr, size libquickjs.Tsize_t) uintptr {
		p := realloc(tls, s, old, size)
		if p == 0 && size != 0 {
			in.exhausted.Store(true)
		}
		return p
	}
	functions.Fjs_malloc = *(*uintptr)(unsafe.Pointer(&in.malloc))
	functions.Fjs_realloc = *(*uintptr)(unsafe.Pointer(&in.realloc))
}

// heap is the size of the engine's heap in bytes.
func (in *internals) heap() int64 { return int64(in.runtime.Fmalloc_ctx.Fmalloc_state.Fmalloc_size) }

// valueField is where a quickjs.Value keeps the engine's.
var valueField, _ = reflect.TypeFor[quickjs.Value]().FieldByName("v")

func bare(v *quickjs.Value) *libquickjs.TJSValue {
	return (*libquickjs.TJSValue)(unsafe.Add(unsafe.Pointer(v), valueField.Offset))
}

// settled looks at a promise. Once it is not pending any more, value is what it
// was fulfilled or rejected with, to be freed by the caller.
func (in *internals) settled(promise quickjs.Value) (value libquickjs.TJSValue, fulfilled, done bool) {
	context := uintptr(unsafe.Pointer(in.context))
	state := libquickjs.XJS_PromiseState(in.tls, context, *bare(&promise))
	if state != libquickjs.EJS_PROMISE_FULFILLED && state != libquickjs.EJS_PROMISE_REJECTED {
		return value, false, false
	}
	value = libquickjs.XJS_PromiseResult(in.tls, context, *bare(&promise))
	return value, state == libquickjs.EJS_PROMISE_FULFILLED, true
}

// quiet reports whether no job is queued.
func (in *internals) quiet() bool {
	list := &in.runtime.Fjob_list
	return list.Fnext == uintptr(unsafe.Pointer(list))
}

// hasten makes the engine look for an interrupt at its next jump. It may be
// called from any goroutine while the engine executes, and be lost: the engine
// counts down at the same time.
func (in *internals) hasten() { atomic.StoreInt32(&in.context.Finterrupt_counter, 1) }
